"""Who a message is from: from Redis, or, for somebody not yet there, from rest_service."""

import structlog
from pydantic import ValidationError

from smart_kit.contracts.keys import user_key
from smart_kit.contracts.queue import Sender
from smart_kit.contracts.users import UserSnapshot, UserUpsert
from smart_kit.redis import Redis, answer

from ..services.rest_service import RestServiceClient

_TOLD_BY_TELEGRAM = {"first_name", "username", "language_code"}

log = structlog.stdlib.get_logger()


class UserStore:
    """People as the suite knows them."""

    def __init__(self, redis: Redis, rest: RestServiceClient) -> None:
        self._redis = redis
        self._rest = rest

    async def find(self, sender: Sender) -> UserSnapshot:
        """The person, created where they are new. Raises what RestServiceClient raises."""
        kept = await self._read(sender.telegram_id)
        if kept is not None:
            return kept
        said = sender.model_dump(include=_TOLD_BY_TELEGRAM, exclude_unset=True)
        user = await self._rest.upsert_user(sender.telegram_id, UserUpsert.model_validate(said))
        # rest_service writes the key before it answers, with the threads that it alone knows
        return await self._read(sender.telegram_id) or UserSnapshot(**user.model_dump(), version=0)

    async def _read(self, telegram_id: int) -> UserSnapshot | None:
        kept = await answer(self._redis.get(user_key(telegram_id)))
        if kept is None:
            return None
        try:
            return UserSnapshot.model_validate_json(kept)
        except ValidationError as error:
            log.error("user snapshot cannot be read", reason=_problems(error))
            return None


def _problems(error: ValidationError) -> str:
    """What is wrong, without what is in it."""
    return str(error.errors(include_input=False, include_url=False)[:3])
