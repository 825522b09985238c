"""Who may talk. Closed by default, and decided from Redis alone."""

from collections.abc import Iterable
from typing import Literal

import structlog
from pydantic import ValidationError

from smart_kit.contracts.keys import user_key
from smart_kit.contracts.users import UserSnapshot
from smart_kit.redis import Redis, answer

from ..config.settings import AllowList

HOUR_SECONDS = 3600
DAY_SECONDS = 86_400
MAX_TRIES = 5
"""Invitations somebody may try within an hour."""

Verdict = Literal["allowed", "refused", "blocked"]

log = structlog.stdlib.get_logger()


class Access:
    """The doors of one bot."""

    def __init__(self, redis: Redis, bot_id: int, allowed: AllowList) -> None:
        self._redis = redis
        self._allowed = allowed
        self._prefix = f"tg_bot:{bot_id}"

    async def read_people(self, telegram_ids: Iterable[int]) -> dict[int, UserSnapshot]:
        """Those of them whom the suite knows, in one round trip."""
        ids = sorted(set(telegram_ids))
        if not ids:
            return {}
        found = await answer(self._redis.mget([user_key(telegram_id) for telegram_id in ids]))
        people = (
            (telegram_id, _snapshot(text)) for telegram_id, text in zip(ids, found, strict=True)
        )
        return {telegram_id: person for telegram_id, person in people if person is not None}

    async def read_person(self, telegram_id: int) -> UserSnapshot | None:
        """One of them."""
        return (await self.read_people([telegram_id])).get(telegram_id)

    def judge(self, telegram_id: int, person: UserSnapshot | None) -> Verdict:
        """A block wins over all."""
        if person is not None and person.status == "blocked":
            return "blocked"
        return "allowed" if self.is_allowed(telegram_id, person) else "refused"

    def is_allowed(self, telegram_id: int, person: UserSnapshot | None) -> bool:
        """Whether they are on the list or invited."""
        return telegram_id in self._allowed or (person is not None and person.is_invited)

    async def may_be_refused(self, telegram_id: int, message_id: str) -> bool:
        """Whether to tell them so: once an hour."""
        return await self._is_first("refused", telegram_id, message_id, HOUR_SECONDS)

    async def may_be_sent_away(self, chat_id: int, message_id: str) -> bool:
        """Whether to tell a group that it is none of ours: once a day."""
        return await self._is_first("group", chat_id, message_id, DAY_SECONDS)

    async def may_try(self, telegram_id: int) -> bool:
        """Whether they may try another invitation; counts this one."""
        key = f"{self._prefix}:tries:{telegram_id}"
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(key, 0, ex=HOUR_SECONDS, nx=True)
            pipeline.incr(key)
            _, tries = await pipeline.execute()
        return int(tries) <= MAX_TRIES

    async def _is_first(self, what: str, subject: int, message_id: str, seconds: int) -> bool:
        """Keeps who was first, so that the same update, read again after a crash, still is."""
        key = f"{self._prefix}:{what}:{subject}"
        first = await answer(self._redis.set(key, message_id, nx=True, ex=seconds, get=True))
        return first is None or first == message_id


def _snapshot(text: str | None) -> UserSnapshot | None:
    if text is None:
        return None
    try:
        return UserSnapshot.model_validate_json(text)
    except ValidationError as error:
        log.error("user snapshot cannot be read", problems=error.error_count())
        return None
