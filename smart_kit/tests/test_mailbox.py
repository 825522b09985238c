"""The mailbox on a real server: order, leases, fencing, deduplication and atomic outcomes."""

import asyncio
from uuid import uuid4

import pytest

from smart_kit.contracts.keys import TURNS_STREAM, history_key, history_mark_key, journal_key
from smart_kit.mailbox import Delivery, Envelope, LeaseLost, Mailbox, Outcome, StreamEntry
from smart_kit.redis import Redis, await_result


@pytest.fixture
async def mailbox(redis: Redis) -> Mailbox:
    box = Mailbox(redis, "in", reply_queue="out", lease_seconds=0.05)
    await box.create_group()
    return box


async def receive_delivery(mailbox: Mailbox, blocking: Redis) -> Delivery:
    (entry,) = await mailbox.receive(blocking, "worker", 1.0)
    delivery = await mailbox.begin(entry)
    assert delivery is not None
    return delivery


async def is_empty(mailbox: Mailbox, blocking: Redis) -> bool:
    return await mailbox.receive(blocking, "worker", 0.01) == []


async def promote_all(mailbox: Mailbox) -> None:
    while (due := await mailbox.promote()) is not None:
        await asyncio.sleep(due)


async def test_conversation_is_first_in_first_out(mailbox: Mailbox, blocking: Redis) -> None:
    await mailbox.enqueue(*(Envelope(str(n), "chat", f"text {n}") for n in range(5)))

    for n in range(5):
        delivery = await receive_delivery(mailbox, blocking)
        assert delivery.payload == f"text {n}"
        assert await is_empty(mailbox, blocking), "a second message of a busy conversation"
        await mailbox.finish(delivery, Outcome())
    assert await is_empty(mailbox, blocking)


async def test_conversation_does_not_wait_for_another(mailbox: Mailbox, blocking: Redis) -> None:
    await mailbox.enqueue(Envelope("1", "slow", "a"), Envelope("2", "quick", "b"))
    await receive_delivery(mailbox, blocking)

    assert (await receive_delivery(mailbox, blocking)).payload == "b"


async def test_message_id_is_accepted_once_even_after_handling(
    mailbox: Mailbox, blocking: Redis
) -> None:
    assert await mailbox.enqueue(Envelope("1", "chat", "a")) == [True]
    assert await mailbox.enqueue(Envelope("1", "chat", "a"), Envelope("2", "chat", "b")) == [
        False,
        True,
    ]
    await mailbox.finish(await receive_delivery(mailbox, blocking), Outcome())

    assert await mailbox.enqueue(Envelope("1", "chat", "a")) == [False]
    assert (await receive_delivery(mailbox, blocking)).payload == "b"


async def to_ms_days_ago(redis: Redis, days: float) -> int:
    """Return the time of Redis in milliseconds."""
    seconds, _ = await redis.time()
    return int((seconds - days * 86_400) * 1000)


async def test_message_id_is_deduplicated_for_seven_days(mailbox: Mailbox, redis: Redis) -> None:
    then = {"6.9": await to_ms_days_ago(redis, 6.9), "7.1": await to_ms_days_ago(redis, 7.1)}
    await redis.zadd("in:seen", then)
    await mailbox.enqueue(Envelope("new", "chat", "a"))

    results = await mailbox.enqueue(Envelope("6.9", "chat", "b"), Envelope("7.1", "chat", "c"))
    assert results == [False, True]


async def test_reply_id_is_deduplicated_for_seven_days(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    then = {"6.9": await to_ms_days_ago(redis, 6.9), "7.1": await to_ms_days_ago(redis, 7.1)}
    await redis.zadd("out:seen", then)
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    outcome = Outcome(replies=(Envelope("reply:1", "chat", "b"),))
    await mailbox.finish(await receive_delivery(mailbox, blocking), outcome)

    assert await redis.zrange("out:seen", 0, -1) == ["6.9", "reply:1"]


async def test_journal_lasts_seven_days(mailbox: Mailbox, blocking: Redis, redis: Redis) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    await mailbox.journal(await receive_delivery(mailbox, blocking), "1", "0", "done already")

    assert 0 <= 7 * 86_400 - await redis.ttl(journal_key("1")) < 60


async def test_batch_loads_scripts_that_redis_has_lost(mailbox: Mailbox, redis: Redis) -> None:
    await redis.script_flush()
    assert await mailbox.enqueue(Envelope("1", "a", "x"), Envelope("2", "b", "y")) == [True, True]


async def test_finish_applies_reply_history_and_record_together(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    thread = uuid4()
    await mailbox.enqueue(Envelope("1", "chat", "question"))
    delivery = await receive_delivery(mailbox, blocking)
    await mailbox.journal(delivery, "1", "0", "a step")
    outcome = Outcome(
        replies=(Envelope("reply:1", "chat", "first"), Envelope("notice:1", "other", "second")),
        history=("question", "answer"),
        history_limit=4,
        thread_id=thread,
        archive_record="turn",
        journal_message_id="1",
    )
    await mailbox.finish(delivery, outcome)

    out = Mailbox(redis, "out")
    await out.create_group()
    replies = {
        (await receive_delivery(out, blocking)).payload,
        (await receive_delivery(out, blocking)).payload,
    }
    assert replies == {"first", "second"}
    assert await await_result(redis.lrange(history_key(thread), 0, -1)) == ["question", "answer"]
    assert [fields for _, fields in await redis.xrange(TURNS_STREAM)] == [{"record": "turn"}]
    assert not await redis.exists(journal_key("1"))


async def test_of_two_replies_with_one_id_the_first_is_sent(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "question"))
    replies = (Envelope("reply:1", "chat", "first"), Envelope("reply:1", "chat", "again"))
    await mailbox.finish(await receive_delivery(mailbox, blocking), Outcome(replies=replies))

    out = Mailbox(redis, "out")
    await out.create_group()
    delivery = await receive_delivery(out, blocking)
    assert delivery.payload == "first"
    await out.finish(delivery, Outcome())
    assert await is_empty(out, blocking)


async def test_history_and_its_mark_expire_90_days_after_the_last_turn(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    thread = uuid4()
    keys = history_key(thread), history_mark_key(thread)
    for number in "1234":
        await mailbox.enqueue(Envelope(number, "chat", "question"))
        outcome = Outcome(history=("question", "answer"), thread_id=thread, history_limit=4)
        await mailbox.finish(await receive_delivery(mailbox, blocking), outcome)

        for key in keys[: await redis.exists(*keys)]:
            assert 0 <= 90 * 86_400 - await redis.ttl(key) < 60
            await redis.expire(key, 100)
    assert await redis.exists(*keys) == 2


async def test_reclaimed_message_keeps_its_journal(mailbox: Mailbox, blocking: Redis) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    dead = await receive_delivery(mailbox, blocking)
    await mailbox.journal(dead, "1", "0", "done already")
    await asyncio.sleep(0.06)  # the lease itself is what is tested

    entries = await mailbox.reclaim(blocking, "heir", 10)
    assert entries == [StreamEntry(dead.entry_id, "chat")]
    heir = await mailbox.begin(entries[0])
    assert heir is not None
    assert heir.attempt == 2
    assert await mailbox.load_journal("1") == {"0": "done already"}


async def test_operations_with_a_lost_lease_are_refused(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    zombie = await receive_delivery(mailbox, blocking)
    heir = await mailbox.begin(StreamEntry(zombie.entry_id, "chat"))
    assert heir is not None

    for refused in (
        mailbox.journal(zombie, "1", "0", "x"),
        mailbox.renew(zombie, "worker"),
        mailbox.delay(zombie, 1),
        mailbox.finish(zombie, Outcome(replies=(Envelope("r", "chat", "twice"),))),
    ):
        with pytest.raises(LeaseLost):
            await refused
    assert not await redis.exists("out")
    await mailbox.finish(heir, Outcome())
    with pytest.raises(LeaseLost):
        await mailbox.finish(heir, Outcome())


async def test_renewed_lease_is_not_reclaimed(redis: Redis, blocking: Redis) -> None:
    mailbox = Mailbox(redis, "in")
    await mailbox.create_group()
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    delivery = await receive_delivery(mailbox, blocking)
    await redis.xclaim("in", "workers", "worker", 0, [delivery.entry_id], idle=60_000, justid=True)
    await mailbox.renew(delivery, "worker")

    assert await mailbox.reclaim(blocking, "heir", 10) == []


async def test_delayed_message_keeps_its_place_without_counting_the_attempt(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"), Envelope("2", "chat", "b"))
    await mailbox.delay(await receive_delivery(mailbox, blocking), 600)
    due = await mailbox.promote()
    assert due is not None
    assert 0 < due <= 600
    assert await is_empty(mailbox, blocking)

    assert await redis.zadd("in:delayed", {"chat": 0}, xx=True, ch=True) == 1
    await promote_all(mailbox)
    again = await receive_delivery(mailbox, blocking)
    assert (again.payload, again.attempt) == ("a", 1)


async def test_failed_attempt_is_counted(mailbox: Mailbox, blocking: Redis) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    await mailbox.delay(await receive_delivery(mailbox, blocking), 0, is_attempt_counted=True)
    await promote_all(mailbox)

    assert (await receive_delivery(mailbox, blocking)).attempt == 2


async def test_key_of_a_wrong_type_changes_nothing(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    delivery = await receive_delivery(mailbox, blocking)
    await redis.set(TURNS_STREAM, "not a stream")

    with pytest.raises(Exception, match="not a stream"):
        await mailbox.finish(
            delivery, Outcome(replies=(Envelope("r", "chat", "x"),), archive_record="turn")
        )
    assert await await_result(redis.llen("in:waiting:chat")) == 1
    assert not await redis.exists("out")


async def test_expired_entries_are_found_behind_many_live_ones(
    redis: Redis, blocking: Redis
) -> None:
    """One call of XAUTOCLAIM examines ten times COUNT entries; the cursor must be followed."""
    mailbox = Mailbox(redis, "in")
    await mailbox.create_group()
    await mailbox.enqueue(*(Envelope(str(n), f"chat {n}", "x") for n in range(60)))
    held = [await receive_delivery(mailbox, blocking) for _ in range(60)]
    ended = [held[number].entry_id for number in (5, 57, 58, 59)]
    await redis.xclaim("in", "workers", "worker", 0, ended, idle=60_000, justid=True)

    for found in (["chat 5", "chat 57"], ["chat 58", "chat 59"]):
        assert [entry.conversation for entry in await mailbox.reclaim(blocking, "heir", 2)] == found
