"""Dead letters are listed, replayed without deduplication, and deleted."""

from datetime import UTC, datetime

import pytest

from smart_kit.contracts.keys import journal_key
from smart_kit.errors import InvalidRequest
from smart_kit.mailbox import DeadLetter, Delivery, Envelope, Mailbox, Outcome
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue
from smart_kit.redis import Redis, await_result


async def receive_delivery(mailbox: Mailbox, blocking: Redis) -> Delivery:
    (entry,) = await mailbox.receive(blocking, "worker", 1.0)
    delivery = await mailbox.begin(entry)
    assert delivery is not None
    return delivery


def make_dead_letter(conversation: str = "chat") -> DeadLetter:
    return DeadLetter(
        queue="in", conversation=conversation, payload="text", reason="why", attempts=5
    )


async def test_replayed_dead_letter_is_queued_last_and_keeps_its_journal(
    redis: Redis, blocking: Redis
) -> None:
    mailbox, dead_letter_queue = Mailbox(redis, "in"), DeadLetterQueue(redis, "in")
    await mailbox.create_group()
    await mailbox.enqueue(Envelope("1", "chat", "text"), Envelope("2", "chat", "another"))
    first = await receive_delivery(mailbox, blocking)
    await mailbox.journal(first, "1", "0.0", "done")
    await mailbox.finish(first, Outcome(journal_message_id="1"), dead_letter=make_dead_letter())
    (entry,) = await dead_letter_queue.list_newest(10)

    assert await dead_letter_queue.replay(entry)
    assert not await dead_letter_queue.replay(entry), "it is no longer among the dead"
    second = await receive_delivery(mailbox, blocking)
    await mailbox.finish(second, Outcome())
    again = await receive_delivery(mailbox, blocking)
    assert (second.payload, again.payload, again.attempt) == ("another", "text", 1)
    assert await redis.hgetall(journal_key("1")) == {"0.0": "done"}


async def test_added_dead_letters_are_listed_newest_first(redis: Redis) -> None:
    dead_letter_queue = DeadLetterQueue(redis, "in")
    dead_letters = [make_dead_letter("one"), make_dead_letter("two")]

    await dead_letter_queue.add(*dead_letters)

    listed = [entry.dead_letter for entry in await dead_letter_queue.list_newest(10)]
    assert listed == dead_letters[::-1]


async def test_deleted_dead_letter_is_gone(redis: Redis) -> None:
    dead_letter_queue = DeadLetterQueue(redis, "in")
    await redis.xadd("in:dead", {"dead_letter": make_dead_letter().model_dump_json()})
    (entry,) = await dead_letter_queue.list_newest(10)

    assert await dead_letter_queue.delete(entry.entry_id)
    assert not await dead_letter_queue.delete(entry.entry_id)
    assert await dead_letter_queue.count() == 0
    assert await dead_letter_queue.find(entry.entry_id) is None


async def test_unreadable_dead_letter_cannot_be_replayed(redis: Redis) -> None:
    dead_letter_queue = DeadLetterQueue(redis, "in")
    await redis.xadd(
        "in:dead", {"dead_letter": make_dead_letter(conversation="").model_dump_json()}
    )
    await redis.xadd("in:dead", {"dead_letter": "{"})

    for entry in await dead_letter_queue.list_newest(10):
        with pytest.raises(InvalidRequest) as refused:
            await dead_letter_queue.replay(entry)
        assert refused.value.message == (
            "It never was a message of the queue, so it can only be deleted."
        )
    assert await dead_letter_queue.count() == 2


async def test_newest_dead_letters_come_first_and_each_is_found_by_id(redis: Redis) -> None:
    dead_letter_queue = DeadLetterQueue(redis, "in")
    for number in (9, 10, 11):
        dead_letter = make_dead_letter(f"chat {number}").model_dump_json()
        await redis.xadd("in:dead", {"dead_letter": dead_letter}, id=f"5-{number}")
    entries = await dead_letter_queue.list_newest(2)

    assert [entry.entry_id for entry in entries] == [(5, 11), (5, 10)]
    assert [entry.dead_letter.conversation for entry in entries] == ["chat 11", "chat 10"]
    assert await dead_letter_queue.find((5, 10)) == entries[1]
    assert await dead_letter_queue.find((5, 1)) is None
    assert await dead_letter_queue.count() == 3


async def test_unreadable_dead_letter_is_listed(redis: Redis) -> None:
    await redis.xadd("in:dead", {"dead_letter": "{"}, id="86400000-3")
    await redis.xadd("in:dead", {"other": "field"}, id="86400000-4")
    empty, torn = await DeadLetterQueue(redis, "in").list_newest(10)

    assert torn.dead_letter == DeadLetter(
        queue="in",
        conversation="",
        payload="{",
        reason="the dead letter itself cannot be parsed",
        attempts=0,
        failed_at=datetime(1970, 1, 2, tzinfo=UTC),
    )
    assert (torn.entry_id, empty.entry_id, empty.dead_letter.payload) == (
        (86400000, 3),
        (86400000, 4),
        "",
    )


async def test_replayed_dead_letter_wakes_its_conversation(redis: Redis, blocking: Redis) -> None:
    mailbox, dead_letter_queue = Mailbox(redis, "in"), DeadLetterQueue(redis, "in")
    await mailbox.create_group()
    await redis.xadd("in:dead", {"dead_letter": make_dead_letter().model_dump_json()})
    await redis.xadd("in:dead", {"dead_letter": make_dead_letter("other").model_dump_json()})
    _, entry = await dead_letter_queue.list_newest(10)
    assert await dead_letter_queue.replay(entry)

    assert (await receive_delivery(mailbox, blocking)).conversation == "chat"
    assert await await_result(redis.lrange("in:waiting:chat", 0, -1)) == ["text"]
    assert [left.dead_letter.conversation for left in await dead_letter_queue.list_newest(10)] == [
        "other"
    ]
