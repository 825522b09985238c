"""The worker on a real server: no message is lost, even if workers crash."""

import asyncio
import random
from collections import defaultdict
from contextlib import suppress

import pytest

from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import DeadLetter, Delivery, Envelope, Mailbox, Outcome, WorkerTimings
from smart_kit.redis import Redis, await_result, connect, connect_for_blocking_reads
from smart_kit.settings import RedisSettings
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.tests.worker_harness import (
    TIMEOUT_SECONDS,
    RecordingHandler,
    expire_lease,
    run_worker,
    wait_until,
)


async def make_dead_letter_reply(delivery: Delivery) -> Outcome:
    return Outcome(replies=(Envelope(f"sorry:{delivery.payload}", "chat", "sorry"),))


async def read_dead_letters(redis: Redis) -> list[DeadLetter]:
    return [
        DeadLetter.model_validate_json(fields["dead_letter"])
        for _, fields in await redis.xrange("in:dead")
    ]


async def read_replies(redis: Redis) -> list[str]:
    return list(await await_result(redis.lrange("out:waiting:chat", 0, -1)))


async def test_two_workers_preserve_the_order_of_each_conversation(
    mailbox: Mailbox, redis: Redis, redis_settings: RedisSettings
) -> None:
    handled: dict[str, list[str]] = defaultdict(list)
    busy: set[str] = set()
    together = 0

    async def handle(delivery: Delivery) -> Outcome:
        nonlocal together
        assert delivery.conversation not in busy, "two messages of one conversation at a time"
        busy.add(delivery.conversation)
        together = max(together, len(busy))
        await asyncio.sleep(random.random() / 200)
        busy.remove(delivery.conversation)
        handled[delivery.conversation].append(delivery.payload)
        return Outcome()

    envelopes = [Envelope(f"{c}:{n}", f"chat {c}", str(n)) for n in range(20) for c in range(8)]
    await mailbox.enqueue(*envelopes[:80])
    first, second = (
        connect_for_blocking_reads(redis_settings),
        connect_for_blocking_reads(redis_settings),
    )
    async with (
        run_worker(mailbox, first, handle, slots=3),
        run_worker(mailbox, second, handle, slots=3),
    ):
        await mailbox.enqueue(*envelopes[80:])
        await wait_until(lambda: sum(map(len, handled.values())) == len(envelopes))
    await first.aclose()
    await second.aclose()

    assert handled == {f"chat {c}": [str(n) for n in range(20)] for c in range(8)}
    assert together > 1
    assert not await redis.exists("in:attempts", "in:dead")


@pytest.mark.clock("virtual")
async def test_worker_takes_no_more_messages_than_slots(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    handler = RecordingHandler(60.0, 60.0)
    await mailbox.enqueue(*(Envelope(str(n), f"chat {n}", str(n)) for n in range(5)))
    async with run_worker(mailbox, blocking, handler, slots=2):
        await asyncio.sleep(30)

        assert len(handler.deliveries) == 2
        assert (await redis.xpending("in", "workers"))["pending"] == 2


async def test_stop_lets_running_messages_finish(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    handler = RecordingHandler(0.2)
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    async with run_worker(
        mailbox, blocking, handler, timings=WorkerTimings(promote_interval_seconds=0.01)
    ) as stop:
        await wait_until(lambda: len(handler.deliveries) == 1)
        stop.set()

    assert handler.completed == ["a"]
    assert not await redis.exists("in:waiting:chat")
    assert await redis.xinfo_consumers("in", "workers") == []


async def test_stop_releases_slow_messages_without_counting_the_attempt(
    mailbox: Mailbox, blocking: Redis
) -> None:
    slow, heir = RecordingHandler(60.0), RecordingHandler()
    await mailbox.enqueue(Envelope("1", "chat", "a"), Envelope("2", "chat", "b"))
    async with run_worker(mailbox, blocking, slow) as stop:
        await wait_until(lambda: len(slow.deliveries) == 1)
        stop.set()
    assert [delivery.payload for delivery in slow.cancelled] == ["a"]

    async with run_worker(mailbox, blocking, heir):
        await wait_until(lambda: len(heir.completed) == 2)
    assert heir.attempts == [("a", 1), ("b", 1)]


async def test_retried_message_blocks_its_conversation_without_counting(
    mailbox: Mailbox, blocking: Redis
) -> None:
    handler = RecordingHandler(*[RetryMessage(0.02)] * 7)
    await mailbox.enqueue(Envelope("1", "chat", "a"), Envelope("2", "chat", "b"))
    async with run_worker(mailbox, blocking, handler):
        await wait_until(lambda: len(handler.completed) == 2)

    assert handler.attempts == [("a", 1)] * 8 + [("b", 1)]


async def test_rejected_message_is_dead_lettered_at_once(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    handler = RecordingHandler(RejectMessage("it is empty"))
    await mailbox.enqueue(Envelope("1", "chat", "a"), Envelope("2", "chat", "b"))
    async with run_worker(mailbox, blocking, handler, make_dead_letter_reply):
        await wait_until(lambda: handler.completed == ["b"])

    (dead_letter,) = await read_dead_letters(redis)
    assert (dead_letter.payload, dead_letter.reason, dead_letter.attempts) == (
        "a",
        "it is empty",
        1,
    )
    assert (dead_letter.queue, dead_letter.conversation) == ("in", "chat")
    assert await read_replies(redis) == ["sorry"]


@pytest.mark.parametrize(
    "error",
    [ValueError("poison"), TimeoutError("of the model"), ConnectionResetError("by the model")],
    ids=lambda error: type(error).__name__,
)
async def test_poison_message_is_dead_lettered_after_five_attempts_with_a_reply(
    mailbox: Mailbox, blocking: Redis, redis: Redis, error: Exception
) -> None:
    handler = RecordingHandler(*[error] * 5)
    await mailbox.enqueue(Envelope("1", "chat", "a"), Envelope("2", "chat", "b"))
    async with run_worker(mailbox, blocking, handler, make_dead_letter_reply):
        await wait_until(lambda: handler.completed == ["b"])

    assert handler.attempts == [("a", n) for n in (1, 2, 3, 4, 5)] + [("b", 1)]
    (dead_letter,) = await read_dead_letters(redis)
    assert dead_letter.reason == f"{type(error).__name__}: {error}"
    assert dead_letter.attempts == 5
    assert await read_replies(redis) == ["sorry"]


async def test_message_is_dead_lettered_after_killing_five_workers(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.create_group()
    await mailbox.enqueue(Envelope("1", "chat", "a"), Envelope("2", "chat", "b"))
    (entry,) = await mailbox.receive(blocking, "killed", 1.0)
    for _ in range(5):
        await mailbox.begin(entry)
    await expire_lease(redis, entry)
    handler = RecordingHandler()
    async with run_worker(mailbox, blocking, handler, make_dead_letter_reply):
        await wait_until(lambda: handler.completed == ["b"])

    assert handler.attempts == [("b", 1)]
    (dead_letter,) = await read_dead_letters(redis)
    assert (dead_letter.payload, dead_letter.attempts) == ("a", 5)
    assert await read_replies(redis) == ["sorry"]


async def test_message_is_dead_lettered_even_if_the_reply_fails(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    async def fail_dead_letter_reply(_: Delivery) -> Outcome:
        raise RuntimeError("failed")

    handler = RecordingHandler(RejectMessage("it is empty"))
    await mailbox.enqueue(Envelope("1", "chat", "a"), Envelope("2", "chat", "b"))
    async with run_worker(mailbox, blocking, handler, fail_dead_letter_reply):
        await wait_until(lambda: handler.completed == ["b"])

    assert len(await read_dead_letters(redis)) == 1


async def test_refused_finish_is_retried_by_the_next_attempt(redis: Redis, blocking: Redis) -> None:
    mailbox = Mailbox(redis, "in", lease_seconds=0.1)
    attempts: list[int] = []

    async def handle(delivery: Delivery) -> Outcome:
        attempts.append(delivery.attempt)
        if delivery.attempt == 2:
            await redis.delete(TURNS_STREAM)
        return Outcome(archive_record="turn")

    await redis.set(TURNS_STREAM, "no stream")
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    async with run_worker(mailbox, blocking, handle):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while await redis.exists("in:waiting:chat"):
                await asyncio.sleep(0.01)

    assert attempts[:2] == [1, 2]
    assert await redis.xlen(TURNS_STREAM) == 1


async def test_worker_recovers_after_a_flush(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    handler = RecordingHandler()
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    async with run_worker(mailbox, blocking, handler):
        await wait_until(lambda: handler.completed == ["a"])
        await redis.flushall()
        await mailbox.enqueue(Envelope("2", "chat", "b"))
        await wait_until(lambda: handler.completed == ["a", "b"])


async def test_redis_crash_loses_and_repeats_nothing(durable_valkey: DurableValkey) -> None:
    commands = connect(durable_valkey.settings)
    blocking = connect_for_blocking_reads(durable_valkey.settings)
    mailbox = Mailbox(commands, "in")
    may_end = asyncio.Event()
    handled: list[tuple[str, int]] = []

    async def handle(delivery: Delivery) -> Outcome:
        handled.append((delivery.payload, delivery.attempt))
        await may_end.wait()
        return Outcome()

    await mailbox.enqueue(*(Envelope(str(n), "chat", str(n)) for n in range(3)))
    async with run_worker(mailbox, blocking, handle):
        await wait_until(lambda: len(handled) == 1)
        durable_valkey.kill()
        may_end.set()
        await asyncio.sleep(0.1)  # the end is tried in vain
        durable_valkey.start()
        await mailbox.enqueue(Envelope("3", "chat", "3"))
        await wait_until(lambda: len(handled) == 4)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while await commands.exists("in:waiting:chat"):
                await asyncio.sleep(0.01)
    await commands.aclose()
    await blocking.aclose()

    assert handled == [("0", 1), ("1", 1), ("2", 1), ("3", 1)]


async def test_cancelled_command_leaves_no_response_behind(redis: Redis) -> None:
    waiting = asyncio.create_task(await_result(redis.blpop(["nothing"], timeout=1)))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    await redis.set("key", "value")

    assert await redis.get("key") == "value"
