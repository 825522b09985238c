"""The mailbox on a real server: order, leases, fencing, deduplication, atomic ends."""

import asyncio
from uuid import uuid4

import pytest

from smart_kit.contracts.keys import TURNS_STREAM, history_key, journal_key
from smart_kit.mailbox import Delivery, Entry, Letter, Mailbox, Outcome, Superseded
from smart_kit.redis import Redis, answer


@pytest.fixture
async def mailbox(redis: Redis) -> Mailbox:
    box = Mailbox(redis, "in", replies_to="out", lease_seconds=0.05)
    await box.create()
    return box


async def take(mailbox: Mailbox, blocking: Redis) -> Delivery:
    entry = await mailbox.receive(blocking, "worker", 1.0)
    assert entry is not None
    delivery = await mailbox.begin(entry)
    assert delivery is not None
    return delivery


async def is_empty(mailbox: Mailbox, blocking: Redis) -> bool:
    return await mailbox.receive(blocking, "worker", 0.01) is None


async def promoted(mailbox: Mailbox) -> None:
    while (due := await mailbox.promote()) is not None:
        await asyncio.sleep(due)


async def test_a_conversation_is_first_in_first_out(mailbox: Mailbox, blocking: Redis) -> None:
    await mailbox.enqueue(*(Letter(str(n), "chat", f"text {n}") for n in range(5)))

    for n in range(5):
        delivery = await take(mailbox, blocking)
        assert delivery.payload == f"text {n}"
        assert await is_empty(mailbox, blocking), "a second message of a busy conversation"
        await mailbox.finish(delivery, Outcome())
    assert await is_empty(mailbox, blocking)


async def test_one_conversation_does_not_wait_for_another(
    mailbox: Mailbox, blocking: Redis
) -> None:
    await mailbox.enqueue(Letter("1", "slow", "a"), Letter("2", "quick", "b"))
    await take(mailbox, blocking)

    assert (await take(mailbox, blocking)).payload == "b"


async def test_a_message_id_counts_once_even_after_it_was_handled(
    mailbox: Mailbox, blocking: Redis
) -> None:
    assert await mailbox.enqueue(Letter("1", "chat", "a")) == [True]
    assert await mailbox.enqueue(Letter("1", "chat", "a"), Letter("2", "chat", "b")) == [
        False,
        True,
    ]
    await mailbox.finish(await take(mailbox, blocking), Outcome())

    assert await mailbox.enqueue(Letter("1", "chat", "a")) == [False]
    assert (await take(mailbox, blocking)).payload == "b"


async def days_ago(redis: Redis, days: float) -> int:
    """By Redis's clock, in milliseconds."""
    seconds, _ = await redis.time()
    return int((seconds - days * 86_400) * 1000)


async def test_a_message_id_is_known_for_seven_days(mailbox: Mailbox, redis: Redis) -> None:
    then = {"6.9": await days_ago(redis, 6.9), "7.1": await days_ago(redis, 7.1)}
    await redis.zadd("in:seen", then)
    await mailbox.enqueue(Letter("new", "chat", "a"))

    doubles = await mailbox.enqueue(Letter("6.9", "chat", "b"), Letter("7.1", "chat", "c"))
    assert doubles == [False, True]


async def test_a_replys_id_is_known_for_seven_days_too(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    then = {"6.9": await days_ago(redis, 6.9), "7.1": await days_ago(redis, 7.1)}
    await redis.zadd("out:seen", then)
    await mailbox.enqueue(Letter("1", "chat", "a"))
    outcome = Outcome(replies=(Letter("reply:1", "chat", "b"),))
    await mailbox.finish(await take(mailbox, blocking), outcome)

    assert await redis.zrange("out:seen", 0, -1) == ["6.9", "reply:1"]


async def test_finished_steps_are_known_for_seven_days(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Letter("1", "chat", "a"))
    await mailbox.journal(await take(mailbox, blocking), "1", "0", "done already")

    assert 0 <= 7 * 86_400 - await redis.ttl(journal_key("1")) < 60


async def test_a_batch_reaches_a_redis_that_has_forgotten_the_scripts(
    mailbox: Mailbox, redis: Redis
) -> None:
    await redis.script_flush()
    assert await mailbox.enqueue(Letter("1", "a", "x"), Letter("2", "b", "y")) == [True, True]


async def test_the_end_brings_reply_history_and_record_at_once(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    thread = uuid4()
    await mailbox.enqueue(Letter("1", "chat", "question"))
    delivery = await take(mailbox, blocking)
    await mailbox.journal(delivery, "1", "0", "a step")
    outcome = Outcome(
        replies=(Letter("reply:1", "chat", "first"), Letter("notice:1", "other", "second")),
        history=("question", "answer"),
        thread_id=thread,
        record="turn",
        journal_of="1",
    )
    await mailbox.finish(delivery, outcome)

    out = Mailbox(redis, "out")
    await out.create()
    replies = {(await take(out, blocking)).payload, (await take(out, blocking)).payload}
    assert replies == {"first", "second"}
    assert await answer(redis.lrange(history_key(thread), 0, -1)) == ["question", "answer"]
    assert [fields for _, fields in await redis.xrange(TURNS_STREAM)] == [{"record": "turn"}]
    assert not await redis.exists(journal_key("1"))


async def test_a_history_is_forgotten_90_days_after_its_threads_last_turn(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    thread = uuid4()
    for number in "12":
        await mailbox.enqueue(Letter(number, "chat", "question"))
        outcome = Outcome(history=("question", "answer"), thread_id=thread)
        await mailbox.finish(await take(mailbox, blocking), outcome)

        assert 0 <= 90 * 86_400 - await redis.ttl(history_key(thread)) < 60
        await redis.expire(history_key(thread), 100)


async def test_a_lease_that_ended_gives_the_message_to_another_who_sees_the_journal(
    mailbox: Mailbox, blocking: Redis
) -> None:
    await mailbox.enqueue(Letter("1", "chat", "a"))
    dead = await take(mailbox, blocking)
    await mailbox.journal(dead, "1", "0", "done already")
    await asyncio.sleep(0.06)  # the lease itself is what is tested

    entries = await mailbox.reclaim("heir", 10)
    assert entries == [Entry(dead.entry, "chat")]
    heir = await mailbox.begin(entries[0])
    assert heir is not None
    assert heir.attempt == 2
    assert await mailbox.steps("1") == {"0": "done already"}


async def test_whoever_lost_the_message_is_refused_everything(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Letter("1", "chat", "a"))
    zombie = await take(mailbox, blocking)
    heir = await mailbox.begin(Entry(zombie.entry, "chat"))
    assert heir is not None

    for refused in (
        mailbox.journal(zombie, "1", "0", "x"),
        mailbox.renew(zombie, "worker"),
        mailbox.delay(zombie, 1),
        mailbox.finish(zombie, Outcome(replies=(Letter("r", "chat", "twice"),))),
    ):
        with pytest.raises(Superseded):
            await refused
    assert not await redis.exists("out")
    await mailbox.finish(heir, Outcome())
    with pytest.raises(Superseded):
        await mailbox.finish(heir, Outcome())


async def test_a_renewed_lease_is_not_taken_over(redis: Redis, blocking: Redis) -> None:
    mailbox = Mailbox(redis, "in")
    await mailbox.create()
    await mailbox.enqueue(Letter("1", "chat", "a"))
    delivery = await take(mailbox, blocking)
    await redis.xclaim("in", "workers", "worker", 0, [delivery.entry], idle=60_000, justid=True)
    await mailbox.renew(delivery, "worker")

    assert await mailbox.reclaim("heir", 10) == []


async def test_a_delayed_message_keeps_its_place_and_loses_its_attempt(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Letter("1", "chat", "a"), Letter("2", "chat", "b"))
    await mailbox.delay(await take(mailbox, blocking), 600)
    due = await mailbox.promote()
    assert due is not None
    assert 0 < due <= 600
    assert await is_empty(mailbox, blocking)

    assert await redis.zadd("in:delayed", {"chat": 0}, xx=True, ch=True) == 1
    await promoted(mailbox)
    again = await take(mailbox, blocking)
    assert (again.payload, again.attempt) == ("a", 1)


async def test_a_failed_attempt_is_counted(mailbox: Mailbox, blocking: Redis) -> None:
    await mailbox.enqueue(Letter("1", "chat", "a"))
    await mailbox.delay(await take(mailbox, blocking), 0, is_counted=True)
    await promoted(mailbox)

    assert (await take(mailbox, blocking)).attempt == 2


async def test_a_key_of_the_wrong_kind_changes_nothing(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Letter("1", "chat", "a"))
    delivery = await take(mailbox, blocking)
    await redis.set(TURNS_STREAM, "not a stream")

    with pytest.raises(Exception, match="not a stream"):
        await mailbox.finish(delivery, Outcome(replies=(Letter("r", "chat", "x"),), record="turn"))
    assert await answer(redis.llen("in:waiting:chat")) == 1
    assert not await redis.exists("out")


async def test_rescued_entries_are_found_behind_a_crowd_of_healthy_ones(
    redis: Redis, blocking: Redis
) -> None:
    """XAUTOCLAIM looks at ten times COUNT entries a call; the cursor has to be followed."""
    mailbox = Mailbox(redis, "in")
    await mailbox.create()
    await mailbox.enqueue(*(Letter(str(n), f"chat {n}", "x") for n in range(60)))
    held = [await take(mailbox, blocking) for _ in range(60)]
    ended = [held[number].entry for number in (5, 57, 58, 59)]
    await redis.xclaim("in", "workers", "worker", 0, ended, idle=60_000, justid=True)

    for found in (["chat 5", "chat 57"], ["chat 58", "chat 59"]):
        assert [entry.conversation for entry in await mailbox.reclaim("heir", 2)] == found
