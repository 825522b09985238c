"""Who may use the bot, and which chats may be written to.

Closed by default. Decided from Redis alone, without a call to rest_service.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import structlog
from pydantic import ValidationError

from smart_kit.contracts.keys import user_key
from smart_kit.contracts.users import UserSnapshot
from smart_kit.redis import Redis, await_result
from smart_kit.settings import AllowList

HOUR_SECONDS = 3600
DAY_SECONDS = 86_400
MAX_INVITE_ATTEMPTS = 5
"""Invitation codes that a Telegram user may try within an hour."""

AccessDecision = Literal["allowed", "refused", "blocked"]

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Recipient:
    """The user of a chat, and whether the chat may be written to."""

    user: UserSnapshot | None
    """None if rest_service does not know the user."""
    bot_blocked_reason: str | None
    """Telegram's reason for refusing the last message; None if it did not refuse it."""

    @property
    def block_reason(self) -> str | None:
        """Why nothing may be sent; None if sending is allowed."""
        if self.user is not None and self.user.status == "blocked":
            return "the user is blocked"
        return self.bot_blocked_reason


class AccessControl:
    """Access to one bot."""

    def __init__(self, redis: Redis, bot_id: int, allowed: AllowList) -> None:
        self._redis = redis
        self._allowed = allowed
        self._prefix = f"tg_bot:{bot_id}"

    async def refresh_senders(self, telegram_ids: Iterable[int]) -> dict[int, UserSnapshot]:
        """Return the known users by Telegram id, in one round trip.

        They have just written, so a note that they have blocked the bot is deleted.
        """
        ids = sorted(set(telegram_ids))
        if not ids:
            return {}
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.delete(*map(self._bot_blocked_key, ids))
            pipeline.mget(map(user_key, ids))
            _, found = await pipeline.execute()
        users = zip(ids, map(_parse_snapshot, found), strict=True)
        return {telegram_id: user for telegram_id, user in users if user is not None}

    async def mark_bot_blocked(self, chat_id: int, reason: str) -> None:
        """Remember for a day that the user has blocked the bot; then the chat is tried again."""
        await await_result(self._redis.set(self._bot_blocked_key(chat_id), reason, ex=DAY_SECONDS))

    async def get_recipient(self, chat_id: int) -> Recipient:
        """Return the recipient behind a chat, in one round trip."""
        keys = [user_key(chat_id), self._bot_blocked_key(chat_id)]
        user, reason = await await_result(self._redis.mget(keys))
        return Recipient(_parse_snapshot(user), reason)

    def check_access(self, telegram_id: int, user: UserSnapshot | None) -> AccessDecision:
        """Decide whether a sender has access. A block overrides list and invitation."""
        if user is not None and user.status == "blocked":
            return "blocked"
        return "allowed" if self.is_listed_or_invited(telegram_id, user) else "refused"

    def is_listed_or_invited(self, telegram_id: int, user: UserSnapshot | None) -> bool:
        """Return whether a sender is on the list of allowed users or was invited."""
        return telegram_id in self._allowed or (user is not None and user.is_invited)

    async def allow_refusal_notice(self, telegram_id: int, message_id: str) -> bool:
        """Return whether to answer a sender without access: once an hour."""
        return await self._claim_once("refused", telegram_id, message_id, HOUR_SECONDS)

    async def allow_group_notice(self, chat_id: int, message_id: str) -> bool:
        """Return whether to tell a group that the bot only works in private chats: once a day."""
        return await self._claim_once("group", chat_id, message_id, DAY_SECONDS)

    async def allow_invite_attempt(self, telegram_id: int) -> bool:
        """Count an attempt to redeem an invitation; returns whether it is within the limit."""
        key = f"{self._prefix}:invite_attempts:{telegram_id}"
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(key, 0, ex=HOUR_SECONDS, nx=True)
            pipeline.incr(key)
            _, attempts = await pipeline.execute()
        return int(attempts) <= MAX_INVITE_ATTEMPTS

    def _bot_blocked_key(self, chat_id: int) -> str:
        return f"{self._prefix}:bot_blocked:{chat_id}"

    async def _claim_once(self, what: str, subject: int, message_id: str, seconds: int) -> bool:
        """Return whether this message is the first one within so many seconds."""
        key = f"{self._prefix}:{what}:{subject}"
        # compared, because an update is repeated after a crash
        first = await await_result(self._redis.set(key, message_id, nx=True, ex=seconds, get=True))
        return first is None or first == message_id


def _parse_snapshot(text: str | None) -> UserSnapshot | None:
    if text is None:
        return None
    try:
        return UserSnapshot.model_validate_json(text)
    except ValidationError as error:
        log.error("user snapshot unreadable", problems=error.error_count())
        return None
