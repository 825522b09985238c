"""Who may talk, and who wants to hear. Closed by default, and decided from Redis alone."""

from collections.abc import Iterable, Sequence
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
"""Invitations somebody may try within an hour."""

AccessDecision = Literal["allowed", "refused", "blocked"]

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Recipient:
    """Whose chat it is, where the suite knows them."""

    person: UserSnapshot | None
    bot_blocked_reason: str | None
    """What Telegram said when it last refused to deliver there; None: it did not."""

    @property
    def block_reason(self) -> str | None:
        """Why nothing is to be sent."""
        if self.person is not None and self.person.status == "blocked":
            return "the person is blocked"
        return self.bot_blocked_reason


class AccessControl:
    """The doors of one bot."""

    def __init__(self, redis: Redis, bot_id: int, allowed: AllowList) -> None:
        self._redis = redis
        self._allowed = allowed
        self._prefix = f"tg_bot:{bot_id}"

    async def get_users(self, telegram_ids: Iterable[int]) -> dict[int, UserSnapshot]:
        """Those of them whom the suite knows, in one round trip."""
        ids = sorted(set(telegram_ids))
        if not ids:
            return {}
        return _parse_users(ids, await await_result(self._redis.mget(map(user_key, ids))))

    async def get_users_and_clear_blocks(
        self, telegram_ids: Iterable[int]
    ) -> dict[int, UserSnapshot]:
        """`read_people` of those we just heard of: whoever had turned the bot away is tried again.

        One round trip as well.
        """
        ids = sorted(set(telegram_ids))
        if not ids:
            return {}
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.delete(*map(self._bot_blocked_key, ids))
            pipeline.mget(map(user_key, ids))
            _, found = await pipeline.execute()
        return _parse_users(ids, found)

    async def mark_bot_blocked(self, chat_id: int, reason: str) -> None:
        """Telegram says that this chat does not want the bot.

        Kept for a day: somebody who lets it in again without a word is tried once a day.
        """
        await await_result(self._redis.set(self._bot_blocked_key(chat_id), reason, ex=DAY_SECONDS))

    async def get_recipient(self, chat_id: int) -> Recipient:
        """To whom something is to be sent, in one round trip."""
        keys = [user_key(chat_id), self._bot_blocked_key(chat_id)]
        person, reason = await await_result(self._redis.mget(keys))
        return Recipient(_parse_snapshot(person), reason)

    def check_access(self, telegram_id: int, person: UserSnapshot | None) -> AccessDecision:
        """A block wins over all."""
        if person is not None and person.status == "blocked":
            return "blocked"
        return "allowed" if self.is_allowed(telegram_id, person) else "refused"

    def is_allowed(self, telegram_id: int, person: UserSnapshot | None) -> bool:
        """Whether they are on the list or invited."""
        return telegram_id in self._allowed or (person is not None and person.is_invited)

    async def allow_refusal_notice(self, telegram_id: int, message_id: str) -> bool:
        """Whether to tell them so: once an hour."""
        return await self._claim_once("refused", telegram_id, message_id, HOUR_SECONDS)

    async def allow_group_notice(self, chat_id: int, message_id: str) -> bool:
        """Whether to tell a group that it is none of ours: once a day."""
        return await self._claim_once("group", chat_id, message_id, DAY_SECONDS)

    async def allow_invite_attempt(self, telegram_id: int) -> bool:
        """Whether they may try another invitation; counts this one."""
        key = f"{self._prefix}:invite_attempts:{telegram_id}"
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(key, 0, ex=HOUR_SECONDS, nx=True)
            pipeline.incr(key)
            _, attempts = await pipeline.execute()
        return int(attempts) <= MAX_INVITE_ATTEMPTS

    def _bot_blocked_key(self, chat_id: int) -> str:
        return f"{self._prefix}:bot_blocked:{chat_id}"

    async def _claim_once(self, what: str, subject: int, message_id: str, seconds: int) -> bool:
        """Keeps who was first, so that the same update, read again after a crash, still is."""
        key = f"{self._prefix}:{what}:{subject}"
        first = await await_result(self._redis.set(key, message_id, nx=True, ex=seconds, get=True))
        return first is None or first == message_id


def _parse_users(ids: Sequence[int], found: Sequence[str | None]) -> dict[int, UserSnapshot]:
    people = ((one, _parse_snapshot(text)) for one, text in zip(ids, found, strict=True))
    return {telegram_id: person for telegram_id, person in people if person is not None}


def _parse_snapshot(text: str | None) -> UserSnapshot | None:
    if text is None:
        return None
    try:
        return UserSnapshot.model_validate_json(text)
    except ValidationError as error:
        log.error("user snapshot unreadable", problems=error.error_count())
        return None
