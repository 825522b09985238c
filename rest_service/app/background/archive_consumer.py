"""Moves the records of the stream `turns` into Postgres, each exactly once.

A record leaves the stream only after its commit. A record that cannot be stored moves to a dead
letter stream, with the reason. While Postgres or Redis is unavailable, the loop waits.
"""

import asyncio
from typing import Any
from uuid import uuid4

import structlog
from prometheus_client import Counter
from pydantic import ValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from smart_kit.aio import sleep_until_stopped
from smart_kit.contracts.keys import TURNS_STREAM, list_history_keys
from smart_kit.contracts.threads import ARCHIVE_RECORD_ADAPTER, TurnRecord
from smart_kit.mailbox.streams import RawEntry, create_group, read_group
from smart_kit.redis import MAX_BLOCK_SECONDS, Redis, await_result

from ..archive.record_store import store_records
from ..database import get_sqlstate, is_transient

GROUP = "archive"
DEAD_LETTER_STREAM = f"{TURNS_STREAM}:dead"
BATCH_SIZE = 100
GATHERING_SECONDS = 0.25
"""Pause before a batch is read, unless the one before was full. Storing a batch takes as many
statements as storing one record, so a few larger batches cost less. And a record comes together
with its answer, which should have the processor until it is sent."""

CLAIM_IDLE_SECONDS = 30.0
"""Seconds until a record that another consumer has read is claimed. Storing it twice is safe."""

RETRY_INTERVAL_SECONDS = 1.0
CONSUMER_EXPIRY_MS = 3_600_000
"""Silence, in ms, after which an idle consumer is removed. A live one reads all the time."""

ARCHIVED_RECORDS = Counter(
    "smart_assistant_archived_records_total", "Records of the archive by outcome", ["outcome"]
)
log = structlog.stdlib.get_logger()


class ArchiveConsumer:
    """One consumer of the group; each replica has its own."""

    def __init__(self, engine: AsyncEngine, redis: Redis, blocking: Redis) -> None:
        self._engine = engine
        self._redis = redis
        self._blocking_redis = blocking
        self._consumer = uuid4().hex
        self._has_group = False
        self._has_unfinished = False
        """Whether this consumer may have entries that it has not stored."""
        self._batch_size = BATCH_SIZE
        """Smaller after a statement that took too long; then it grows again."""
        self._next_claim_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Archive until stopped."""
        count = 0
        while not stop.is_set():
            try:
                if count < BATCH_SIZE:
                    await self._gather(stop)
                count = await self.run_once(0)
            except (RedisError, SQLAlchemyError, OSError) as error:
                log.warning(
                    "archive paused: database unavailable",
                    reason=f"{type(error).__name__}: {error}",
                )
                self._has_group = False  # the group may be gone
                self._has_unfinished = True  # a delivery may have been lost with the connection
                await sleep_until_stopped(stop, RETRY_INTERVAL_SECONDS)

    async def run_once(self, seconds: float = MAX_BLOCK_SECONDS) -> int:
        """Archive the next records, or wait for one. Return their number.

        Raises if Postgres or Redis is unavailable.
        """
        await self._ensure_group()
        now = asyncio.get_running_loop().time()
        if now >= self._next_claim_at:
            await self._claim_idle_entries()
            self._next_claim_at = now + CLAIM_IDLE_SECONDS
        entries = await self._read("0", 0) if self._has_unfinished else []
        self._has_unfinished = bool(entries)
        entries = entries or await self._read(">", seconds)
        if entries:
            has_more, self._has_unfinished = self._has_unfinished, True  # true after a failure
            await self._archive(entries)
            self._has_unfinished = has_more
        return len(entries)

    async def _gather(self, stop: asyncio.Event) -> None:
        """Wait until there are records, and a moment for others.

        They are not read yet: those of a consumer that is killed are claimed much later.
        """
        if self._has_unfinished:
            return
        await self._ensure_group()
        block_ms = int(MAX_BLOCK_SECONDS * 1000)
        if await self._blocking_redis.xread({TURNS_STREAM: "0"}, count=1, block=block_ms):
            await sleep_until_stopped(stop, GATHERING_SECONDS)

    async def _ensure_group(self) -> None:
        if not self._has_group:
            await create_group(self._redis, TURNS_STREAM, GROUP)
            self._has_group = True

    async def _read(self, after: str, seconds: float) -> list[RawEntry]:
        return await read_group(
            self._blocking_redis,
            TURNS_STREAM,
            GROUP,
            self._consumer,
            after=after,
            count=self._batch_size,
            timeout_seconds=seconds,
        )

    async def _archive(self, entries: list[RawEntry]) -> None:
        """Store the entries in one transaction. If one of them is bad, halve them to find it."""
        try:
            dropped = await self._store(entries)
        except TimeoutError:  # fewer may not take too long
            self._batch_size = max(1, len(entries) // 2)
            raise
        except (ValidationError, SQLAlchemyError) as error:
            if is_transient(error):
                raise
            if len(entries) == 1:
                await self._dead_letter(*entries[0], error)
                return
            middle = len(entries) // 2
            await self._archive(entries[:middle])
            await self._archive(entries[middle:])
        else:
            self._batch_size = min(BATCH_SIZE, 2 * self._batch_size)
            await self._remove_from_stream(entries, dropped)
            ARCHIVED_RECORDS.labels("deleted").inc(len(dropped))
            ARCHIVED_RECORDS.labels("stored").inc(len(entries) - len(dropped))

    async def _store(self, entries: list[RawEntry]) -> list[TurnRecord]:
        """Store the entries. Return the turns that were dropped with their deleted threads."""
        records = [
            ARCHIVE_RECORD_ADAPTER.validate_json(fields.get("record", "")) for _, fields in entries
        ]
        async with self._engine.begin() as connection:
            return await store_records(connection, records)

    async def _remove_from_stream(self, entries: list[RawEntry], dropped: list[TurnRecord]) -> None:
        """Remove the entries, and the histories that turns of deleted threads wrote to again."""
        ids = [entry for entry, _ in entries]
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xack(TURNS_STREAM, GROUP, *ids)
            pipeline.xdel(TURNS_STREAM, *ids)
            if dropped:
                pipeline.delete(*list_history_keys({turn.thread_id for turn in dropped}))
            await pipeline.execute()

    async def _dead_letter(self, entry: str, fields: dict[str, str], error: Exception) -> None:
        """Move an entry that cannot be stored. The reason holds no values: they are private."""
        reason = f"{type(error).__name__} {get_sqlstate(error)}".strip()
        log.error(
            "archive record dead-lettered", entry=entry, reason=reason, kept_in=DEAD_LETTER_STREAM
        )
        dead_letter: dict[Any, Any] = {**fields, "entry": entry, "reason": reason}
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xadd(DEAD_LETTER_STREAM, dead_letter)
            pipeline.xack(TURNS_STREAM, GROUP, entry)
            pipeline.xdel(TURNS_STREAM, entry)
            await pipeline.execute()
        ARCHIVED_RECORDS.labels("dead_lettered").inc()

    async def _claim_idle_entries(self) -> None:
        """Claim the entries of consumers that died, and remove these consumers.

        XAUTOCLAIM looks at COUNT×10 entries a call, so its cursor is followed to the end.
        """
        cursor = "0-0"
        while True:
            cursor, claimed, *_ = await self._redis.xautoclaim(
                TURNS_STREAM,
                GROUP,
                self._consumer,
                min_idle_time=int(CLAIM_IDLE_SECONDS * 1000),
                start_id=cursor,
                count=BATCH_SIZE,
            )
            self._has_unfinished |= bool(claimed)
            if cursor == "0-0":
                break
        for consumer in await await_result(self._redis.xinfo_consumers(TURNS_STREAM, GROUP)):
            if not consumer["pending"] and consumer["idle"] > CONSUMER_EXPIRY_MS:
                await self._redis.xgroup_delconsumer(TURNS_STREAM, GROUP, consumer["name"])
