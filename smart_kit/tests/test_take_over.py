"""Messages of a dead worker are taken over at once, those of a living one are not."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis.asyncio
import redis.exceptions as redis_errors

from smart_kit.mailbox import Delivery, Envelope, LeaseLost, Mailbox, Outcome, StreamEntry, Worker
from smart_kit.mailbox import worker as worker_module
from smart_kit.mailbox.mailbox import GROUP, SIGN_OF_LIFE_SECONDS
from smart_kit.mailbox.worker import READ_LIMIT, RECONNECT_SECONDS, RENEWALS_PER_SIGN_OF_LIFE
from smart_kit.redis import Redis, connect
from smart_kit.settings import RedisSettings
from smart_kit.tests.scripted_mailbox import ScriptedMailbox, make_delivery
from smart_kit.tests.worker_harness import (
    TIMEOUT_SECONDS,
    RecordingHandler,
    no_dead_letter_reply,
    run_worker,
    wait_until,
)

ENDLESS_SECONDS = 86_400.0


@pytest.fixture
async def mailbox(redis: Redis) -> Mailbox:
    """A mailbox in which nothing ends by itself, so that a slow test moves no message."""
    made = Mailbox(redis, "in", lease_seconds=ENDLESS_SECONDS, sign_of_life_seconds=ENDLESS_SECONDS)
    await made.create_group()
    return made


@pytest.fixture
async def other_client(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    async with connect(redis_settings) as client:
        yield client


async def deliver(mailbox: Mailbox, blocking: Redis, worker: str, messages: int) -> list[Delivery]:
    """Let a living worker begin so many messages."""
    await mailbox.renew_sign_of_life(worker)
    await mailbox.enqueue(*(Envelope(f"{n}", f"chat {n}", f"{n}") for n in range(messages)))
    entries = await mailbox.receive(blocking, worker, 1.0, messages)
    deliveries = await asyncio.gather(*map(mailbox.begin, entries))
    return [delivery for delivery in deliveries if delivery is not None]


async def kill(client: Redis, worker: str) -> None:
    """End the worker's sign of life, which nobody renews."""
    assert await client.delete(f"in:alive:{worker}") == 1


async def list_consumers(client: Redis) -> set[str]:
    return {consumer["name"] for consumer in await client.xinfo_consumers("in", GROUP)}


async def test_sign_of_life_expires_after_its_time(redis: Redis) -> None:
    mailbox = Mailbox(redis, "in")
    await mailbox.renew_sign_of_life("worker")

    left = await redis.pttl("in:alive:worker")
    assert SIGN_OF_LIFE_SECONDS * 500 < left <= SIGN_OF_LIFE_SECONDS * 1000


async def test_message_of_a_killed_worker_is_processed_before_its_lease_ends(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    await deliver(mailbox, blocking, "killed", 1)
    await kill(redis, "killed")
    handler = RecordingHandler()
    async with run_worker(mailbox, blocking, handler):
        await wait_until(lambda: handler.completed == ["0"])

    assert handler.attempts == [("0", 2)]


async def test_message_of_a_living_worker_is_not_taken_over(
    mailbox: Mailbox, blocking: Redis
) -> None:
    (delivery,) = await deliver(mailbox, blocking, "slow", 1)

    assert await mailbox.take_over(blocking, "other", 10) == []
    await mailbox.finish(delivery, Outcome())


@pytest.mark.parametrize("operation", ["receive", "take_over"])
async def test_message_whose_delivery_was_lost_is_processed(
    operation: str,
    mailbox: Mailbox,
    redis: Redis,
    blocking: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Redis gives the message to the worker, but the connection ends before the reply."""
    if operation == "receive":
        await mailbox.enqueue(Envelope("0", "chat", "0"))
    else:
        await deliver(mailbox, blocking, "killed", 1)
        await kill(redis, "killed")
    execute, lost = getattr(mailbox, operation), list[Any]()

    async def lose_first_reply(*arguments: Any) -> Any:
        entries = await execute(*arguments)
        if entries and not lost:
            lost.append(entries)
            raise redis_errors.ConnectionError("reset")
        return entries

    monkeypatch.setattr(mailbox, operation, lose_first_reply)
    handler = RecordingHandler()
    async with run_worker(mailbox, blocking, handler):
        await wait_until(lambda: handler.completed == ["0"])

    assert lost


async def test_worker_does_not_take_over_from_itself(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    await deliver(mailbox, blocking, "worker", 1)
    await kill(redis, "worker")

    assert await mailbox.take_over(blocking, "worker", 10) == []
    assert await list_consumers(redis) == {"worker"}


async def test_two_workers_never_take_over_the_same_message(
    mailbox: Mailbox, redis: Redis, blocking: Redis, other_client: Redis
) -> None:
    for worker in ("dead", "dead too"):
        await mailbox.renew_sign_of_life(worker)
    await mailbox.enqueue(*(Envelope(f"{n}", f"chat {n}", "text") for n in range(40)))
    await mailbox.receive(blocking, "dead", 1.0, 25)
    await mailbox.receive(blocking, "dead too", 1.0, 25)
    for worker in ("dead", "dead too"):
        await kill(redis, worker)

    other = Mailbox(other_client, "in", lease_seconds=ENDLESS_SECONDS)
    halves = await asyncio.gather(
        mailbox.take_over(blocking, "first", 20), other.take_over(other_client, "second", 20)
    )

    conversations = [entry.conversation for half in halves for entry in half]
    assert sorted(conversations) == sorted(f"chat {n}" for n in range(40))


async def test_take_over_fills_only_the_free_slots(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    await deliver(mailbox, blocking, "dead", 5)
    await kill(redis, "dead")
    await mailbox.renew_sign_of_life("heir")

    assert await mailbox.take_over(blocking, "heir", 0) == []
    assert len(await mailbox.take_over(blocking, "heir", 3)) == 3
    assert len(await mailbox.take_over(blocking, "heir", 3)) == 2


async def test_crowd_of_a_dead_worker_is_taken_over_in_parts(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    await deliver(mailbox, blocking, "dead", 101)
    await kill(redis, "dead")
    await mailbox.renew_sign_of_life("heir")

    parts = [len(await mailbox.take_over(blocking, "heir", 1_000_000)) for _ in range(3)]
    assert parts == [100, 1, 0]


async def test_dead_consumer_is_removed_once_it_has_no_entries(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    await deliver(mailbox, blocking, "dead", 1)
    await kill(redis, "dead")
    await mailbox.take_over(blocking, "heir", 1)
    assert await list_consumers(redis) == {"dead", "heir"}

    await mailbox.take_over(blocking, "heir", 1)
    assert await list_consumers(redis) == {"heir"}


async def test_entry_deleted_by_hand_is_not_taken_over(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    first, second = await deliver(mailbox, blocking, "dead", 2)
    await kill(redis, "dead")
    await redis.xdel("in", first.entry_id)

    taken = await mailbox.take_over(blocking, "heir", 10)
    assert [entry.id for entry in taken] == [second.entry_id]


async def test_paused_worker_loses_its_message_and_continues(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    may_continue = asyncio.Event()
    handled: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        if delivery.payload == "paused":
            await may_continue.wait()
        handled.append(delivery.payload)
        return Outcome()

    await mailbox.enqueue(Envelope("1", "chat", "paused"))
    async with run_worker(mailbox, blocking, handle):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not (taken := await take_over_now(mailbox, redis, blocking)):
                await asyncio.sleep(0.005)
        heir = await mailbox.begin(taken[0])
        assert heir is not None
        may_continue.set()
        await wait_until(lambda: handled == ["paused"])
        await mailbox.enqueue(Envelope("2", "chat", "later"))
        await mailbox.finish(heir, Outcome())  # refused if the paused worker's result counted
        await wait_until(lambda: handled == ["paused", "later"])

    with pytest.raises(LeaseLost):
        await mailbox.finish(heir, Outcome())


async def take_over_now(mailbox: Mailbox, client: Redis, blocking: Redis) -> list[StreamEntry]:
    """Take over what a running worker holds, as if its sign of life had expired."""
    for key in [key async for key in client.scan_iter("in:alive:*")]:
        await client.delete(key)
    return await mailbox.take_over(blocking, "heir", 1)


async def test_worker_shows_signs_of_life_again_after_a_flush(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    handler = RecordingHandler()
    async with run_worker(mailbox, blocking, handler):
        await mailbox.enqueue(Envelope("1", "chat", "before"))
        await wait_until(lambda: handler.completed == ["before"])
        await redis.flushdb()
        await mailbox.enqueue(Envelope("2", "chat", "after"))
        await wait_until(lambda: handler.completed == ["before", "after"])
        assert len([key async for key in redis.scan_iter("in:alive:*")]) == 1


async def test_stopped_worker_leaves_no_sign_of_life(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    handler = RecordingHandler()
    async with run_worker(mailbox, blocking, handler) as stop:
        await mailbox.enqueue(Envelope("1", "chat", "a"))
        await wait_until(lambda: handler.completed == ["a"])
        stop.set()

    assert [key async for key in redis.scan_iter("in:alive:*")] == []
    assert await list_consumers(redis) == set()


@pytest.mark.clock("virtual")
async def test_sign_of_life_precedes_reading_and_goes_on_with_full_slots() -> None:
    mailbox = ScriptedMailbox(sign=[None, None, RuntimeError("refused")])
    mailbox.incoming.put_nowait(make_delivery())
    await run_scripted_worker(mailbox, 20.0, slots=1)

    operations = [operation for _, operation, _ in mailbox.calls]
    assert operations.index("sign") < operations.index("receive")
    interval = mailbox.sign_of_life_seconds / RENEWALS_PER_SIGN_OF_LIFE
    assert mailbox.call_times("sign")[:9] == [interval * n for n in range(9)]


@pytest.mark.clock("virtual")
async def test_dead_workers_are_looked_for_each_second_while_slots_are_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    monkeypatch.setattr(worker_module, "time", clock)
    found = [None, [make_delivery("first")], [make_delivery("second")]]
    mailbox = ScriptedMailbox(take_over=found)
    await run_scripted_worker(mailbox, 3.5, slots=2)

    assert mailbox.call_times("take_over") == [0.0, 1.0, 1.0]
    assert [limit for _, limit in mailbox.calls_to("take_over")] == [2, 2, 1]


@pytest.mark.clock("virtual")
@pytest.mark.parametrize(
    "error", [redis_errors.ConnectionError("refused"), redis_errors.ResponseError("LOADING")]
)
async def test_after_an_outage_living_workers_get_time_to_sign(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    monkeypatch.setattr(worker_module, "time", clock)
    mailbox = ScriptedMailbox(promote=[None, error])
    await run_scripted_worker(mailbox, 10.0, slots=1)

    failed_at = 1.0
    first, second = mailbox.call_times("take_over")
    assert first < failed_at
    assert second >= failed_at + SIGN_OF_LIFE_SECONDS
    assert failed_at + RECONNECT_SECONDS in mailbox.call_times("sign")


@pytest.mark.clock("virtual")
async def test_unrenewed_sign_of_life_postpones_the_take_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    monkeypatch.setattr(worker_module, "time", clock)
    mailbox = ScriptedMailbox(sign=[None, redis_errors.ConnectionError("refused")])
    await run_scripted_worker(mailbox, 11.0, slots=1)

    failed_at = SIGN_OF_LIFE_SECONDS / RENEWALS_PER_SIGN_OF_LIFE
    assert [at for at in mailbox.call_times("take_over") if at > failed_at] == [10.0]


@pytest.mark.clock("virtual")
@pytest.mark.parametrize(("slots", "limits"), [(3, [3, 1]), (100, [READ_LIMIT, READ_LIMIT])])
async def test_a_read_takes_several_conversations_but_no_more_than_slots(
    slots: int, limits: list[int]
) -> None:
    mailbox = ScriptedMailbox()
    for number in range(2):
        mailbox.incoming.put_nowait(make_delivery(f"chat {number}"))
    await run_scripted_worker(mailbox, 0.5, slots=slots)

    assert [limit for *_, limit in mailbox.calls_to("receive")] == limits


async def run_scripted_worker(mailbox: ScriptedMailbox, seconds: float, slots: int) -> None:
    """Run a worker whose handlers do not end, for so many virtual seconds."""
    handler = RecordingHandler(*([3600.0] * 10))
    worker = Worker(mailbox, redis.asyncio.Redis(), handler, no_dead_letter_reply, slots=slots)
    running = asyncio.create_task(worker.run(asyncio.Event()))
    await asyncio.sleep(seconds)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
