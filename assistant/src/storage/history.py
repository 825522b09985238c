"""The history of a thread in Redis: its newest items, as they were sent to models.

The mailbox's `finish` appends to it. If Redis has lost a history, the archive restores it once. A
mark beside the history records what is known:

    no history, no mark    load it from the archive
    no history, `new`      the archive has none: a new thread
    a history, `partial`   the archive was unavailable before: load from it what comes first
    a history, `trimmed`   Redis keeps only its end: load what comes first if a window needs it
    a history, no mark     the archive has nothing more to load
"""

import asyncio
import time
from typing import Literal, NamedTuple
from uuid import UUID

import structlog
from redis.commands.core import AsyncScript

from smart_kit.contracts.keys import history_key, history_mark_key
from smart_kit.errors import DomainError, UpstreamError
from smart_kit.mailbox.mailbox import HISTORY_TTL_SECONDS
from smart_kit.redis import Redis, await_result

from ..messages.item import ChatItem, encode_json
from ..services.rest_service import RestServiceClient

MAX_ARCHIVED_ITEMS = 200
"""The page size of one request to the archive."""
TIMEOUT_SECONDS = 2.0
"""Longest delay of a user's answer by the archive."""
COOLDOWN_SECONDS = 30.0
"""Pause after a request that the archive did not answer."""

_REFILL = """
-- Puts items before a history, unless it has changed since it was read.
-- KEYS history mark      ARGV length seconds new_mark ('' = none) items...
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
for item = #ARGV, 4, -1 do redis.call('LPUSH', KEYS[1], ARGV[item]) end
if #ARGV > 3 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if ARGV[3] == '' then redis.call('DEL', KEYS[2])
else redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[2]) end
return 1
"""

HistoryMark = Literal["new", "partial", "trimmed"]

log = structlog.stdlib.get_logger()


class _StoredHistory(NamedTuple):
    items: list[str]
    length: int
    mark: HistoryMark | None

    def is_incomplete(self, count: int) -> bool:
        """Return whether the archive may have newest items, of `count`, that are missing here."""
        match self.mark:
            case "new":
                return False
            case "partial":
                return True
            case "trimmed":  # perhaps when the window was smaller
                return self.length < count
        return not self.length


class HistoryStore:
    """Reads histories and restores them from the archive, which rest_service keeps."""

    def __init__(self, redis: Redis, rest: RestServiceClient) -> None:
        self._redis = redis
        self._rest = rest
        self._archive_retry_at = 0.0
        """Monotonic time until which the archive is not called; 0: it answered."""
        self._refill = AsyncScript(redis, _REFILL)

    async def get_newest(self, thread_id: UUID, user_id: UUID, count: int) -> tuple[list[str], int]:
        """Return the newest items, oldest first, and the length of the whole history."""
        stored = await self._read_stored(thread_id, count)
        if stored.length and stored.mark == "new":
            # not new any more: from now on a missing history is a lost one
            await self._redis.delete(history_mark_key(thread_id))
        elif stored.is_incomplete(count):
            await self._refill_from_archive(thread_id, user_id, stored)
            stored = await self._read_stored(thread_id, count)
        return stored.items, stored.length

    async def mark_new_thread(self, thread_id: UUID) -> None:
        """Mark a thread as new, so that its first message does not load it from the archive."""
        await self._set_mark(thread_id, "new")

    async def _read_stored(self, thread_id: UUID, count: int) -> _StoredHistory:
        key = history_key(thread_id)
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.lrange(key, -count, -1)
            pipeline.llen(key)
            pipeline.get(history_mark_key(thread_id))
            items, length, mark = await await_result(pipeline.execute())
        return _StoredHistory(list(items), int(length), mark)

    async def _refill_from_archive(
        self, thread_id: UUID, user_id: UUID, stored: _StoredHistory
    ) -> None:
        archived = await self._fetch_archived(user_id, thread_id)
        if archived is None:
            if stored.mark is None:
                await self._set_mark(thread_id, "partial")
            return
        key = history_key(thread_id)
        later = await await_result(self._redis.lrange(key, 0, -1)) if stored.length else []
        # without extras, which a history that was restored before does not have
        missing = _find_missing(_strip_extras(archived), _strip_extras(later), stored.mark)
        mark: HistoryMark | Literal[""] = "" if missing or later else "new"
        await self._refill(
            keys=[key, history_mark_key(thread_id)],
            args=[len(later), HISTORY_TTL_SECONDS, mark, *missing],
        )

    async def _fetch_archived(self, user_id: UUID, thread_id: UUID) -> list[str] | None:
        """Return the newest archived items, oldest first; None: rest_service is unavailable."""
        if time.monotonic() < self._archive_retry_at:
            return None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                page = await self._rest.list_newest_messages(user_id, thread_id, MAX_ARCHIVED_ITEMS)
        except (DomainError, UpstreamError, TimeoutError) as error:
            if not self._archive_retry_at:
                reason = str(error) or "no answer in time"
                log.warning("history archive unavailable", reason=reason)
            self._archive_retry_at = time.monotonic() + COOLDOWN_SECONDS
            return None
        self._archive_retry_at = 0.0
        return [encode_json(message.payload) for message in page.items]

    async def _set_mark(self, thread_id: UUID, mark: HistoryMark) -> None:
        await self._redis.set(history_mark_key(thread_id), mark, ex=HISTORY_TTL_SECONDS, nx=True)


def _strip_extras(items: list[str]) -> list[str]:
    return [ChatItem(item).json_without_extras for item in items]


def _find_missing(archived: list[str], later: list[str], mark: HistoryMark | None) -> list[str]:
    """Return the archived items before the `later` ones; the archive may have some of those too.

    It has most of those of a trimmed history. If it differs there, e.g. because it lacks a turn, it
    is unknown what is missing.
    """
    if len(later) >= MAX_ARCHIVED_ITEMS:
        return []
    for start in range(len(archived)):
        both = archived[start:]
        if both == later[: len(both)]:
            return archived[:start]
    return [] if later and mark == "trimmed" else archived
