"""Reads snapshots that the service has stored in Redis."""

from rest_service.tests.api_helpers import JsonObject
from smart_kit.contracts.configuration import AssistantSnapshot, ConfigurationSnapshot
from smart_kit.contracts.keys import (
    CONFIGURATION_KEY,
    user_key,
)
from smart_kit.contracts.users import UserSnapshot
from smart_kit.redis import Redis


async def read_stored_configuration(redis: Redis) -> ConfigurationSnapshot:
    return ConfigurationSnapshot.model_validate_json(await redis.get(CONFIGURATION_KEY) or "")


async def read_stored_assistants(redis: Redis) -> dict[str, AssistantSnapshot]:
    return {item.name: item for item in (await read_stored_configuration(redis)).assistants}


async def read_stored_user(redis: Redis, user: JsonObject) -> UserSnapshot:
    text = await redis.get(user_key(user["telegram_id"]))
    return UserSnapshot.model_validate_json(text or "")
