"""A worker always stops, even if the Redis client swallows a cancellation.

In Python 3.11 commands of redis-py can do that, see smart_kit.aio.is_cancelled. Here each command
does it once.
"""

import asyncio
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from smart_kit.mailbox import (
    Delivery,
    Envelope,
    Mailbox,
    Outcome,
    StreamEntry,
    Worker,
    WorkerTimings,
    retry_until_redis,
)
from smart_kit.redis import Redis, await_result
from smart_kit.tests.worker_harness import no_dead_letter_reply

TIMEOUT_SECONDS = 30.0
FAST_TIMINGS = WorkerTimings(promote_interval_seconds=0.01, drain_timeout_seconds=0.01)


class SlowCommand:
    """A slow command, and the task that waits for it."""

    def __init__(self) -> None:
        self.is_started = asyncio.Event()
        self.task: asyncio.Task[Any] | None = None
        self._has_swallowed = False

    async def run(self) -> None:
        self.is_started.set()
        self.task = asyncio.current_task()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if self._has_swallowed:
                raise
            self._has_swallowed = True
            await asyncio.sleep(0)  # it reads its answer


async def handle_slowly(_: Delivery) -> Outcome:
    await asyncio.sleep(60)
    return Outcome()


async def has_finished(task: "asyncio.Task[Any] | None") -> bool:
    assert task is not None
    ended, _ = await asyncio.wait({task}, timeout=TIMEOUT_SECONDS)
    return bool(ended)


async def test_cancelled_worker_ends(redis: Redis, blocking: Redis) -> None:
    command = SlowCommand()

    class Swallowing(Mailbox):
        async def receive(
            self, blocking: Redis, consumer: str, timeout_seconds: float, limit: int = 1
        ) -> list[StreamEntry]:
            await command.run()
            return []

    worker = Worker(
        Swallowing(redis, "in"), blocking, handle_slowly, no_dead_letter_reply, timings=FAST_TIMINGS
    )
    running = asyncio.create_task(worker.run(asyncio.Event()))
    await command.is_started.wait()
    running.cancel()

    assert await has_finished(running)


async def test_lease_renewal_ends_with_its_worker(redis: Redis, blocking: Redis) -> None:
    command = SlowCommand()

    class Swallowing(Mailbox):
        async def renew(self, delivery: Delivery, consumer: str) -> None:
            await command.run()

    mailbox = Swallowing(redis, "in", lease_seconds=0.3)
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    await mailbox.enqueue(Envelope("2", "other chat", "b"))
    stop = asyncio.Event()
    worker = Worker(mailbox, blocking, handle_slowly, no_dead_letter_reply, timings=FAST_TIMINGS)
    running = asyncio.create_task(worker.run(stop))
    await command.is_started.wait()
    stop.set()

    assert await has_finished(running)
    assert await has_finished(command.task)


async def test_lease_renewal_survives_every_failure(redis: Redis, blocking: Redis) -> None:
    """Otherwise other replicas would take over all running messages."""
    again = asyncio.Event()

    class Failing(Mailbox):
        count = 0

        async def renew(self, delivery: Delivery, consumer: str) -> None:
            self.count += 1
            if self.count > 1:
                again.set()
            raise RuntimeError("the transport is closed")

    mailbox = Failing(redis, "in", lease_seconds=0.3)
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    stop = asyncio.Event()
    running = asyncio.create_task(
        Worker(mailbox, blocking, handle_slowly, no_dead_letter_reply, timings=FAST_TIMINGS).run(
            stop
        )
    )
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await again.wait()
    stop.set()

    assert await has_finished(running)


async def test_waiting_for_redis_ends_when_cancelled() -> None:
    command = SlowCommand()

    async def redis_unavailable() -> None:
        await command.run()
        raise RedisConnectionError("refused")

    waiting = asyncio.create_task(retry_until_redis(redis_unavailable))
    await command.is_started.wait()
    waiting.cancel()

    assert await has_finished(waiting)
    assert waiting.cancelled()


async def test_cancellation_during_the_drain_still_releases_messages(
    redis: Redis, blocking: Redis
) -> None:
    """Nothing else would wait for the running messages."""
    is_started, is_ending, never = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def resist_cancellation(_: Delivery) -> Outcome:
        is_started.set()
        try:
            await asyncio.sleep(60)
        finally:
            is_ending.set()
            await never.wait()
        return Outcome()

    mailbox = Mailbox(redis, "in")
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    stop = asyncio.Event()
    running = asyncio.create_task(
        Worker(
            mailbox, blocking, resist_cancellation, no_dead_letter_reply, timings=FAST_TIMINGS
        ).run(stop)
    )
    await is_started.wait()
    stop.set()
    await is_ending.wait()
    running.cancel()

    assert await has_finished(running)
    assert await await_result(redis.hget("in:active", "chat")) == "delayed"
