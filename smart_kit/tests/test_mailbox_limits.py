"""The mailbox on a real server: retention, limits and refusals."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.exceptions import ResponseError

from smart_kit.contracts.keys import TURNS_STREAM, history_key, history_mark_key, journal_key
from smart_kit.mailbox import (
    DeadLetter,
    Delivery,
    Envelope,
    Mailbox,
    Outcome,
    QueueDepth,
    StreamEntry,
)
from smart_kit.redis import Redis, await_result

WEEK_SECONDS = 7 * 86_400


@pytest.fixture
async def mailbox(redis: Redis) -> Mailbox:
    box = Mailbox(redis, "in", reply_queue="out")
    await box.create_group()
    return box


async def receive_delivery(mailbox: Mailbox, blocking: Redis, consumer: str = "worker") -> Delivery:
    (entry,) = await mailbox.receive(blocking, consumer, 1.0)
    delivery = await mailbox.begin(entry)
    assert delivery is not None
    return delivery


async def get_redis_time_ms(redis: Redis) -> int:
    seconds, _ = await redis.time()
    return int(seconds) * 1000


async def test_group_creation_is_idempotent_and_refuses_other_keys(
    mailbox: Mailbox, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    await mailbox.create_group()
    assert await redis.xlen("in") == 1

    await redis.set("taken", "no stream")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await Mailbox(redis, "taken").create_group()


async def test_late_group_reads_the_stream_from_its_start(redis: Redis, blocking: Redis) -> None:
    mailbox = Mailbox(redis, "in")
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    await mailbox.create_group()
    assert (await receive_delivery(mailbox, blocking)).payload == "a"


async def test_enqueue_without_messages_adds_nothing(mailbox: Mailbox) -> None:
    assert await mailbox.enqueue() == []


async def test_message_id_is_remembered_for_a_week(mailbox: Mailbox, redis: Redis) -> None:
    now = await get_redis_time_ms(redis)
    ages = {"older": WEEK_SECONDS + 60, "younger": WEEK_SECONDS - 60}
    await redis.zadd("in:seen", {name: now - age * 1000 for name, age in ages.items()})

    await mailbox.enqueue(Envelope("1", "chat", "a"))
    assert await redis.zrange("in:seen", 0, -1) == ["younger", "1"]


class FakeBlockingRedis:
    """The blocking Redis client of a read."""

    def __init__(self, response: Any = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._response = response

    async def xreadgroup(
        self, group: str, consumer: str, streams: dict[str, str], *, count: int, block: int
    ) -> Any:
        self.calls.append((group, consumer, streams, count, block))
        return self._response


@pytest.mark.parametrize(
    ("seconds", "block"), [(-1.0, 1), (0.0, 1), (0.0004, 1), (0.5, 500), (2.0, 2000), (60.0, 2000)]
)
async def test_blocking_read_has_a_time_limit(mailbox: Mailbox, seconds: float, block: int) -> None:
    reader: Any = FakeBlockingRedis()
    assert await mailbox.receive(reader, "worker", seconds) == []
    assert reader.calls == [("workers", "worker", {"in": ">"}, 1, block)]


@pytest.mark.parametrize(
    "response",
    [
        [["in", [("1-0", {"conversation": "chat"})]]],
        {"in": [("1-0", {"conversation": "chat"})]},
        {"in": [[("1-0", {"conversation": "chat"})]]},
    ],
)
async def test_entry_is_parsed_from_resp2_and_resp3(mailbox: Mailbox, response: Any) -> None:
    reader: Any = FakeBlockingRedis(response)
    assert await mailbox.receive(reader, "worker", 1.0) == [StreamEntry("1-0", "chat")]


@pytest.mark.parametrize("response", [None, [], {}, {"in": []}, {"in": [[]]}])
async def test_empty_response_has_no_entries(mailbox: Mailbox, response: Any) -> None:
    reader: Any = FakeBlockingRedis(response)
    assert await mailbox.receive(reader, "worker", 1.0) == []


async def test_reclaim_takes_only_expired_leases_up_to_the_limit(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(*(Envelope(str(n), f"chat {n}", "x") for n in range(4)))
    held = [await receive_delivery(mailbox, blocking) for _ in range(4)]
    for delivery, idle in zip(held, (1_000, 31_000, 31_000, 31_000), strict=True):
        await redis.xclaim(
            "in", "workers", "worker", 0, [delivery.entry_id], idle=idle, justid=True
        )

    taken = await mailbox.reclaim(blocking, "heir", 2)
    assert taken == [
        StreamEntry(delivery.entry_id, delivery.conversation) for delivery in held[1:3]
    ]
    pending = await redis.xpending_range("in", "workers", "-", "+", 10)
    assert [entry["consumer"] for entry in pending] == ["worker", "heir", "heir", "worker"]
    assert await mailbox.reclaim(blocking, "heir", 0) == []
    rest = await mailbox.reclaim(blocking, "heir", 9)
    assert [entry.conversation for entry in rest] == ["chat 3"]


async def test_lease_ends_after_thirty_seconds(
    mailbox: Mailbox, blocking: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's clock runs, so only the arguments can be compared exactly."""
    idle_times: list[int] = []

    async def xautoclaim(*_: object, min_idle_time: int, **__: object) -> Any:
        idle_times.append(min_idle_time)
        return "0-0", [], []

    monkeypatch.setattr(blocking, "xautoclaim", xautoclaim)
    assert await mailbox.reclaim(blocking, "heir", 9) == []
    assert idle_times == [30_000]


async def test_outdated_entry_is_dropped(mailbox: Mailbox, redis: Redis) -> None:
    old = await redis.xadd("in", {"conversation": "chat"})
    assert await mailbox.begin(StreamEntry(old, "chat")) is None
    assert await redis.xlen("in") == 0


async def test_delivery_has_its_entry_and_attempt(mailbox: Mailbox, blocking: Redis) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "text"))
    first = await receive_delivery(mailbox, blocking)
    again = await mailbox.begin(StreamEntry(first.entry_id, "chat"))

    assert first == Delivery(first.entry_id, "chat", 1, 1, "text")
    assert again == Delivery(first.entry_id, "chat", 2, 2, "text")


async def test_journal_expires_after_a_week(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    delivery = await receive_delivery(mailbox, blocking)
    await mailbox.journal(delivery, "1", "0.0", "one")
    await mailbox.journal(delivery, "1", "0.1", "two")

    assert await mailbox.load_journal("1") == {"0.0": "one", "0.1": "two"}
    assert await mailbox.load_journal("2") == {}
    assert 0 <= WEEK_SECONDS - await redis.ttl(journal_key("1")) < 60


async def test_lease_is_renewed_for_its_holder(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    delivery = await receive_delivery(mailbox, blocking)
    await redis.xclaim("in", "workers", "another", 0, [delivery.entry_id], justid=True)
    await mailbox.renew(delivery, "worker")

    (pending,) = await redis.xpending_range("in", "workers", "-", "+", 10)
    assert (pending["consumer"], pending["times_delivered"]) == ("worker", 1)


async def test_message_without_outcome_leaves_nothing(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    await mailbox.finish(await receive_delivery(mailbox, blocking), Outcome())

    assert sorted(await redis.keys()) == ["in", "in:fence", "in:seen"]
    assert await redis.xlen("in") == 0


async def test_dead_letter_retains_its_journal_and_sends_its_reply(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    delivery = await receive_delivery(mailbox, blocking)
    await mailbox.journal(delivery, "1", "0", "done")
    dead_letter = DeadLetter(queue="in", conversation="chat", payload="a", reason="why", attempts=5)
    outcome = Outcome(replies=(Envelope("sorry", "chat", "sorry"),), journal_message_id="1")
    await mailbox.finish(delivery, outcome, dead_letter=dead_letter)

    assert await redis.exists(journal_key("1"))
    ((_, fields),) = await redis.xrange("in:dead")
    assert DeadLetter.model_validate_json(fields["dead_letter"]) == dead_letter
    assert await await_result(redis.lrange("out:waiting:chat", 0, -1)) == ["sorry"]
    assert not await redis.exists("in:waiting:chat", "in:active", "in:attempts", TURNS_STREAM)


async def test_duplicate_reply_is_dropped(mailbox: Mailbox, blocking: Redis, redis: Redis) -> None:
    for number in "12":
        await mailbox.enqueue(Envelope(number, "chat", "a"))
        replies = (Envelope("reply", "chat", number), Envelope(f"reply {number}", "chat", number))
        await mailbox.finish(await receive_delivery(mailbox, blocking), Outcome(replies=replies))

    assert await await_result(redis.lrange("out:waiting:chat", 0, -1)) == ["1", "1", "2"]
    assert await redis.zrange("out:seen", 0, -1) == ["reply", "reply 1", "reply 2"]
    assert list(await redis.hgetall("out:active")) == ["chat"]
    assert await redis.xlen("out") == 1


async def test_queue_without_reply_queue_refuses_replies(redis: Redis, blocking: Redis) -> None:
    mailbox = Mailbox(redis, "in")
    await mailbox.create_group()
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    delivery = await receive_delivery(mailbox, blocking)

    with pytest.raises(ValueError, match=r"^in has no mailbox to reply into$"):
        await mailbox.finish(delivery, Outcome(replies=(Envelope("r", "chat", "x"),)))
    await mailbox.finish(delivery, Outcome())


@pytest.mark.parametrize(
    ("count", "limit", "first"), [(450, 400, 100), (400, 400, 0), (21, 20, 5), (25, 20, 5)]
)
async def test_history_loses_quarters_of_its_limit_and_is_marked(
    count: int, limit: int, first: int, mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    thread, items = uuid4(), tuple(map(str, range(count)))
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    outcome = Outcome(history=items, thread_id=thread, history_limit=limit)
    await mailbox.finish(await receive_delivery(mailbox, blocking), outcome)

    assert await await_result(redis.lrange(history_key(thread), 0, -1)) == list(items[first:])
    assert await redis.get(history_mark_key(thread)) == ("trimmed" if first else None)


async def test_history_needs_a_limit(mailbox: Mailbox, blocking: Redis, redis: Redis) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    delivery = await receive_delivery(mailbox, blocking)
    with pytest.raises(ValueError, match="a history needs a limit of at least 4 items"):
        await mailbox.finish(delivery, Outcome(history=("item",), thread_id=uuid4()))


async def test_outcome_without_a_thread_writes_no_history(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    await mailbox.finish(await receive_delivery(mailbox, blocking), Outcome())

    assert not await redis.exists(history_key(UUID(int=0)))


async def test_promote_returns_seconds_until_the_next_message(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    assert await mailbox.promote() is None
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    delivery = await receive_delivery(mailbox, blocking)
    before = await get_redis_time_ms(redis)
    await mailbox.delay(delivery, 1000.25)
    after = await get_redis_time_ms(redis) + 1000
    ((_, due_ms),) = await redis.zrange("in:delayed", 0, -1, withscores=True)
    left = await mailbox.promote()

    assert before <= due_ms - 1000_250 <= after
    assert left is not None
    assert (due_ms - await get_redis_time_ms(redis)) / 1000 - 1 <= left <= 1000.25
    assert await redis.hgetall("in:active") == {"chat": "delayed"}


async def test_promote_wakes_at_most_a_hundred_conversations(
    mailbox: Mailbox, redis: Redis
) -> None:
    chats = [f"chat {n}" for n in range(101)]
    await redis.hset("in:active", mapping=dict.fromkeys(chats, "delayed"))
    await redis.zadd("in:delayed", dict.fromkeys(chats, 1.0))

    assert await mailbox.promote() == 0.0
    assert await redis.xlen("in") == 100
    assert await mailbox.promote() is None
    assert await redis.xlen("in") == 101


async def test_depth_counts_conversations_and_dead_letters(mailbox: Mailbox, redis: Redis) -> None:
    assert await mailbox.get_depth() == QueueDepth(0, 0, 0.0, 0)
    now = await get_redis_time_ms(redis)
    for age in (90, 40):
        await redis.xadd("in", {"conversation": f"{age}"}, id=f"{now - age * 1000}-0")
    await redis.hset("in:active", mapping={"90": "1-0", "a": "delayed", "b": "delayed"})
    await redis.zadd("in:delayed", {"a": now, "b": now})
    for _ in range(4):
        await redis.xadd("in:dead", {"dead_letter": "{}"})

    depth = await mailbox.get_depth()
    assert (depth.conversations, depth.delayed, depth.dead_letters) == (3, 2, 4)
    assert 90 <= depth.oldest_seconds <= 90 + (await get_redis_time_ms(redis) - now) / 1000


async def test_age_is_never_negative(mailbox: Mailbox, redis: Redis) -> None:
    await redis.xadd("in", {"conversation": "a"}, id=f"{await get_redis_time_ms(redis) + 90_000}-0")
    assert (await mailbox.get_depth()).oldest_seconds == 0


async def test_only_idle_consumers_are_removed(
    mailbox: Mailbox, blocking: Redis, redis: Redis
) -> None:
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    held = await receive_delivery(mailbox, blocking, "busy")
    assert await mailbox.receive(blocking, "idle", 0.001) == []
    await mailbox.remove_consumer("idle")
    await mailbox.remove_consumer("busy")

    (left,) = await redis.xinfo_consumers("in", "workers")
    assert (left["name"], left["pending"]) == ("busy", 1)
    await mailbox.finish(held, Outcome())
    await mailbox.remove_consumer("busy")
    assert await redis.xinfo_consumers("in", "workers") == []
