"""The mailbox's operations, each one atomic script."""

from functools import cache
from importlib.resources import files
from uuid import UUID

from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from smart_kit.contracts.keys import TURNS_STREAM, history_key, history_mark_key, journal_key
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
"""How long a worker may be stalled before others take over its messages."""

SIGN_OF_LIFE_SECONDS = 8.0
"""How long after its last sign of life a worker counts as dead."""

DEDUPLICATION_MS = 7 * 86_400_000
"""How long message ids are remembered. Telegram itself keeps an update for a day."""

JOURNAL_TTL_SECONDS = 7 * 86_400
MIN_HISTORY_LIMIT = 4
"""A history is trimmed by quarters of its limit."""

HISTORY_TTL_SECONDS = 90 * 86_400
"""How long Redis keeps a thread after its last turn. A thread left with /new only ends this way."""

_BATCH_SIZE = 100

_SCRIPTS = ("enqueue", "begin", "journal", "renew", "finish", "delay", "promote", "take_over")

_ScriptCall = tuple[list[str], list[str | int]]
"""The keys and the arguments of a script."""


@cache
def read_script(name: str) -> str:
    """Return the source of a Lua script, including the functions that all scripts share."""
    scripts = files("smart_kit.mailbox") / "scripts"
    return (scripts / "prelude.lua").read_text() + (scripts / f"{name}.lua").read_text()


class Mailbox:
    """One queue. Operations on a delivery raise LeaseLost if another worker has the message now."""

    def __init__(
        self,
        redis: Redis,
        name: str,
        *,
        reply_queue: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
        sign_of_life_seconds: float = SIGN_OF_LIFE_SECONDS,
    ) -> None:
        self.name = name
        self.lease_seconds = lease_seconds
        self.sign_of_life_seconds = sign_of_life_seconds
        self._redis = redis
        self._keys = QueueKeys(name)
        self._reply_keys = QueueKeys(reply_queue) if reply_queue is not None else None
        self._scripts = {script: AsyncScript(redis, read_script(script)) for script in _SCRIPTS}

    async def create_group(self) -> None:
        """Create the consumer group unless it exists."""
        await create_group(self._redis, self.name, GROUP)

    async def enqueue(self, *envelopes: Envelope) -> list[bool]:
        """Add messages durably in one round trip. Return False for each duplicate."""
        script, keys = self._scripts["enqueue"], self._keys
        calls: list[_ScriptCall] = [
            (
                [self.name, keys.active, keys.seen, keys.waiting(envelope.conversation)],
                [envelope.message_id, envelope.conversation, envelope.payload, DEDUPLICATION_MS],
            )
            for envelope in envelopes
        ]
        if len(calls) == 1:
            return [bool(await script(keys=calls[0][0], args=calls[0][1]))]
        try:
            return await self._enqueue_all(script.sha, calls)
        except NoScriptError:  # Redis is new; checking before each call would cost a round trip
            await self._redis.script_load(script.script)
            return await self._enqueue_all(script.sha, calls)

    async def receive(
        self, blocking: Redis, consumer: str, timeout_seconds: float, limit: int = 1
    ) -> list[StreamEntry]:
        """Return up to `limit` conversations with work.

        Waits for the first at most `timeout_seconds` and MAX_BLOCK_SECONDS.
        """
        seconds = min(timeout_seconds, MAX_BLOCK_SECONDS)
        entries = await read_group(
            blocking, self.name, GROUP, consumer, count=limit, timeout_seconds=seconds
        )
        return [_to_stream_entry(*entry) for entry in entries]

    async def list_received(self, blocking: Redis, consumer: str, limit: int) -> list[StreamEntry]:
        """Return what a worker has received, also in a reply that was lost, and not finished."""
        entries = await read_group(
            blocking, self.name, GROUP, consumer, after="0", count=limit, timeout_seconds=0
        )
        return [_to_stream_entry(*entry) for entry in entries if entry[1]]

    async def renew_sign_of_life(self, consumer: str) -> None:
        """Keep others from taking over this worker's messages for `sign_of_life_seconds`."""
        milliseconds = int(self.sign_of_life_seconds * 1000)
        await self._redis.set(self._keys.alive(consumer), 1, px=milliseconds)

    async def take_over(self, blocking: Redis, consumer: str, limit: int) -> list[StreamEntry]:
        """Take over some conversations, at most `limit`, of workers without a sign of life."""
        count = min(limit, _BATCH_SIZE)
        taken = await self._scripts["take_over"](
            keys=[self.name],
            args=[GROUP, consumer, self._keys.alive_prefix, count],
            client=blocking,
        )
        return [StreamEntry(entry_id, conversation) for entry_id, conversation in taken]

    async def reclaim(self, blocking: Redis, consumer: str, limit: int) -> list[StreamEntry]:
        """Take over at most `limit` conversations whose worker is stalled: it renewed no lease.

        One call of XAUTOCLAIM examines COUNT*10 entries, so its cursor is followed to the end.
        """
        taken: list[StreamEntry] = []
        cursor = "0-0"
        while len(taken) < limit:
            cursor, entries, _ = await blocking.xautoclaim(
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
        """Take the conversation's first message. Return None if the entry is outdated."""
        keys, waiting = self._keys, self._keys.waiting(entry.conversation)
        taken = await self._scripts["begin"](
            keys=[self.name, keys.active, keys.fence, keys.attempts, waiting],
            args=[GROUP, entry.id, entry.conversation],
        )
        if taken is None:
            return None
        token, attempt, payload = taken
        return Delivery(entry.id, entry.conversation, token, attempt, payload)

    async def load_journal(self, message_id: str) -> dict[str, str]:
        """Return the results of the steps that earlier attempts finished."""
        return dict(await await_result(self._redis.hgetall(journal_key(message_id))))

    async def journal(self, delivery: Delivery, message_id: str, step: str, value: str) -> None:
        """Store a step's result, so that a later attempt does not repeat the step."""
        await self._run_fenced(
            "journal",
            [self._keys.active, self._keys.fence, journal_key(message_id)],
            [*_lease_arguments(delivery), step, value, JOURNAL_TTL_SECONDS],
        )

    async def renew(self, delivery: Delivery, consumer: str) -> None:
        """Hold the message for another `lease_seconds`."""
        await self._run_fenced(
            "renew",
            [self.name, self._keys.active, self._keys.fence],
            [GROUP, consumer, *_lease_arguments(delivery)],
        )

    async def finish(
        self, delivery: Delivery, outcome: Outcome, *, dead_letter: DeadLetter | None = None
    ) -> None:
        """Remove the message and apply its outcome, or move it to the dead letters."""
        if outcome.history and outcome.history_limit < MIN_HISTORY_LIMIT:
            raise ValueError(f"a history needs a limit of at least {MIN_HISTORY_LIMIT} items")
        arguments: list[str | int] = [GROUP, *_lease_arguments(delivery)]
        arguments += [dead_letter.model_dump_json() if dead_letter else "", outcome.archive_record]
        arguments += [outcome.history_limit, HISTORY_TTL_SECONDS, DEDUPLICATION_MS]
        arguments += [len(outcome.history), *outcome.history]
        for reply in outcome.replies:
            arguments += [reply.message_id, reply.conversation, reply.payload]
        await self._run_fenced("finish", self._list_finish_keys(delivery, outcome), arguments)

    async def delay(
        self, delivery: Delivery, delay_seconds: float, *, is_attempt_counted: bool = False
    ) -> None:
        """Release the message for `delay_seconds`. Take its attempt back unless counted."""
        keys, delay_ms = self._keys, int(delay_seconds * 1000)
        await self._run_fenced(
            "delay",
            [self.name, keys.active, keys.fence, keys.attempts, keys.delayed],
            [GROUP, *_lease_arguments(delivery), delay_ms, int(is_attempt_counted)],
        )

    async def promote(self) -> float | None:
        """Wake conversations that are due. Return the seconds until the next one, or None."""
        _, due_ms = await self._scripts["promote"](
            keys=[self.name, self._keys.active, self._keys.delayed], args=[_BATCH_SIZE]
        )
        return None if due_ms < 0 else due_ms / 1000

    async def get_depth(self) -> QueueDepth:
        """Measure the queue by Redis's clock, in one round trip."""
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
        """Remove a consumer that stops. Others take over the entries that it still has."""
        await self._redis.delete(self._keys.alive(consumer))
        if not await self._redis.xpending_range(
            self.name, GROUP, min="-", max="+", count=1, consumername=consumer
        ):
            await self._redis.xgroup_delconsumer(self.name, GROUP, consumer)

    async def _run_fenced(self, script: str, keys: list[str], args: list[str | int]) -> None:
        if not await self._scripts[script](keys=keys, args=args):
            raise LeaseLost

    async def _enqueue_all(self, sha: str, calls: list[_ScriptCall]) -> list[bool]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for keys, args in calls:
                pipeline.evalsha(sha, len(keys), *keys, *args)
            return [bool(added) for added in await pipeline.execute()]

    def _list_finish_keys(self, delivery: Delivery, outcome: Outcome) -> list[str]:
        keys, waiting = self._keys, self._keys.waiting(delivery.conversation)
        journal = journal_key(outcome.journal_message_id)
        thread_id = outcome.thread_id or _NO_THREAD
        history, mark = history_key(thread_id), history_mark_key(thread_id)
        own = [self.name, keys.active, keys.fence, keys.attempts, waiting]
        own += [journal, history, mark, TURNS_STREAM, keys.dead]
        if not outcome.replies:
            return own
        if (reply_keys := self._reply_keys) is None:
            raise ValueError(f"{self.name} has no mailbox to reply into")
        own += [reply_keys.stream, reply_keys.active, reply_keys.seen]
        return own + [reply_keys.waiting(reply.conversation) for reply in outcome.replies]


_NO_THREAD = UUID(int=0)
"""Names a history key that is never written, for messages without a history."""


def _lease_arguments(delivery: Delivery) -> tuple[str, str, int]:
    return delivery.entry_id, delivery.conversation, delivery.fencing_token


def _to_stream_entry(entry_id: str, fields: dict[str, str]) -> StreamEntry:
    return StreamEntry(entry_id, fields[CONVERSATION_FIELD])
