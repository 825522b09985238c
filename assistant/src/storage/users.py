"""Reads users from Redis, and creates new ones through rest_service."""

from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import ValidationError

from smart_kit.contracts.base import Contract
from smart_kit.contracts.keys import ACTIVE_BOT_KEY, user_key
from smart_kit.contracts.queue import BotIdentity, Sender
from smart_kit.contracts.users import UserSnapshot, UserUpsert
from smart_kit.log import summarize_validation_error
from smart_kit.redis import Redis, await_result

from ..services.rest_service import RestServiceClient

SnapshotT = TypeVar("SnapshotT", bound=Contract)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class UserAndBot:
    """What Redis holds about a message's user and bot; None: nothing, or invalid data."""

    user: UserSnapshot | None
    bot_id: int | None
    """Id of the bot that tg_bot serves now."""


@dataclass(frozen=True)
class UserStore:
    """Reads and creates users."""

    redis: Redis
    rest: RestServiceClient

    async def get(self, telegram_id: int) -> UserAndBot:
        """Return user and current bot, in one round trip."""
        user, bot = await await_result(self.redis.mget(user_key(telegram_id), ACTIVE_BOT_KEY))
        identity = _parse_snapshot(BotIdentity, bot)
        return UserAndBot(
            _parse_snapshot(UserSnapshot, user), identity.id if identity is not None else None
        )

    async def create(self, sender: Sender) -> UserSnapshot:
        """Create a user who is not in Redis. Raises what RestServiceClient raises."""
        profile = sender.model_dump(include=set(UserUpsert.model_fields), exclude_unset=True)
        user = await self.rest.upsert_user(sender.telegram_id, UserUpsert.model_validate(profile))
        # rest_service writes the key before it responds; only the key has the threads
        state = await self.get(sender.telegram_id)
        return state.user or UserSnapshot(**user.model_dump(), version=0)


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
