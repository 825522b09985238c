"""Everything that can happen to a mailbox, in any order, beside a model of what must come of it.

Real scripts, a real Redis. A worker here is only a name and what it holds: it can be slow, be
robbed of its lease, die, or come back from the dead and act on what it once held.
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

from smart_kit.mailbox import Delivery, Envelope, LeaseLost, Mailbox, MailboxReconciler, Outcome
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue
from smart_kit.mailbox.messages import DeadLetter
from smart_kit.redis import Redis, await_result, connect, connect_blocking
from smart_kit.testing.durable_valkey import DurableValkey
from tests.chaos.mailbox_reference_model import MailboxState, ReferenceModel

T = TypeVar("T")
CONVERSATIONS = ("a", "b", "c")
WORKERS = ("w1", "w2", "w3")
IN_QUEUE, OUT_QUEUE = "chaos:in", "chaos:out"


class MailboxMachine(RuleBasedStateMachine):
    """One mailbox, the one it answers into, three workers and their fates."""

    server: ClassVar[DurableValkey]
    broken_scripts: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """Script to (words, other words): a mailbox that is broken on purpose."""

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
        self.blocking = connect_blocking(self.server.settings)
        self.mailbox = Mailbox(self.redis, IN_QUEUE, reply_queue=OUT_QUEUE, lease_seconds=0)
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
        """Telegram says it again, whatever has become of it meanwhile."""
        sent = self.model.sent[conversation]
        if sent:
            message = data.draw(st.sampled_from(sent))
            envelope = Envelope(message, conversation, message)
            assert self.run(self.mailbox.enqueue(envelope)) == [False]

    @rule(target=deliveries, worker=st.sampled_from(WORKERS))
    def receive(self, worker: str) -> Any:
        return self._begin_delivery(self.run(self.mailbox.receive(self.blocking, worker, 0.001)))

    @rule(target=deliveries, worker=st.sampled_from(WORKERS))
    def steal_lease(self, worker: str) -> Any:
        """Every lease has ended: its conversation is taken over."""
        reclaimed = self.run(self.mailbox.reclaim(worker, 1))
        return self._begin_delivery(reclaimed[0] if reclaimed else None)

    def _begin_delivery(self, entry: Any) -> Any:
        delivery = self.run(self.mailbox.begin(entry)) if entry else None
        if delivery is None:
            return multiple()
        waiting = self._get_waiting(delivery.conversation)
        assert waiting, "a message was handed out of a conversation that has none"
        assert delivery.payload == waiting[0], "not the first that waits"
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
        """Also for the second time, and by those who were taken for dead."""
        name = f"{'apology' if is_dead else 'reply'}:{delivery.payload}"
        reply = Envelope(name, delivery.conversation, name)
        outcome = Outcome(replies=(reply,), journal_message_id=delivery.payload)
        dead = _make_dead_letter(delivery) if is_dead else None
        if self._assert_fenced(delivery, self.mailbox.finish(delivery, outcome, dead_letter=dead)):
            self.model.finished[delivery.conversation].append(delivery.payload)
            replies = self.model.replies[delivery.conversation]
            if name not in replies:  # who dies again is apologised for once
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
        """Without a word; what it held stays held until its lease ends."""

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """An administrator has mended what was wrong; the letter joins the end of its queue."""
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
        """Where only our own scripts have worked it has nothing to do."""
        assert self.run(MailboxReconciler(self.redis, IN_QUEUE).restore_wakeups()) == 0, (
            "a wake-up was lost"
        )

    @rule(conversation=st.sampled_from(CONVERSATIONS), is_deleted=st.booleans())
    def lose_wakeup(self, conversation: str, is_deleted: bool) -> None:
        """By hand or by a tool. Who holds the message is robbed of it."""
        entry = self.run(self._remove_wakeup(conversation, is_deleted))
        if entry is None:
            return
        assert self.run(MailboxReconciler(self.redis, IN_QUEUE).restore_wakeups()) == 1
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
        """A worker that ends in order takes nothing with it."""
        self.run(self.mailbox.remove_consumer(worker))

    def _assert_fenced(self, delivery: Delivery, coroutine: Coroutine[Any, Any, None]) -> bool:
        """Whether it was accepted, which it must be from the newest holder, and from no other."""
        is_holder = self.model.lease_holder.get(delivery.conversation) == delivery
        try:
            self.run(coroutine)
        except LeaseLost:
            assert not is_holder, "refused to its holder"
            return False
        assert is_holder, "accepted from somebody who no longer holds it"
        return True

    def _get_waiting(self, conversation: str) -> list[str]:
        sent, ended = self.model.sent[conversation], self.model.finished[conversation]
        return sent[len(ended) :]

    @invariant()
    def assert_invariants(self) -> None:
        if not hasattr(self, "redis"):
            return
        found = self.run(self._read_state())
        self._check_messages(found)
        self._check_wakeups(found)
        assert {
            delivery.entry_id for delivery in self.model.lease_holder.values()
        } <= found.pending, "somebody holds what nobody could take over"
        assert found.dead_letter_count == self.model.dead_letter_count

    def _check_messages(self, state: MailboxState) -> None:
        for conversation in CONVERSATIONS:
            sent, ended = self.model.sent[conversation], self.model.finished[conversation]
            assert ended == sent[: len(ended)], "ended out of order"
            assert state.waiting[conversation] == self._get_waiting(conversation), "lost or doubled"
            assert state.replies[conversation] == self.model.replies[conversation], (
                "a reply is lost, doubled or misplaced"
            )

    def _check_wakeups(self, found: MailboxState) -> None:
        for conversation in CONVERSATIONS:
            entries = found.entries.get(conversation, [])
            assert len(entries) <= 1, f"{conversation} has two live entries"
            if not self._get_waiting(conversation):
                continue
            state = found.active.get(conversation)
            assert state is not None, f"{conversation} sleeps although something waits"
            if state == "delayed":
                assert conversation in found.delayed, f"{conversation} is delayed for ever"
            else:
                assert entries == [state], f"{conversation} is in no stream"

    async def _read_state(self) -> MailboxState:
        async with self.redis.pipeline(transaction=False) as pipeline:
            for box in (IN_QUEUE, OUT_QUEUE):
                for conversation in CONVERSATIONS:
                    pipeline.lrange(f"{box}:waiting:{conversation}", 0, -1)
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
            pending={one["message_id"] for one in pending},
            dead_letter_count=dead,
        )


class CrashingServerMachine(MailboxMachine):
    """The same, and Redis itself dies too."""

    @rule()
    def lose_server(self) -> None:
        self.server.kill()
        self.server.start()


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
    for name, (words, others) in broken_scripts.items():
        script = mailbox._scripts[name].script
        text = script.decode() if isinstance(script, bytes) else script
        if words not in text:  # no AssertionError: that would count as caught
            raise LookupError(f"{name}.lua no longer says {words!r}")
        mailbox._scripts[name] = AsyncScript(redis, text.replace(words, others))
