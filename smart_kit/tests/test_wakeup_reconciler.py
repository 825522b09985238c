"""A conversation with waiting messages is woken, however its wake-up was lost."""

import asyncio

import pytest
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from smart_kit.mailbox import Delivery, Envelope, Mailbox, Outcome, WakeupReconciler
from smart_kit.redis import Redis


@pytest.fixture
async def mailbox(redis: Redis) -> Mailbox:
    made = Mailbox(redis, "in")
    await made.create_group()
    await made.enqueue(Envelope("1", "chat", "first"), Envelope("2", "chat", "second"))
    return made


async def receive_entry(mailbox: Mailbox, blocking: Redis) -> Delivery | None:
    entries = await mailbox.receive(blocking, "worker", 0.01)
    return await mailbox.begin(entries[0]) if entries else None


async def test_deleted_entry_is_replaced(redis: Redis, blocking: Redis, mailbox: Mailbox) -> None:
    await redis.xtrim("in", maxlen=0)
    assert await receive_entry(mailbox, blocking) is None
    assert await WakeupReconciler(redis, "in").restore_wakeups() == 1
    delivery = await receive_entry(mailbox, blocking)
    assert delivery is not None
    assert delivery.payload == "first"


async def test_entry_of_a_deleted_consumer_is_replaced(
    redis: Redis, blocking: Redis, mailbox: Mailbox
) -> None:
    """XGROUP DELCONSUMER drops pending entries: delivered, but without a consumer."""
    held = await receive_entry(mailbox, blocking)
    assert held is not None
    await redis.xgroup_delconsumer("in", "workers", "worker")
    assert await WakeupReconciler(redis, "in").restore_wakeups() == 1
    again = await receive_entry(mailbox, blocking)
    assert again is not None
    assert (again.payload, again.fencing_token) == ("first", held.fencing_token + 1)
    assert await redis.xlen("in") == 1, "the old entry is gone"


@pytest.mark.parametrize(
    ("entry", "delivered", "is_lost"),
    [
        ("5-10", "5-9", False),
        ("5-9", "5-10", True),
        ("5-9", "5-9", True),
        ("10-1", "9-5", False),
        ("10-5", "9-5", False),
        ("9-5", "10-1", True),
        ("9-5", "10-5", True),
    ],
)
async def test_unheld_entry_behind_the_groups_position_is_lost(
    redis: Redis, entry: str, delivered: str, is_lost: bool
) -> None:
    """Ids are compared as numbers, not as texts: `5-10` comes after `5-9`."""
    await Mailbox(redis, "in").create_group()
    await redis.rpush("in:waiting:chat", "text")
    await redis.hset("in:active", "chat", entry)
    await redis.xadd("in", {"conversation": "chat"}, id=entry)
    await redis.xgroup_setid("in", "workers", delivered)

    assert await WakeupReconciler(redis, "in").restore_wakeups() == is_lost
    assert (await redis.hget("in:active", "chat") != entry) == is_lost


async def test_forgotten_delay_ends(redis: Redis, blocking: Redis, mailbox: Mailbox) -> None:
    held = await receive_entry(mailbox, blocking)
    assert held is not None
    await mailbox.delay(held, 60)
    await redis.delete("in:delayed")
    assert await WakeupReconciler(redis, "in").restore_wakeups() == 1
    assert await receive_entry(mailbox, blocking) is not None


@pytest.mark.parametrize("is_message_taken", [True, False])
async def test_conversation_with_only_waiting_messages_is_woken(
    redis: Redis, blocking: Redis, mailbox: Mailbox, is_message_taken: bool
) -> None:
    if is_message_taken:
        assert await receive_entry(mailbox, blocking) is not None
    await redis.delete("in", "in:active")
    await mailbox.create_group()
    assert await WakeupReconciler(redis, "in").restore_wakeups() == 1
    assert await receive_entry(mailbox, blocking) is not None


async def test_active_mark_without_messages_is_removed(redis: Redis, mailbox: Mailbox) -> None:
    await redis.delete("in:waiting:chat", "in")
    assert await WakeupReconciler(redis, "in").restore_wakeups() == 0
    assert await redis.hgetall("in:active") == {}


@pytest.mark.parametrize("state", ["waiting", "held", "delayed", "ended", "without a group"])
async def test_consistent_conversations_are_unchanged(
    redis: Redis, blocking: Redis, mailbox: Mailbox, state: str
) -> None:
    held = await receive_entry(mailbox, blocking) if state in {"held", "delayed", "ended"} else None
    if held and state == "delayed":
        await mailbox.delay(held, 60)
    if held and state == "ended":
        await mailbox.finish(held, Outcome())
    if state == "without a group":
        await redis.xgroup_destroy("in", "workers")
    before = await redis.hgetall("in:active"), await redis.xrange("in")
    assert await WakeupReconciler(redis, "in").restore_wakeups() == 0
    assert (await redis.hgetall("in:active"), await redis.xrange("in")) == before


async def test_more_conversations_than_a_batch_are_all_woken(redis: Redis) -> None:
    mailbox = Mailbox(redis, "in")
    await mailbox.create_group()
    await mailbox.enqueue(*(Envelope(f"m{n}", f"c{n}", "text") for n in range(1500)))
    await redis.xtrim("in", maxlen=0)
    assert await WakeupReconciler(redis, "in").restore_wakeups() == 1500
    assert await WakeupReconciler(redis, "in").restore_wakeups() == 0


async def test_queue_name_with_glob_characters_matches_itself_only(
    redis: Redis,
) -> None:
    for queue in ("in*[a]", "in*a"):
        await Mailbox(redis, queue).create_group()
        await Mailbox(redis, queue).enqueue(Envelope(queue, "chat", "text"))
        await redis.delete(queue, f"{queue}:active")
    assert await WakeupReconciler(redis, "in*[a]").restore_wakeups() == 1
    assert await redis.xlen("in*a") == 0


async def test_key_of_another_type_wakes_no_conversation(redis: Redis, mailbox: Mailbox) -> None:
    await redis.set("in:waiting:odd", "by hand")
    assert await WakeupReconciler(redis, "in").restore_wakeups() == 0
    assert list(await redis.hgetall("in:active")) == ["chat"]


@pytest.mark.parametrize("error", [RedisConnectionError("refused"), ResponseError("LOADING")])
@pytest.mark.clock("virtual")
async def test_reconciler_runs_every_minute_despite_redis_errors(
    redis: Redis, error: Exception
) -> None:
    looks: list[float] = []
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Failing(WakeupReconciler):
        async def restore_wakeups(self) -> int:
            looks.append(loop.time() - started_at)
            if len(looks) == 3:
                stop.set()
            if len(looks) == 2:
                raise error
            return 0

    started_at = loop.time()
    with structlog.testing.capture_logs() as lines:
        await Failing(redis, "in").run(stop)

    assert [round(at) for at in looks] == [0, 60, 120]
    assert round(loop.time() - started_at) == 120, "a stop is not waited out"
    assert lines == [
        {
            "log_level": "debug",
            "event": "queue reconciliation failed",
            "queue": "in",
            "reason": str(error),
        }
    ]


async def test_only_restored_wakeups_are_logged(redis: Redis, mailbox: Mailbox) -> None:
    await redis.xtrim("in", maxlen=0)
    with structlog.testing.capture_logs() as lines:
        await WakeupReconciler(redis, "in").restore_wakeups()
        await WakeupReconciler(redis, "in").restore_wakeups()

    assert lines == [
        {
            "log_level": "warning",
            "event": "lost wake-ups restored",
            "queue": "in",
            "conversations": 1,
        }
    ]
