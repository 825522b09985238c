"""A script that meets a key of a wrong type changes nothing, whichever key it is."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from redis.exceptions import ResponseError

from smart_kit.contracts.keys import TURNS_STREAM, history_key, journal_key
from smart_kit.mailbox import DeadLetter, Delivery, Envelope, Mailbox, Outcome, StreamEntry
from smart_kit.redis import Redis

THREAD = UUID(int=7)
OUTCOME = Outcome(
    replies=(Envelope("r1", "chat", "x"), Envelope("r2", "other", "y")),
    history=("item",),
    history_limit=4,
    thread_id=THREAD,
    archive_record="turn",
    journal_message_id="1",
)
DEAD_LETTER = DeadLetter(queue="in", conversation="chat", payload="a", reason="why", attempts=1)

Operation = Callable[[Mailbox, Delivery, Redis], Awaitable[object]]
OPERATIONS: dict[str, tuple[Operation, tuple[str, ...]]] = {
    "enqueue to an idle conversation": (
        lambda mailbox, *_: mailbox.enqueue(Envelope("9", "idle", "z")),
        ("in", "in:active", "in:seen", "in:waiting:idle"),
    ),
    "enqueue to an active conversation": (
        lambda mailbox, *_: mailbox.enqueue(Envelope("9", "chat", "z")),
        ("in:active", "in:seen", "in:waiting:chat"),
    ),
    "begin": (
        lambda mailbox, delivery, _: mailbox.begin(StreamEntry(delivery.entry_id, "chat")),
        ("in:active", "in:fence", "in:attempts", "in:waiting:chat"),
    ),
    "begin of an outdated entry": (
        lambda mailbox, *_: mailbox.begin(StreamEntry("1-1", "chat")),
        ("in", "in:active"),
    ),
    "begin of an empty conversation": (
        lambda mailbox, *_: mailbox.begin(StreamEntry("1-1", "empty")),
        ("in", "in:active", "in:waiting:empty"),
    ),
    "renew": (
        lambda mailbox, delivery, _: mailbox.renew(delivery, "worker"),
        ("in", "in:active", "in:fence"),
    ),
    "journal": (
        lambda mailbox, delivery, _: mailbox.journal(delivery, "1", "0.0", "value"),
        ("in:active", "in:fence", journal_key("1")),
    ),
    "delay": (
        lambda mailbox, delivery, _: mailbox.delay(delivery, 60),
        ("in", "in:active", "in:fence", "in:attempts", "in:delayed"),
    ),
    "delay with a counted attempt": (
        lambda mailbox, delivery, _: mailbox.delay(delivery, 60, is_attempt_counted=True),
        ("in", "in:active", "in:fence", "in:delayed"),
    ),
    "promote": (lambda mailbox, *_: mailbox.promote(), ("in", "in:active", "in:delayed")),
    "take-over": (
        lambda mailbox, _, blocking: mailbox.take_over(blocking, "heir", 5),
        ("in",),
    ),
    "finish": (
        lambda mailbox, delivery, _: mailbox.finish(delivery, OUTCOME),
        (
            "in",
            "in:active",
            "in:fence",
            "in:attempts",
            "in:waiting:chat",
            "out",
            "out:active",
            "out:seen",
            "out:waiting:chat",
            "out:waiting:other",
            history_key(THREAD),
            TURNS_STREAM,
        ),
    ),
    "finish as a dead letter": (
        lambda mailbox, delivery, _: mailbox.finish(delivery, Outcome(), dead_letter=DEAD_LETTER),
        ("in", "in:active", "in:fence", "in:attempts", "in:waiting:chat", "in:dead"),
    ),
}
"""By description: the operation and the keys that it reads or writes."""


async def dump(redis: Redis) -> dict[str, bytes]:
    keys = sorted([key async for key in redis.scan_iter("*")])
    return {key: await redis.dump(key) for key in keys}


async def replace_by_wrong_type(redis: Redis, key: str) -> None:
    await redis.delete(key)
    await redis.set(key, "neither a stream nor a hash")


@pytest.mark.parametrize(
    ("description", "key"),
    [(description, key) for description, (_, keys) in OPERATIONS.items() for key in keys],
)
async def test_wrong_type_changes_nothing(
    description: str, key: str, redis: Redis, blocking: Redis
) -> None:
    mailbox = Mailbox(redis, "in", reply_queue="out")
    await mailbox.create_group()
    await mailbox.enqueue(Envelope("1", "chat", "a"), Envelope("2", "chat", "b"))
    (entry,) = await mailbox.receive(blocking, "worker", 1.0)
    delivery = await mailbox.begin(entry)
    assert delivery is not None
    await redis.hset("in:active", mapping={"empty": "1-1", "due": "delayed"})
    await redis.zadd("in:delayed", {"due": 0})
    await replace_by_wrong_type(redis, key)
    before = await dump(redis)

    operation, _ = OPERATIONS[description]
    with pytest.raises(ResponseError):
        await operation(mailbox, delivery, blocking)

    assert await dump(redis) == before


async def test_journal_of_a_wrong_type_ends_with_its_message(redis: Redis, blocking: Redis) -> None:
    mailbox = Mailbox(redis, "in", reply_queue="out")
    await mailbox.create_group()
    await mailbox.enqueue(Envelope("1", "chat", "a"))
    (entry,) = await mailbox.receive(blocking, "worker", 1.0)
    delivery = await mailbox.begin(entry)
    assert delivery is not None
    await redis.set(journal_key("1"), "not a hash")
    await mailbox.finish(delivery, OUTCOME)

    assert not await redis.exists(journal_key("1"), "in:waiting:chat")
