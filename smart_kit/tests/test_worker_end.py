"""A worker ends whenever it is told, also where Redis's client swallows a cancellation.

In Python 3.11 redis-py's commands can: see smart_kit.redis.is_cancelled. Here each does, once.
"""

import asyncio
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from smart_kit.mailbox import Delivery, Entry, Letter, Mailbox, Outcome, Pace, Worker, until_redis
from smart_kit.redis import Redis, answer
from smart_kit.tests.running_worker import no_apology

SECONDS = 30.0
QUICK = Pace(promote=0.01, hand_over=0.01)


class SlowCommand:
    """A command that takes long, and the task that waits for it."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.task: asyncio.Task[Any] | None = None
        self._has_swallowed = False

    async def run(self) -> None:
        self.begun.set()
        self.task = asyncio.current_task()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if self._has_swallowed:
                raise
            self._has_swallowed = True
            await asyncio.sleep(0)  # it reads its answer


async def slow(_: Delivery) -> Outcome:
    await asyncio.sleep(60)
    return Outcome()


async def has_ended(task: "asyncio.Task[Any] | None") -> bool:
    assert task is not None
    ended, _ = await asyncio.wait({task}, timeout=SECONDS)
    return bool(ended)


async def test_a_cancelled_worker_ends(redis: Redis, blocking: Redis) -> None:
    command = SlowCommand()

    class Swallowing(Mailbox):
        async def receive(self, blocking: Redis, consumer: str, seconds: float) -> Entry | None:
            await command.run()
            return None

    worker = Worker(Swallowing(redis, "in"), blocking, slow, no_apology, pace=QUICK)
    running = asyncio.create_task(worker.run(asyncio.Event()))
    await command.begun.wait()
    running.cancel()

    assert await has_ended(running)


async def test_the_heart_ends_with_its_worker(redis: Redis, blocking: Redis) -> None:
    command = SlowCommand()

    class Swallowing(Mailbox):
        async def renew(self, delivery: Delivery, consumer: str) -> None:
            await command.run()

    mailbox = Swallowing(redis, "in", lease_seconds=0.3)
    await mailbox.enqueue(Letter("1", "chat", "a"))
    await mailbox.enqueue(Letter("2", "other chat", "b"))
    stop = asyncio.Event()
    worker = Worker(mailbox, blocking, slow, no_apology, pace=QUICK)
    running = asyncio.create_task(worker.run(stop))
    await command.begun.wait()
    stop.set()

    assert await has_ended(running)
    assert await has_ended(command.task)


async def test_the_heart_outlives_every_failure(redis: Redis, blocking: Redis) -> None:
    """Else all that runs would be taken over by others."""
    again = asyncio.Event()

    class Failing(Mailbox):
        count = 0

        async def renew(self, delivery: Delivery, consumer: str) -> None:
            self.count += 1
            if self.count > 1:
                again.set()
            raise RuntimeError("the transport is closed")

    mailbox = Failing(redis, "in", lease_seconds=0.3)
    await mailbox.enqueue(Letter("1", "chat", "a"))
    stop = asyncio.Event()
    running = asyncio.create_task(Worker(mailbox, blocking, slow, no_apology, pace=QUICK).run(stop))
    async with asyncio.timeout(SECONDS):
        await again.wait()
    stop.set()

    assert await has_ended(running)


async def test_whoever_waits_for_redis_ends_when_cancelled() -> None:
    command = SlowCommand()

    async def away() -> None:
        await command.run()
        raise RedisConnectionError("refused")

    waiting = asyncio.create_task(until_redis(away))
    await command.begun.wait()
    waiting.cancel()

    assert await has_ended(waiting)
    assert waiting.cancelled()


async def test_a_worker_that_is_cancelled_while_it_hands_over_still_does(
    redis: Redis, blocking: Redis
) -> None:
    """Nobody else would wait for what runs."""
    begun, is_ending, never = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reluctant(_: Delivery) -> Outcome:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            is_ending.set()
            await never.wait()
        return Outcome()

    mailbox = Mailbox(redis, "in")
    await mailbox.enqueue(Letter("1", "chat", "a"))
    stop = asyncio.Event()
    running = asyncio.create_task(
        Worker(mailbox, blocking, reluctant, no_apology, pace=QUICK).run(stop)
    )
    await begun.wait()
    stop.set()
    await is_ending.wait()
    running.cancel()

    assert await has_ended(running)
    assert await answer(redis.hget("in:active", "chat")) == "delayed"
