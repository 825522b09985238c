"""The lease of a message: its renewal and its end."""

import asyncio

import pytest
import structlog

from smart_kit.mailbox import Envelope, Mailbox, Outcome, StreamEntry, worker
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.redis import Redis, connect_for_blocking_reads
from smart_kit.settings import RedisSettings
from smart_kit.tests.worker_harness import (
    TIMEOUT_SECONDS,
    RecordingHandler,
    expire_lease,
    run_worker,
    wait_until,
)


async def wait_until_lease_renewed(redis: Redis) -> None:
    """Let almost all of a lease pass, and wait until the worker has renewed it."""
    (pending,) = await redis.xpending_range("in", GROUP, "-", "+", 2)
    entry, owner = pending["message_id"], pending["consumer"]
    await redis.xclaim("in", GROUP, owner, 0, [entry], idle=50_000, justid=True)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while await redis.xpending_range("in", GROUP, "-", "+", 1, idle=50_000):
            await asyncio.sleep(0.005)


async def test_message_of_a_dead_worker_is_reclaimed(
    mailbox: Mailbox, redis: Redis, blocking: Redis
) -> None:
    await mailbox.create_group()
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    (entry,) = await mailbox.receive(blocking, "killed", 1.0)
    await mailbox.begin(entry)
    await expire_lease(redis, entry)
    handler = RecordingHandler()
    async with run_worker(mailbox, blocking, handler):
        await wait_until(lambda: handler.completed == ["a"])

    assert handler.attempts == [("a", 2)]


async def test_failed_renewal_does_not_lose_a_long_message(
    mailbox: Mailbox,
    redis: Redis,
    blocking: Redis,
    redis_settings: RedisSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "RENEWALS_PER_LEASE", 1000)
    handler, envious = RecordingHandler(3600.0), RecordingHandler()
    other = connect_for_blocking_reads(redis_settings)
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    async with run_worker(mailbox, blocking, handler, slots=1):
        await wait_until(lambda: len(handler.deliveries) == 1)
        with structlog.testing.capture_logs() as lines:
            async with redis.pipeline() as at_once:  # without it the message would be lost
                await at_once.rename("in:fence", "saved").set("in:fence", "not a hash").execute()
            await wait_until(lambda: len(lines) > 0)
            await redis.rename("saved", "in:fence")
        await wait_until_lease_renewed(redis)
        await mailbox.enqueue(Envelope("2", "other", "b"))
        async with run_worker(mailbox, other, envious):
            await wait_until(lambda: envious.completed == ["b"])
    await other.aclose()

    assert {line["event"] for line in lines} == {"lease renewal failed"}
    assert handler.attempts == [("a", 1)]
    assert envious.attempts == [("b", 1)]


async def test_handler_is_cancelled_when_the_lease_is_lost(
    mailbox: Mailbox, redis: Redis, blocking: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RENEWALS_PER_LEASE", 1000)
    handler = RecordingHandler(3600.0)
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    async with run_worker(mailbox, blocking, handler):
        await wait_until(lambda: len(handler.deliveries) == 1)
        heir = await mailbox.begin(StreamEntry(handler.deliveries[0].entry_id, "chat"))
        assert heir is not None
        await mailbox.finish(heir, Outcome())
        await wait_until(lambda: len(handler.cancelled) == 1)

    assert not await redis.exists("in:waiting:chat")
