"""A Hypothesis state machine: random mailbox operations, compared with a reference model.

It runs the real scripts on a real Redis. A worker is only a name and its deliveries: it can be
slow, lose its lease, crash, or come back as a zombie and act on a delivery whose lease it has lost.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from redis.commands.core import AsyncScript

from smart_kit.mailbox import (
    Delivery,
    Envelope,
    LeaseLost,
    Mailbox,
    Outcome,
    StreamEntry,
    WakeupReconciler,
)
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue
from smart_kit.mailbox.messages import DeadLetter
from smart_kit.redis import Redis, await_result, connect, connect_for_blocking_reads
from smart_kit.testing.durable_valkey import DurableValkey
from tests.chaos.mailbox_reference_model import MailboxState, ReferenceModel

T = TypeVar("T")
CONVERSATIONS = ("a", "b", "c")
WORKERS = ("w1", "w2", "w3")
IN_QUEUE, OUT_QUEUE = "chaos:in", "chaos:out"


class MailboxMachine(RuleBasedStateMachine):
    """A mailbox, the mailbox of its replies, and three workers."""

    server: ClassVar[DurableValkey]
    broken_scripts: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """By script: a piece of its source and the replacement that breaks it."""

    deliveries = Bundle("deliveries")

    def __init__(self) -> None:
        super().__init__()
        self.model = ReferenceModel()
        self.runner = asyncio.Runner()
        self.message_count = 0

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @initialize()
    def connect(self) -> None:
        self.redis = connect(self.server.settings)
        self.blocking = connect_for_blocking_reads(self.server.settings)
        self.mailbox = Mailbox(
            self.redis,
            IN_QUEUE,
            reply_queue=OUT_QUEUE,
            lease_seconds=0,
            sign_of_life_seconds=86_400,  # signs of life end by a rule, not by time
        )
        self.reply_mailbox = Mailbox(self.redis, OUT_QUEUE)
        _break_scripts(self.redis, self.mailbox, self.broken_scripts)
        self.run(self._reset())

    async def _reset(self) -> None:
        await self.redis.flushall()
        await self.mailbox.create_group()
        await self.reply_mailbox.create_group()

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.run(self.redis.aclose())
            self.run(self.blocking.aclose())
        self.runner.close()

    @rule(conversation=st.sampled_from(CONVERSATIONS))
    def enqueue(self, conversation: str) -> None:
        self.message_count += 1
        message = f"m{self.message_count}"
        assert self.run(self.mailbox.enqueue(Envelope(message, conversation, message))) == [True]
        self.model.sent[conversation].append(message)

    @rule(conversation=st.sampled_from(CONVERSATIONS), data=st.data())
    def repeat_enqueue(self, conversation: str, data: st.DataObject) -> None:
        """A message is enqueued again, whatever its state: it must be dropped as a duplicate."""
        sent = self.model.sent[conversation]
        if sent:
            message = data.draw(st.sampled_from(sent))
            envelope = Envelope(message, conversation, message)
            assert self.run(self.mailbox.enqueue(envelope)) == [False]

    @rule(target=deliveries, worker=st.sampled_from(WORKERS), limit=st.integers(1, 2))
    def receive(self, worker: str, limit: int) -> Any:
        """A worker reads; like every worker, it has shown a sign of life before."""
        self.run(self.mailbox.renew_sign_of_life(worker))
        received = self.run(self.mailbox.receive(self.blocking, worker, 0.001, limit))
        return self._begin_deliveries(received)

    @rule(target=deliveries, worker=st.sampled_from(WORKERS))
    def steal_lease(self, worker: str) -> Any:
        """A worker takes over a conversation. Leases last 0 s here, so every one has expired."""
        return self._begin_deliveries(self.run(self.mailbox.reclaim(self.blocking, worker, 1)))

    @rule(worker=st.sampled_from(WORKERS))
    def lose_sign_of_life(self, worker: str) -> None:
        """A worker dies, or is paused for longer than its sign of life."""
        self.run(await_result(self.redis.delete(f"{IN_QUEUE}:alive:{worker}")))

    @rule(target=deliveries, worker=st.sampled_from(WORKERS), limit=st.integers(1, 2))
    def take_over(self, worker: str, limit: int) -> Any:
        """A worker takes over from dead workers, from all of them and from no living one."""
        holders = self.run(self._read_holders())
        dead = {entry for entry, (name, is_alive) in holders.items() if not is_alive}
        dead -= {entry for entry, (name, _) in holders.items() if name == worker}
        taken = self.run(self.mailbox.take_over(self.blocking, worker, limit))
        assert {entry.id for entry in taken} <= dead, "taken over from a living worker"
        assert len(taken) == min(limit, len(dead)), "left with a dead worker"
        return self._begin_deliveries(taken)

    async def _read_holders(self) -> dict[str, tuple[str, bool]]:
        """Return the worker of each pending entry, and whether the worker is alive."""
        pending = await self.redis.xpending_range(IN_QUEUE, "workers", "-", "+", 100)
        existing = {name for name, *_ in await self.redis.xrange(IN_QUEUE)}
        return {
            entry["message_id"]: (
                entry["consumer"],
                bool(await self.redis.exists(f"{IN_QUEUE}:alive:{entry['consumer']}")),
            )
            for entry in pending
            if entry["message_id"] in existing
        }

    def _begin_deliveries(self, entries: list[StreamEntry]) -> Any:
        return multiple(*filter(None, map(self._begin_delivery, entries)))

    def _begin_delivery(self, entry: StreamEntry) -> Delivery | None:
        delivery = self.run(self.mailbox.begin(entry))
        if delivery is None:
            return None
        waiting = self._get_waiting(delivery.conversation)
        assert waiting, "a delivery from a conversation without messages"
        assert delivery.payload == waiting[0], "not the oldest waiting message"
        before = self.model.lease_holder.get(delivery.conversation)
        assert before is None or delivery.fencing_token > before.fencing_token
        self.model.lease_holder[delivery.conversation] = delivery
        return delivery

    @rule(delivery=deliveries, worker=st.sampled_from(WORKERS))
    def renew(self, delivery: Delivery, worker: str) -> None:
        self._assert_fenced(delivery, self.mailbox.renew(delivery, worker))

    @rule(delivery=deliveries)
    def journal(self, delivery: Delivery) -> None:
        self._assert_fenced(
            delivery, self.mailbox.journal(delivery, delivery.payload, "0.0", "done")
        )

    @rule(delivery=deliveries, is_dead=st.booleans())
    def finish(self, delivery: Delivery, is_dead: bool) -> None:
        """A worker finishes a delivery, perhaps a second time or without its lease."""
        name = f"{'apology' if is_dead else 'reply'}:{delivery.payload}"
        reply = Envelope(name, delivery.conversation, name)
        outcome = Outcome(replies=(reply,), journal_message_id=delivery.payload)
        dead = _make_dead_letter(delivery) if is_dead else None
        if self._assert_fenced(delivery, self.mailbox.finish(delivery, outcome, dead_letter=dead)):
            self.model.finished[delivery.conversation].append(delivery.payload)
            replies = self.model.replies[delivery.conversation]
            if name not in replies:  # a replayed message that fails again gets no second apology
                replies.append(name)
            self.model.lease_holder.pop(delivery.conversation)
            self.model.dead_letter_count += is_dead

    @rule(delivery=consumes(deliveries), is_counted=st.booleans())
    def delay(self, delivery: Delivery, is_counted: bool) -> None:
        if self._assert_fenced(
            delivery, self.mailbox.delay(delivery, 0, is_attempt_counted=is_counted)
        ):
            self.model.lease_holder.pop(delivery.conversation)

    @rule()
    def promote(self) -> None:
        self.run(self.mailbox.promote())

    @rule(delivery=consumes(deliveries))
    def drop_delivery(self, delivery: Delivery) -> None:
        """A worker crashes: the delivery stays leased until it is taken over."""

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """An administrator replays a dead letter, which joins the end of its conversation."""
        dead_letter_queue = DeadLetterQueue(self.redis, IN_QUEUE)
        entries = self.run(dead_letter_queue.list_newest(100))
        if not entries:
            return
        entry = data.draw(st.sampled_from(entries))
        assert self.run(dead_letter_queue.replay(entry))
        assert not self.run(dead_letter_queue.replay(entry)), "replayed twice"
        self.model.sent[entry.dead_letter.conversation].append(entry.dead_letter.payload)
        self.model.dead_letter_count -= 1

    @rule()
    def reconcile(self) -> None:
        """The reconciler finds nothing to restore, because no script loses a wake-up."""
        assert self.run(WakeupReconciler(self.redis, IN_QUEUE).restore_wakeups()) == 0, (
            "a wake-up was lost"
        )

    @rule(conversation=st.sampled_from(CONVERSATIONS), is_deleted=st.booleans())
    def lose_wakeup(self, conversation: str, is_deleted: bool) -> None:
        """A wake-up is deleted by hand: the reconciler restores it, and its holder loses it."""
        entry = self.run(self._remove_wakeup(conversation, is_deleted))
        if entry is None:
            return
        assert self.run(WakeupReconciler(self.redis, IN_QUEUE).restore_wakeups()) == 1
        self.model.lease_holder.pop(conversation, None)

    async def _remove_wakeup(self, conversation: str, is_deleted: bool) -> str | None:
        entry = await await_result(self.redis.hget(f"{IN_QUEUE}:active", conversation))
        if entry is None:
            return None
        if entry == "delayed":
            await self.redis.zrem(f"{IN_QUEUE}:delayed", conversation)
        elif is_deleted:
            await self.redis.xdel(IN_QUEUE, entry)
        elif await self.redis.xpending_range(IN_QUEUE, "workers", entry, entry, 1):
            await self.redis.xack(IN_QUEUE, "workers", entry)
        else:
            return None
        return str(entry)

    @rule(worker=st.sampled_from(WORKERS))
    def leave_group(self, worker: str) -> None:
        """A worker stops gracefully, which loses no message."""
        self.run(self.mailbox.remove_consumer(worker))

    def _assert_fenced(self, delivery: Delivery, coroutine: Coroutine[Any, Any, None]) -> bool:
        """Run an operation, and return whether it was accepted.

        It must be accepted from the lease holder, and from no other.
        """
        is_holder = self.model.lease_holder.get(delivery.conversation) == delivery
        try:
            self.run(coroutine)
        except LeaseLost:
            assert not is_holder, "rejected from the lease holder"
            return False
        assert is_holder, "accepted from a worker without the lease"
        return True

    def _get_waiting(self, conversation: str) -> list[str]:
        sent, finished = self.model.sent[conversation], self.model.finished[conversation]
        return sent[len(finished) :]

    @invariant()
    def assert_invariants(self) -> None:
        if not hasattr(self, "redis"):
            return
        state = self.run(self._read_state())
        self._check_messages(state)
        self._check_wakeups(state)
        leased = {delivery.entry_id for delivery in self.model.lease_holder.values()}
        assert leased <= state.pending, "a leased message that no worker could take over"
        assert state.dead_letter_count == self.model.dead_letter_count

    def _check_messages(self, state: MailboxState) -> None:
        for conversation in CONVERSATIONS:
            sent, finished = self.model.sent[conversation], self.model.finished[conversation]
            assert finished == sent[: len(finished)], "finished out of order"
            assert state.waiting[conversation] == self._get_waiting(conversation), (
                "a message is lost or duplicated"
            )
            assert state.replies[conversation] == self.model.replies[conversation], (
                "a reply is lost, duplicated or misplaced"
            )

    def _check_wakeups(self, state: MailboxState) -> None:
        for conversation in CONVERSATIONS:
            entries = state.entries.get(conversation, [])
            assert len(entries) <= 1, f"{conversation} has two entries in the stream"
            if not self._get_waiting(conversation):
                continue
            wakeup = state.active.get(conversation)
            assert wakeup is not None, f"{conversation} has waiting messages but no wake-up"
            if wakeup == "delayed":
                assert conversation in state.delayed, f"{conversation} is delayed for ever"
            else:
                assert entries == [wakeup], f"{conversation} has no entry in the stream"

    async def _read_state(self) -> MailboxState:
        async with self.redis.pipeline(transaction=False) as pipeline:
            for queue in (IN_QUEUE, OUT_QUEUE):
                for conversation in CONVERSATIONS:
                    pipeline.lrange(f"{queue}:waiting:{conversation}", 0, -1)
            pipeline.hgetall(f"{IN_QUEUE}:active")
            pipeline.zrange(f"{IN_QUEUE}:delayed", 0, -1)
            pipeline.xrange(IN_QUEUE)
            pipeline.xpending_range(IN_QUEUE, "workers", "-", "+", 100)
            pipeline.xlen(f"{IN_QUEUE}:dead")
            *lists, active, delayed, stream, pending, dead = await pipeline.execute()
        entries: dict[str, list[str]] = defaultdict(list)
        for entry, fields in stream:
            entries[fields["conversation"]].append(entry)
        return MailboxState(
            waiting=dict(zip(CONVERSATIONS, lists[:3], strict=True)),
            replies=dict(zip(CONVERSATIONS, lists[3:], strict=True)),
            active=active,
            delayed=delayed,
            entries=entries,
            pending={entry["message_id"] for entry in pending},
            dead_letter_count=dead,
        )


class CrashingServerMachine(MailboxMachine):
    """The same, and Redis crashes too."""

    @rule()
    def lose_server(self) -> None:
        self.server.kill()
        self.server.start()
        # the next read would fail, and a worker would repeat it on a new connection
        self.run(self.blocking.connection_pool.disconnect())


def _make_dead_letter(delivery: Delivery) -> DeadLetter:
    return DeadLetter(
        queue=IN_QUEUE,
        conversation=delivery.conversation,
        payload=delivery.payload,
        reason="chaos",
        attempts=delivery.attempt,
    )


def _break_scripts(
    redis: Redis, mailbox: Mailbox, broken_scripts: Mapping[str, tuple[str, str]]
) -> None:
    for name, (original, replacement) in broken_scripts.items():
        script = mailbox._scripts[name].script
        source = script.decode() if isinstance(script, bytes) else script
        if original not in source:  # an AssertionError would count as detected
            raise LookupError(f"{name}.lua no longer contains {original!r}")
        mailbox._scripts[name] = AsyncScript(redis, source.replace(original, replacement))
