"""When a worker reads, promotes, reclaims, renews and releases messages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import redis.asyncio
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from smart_kit.mailbox import Delivery, LeaseLost, Outcome, Worker, worker
from smart_kit.tests.scripted_mailbox import WORKER_TIMEOUT_SECONDS, ScriptedMailbox, make_delivery

pytestmark = pytest.mark.clock("virtual")

MessageHandler = Callable[[Delivery], Awaitable[Outcome]]


@pytest.fixture(autouse=True)
async def _worker_uses_loop_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    monkeypatch.setattr(worker, "time", clock)


class SlowHandler:
    """A slow handler that records when it started and was cancelled."""

    def __init__(self, seconds: float, swallowed_cancellations: int = 0) -> None:
        self.started_at: list[float] = []
        self.cancelled_at: list[float] = []
        self._seconds = seconds
        self._swallowed_cancellations = swallowed_cancellations
        self._created_at = asyncio.get_running_loop().time()

    async def __call__(self, _: Delivery) -> Outcome:
        self.started_at.append(self._now())
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.cancelled_at.append(self._now())
            while len(self.cancelled_at) <= self._swallowed_cancellations:
                try:
                    await asyncio.sleep(self._seconds)
                except asyncio.CancelledError:
                    self.cancelled_at.append(self._now())
            raise
        return Outcome()

    def _now(self) -> float:
        return round(asyncio.get_running_loop().time() - self._created_at, 1)


async def handle_at_once(_: Delivery) -> Outcome:
    return Outcome()


@asynccontextmanager
async def run_worker(
    mailbox: ScriptedMailbox, handler: MessageHandler = handle_at_once, **options: Any
) -> AsyncIterator[Worker]:
    """Run a worker; it is stopped and has ended afterwards."""
    stop = asyncio.Event()
    made = Worker(mailbox, redis.asyncio.Redis(), handler, handle_at_once, **options)
    running = asyncio.create_task(made.run(stop))
    yield made
    stop.set()
    async with asyncio.timeout(WORKER_TIMEOUT_SECONDS):
        await running


@pytest.mark.parametrize(
    ("due", "promoted_at"),
    [
        ([None] * 3, [0.0, 1.0, 2.0]),
        ([60.0] * 3, [0.0, 1.0, 2.0]),
        ([0.3, 0.4, None], [0.0, 0.3, 0.7]),
    ],
)
async def test_delayed_messages_are_promoted_when_due(
    due: list[float | None], promoted_at: list[float]
) -> None:
    mailbox = ScriptedMailbox(promote=due)
    async with run_worker(mailbox):
        await asyncio.sleep(2.9)

    assert mailbox.call_times("promote")[:3] == promoted_at
    waits = [seconds for _, _, seconds, _ in mailbox.calls_to("receive")]
    until_next = [round(later - earlier, 2) for earlier, later in pairwise(promoted_at)]
    assert waits[:2] == until_next


async def test_conversations_of_dead_workers_are_reclaimed_twice_per_lease() -> None:
    mailbox = ScriptedMailbox()
    async with run_worker(mailbox, slots=3):
        await asyncio.sleep(31)

    assert mailbox.call_times("reclaim") == [0.0, 15.0, 30.0]
    assert [most for _, most in mailbox.calls_to("reclaim")] == [3, 3, 3]


async def test_conversations_of_dead_workers_come_first_while_they_exceed_the_slots() -> None:
    crowd = [
        [make_delivery("a"), make_delivery("b")],
        [make_delivery("c"), make_delivery("d")],
        [make_delivery("e")],
    ]
    mailbox = ScriptedMailbox(reclaim=crowd)
    async with run_worker(mailbox, SlowHandler(1.0), slots=2):
        await asyncio.sleep(3.5)
        assert [round(at) for at in mailbox.call_times("reclaim")] == [0, 1, 2]
    assert mailbox.call_times("receive")[0] >= 2
    assert [it.conversation for it, *_ in mailbox.calls_to("finish")] == ["a", "b", "c", "d", "e"]


async def test_reclaimed_conversations_leave_free_slots_for_new_messages() -> None:
    mailbox = ScriptedMailbox(reclaim=[[make_delivery("a")]])
    mailbox.incoming.put_nowait(make_delivery("b"))
    handler = SlowHandler(20.0)
    async with run_worker(mailbox, handler, slots=3):
        await asyncio.sleep(16)
        assert handler.started_at == [0.0, 0.0]
        assert [most for _, most in mailbox.calls_to("reclaim")] == [3, 1]


async def test_full_worker_takes_a_message_when_a_slot_is_free() -> None:
    mailbox, handler = ScriptedMailbox(), SlowHandler(5.0)
    for number in range(18):
        mailbox.incoming.put_nowait(make_delivery(f"chat {number}"))
    async with run_worker(mailbox, handler):
        await asyncio.sleep(4)
        assert len(handler.started_at) == 16
        await asyncio.sleep(2)
    assert handler.started_at == [0.0] * 16 + [5.0] * 2


async def test_worker_records_the_time_of_its_last_read() -> None:
    loop = asyncio.get_running_loop()
    mailbox = ScriptedMailbox(receive=[RedisConnectionError("refused")])
    async with run_worker(mailbox) as made:
        await asyncio.sleep(0.1)
        assert made.last_read_at is None
        await asyncio.sleep(1.5)
        assert made.last_read_at == pytest.approx(loop.time() - 0.6, abs=0.02)


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (RedisConnectionError("refused"), "redis unavailable"),
        (ResponseError("NOGROUP"), "redis command failed"),
    ],
)
async def test_redis_is_retried_every_half_second(error: Exception, event: str) -> None:
    mailbox = ScriptedMailbox(receive=[error, error])
    with structlog.testing.capture_logs() as lines:
        async with run_worker(mailbox):
            await asyncio.sleep(1.4)

    assert mailbox.call_times("receive")[:3] == [0.0, 0.5, 1.0]
    assert len(mailbox.calls_to("create")) == 3, "the group may be gone with a restart"
    expected = {"log_level": "warning", "event": event, "queue": mailbox.name, "reason": str(error)}
    assert lines == [expected, expected]


@pytest.mark.parametrize("error", [None, RedisConnectionError("refused"), ResponseError("gone")])
async def test_worker_has_its_own_consumer_and_removes_it(
    error: Exception | None,
) -> None:
    names = set()
    for _ in range(2):
        mailbox = ScriptedMailbox(forget=[error])
        mailbox.incoming.put_nowait(make_delivery())
        blocking = redis.asyncio.Redis()
        stop = asyncio.Event()
        made = Worker(mailbox, blocking, SlowHandler(11.0), handle_at_once)
        running = asyncio.create_task(made.run(stop))
        await asyncio.sleep(12)
        stop.set()
        async with asyncio.timeout(WORKER_TIMEOUT_SECONDS):
            await running

        reads = mailbox.calls_to("receive")
        assert {client for client, *_ in reads} == {blocking}
        used = {name for _, name, *_ in reads} | {name for name, _ in mailbox.calls_to("reclaim")}
        (name,) = used | {name for _, name in mailbox.calls_to("renew")}
        assert mailbox.calls_to("forget") == [name]
        names.add(name)
    assert len(names) == 2


async def test_leases_are_renewed_three_times_per_lease_despite_failures() -> None:
    mailbox = ScriptedMailbox(renew=[None, None, RuntimeError("closed")])
    mailbox.incoming.put_nowait(make_delivery("a"))
    mailbox.incoming.put_nowait(make_delivery("b"))
    with structlog.testing.capture_logs() as lines:
        async with run_worker(mailbox, SlowHandler(25.0)):
            await asyncio.sleep(35)

    assert mailbox.call_times("renew") == [10.0, 10.0, 20.0, 20.0]
    assert [delivery.conversation for delivery, _ in mailbox.calls_to("renew")] == ["a", "b"] * 2
    assert lines == [{"log_level": "warning", "event": "lease renewal failed", "reason": "closed"}]


async def test_lost_lease_does_not_stop_other_messages() -> None:
    mailbox, handler = ScriptedMailbox(renew=[LeaseLost(), None]), SlowHandler(25.0)
    mailbox.incoming.put_nowait(make_delivery("a"))
    mailbox.incoming.put_nowait(make_delivery("b"))
    async with run_worker(mailbox, handler):
        await asyncio.sleep(26)

    assert handler.cancelled_at == [10.0]
    assert [it.conversation for it, *_ in mailbox.calls_to("finish")] == ["b"]


async def test_running_messages_are_released_after_fifteen_seconds() -> None:
    mailbox = ScriptedMailbox()
    mailbox.incoming.put_nowait(make_delivery("a"))
    mailbox.incoming.put_nowait(make_delivery("b"))
    handler = SlowHandler(60.0)
    async with run_worker(mailbox, handler):
        await asyncio.sleep(1.5)  # a read of a second ends at 2

    assert handler.cancelled_at == [17.0, 17.0]
    assert {(delivery.conversation, *rest) for delivery, *rest in mailbox.calls_to("delay")} == {
        ("a", 0, False),
        ("b", 0, False),
    }
    assert mailbox.calls[-1][1] == "forget", "else what it holds would be dropped with its name"
    assert mailbox.calls_to("finish") == []


async def test_message_that_ends_soon_after_a_stop_is_not_released() -> None:
    mailbox = ScriptedMailbox()
    mailbox.incoming.put_nowait(make_delivery("a"))
    handler = SlowHandler(14.0)
    async with run_worker(mailbox, handler):
        await asyncio.sleep(2)

    assert handler.cancelled_at == []
    assert len(mailbox.calls_to("finish")) == 1


@pytest.mark.parametrize("error", [LeaseLost(), RedisConnectionError("refused")])
async def test_stop_succeeds_if_a_message_cannot_be_released(
    error: Exception,
) -> None:
    mailbox = ScriptedMailbox(delay=[error])
    mailbox.incoming.put_nowait(make_delivery("a"))
    with structlog.testing.capture_logs() as lines:
        async with run_worker(mailbox, SlowHandler(60.0)):
            await asyncio.sleep(1)
    assert lines == []


async def test_handler_swallowing_a_cancellation_is_cancelled_again_after_a_second() -> None:
    mailbox, handler = ScriptedMailbox(), SlowHandler(60.0, swallowed_cancellations=2)
    mailbox.incoming.put_nowait(make_delivery("a"))
    async with run_worker(mailbox, handler):
        await asyncio.sleep(0.5)
    assert handler.cancelled_at == [16.0, 17.0, 18.0]
