"""Dead letters are seen, replayed past the deduplication, and dropped."""

from datetime import UTC, datetime

import pytest

from smart_kit.contracts.keys import journal_key
from smart_kit.errors import InvalidRequest
from smart_kit.mailbox import DeadLetter, Delivery, Letter, Mailbox, Outcome
from smart_kit.mailbox.graveyard import Graveyard
from smart_kit.redis import Redis, answer


async def take(mailbox: Mailbox, blocking: Redis) -> Delivery:
    entry = await mailbox.receive(blocking, "worker", 1.0)
    assert entry is not None
    delivery = await mailbox.begin(entry)
    assert delivery is not None
    return delivery


def dead(conversation: str = "chat") -> DeadLetter:
    return DeadLetter(
        queue="in", conversation=conversation, payload="text", reason="why", attempts=5
    )


async def test_a_replayed_letter_comes_after_what_waits_and_knows_its_finished_steps(
    redis: Redis, blocking: Redis
) -> None:
    mailbox, graveyard = Mailbox(redis, "in"), Graveyard(redis, "in")
    await mailbox.create()
    await mailbox.enqueue(Letter("1", "chat", "text"), Letter("2", "chat", "another"))
    first = await take(mailbox, blocking)
    await mailbox.journal(first, "1", "0.0", "done")
    await mailbox.finish(first, Outcome(journal_of="1"), dead=dead())
    (grave,) = await graveyard.newest(10)

    assert await graveyard.replay(grave)
    assert not await graveyard.replay(grave), "it is no longer among the dead"
    second = await take(mailbox, blocking)
    await mailbox.finish(second, Outcome())
    again = await take(mailbox, blocking)
    assert (second.payload, again.payload, again.attempt) == ("another", "text", 1)
    assert await redis.hgetall(journal_key("1")) == {"0.0": "done"}


async def test_a_dropped_letter_is_gone(redis: Redis) -> None:
    graveyard = Graveyard(redis, "in")
    await redis.xadd("in:dead", {"letter": dead().model_dump_json()})
    (grave,) = await graveyard.newest(10)

    assert await graveyard.drop(grave.place)
    assert not await graveyard.drop(grave.place)
    assert await graveyard.count() == 0
    assert await graveyard.find(grave.place) is None


async def test_what_never_was_a_message_cannot_be_replayed(redis: Redis) -> None:
    graveyard = Graveyard(redis, "in")
    await redis.xadd("in:dead", {"letter": dead(conversation="").model_dump_json()})
    await redis.xadd("in:dead", {"letter": "{"})

    for grave in await graveyard.newest(10):
        with pytest.raises(InvalidRequest) as refused:
            await graveyard.replay(grave)
        assert refused.value.message == (
            "It never was a message of the queue: it can only be dropped."
        )
    assert await graveyard.count() == 2


async def test_the_newest_letters_come_first_and_each_is_found_by_its_place(redis: Redis) -> None:
    graveyard = Graveyard(redis, "in")
    for number in (9, 10, 11):
        letter = dead(f"chat {number}").model_dump_json()
        await redis.xadd("in:dead", {"letter": letter}, id=f"5-{number}")
    graves = await graveyard.newest(2)

    assert [grave.place for grave in graves] == [(5, 11), (5, 10)]
    assert [grave.letter.conversation for grave in graves] == ["chat 11", "chat 10"]
    assert await graveyard.find((5, 10)) == graves[1]
    assert await graveyard.find((5, 1)) is None
    assert await graveyard.count() == 3


async def test_a_letter_that_cannot_be_read_is_still_seen(redis: Redis) -> None:
    await redis.xadd("in:dead", {"letter": "{"}, id="86400000-3")
    await redis.xadd("in:dead", {"other": "field"}, id="86400000-4")
    empty, torn = await Graveyard(redis, "in").newest(10)

    assert torn.letter == DeadLetter(
        queue="in",
        conversation="",
        payload="{",
        reason="the letter itself cannot be read",
        attempts=0,
        died_at=datetime(1970, 1, 2, tzinfo=UTC),
    )
    assert (torn.place, empty.place, empty.letter.payload) == ((86400000, 3), (86400000, 4), "")


async def test_a_replayed_letter_wakes_its_conversation(redis: Redis, blocking: Redis) -> None:
    mailbox, graveyard = Mailbox(redis, "in"), Graveyard(redis, "in")
    await mailbox.create()
    await redis.xadd("in:dead", {"letter": dead().model_dump_json()})
    await redis.xadd("in:dead", {"letter": dead("other").model_dump_json()})
    _, grave = await graveyard.newest(10)
    assert await graveyard.replay(grave)

    assert (await take(mailbox, blocking)).conversation == "chat"
    assert await answer(redis.lrange("in:waiting:chat", 0, -1)) == ["text"]
    assert [left.letter.conversation for left in await graveyard.newest(10)] == ["other"]
