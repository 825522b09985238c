"""Who a message is from: from Redis, or, for somebody not yet there, from rest_service."""

from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import ValidationError

from smart_kit.contracts.base import Contract
from smart_kit.contracts.keys import BOT_KEY, user_key
from smart_kit.contracts.queue import BotIdentity, Sender
from smart_kit.contracts.users import UserSnapshot, UserUpsert
from smart_kit.log import problems_of
from smart_kit.redis import Redis, answer

from ..services.rest_service import RestServiceClient

_TOLD_BY_TELEGRAM = {"first_name", "username", "language_code"}

SnapshotT = TypeVar("SnapshotT", bound=Contract)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Known:
    """What Redis holds about a message; None: nothing, or nothing that can be read."""

    user: UserSnapshot | None
    bot_id: int | None
    """Of the bot that tg_bot serves now."""


class UserStore:
    """People as the suite knows them."""

    def __init__(self, redis: Redis, rest: RestServiceClient) -> None:
        self._redis = redis
        self._rest = rest

    async def look_up(self, telegram_id: int) -> Known:
        """The person and the bot, in one round trip."""
        user, bot = await answer(self._redis.mget(user_key(telegram_id), BOT_KEY))
        identity = _read(BotIdentity, bot)
        return Known(_read(UserSnapshot, user), identity.id if identity is not None else None)

    async def create(self, sender: Sender) -> UserSnapshot:
        """Somebody who is not in Redis. Raises what RestServiceClient raises."""
        said = sender.model_dump(include=_TOLD_BY_TELEGRAM, exclude_unset=True)
        user = await self._rest.upsert_user(sender.telegram_id, UserUpsert.model_validate(said))
        # rest_service writes the key before it answers, with the threads that it alone knows
        known = await self.look_up(sender.telegram_id)
        return known.user or UserSnapshot(**user.model_dump(), version=0)


def _read(kind: type[SnapshotT], kept: str | None) -> SnapshotT | None:
    if kept is None:
        return None
    try:
        return kind.model_validate_json(kept)
    except ValidationError as error:
        log.error("snapshot cannot be read", kind=kind.__name__, reason=problems_of(error))
        return None
