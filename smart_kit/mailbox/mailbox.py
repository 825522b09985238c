"""The mailbox's operations, each one atomic script."""

from functools import cache
from importlib.resources import files
from uuid import UUID

from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from smart_kit.contracts.keys import TURNS_STREAM, history_key, journal_key
from smart_kit.mailbox.keys import CONVERSATION_FIELD, QueueKeys
from smart_kit.mailbox.messages import (
    DeadLetter,
    Delivery,
    Envelope,
    LeaseLost,
    Outcome,
    QueueDepth,
    StreamEntry,
)
from smart_kit.mailbox.streams import create_group, read_group
from smart_kit.redis import MAX_BLOCK_SECONDS, Redis, await_result

GROUP = "workers"
MAX_ATTEMPTS = 5
LEASE_SECONDS = 30.0

DEDUPLICATION_MS = 7 * 86_400_000
"""How long a message id is remembered; Telegram itself keeps an update for a day."""

JOURNAL_TTL_SECONDS = 7 * 86_400
MAX_HISTORY_ITEMS = 400
"""Items kept of a thread in Redis; Postgres has them all."""

HISTORY_TTL_SECONDS = 90 * 86_400
"""How long a thread is kept after its last turn: one left by /new gets no other end."""

_BATCH_SIZE = 100

_ScriptCall = tuple[list[str], list[str | int]]
"""Keys and arguments of a script."""


@cache
def read_script(name: str) -> str:
    """A script of the mailbox, ready to be run."""
    scripts = files("smart_kit.mailbox") / "scripts"
    return (scripts / "prelude.lua").read_text() + (scripts / f"{name}.lua").read_text()


class Mailbox:
    """One queue. `name` is the stream; everything else hangs below it."""

    def __init__(
        self,
        redis: Redis,
        name: str,
        *,
        reply_queue: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.name = name
        self.lease_seconds = lease_seconds
        self._redis = redis
        self._keys = QueueKeys(name)
        self._reply_keys = QueueKeys(reply_queue) if reply_queue is not None else None
        self._scripts = {
            script: AsyncScript(redis, read_script(script))
            for script in ("enqueue", "begin", "journal", "renew", "finish", "delay", "promote")
        }

    async def create_group(self) -> None:
        """Make the consumer group, at the beginning of the stream, unless it is there."""
        await create_group(self._redis, self.name, GROUP)

    async def enqueue(self, *envelopes: Envelope) -> list[bool]:
        """Durably add messages in one round trip. False for each that had been added before."""
        script = self._scripts["enqueue"]
        calls: list[_ScriptCall] = [
            (
                [
                    self.name,
                    self._keys.active,
                    self._keys.seen,
                    self._keys.waiting(one.conversation),
                ],
                [one.message_id, one.conversation, one.payload, DEDUPLICATION_MS],
            )
            for one in envelopes
        ]
        if len(calls) == 1:
            return [bool(await script(keys=calls[0][0], args=calls[0][1]))]
        try:
            return await self._enqueue_all(script.sha, calls)
        except NoScriptError:  # a fresh Redis; asking each time beforehand would cost a round trip
            await self._redis.script_load(script.script)
            return await self._enqueue_all(script.sha, calls)

    async def receive(
        self, blocking: Redis, consumer: str, timeout_seconds: float
    ) -> StreamEntry | None:
        """Wait so long, at most BLOCK_SECONDS, for a conversation with work."""
        entries = await read_group(
            blocking,
            self.name,
            GROUP,
            consumer,
            count=1,
            timeout_seconds=min(timeout_seconds, MAX_BLOCK_SECONDS),
        )
        return _to_stream_entry(*entries[0]) if entries else None

    async def reclaim(self, consumer: str, limit: int) -> list[StreamEntry]:
        """Take over conversations whose worker has let its lease end, at most so many.

        XAUTOCLAIM looks at COUNT×10 entries a call, so its cursor is followed to the end.
        """
        taken: list[StreamEntry] = []
        cursor = "0-0"
        while len(taken) < limit:
            cursor, entries, _ = await self._redis.xautoclaim(
                self.name,
                GROUP,
                consumer,
                min_idle_time=int(self.lease_seconds * 1000),
                start_id=cursor,
                count=min(limit - len(taken), _BATCH_SIZE),
            )
            taken += [_to_stream_entry(*entry) for entry in entries if entry[1]]
            if cursor == "0-0":
                break
        return taken

    async def begin(self, entry: StreamEntry) -> Delivery | None:
        """Take the conversation's first message; None where the entry is out of date."""
        taken = await self._scripts["begin"](
            keys=[
                self.name,
                self._keys.active,
                self._keys.fence,
                self._keys.attempts,
                self._keys.waiting(entry.conversation),
            ],
            args=[GROUP, entry.id, entry.conversation],
        )
        if taken is None:
            return None
        token, attempt, payload = taken
        return Delivery(entry.id, entry.conversation, token, attempt, payload)

    async def load_journal(self, message_id: str) -> dict[str, str]:
        """What an earlier attempt has finished: step to value."""
        return dict(await await_result(self._redis.hgetall(journal_key(message_id))))

    async def journal(self, delivery: Delivery, message_id: str, step: str, value: str) -> None:
        """Keep a step's result. Raises Superseded."""
        is_held = await self._scripts["journal"](
            keys=[self._keys.active, self._keys.fence, journal_key(message_id)],
            args=[
                delivery.entry_id,
                delivery.conversation,
                delivery.fencing_token,
                step,
                value,
                JOURNAL_TTL_SECONDS,
            ],
        )
        if not is_held:
            raise LeaseLost

    async def renew(self, delivery: Delivery, consumer: str) -> None:
        """Keep the message for another lease. Raises Superseded."""
        is_held = await self._scripts["renew"](
            keys=[self.name, self._keys.active, self._keys.fence],
            args=[
                GROUP,
                consumer,
                delivery.entry_id,
                delivery.conversation,
                delivery.fencing_token,
            ],
        )
        if not is_held:
            raise LeaseLost

    async def finish(
        self, delivery: Delivery, outcome: Outcome, *, dead_letter: DeadLetter | None = None
    ) -> None:
        """End the message with all its consequences, or as a dead letter. Raises Superseded."""
        is_held = await self._scripts["finish"](
            keys=self._list_finish_keys(delivery, outcome),
            args=[
                GROUP,
                delivery.entry_id,
                delivery.conversation,
                delivery.fencing_token,
                dead_letter.model_dump_json() if dead_letter else "",
                outcome.archive_record,
                MAX_HISTORY_ITEMS,
                HISTORY_TTL_SECONDS,
                DEDUPLICATION_MS,
                len(outcome.history),
                *outcome.history,
                *(
                    part
                    for reply in outcome.replies
                    for part in (reply.message_id, reply.conversation, reply.payload)
                ),
            ],
        )
        if not is_held:
            raise LeaseLost

    async def delay(
        self, delivery: Delivery, delay_seconds: float, *, is_attempt_counted: bool = False
    ) -> None:
        """Give the message back until later; `is_counted` keeps the attempt. Raises Superseded."""
        is_held = await self._scripts["delay"](
            keys=[
                self.name,
                self._keys.active,
                self._keys.fence,
                self._keys.attempts,
                self._keys.delayed,
            ],
            args=[
                GROUP,
                delivery.entry_id,
                delivery.conversation,
                delivery.fencing_token,
                int(delay_seconds * 1000),
                int(is_attempt_counted),
            ],
        )
        if not is_held:
            raise LeaseLost

    async def promote(self) -> float | None:
        """Wake what is due. Returns the seconds until the next is; None where nothing waits."""
        _, due_ms = await self._scripts["promote"](
            keys=[self.name, self._keys.active, self._keys.delayed],
            args=[_BATCH_SIZE],
        )
        return None if due_ms < 0 else due_ms / 1000

    async def get_depth(self) -> QueueDepth:
        """How much lies here, by Redis's own clock; one round trip."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hlen(self._keys.active)
            pipeline.zcard(self._keys.delayed)
            pipeline.xlen(self._keys.dead)
            pipeline.xrange(self.name, count=1)
            pipeline.time()
            active, delayed, dead, oldest, (seconds, _) = await pipeline.execute()
        woken_at = int(oldest[0][0].partition("-")[0]) / 1000 if oldest else seconds
        return QueueDepth(active, delayed, max(0.0, seconds - woken_at), dead)

    async def remove_consumer(self, consumer: str) -> None:
        """Remove a consumer that holds nothing; XGROUP DELCONSUMER would drop what it holds."""
        if not await self._redis.xpending_range(
            self.name, GROUP, min="-", max="+", count=1, consumername=consumer
        ):
            await self._redis.xgroup_delconsumer(self.name, GROUP, consumer)

    async def _enqueue_all(self, sha: str, calls: list[_ScriptCall]) -> list[bool]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for keys, args in calls:
                pipeline.evalsha(sha, len(keys), *keys, *args)
            return [bool(added) for added in await pipeline.execute()]

    def _list_finish_keys(self, delivery: Delivery, outcome: Outcome) -> list[str]:
        own = [
            self.name,
            self._keys.active,
            self._keys.fence,
            self._keys.attempts,
            self._keys.waiting(delivery.conversation),
            journal_key(outcome.journal_message_id),
            history_key(outcome.thread_id or _NO_THREAD),
            TURNS_STREAM,
            self._keys.dead,
        ]
        if not outcome.replies:
            return own
        if (reply_keys := self._reply_keys) is None:
            raise ValueError(f"{self.name} has no mailbox to reply into")
        waiting = [reply_keys.waiting(reply.conversation) for reply in outcome.replies]
        return [*own, reply_keys.stream, reply_keys.active, reply_keys.seen, *waiting]


_NO_THREAD = UUID(int=0)
"""Names a key that is never written, where a message has no history."""


def _to_stream_entry(entry_id: str, fields: dict[str, str]) -> StreamEntry:
    return StreamEntry(entry_id, fields[CONVERSATION_FIELD])
