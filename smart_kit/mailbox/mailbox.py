"""The mailbox's operations, each one atomic script."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from uuid import UUID

from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError, ResponseError

from smart_kit.contracts.keys import TURNS_STREAM, history_key, journal_key
from smart_kit.mailbox.letters import (
    DeadLetter,
    Delivery,
    Depth,
    Entry,
    Letter,
    Outcome,
    Superseded,
)
from smart_kit.redis import BLOCK_SECONDS, Redis, answer

GROUP = "workers"
MAX_ATTEMPTS = 5
LEASE_SECONDS = 30.0

SEEN_MS = 7 * 86_400_000
"""How long a message id is remembered; Telegram itself keeps an update for a day."""

JOURNAL_SECONDS = 7 * 86_400
HISTORY_LIMIT = 400
"""Items kept of a thread in Redis; Postgres has them all."""

HISTORY_SECONDS = 90 * 86_400
"""How long a thread is kept after its last turn: one left by /new gets no other end."""

_RECLAIM_BATCH = 100

_Call = tuple[list[str], list[str | int]]
"""Keys and arguments of a script."""


@cache
def source_of(name: str) -> str:
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
        replies_to: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.name = name
        self.lease_seconds = lease_seconds
        self._redis = redis
        self._replies_to = replies_to
        self._scripts = {
            script: AsyncScript(redis, source_of(script))
            for script in ("enqueue", "begin", "journal", "renew", "finish", "delay", "promote")
        }

    async def create(self) -> None:
        """Make the consumer group, at the beginning of the stream, unless it is there."""
        try:
            await self._redis.xgroup_create(self.name, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def enqueue(self, *letters: Letter) -> list[bool]:
        """Durably add messages in one round trip. False for each that had been added before."""
        script = self._scripts["enqueue"]
        calls: list[_Call] = [
            (
                [
                    self.name,
                    self._key("active"),
                    self._key("seen"),
                    self._waiting(one.conversation),
                ],
                [one.message_id, one.conversation, one.payload, SEEN_MS],
            )
            for one in letters
        ]
        if len(calls) == 1:
            return [bool(await script(keys=calls[0][0], args=calls[0][1]))]
        try:
            return await self._enqueue_all(script.sha, calls)
        except NoScriptError:  # a fresh Redis; asking each time beforehand would cost a round trip
            await self._redis.script_load(script.script)
            return await self._enqueue_all(script.sha, calls)

    async def receive(self, blocking: Redis, consumer: str, seconds: float) -> Entry | None:
        """Wait so long, at most BLOCK_SECONDS, for a conversation with work."""
        block_ms = max(1, int(min(seconds, BLOCK_SECONDS) * 1000))  # 0 would be for ever
        answered = await blocking.xreadgroup(
            GROUP, consumer, {self.name: ">"}, count=1, block=block_ms
        )
        for entry, fields in _entries(answered):
            return Entry(entry, fields["conversation"])
        return None

    async def reclaim(self, consumer: str, most: int) -> list[Entry]:
        """Take over conversations whose worker has let its lease end, at most so many.

        XAUTOCLAIM looks at COUNT×10 entries a call, so its cursor is followed to the end.
        """
        taken: list[Entry] = []
        cursor = "0-0"
        while len(taken) < most:
            cursor, entries, _ = await self._redis.xautoclaim(
                self.name,
                GROUP,
                consumer,
                min_idle_time=int(self.lease_seconds * 1000),
                start_id=cursor,
                count=min(most - len(taken), _RECLAIM_BATCH),
            )
            taken += [Entry(entry, fields["conversation"]) for entry, fields in entries if fields]
            if cursor == "0-0":
                break
        return taken

    async def begin(self, entry: Entry) -> Delivery | None:
        """Take the conversation's first message; None where the entry is out of date."""
        taken = await self._scripts["begin"](
            keys=[
                self.name,
                self._key("active"),
                self._key("fence"),
                self._key("attempts"),
                self._waiting(entry.conversation),
            ],
            args=[GROUP, entry.id, entry.conversation],
        )
        if taken is None:
            return None
        token, attempt, payload = taken
        return Delivery(entry.id, entry.conversation, token, attempt, payload)

    async def steps(self, message_id: str) -> dict[str, str]:
        """What an earlier attempt has finished: step to value."""
        return dict(await answer(self._redis.hgetall(journal_key(message_id))))

    async def journal(self, delivery: Delivery, message_id: str, step: str, value: str) -> None:
        """Keep a step's result. Raises Superseded."""
        kept = await self._scripts["journal"](
            keys=[self._key("active"), self._key("fence"), journal_key(message_id)],
            args=[
                delivery.entry,
                delivery.conversation,
                delivery.token,
                step,
                value,
                JOURNAL_SECONDS,
            ],
        )
        if not kept:
            raise Superseded

    async def renew(self, delivery: Delivery, consumer: str) -> None:
        """Keep the message for another lease. Raises Superseded."""
        kept = await self._scripts["renew"](
            keys=[self.name, self._key("active"), self._key("fence")],
            args=[GROUP, consumer, delivery.entry, delivery.conversation, delivery.token],
        )
        if not kept:
            raise Superseded

    async def finish(
        self, delivery: Delivery, outcome: Outcome, *, dead: DeadLetter | None = None
    ) -> None:
        """End the message with all its consequences, or as a dead letter. Raises Superseded."""
        done = await self._scripts["finish"](
            keys=self._finish_keys(delivery, outcome),
            args=[
                GROUP,
                delivery.entry,
                delivery.conversation,
                delivery.token,
                dead.model_dump_json() if dead else "",
                outcome.record,
                HISTORY_LIMIT,
                HISTORY_SECONDS,
                SEEN_MS,
                len(outcome.history),
                *outcome.history,
                *(
                    part
                    for reply in outcome.replies
                    for part in (reply.message_id, reply.conversation, reply.payload)
                ),
            ],
        )
        if not done:
            raise Superseded

    async def delay(
        self, delivery: Delivery, after_seconds: float, *, is_counted: bool = False
    ) -> None:
        """Give the message back until later; `is_counted` keeps the attempt. Raises Superseded."""
        given_back = await self._scripts["delay"](
            keys=[
                self.name,
                self._key("active"),
                self._key("fence"),
                self._key("attempts"),
                self._key("delayed"),
            ],
            args=[
                GROUP,
                delivery.entry,
                delivery.conversation,
                delivery.token,
                int(after_seconds * 1000),
                int(is_counted),
            ],
        )
        if not given_back:
            raise Superseded

    async def promote(self) -> float | None:
        """Wake what is due. Returns the seconds until the next is; None where nothing waits."""
        _, due_ms = await self._scripts["promote"](
            keys=[self.name, self._key("active"), self._key("delayed")], args=[_RECLAIM_BATCH]
        )
        return None if due_ms < 0 else due_ms / 1000

    async def depth(self) -> Depth:
        """How much lies here, by Redis's own clock; one round trip."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hlen(self._key("active"))
            pipeline.zcard(self._key("delayed"))
            pipeline.xlen(self._key("dead"))
            pipeline.xrange(self.name, count=1)
            pipeline.time()
            active, delayed, dead, oldest, (seconds, _) = await pipeline.execute()
        woken = int(oldest[0][0].partition("-")[0]) / 1000 if oldest else seconds
        return Depth(active, delayed, max(0.0, seconds - woken), dead)

    async def forget(self, consumer: str) -> None:
        """Remove a consumer that holds nothing; XGROUP DELCONSUMER would drop what it holds."""
        if not await self._redis.xpending_range(
            self.name, GROUP, min="-", max="+", count=1, consumername=consumer
        ):
            await self._redis.xgroup_delconsumer(self.name, GROUP, consumer)

    async def _enqueue_all(self, sha: str, calls: list[_Call]) -> list[bool]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for keys, args in calls:
                pipeline.evalsha(sha, len(keys), *keys, *args)
            return [bool(added) for added in await pipeline.execute()]

    def _key(self, part: str) -> str:
        return f"{self.name}:{part}"

    def _waiting(self, conversation: str) -> str:
        return f"{self.name}:waiting:{conversation}"

    def _finish_keys(self, delivery: Delivery, outcome: Outcome) -> list[str]:
        own = [
            self.name,
            self._key("active"),
            self._key("fence"),
            self._key("attempts"),
            self._waiting(delivery.conversation),
            journal_key(outcome.journal_of),
            history_key(outcome.thread_id or _NO_THREAD),
            TURNS_STREAM,
            self._key("dead"),
        ]
        if not outcome.replies:
            return own
        if self._replies_to is None:
            raise ValueError(f"{self.name} has no mailbox to reply into")
        other = self._replies_to
        waiting = [f"{other}:waiting:{reply.conversation}" for reply in outcome.replies]
        return [*own, other, f"{other}:active", f"{other}:seen", *waiting]


_NO_THREAD = UUID(int=0)
"""Names a key that is never written, where a message has no history."""


def _entries(answered: object) -> Iterable[tuple[str, dict[str, str]]]:
    """The entries of an XREADGROUP answer, which is a dict in RESP3 and a list in RESP2."""
    streams = answered.values() if isinstance(answered, dict) else [s[1] for s in answered or ()]  # type: ignore[attr-defined] # redis-py types both shapes as object
    for entries in streams:
        batch = entries[0] if entries and isinstance(entries[0], list) else entries
        yield from ((entry, fields) for entry, fields in batch)
