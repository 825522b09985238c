"""When a worker reads, wakes, takes over, renews and hands over, by its own clock."""

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

from smart_kit.mailbox import Delivery, Outcome, Superseded, Worker, worker
from smart_kit.tests.scripted_mailbox import LONG, ScriptedMailbox, delivery

pytestmark = pytest.mark.clock("virtual")

Handle = Callable[[Delivery], Awaitable[Outcome]]


@pytest.fixture(autouse=True)
async def _the_workers_clock_is_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    monkeypatch.setattr(worker, "time", clock)


class Slow:
    """A handler that takes so many seconds, and keeps when it began and was cancelled."""

    def __init__(self, seconds: float, reluctance: int = 0) -> None:
        self.began: list[float] = []
        self.cancelled: list[float] = []
        self._seconds = seconds
        self._reluctance = reluctance
        self._made_at = asyncio.get_running_loop().time()

    async def __call__(self, _: Delivery) -> Outcome:
        self.began.append(self._now())
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.cancelled.append(self._now())
            while len(self.cancelled) <= self._reluctance:
                try:
                    await asyncio.sleep(self._seconds)
                except asyncio.CancelledError:
                    self.cancelled.append(self._now())
            raise
        return Outcome()

    def _now(self) -> float:
        return round(asyncio.get_running_loop().time() - self._made_at, 1)


async def at_once(_: Delivery) -> Outcome:
    return Outcome()


@asynccontextmanager
async def working(
    mailbox: ScriptedMailbox, handler: Handle = at_once, **options: Any
) -> AsyncIterator[Worker]:
    """A worker that is told to stop, and has ended, afterwards."""
    stop = asyncio.Event()
    made = Worker(mailbox, redis.asyncio.Redis(), handler, at_once, **options)
    running = asyncio.create_task(made.run(stop))
    yield made
    stop.set()
    async with asyncio.timeout(LONG):
        await running


@pytest.mark.parametrize(
    ("due", "promoted_at"),
    [
        ([None] * 3, [0.0, 1.0, 2.0]),
        ([60.0] * 3, [0.0, 1.0, 2.0]),
        ([0.3, 0.4, None], [0.0, 0.3, 0.7]),
    ],
)
async def test_what_was_delayed_is_woken_when_it_is_due_and_looked_for_each_second(
    due: list[float | None], promoted_at: list[float]
) -> None:
    mailbox = ScriptedMailbox(promote=due)
    async with working(mailbox):
        await asyncio.sleep(2.9)

    assert mailbox.times("promote")[:3] == promoted_at
    waits = [seconds for _, _, seconds in mailbox.told("receive")]
    until_next = [round(later - earlier, 2) for earlier, later in pairwise(promoted_at)]
    assert waits[:2] == until_next


async def test_conversations_of_the_dead_are_taken_over_twice_in_a_lease() -> None:
    mailbox = ScriptedMailbox()
    async with working(mailbox, slots=3):
        await asyncio.sleep(31)

    assert mailbox.times("reclaim") == [0.0, 15.0, 30.0]
    assert [most for _, most in mailbox.told("reclaim")] == [3, 3, 3]


async def test_as_long_as_there_are_more_of_the_dead_than_slots_they_come_first() -> None:
    crowd = [[delivery("a"), delivery("b")], [delivery("c"), delivery("d")], [delivery("e")]]
    mailbox = ScriptedMailbox(reclaim=crowd)
    async with working(mailbox, Slow(1.0), slots=2):
        await asyncio.sleep(3.5)
        assert [round(at) for at in mailbox.times("reclaim")] == [0, 1, 2]
    assert mailbox.times("receive")[0] >= 2
    assert [one[0].conversation for one in mailbox.told("finish")] == ["a", "b", "c", "d", "e"]


async def test_half_a_slot_full_of_the_dead_leaves_the_rest_for_new_messages() -> None:
    mailbox = ScriptedMailbox(reclaim=[[delivery("a")]])
    mailbox.arriving.put_nowait(delivery("b"))
    handler = Slow(20.0)
    async with working(mailbox, handler, slots=3):
        await asyncio.sleep(16)
        assert handler.began == [0.0, 0.0]
        assert [most for _, most in mailbox.told("reclaim")] == [3, 1]


async def test_a_full_worker_takes_the_next_message_when_one_has_ended() -> None:
    mailbox, handler = ScriptedMailbox(), Slow(5.0)
    for number in range(18):
        mailbox.arriving.put_nowait(delivery(f"chat {number}"))
    async with working(mailbox, handler):
        await asyncio.sleep(4)
        assert len(handler.began) == 16
        await asyncio.sleep(2)
    assert handler.began == [0.0] * 16 + [5.0] * 2


async def test_it_is_known_when_it_has_read_last() -> None:
    loop = asyncio.get_running_loop()
    mailbox = ScriptedMailbox(receive=[RedisConnectionError("refused")])
    async with working(mailbox) as made:
        await asyncio.sleep(0.1)
        assert made.last_read_at is None
        await asyncio.sleep(1.5)
        assert made.last_read_at == pytest.approx(loop.time() - 0.6, abs=0.02)


@pytest.mark.parametrize(
    ("error", "event", "groups"),
    [
        (RedisConnectionError("refused"), "redis is away", 1),
        (ResponseError("NOGROUP"), "redis cannot answer", 3),
    ],
)
async def test_redis_is_asked_again_every_half_second(
    error: Exception, event: str, groups: int
) -> None:
    mailbox = ScriptedMailbox(receive=[error, error])
    with structlog.testing.capture_logs() as lines:
        async with working(mailbox):
            await asyncio.sleep(1.4)

    assert mailbox.times("receive")[:3] == [0.0, 0.5, 1.0]
    assert len(mailbox.told("create")) == groups, "the group may be gone with a restart"
    told = {"log_level": "warning", "event": event, "queue": mailbox.name, "reason": str(error)}
    assert lines == [told, told]


@pytest.mark.parametrize("error", [None, RedisConnectionError("refused"), ResponseError("gone")])
async def test_each_worker_reads_under_one_name_of_its_own_and_takes_it_back(
    error: Exception | None,
) -> None:
    names = set()
    for _ in range(2):
        mailbox = ScriptedMailbox(forget=[error])
        mailbox.arriving.put_nowait(delivery())
        blocking = redis.asyncio.Redis()
        stop = asyncio.Event()
        made = Worker(mailbox, blocking, Slow(11.0), at_once)
        running = asyncio.create_task(made.run(stop))
        await asyncio.sleep(12)
        stop.set()
        async with asyncio.timeout(LONG):
            await running

        reads = mailbox.told("receive")
        assert {client for client, _, _ in reads} == {blocking}
        used = {name for _, name, _ in reads} | {name for name, _ in mailbox.told("reclaim")}
        (name,) = used | {name for _, name in mailbox.told("renew")}
        assert mailbox.told("forget") == [name]
        names.add(name)
    assert len(names) == 2


async def test_what_is_in_work_is_kept_three_times_in_a_lease_whatever_fails() -> None:
    mailbox = ScriptedMailbox(renew=[None, None, RuntimeError("closed")])
    mailbox.arriving.put_nowait(delivery("a"))
    mailbox.arriving.put_nowait(delivery("b"))
    with structlog.testing.capture_logs() as lines:
        async with working(mailbox, Slow(25.0)):
            await asyncio.sleep(35)

    assert mailbox.times("renew") == [10.0, 10.0, 20.0, 20.0]
    assert [one.conversation for one, _ in mailbox.told("renew")] == ["a", "b"] * 2
    assert lines == [
        {"log_level": "warning", "event": "lease could not be renewed", "reason": "closed"}
    ]


async def test_what_another_worker_has_is_left_to_it_and_the_rest_goes_on() -> None:
    mailbox, handler = ScriptedMailbox(renew=[Superseded(), None]), Slow(25.0)
    mailbox.arriving.put_nowait(delivery("a"))
    mailbox.arriving.put_nowait(delivery("b"))
    async with working(mailbox, handler):
        await asyncio.sleep(26)

    assert handler.cancelled == [10.0]
    assert [one[0].conversation for one in mailbox.told("finish")] == ["b"]


async def test_what_runs_at_a_stop_has_fifteen_seconds_and_is_given_back_at_once() -> None:
    mailbox = ScriptedMailbox()
    mailbox.arriving.put_nowait(delivery("a"))
    mailbox.arriving.put_nowait(delivery("b"))
    handler = Slow(60.0)
    async with working(mailbox, handler):
        await asyncio.sleep(1.5)  # a read of a second ends at 2

    assert handler.cancelled == [17.0, 17.0]
    assert {(one.conversation, *rest) for one, *rest in mailbox.told("delay")} == {
        ("a", 0, False),
        ("b", 0, False),
    }
    assert mailbox.asked[-1][1] == "forget", "else what it holds would be dropped with its name"
    assert mailbox.told("finish") == []


async def test_what_ends_soon_after_a_stop_is_not_given_back() -> None:
    mailbox = ScriptedMailbox()
    mailbox.arriving.put_nowait(delivery("a"))
    handler = Slow(14.0)
    async with working(mailbox, handler):
        await asyncio.sleep(2)

    assert handler.cancelled == []
    assert len(mailbox.told("finish")) == 1


@pytest.mark.parametrize("error", [Superseded(), RedisConnectionError("refused")])
async def test_a_stop_does_not_fail_for_a_message_that_cannot_be_given_back(
    error: Exception,
) -> None:
    mailbox = ScriptedMailbox(delay=[error])
    mailbox.arriving.put_nowait(delivery("a"))
    with structlog.testing.capture_logs() as lines:
        async with working(mailbox, Slow(60.0)):
            await asyncio.sleep(1)
    assert lines == []


async def test_who_swallows_a_cancellation_is_cancelled_again_after_a_second() -> None:
    mailbox, handler = ScriptedMailbox(), Slow(60.0, reluctance=2)
    mailbox.arriving.put_nowait(delivery("a"))
    async with working(mailbox, handler):
        await asyncio.sleep(0.5)
    assert handler.cancelled == [16.0, 17.0, 18.0]
