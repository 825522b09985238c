"""Reads users from Redis, and creates new ones through rest_service."""

from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import ValidationError

from smart_kit.contracts.base import Contract
from smart_kit.contracts.keys import ACTIVE_BOT_KEY, user_key
from smart_kit.contracts.queue import BotIdentity, Sender
from smart_kit.contracts.users import UpsertedUser, UserSnapshot
from smart_kit.log import summarize_validation_error
from smart_kit.redis import Redis, await_result

from ..services.rest_service import RestServiceClient
from .user_creation import UserCreator

SnapshotT = TypeVar("SnapshotT", bound=Contract)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class UserAndBot:
    """What Redis holds about a message's user and bot; None: nothing, or invalid data."""

    user: UserSnapshot | None
    bot_id: int | None
    """Id of the bot that tg_bot serves now."""


class UserStore:
    """Reads and creates users."""

    def __init__(self, redis: Redis, rest: RestServiceClient) -> None:
        self._redis = redis
        self._creator = UserCreator(rest)

    async def get(self, telegram_id: int) -> UserAndBot:
        """Return user and current bot, in one round trip."""
        user, bot = await await_result(self._redis.mget(user_key(telegram_id), ACTIVE_BOT_KEY))
        identity = _parse_snapshot(BotIdentity, bot)
        return UserAndBot(
            _parse_snapshot(UserSnapshot, user), identity.id if identity is not None else None
        )

    async def create(self, sender: Sender) -> UpsertedUser:
        """Create a user who is not in Redis. Raises what RestServiceClient raises."""
        return await self._creator.create(sender)


def _parse_snapshot(snapshot_type: type[SnapshotT], stored: str | None) -> SnapshotT | None:
    if stored is None:
        return None
    try:
        return snapshot_type.model_validate_json(stored)
    except ValidationError as error:
        log.error(
            "snapshot invalid",
            kind=snapshot_type.__name__,
            reason=summarize_validation_error(error),
        )
        return None
