"""The loop that moves records from the stream into Postgres: each one once, none lost.

A record leaves the stream only after its commit. What can never be stored goes, with the reason,
to a stream of its own; while Postgres or Redis is away the loop waits.
"""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import structlog
from prometheus_client import Counter
from pydantic import ValidationError
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.exc import SQLAlchemyError

from smart_kit.contracts.keys import TURNS_STREAM, history_key
from smart_kit.contracts.threads import ARCHIVE_RECORD
from smart_kit.redis import BLOCK_SECONDS, Redis, answer

from ..database import Sessions, is_passing, sqlstate
from ..pause import pause
from .turns import store

GROUP = "archive"
DEAD_STREAM = f"{TURNS_STREAM}:dead"
BATCH = 100
TAKE_OVER_SECONDS = 30.0
"""After so long another reader's record is taken over; storing it twice does no harm."""

RETRY_SECONDS = 1.0
FORGET_MS = 3_600_000
"""A reader that has nothing and has been silent so long is dead: the others ask all the time."""

Entry = tuple[str, dict[str, str]]

RECORDS = Counter(
    "smart_assistant_archived_records_total", "Records of the archive by their fate", ["outcome"]
)
log = structlog.stdlib.get_logger()


class ArchiveReader:
    """One reader of several."""

    def __init__(self, sessions: Sessions, redis: Redis, blocking: Redis) -> None:
        self._sessions = sessions
        self._redis = redis
        self._blocking = blocking
        self._consumer = uuid4().hex
        self._has_group = False
        self._take_over_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Read until stopped."""
        while not stop.is_set():
            try:
                await self.step()
            except (RedisError, SQLAlchemyError, OSError) as error:
                log.warning("the archive has to wait", reason=f"{type(error).__name__}: {error}")
                self._has_group = False  # perhaps that is what went wrong
                await pause(stop, RETRY_SECONDS)

    async def step(self, seconds: float = BLOCK_SECONDS) -> None:
        """Store what is there; wait so long where nothing is. Raises where a database is away."""
        if not self._has_group:
            await self._make_group()
        now = asyncio.get_running_loop().time()
        if now >= self._take_over_at:
            await self._take_over()
            self._take_over_at = now + TAKE_OVER_SECONDS
        if entries := await self._read("0", 0) or await self._read(">", seconds):
            await self._move(entries)

    async def _read(self, after: str, seconds: float) -> list[Entry]:
        """What this reader has begun (after 0), or what nobody has (after >)."""
        block_ms = max(1, int(seconds * 1000))  # 0 would be for ever
        found = await self._blocking.xreadgroup(
            GROUP, self._consumer, {TURNS_STREAM: after}, count=BATCH, block=block_ms
        )
        return _entries(found)

    async def _move(self, entries: list[Entry]) -> None:
        """Store them in one transaction; where one of them is bad, each by itself."""
        try:
            deleted = await self._store(entries)
        except (ValidationError, SQLAlchemyError) as error:
            if is_passing(error):
                raise
            if len(entries) == 1:
                await self._bury(*entries[0], error)
                return
            for entry in entries:
                await self._move([entry])
        else:
            await self._drop(entries, deleted)
            RECORDS.labels("deleted").inc(len(deleted))
            RECORDS.labels("stored").inc(len(entries) - len(deleted))

    async def _store(self, entries: list[Entry]) -> list[UUID]:
        """Returns the threads of the turns that were not kept, because these are deleted."""
        records = [ARCHIVE_RECORD.validate_json(fields.get("record", "")) for _, fields in entries]
        async with self._sessions() as session:
            deleted = [await store(session, record) for record in records]
            await session.commit()
        return [thread for thread in deleted if thread is not None]

    async def _drop(self, entries: list[Entry], deleted: list[UUID]) -> None:
        """Take them out of the stream; a deleted thread's history, too, which a turn's end has
        written to once more."""
        ids = [entry for entry, _ in entries]
        async with self._redis.pipeline(transaction=True) as together:
            together.xack(TURNS_STREAM, GROUP, *ids)
            together.xdel(TURNS_STREAM, *ids)
            if deleted:
                together.delete(*map(history_key, deleted))
            await together.execute()

    async def _bury(self, entry: str, fields: dict[str, str], error: Exception) -> None:
        """What no repetition would store; the reason keeps out the values, which are private."""
        reason = f"{type(error).__name__} {sqlstate(error)}".strip()
        log.error("a record cannot be archived", entry=entry, reason=reason, kept_in=DEAD_STREAM)
        letter: dict[Any, Any] = {**fields, "entry": entry, "reason": reason}
        async with self._redis.pipeline(transaction=True) as all_three:
            all_three.xadd(DEAD_STREAM, letter)
            all_three.xack(TURNS_STREAM, GROUP, entry)
            all_three.xdel(TURNS_STREAM, entry)
            await all_three.execute()
        RECORDS.labels("dead").inc()

    async def _take_over(self) -> None:
        """Make the entries of readers that died this one's, and forget those readers.

        XAUTOCLAIM looks at COUNT×10 entries a call, so its cursor is followed to the end.
        """
        cursor = "0-0"
        while True:
            cursor, *_ = await self._redis.xautoclaim(
                TURNS_STREAM,
                GROUP,
                self._consumer,
                min_idle_time=int(TAKE_OVER_SECONDS * 1000),
                start_id=cursor,
                count=BATCH,
            )
            if cursor == "0-0":
                break
        for consumer in await answer(self._redis.xinfo_consumers(TURNS_STREAM, GROUP)):
            if not consumer["pending"] and consumer["idle"] > FORGET_MS:
                await self._redis.xgroup_delconsumer(TURNS_STREAM, GROUP, consumer["name"])

    async def _make_group(self) -> None:
        """At the beginning of the stream, unless it is there."""
        try:
            await self._redis.xgroup_create(TURNS_STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._has_group = True


def _entries(found: object) -> list[Entry]:
    """Of an XREADGROUP answer for one stream: a dict in RESP3, a list in RESP2."""
    streams = found.values() if isinstance(found, dict) else [s[1] for s in found or ()]  # type: ignore[attr-defined] # redis-py types both shapes as object
    return [
        (entry, fields or {})
        for entries in streams
        for batch in (entries if entries and isinstance(entries[0], list) else [entries])
        for entry, fields in batch
    ]
