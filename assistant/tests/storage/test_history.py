"""Histories that Redis has lost."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from assistant.src.messages.item import ADDED, encode
from assistant.src.storage import history_archive
from assistant.tests.desk import ALICES_THREAD, Desk, identified, person, secretary
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import CONFIGURATION_KEY, history_key, user_key
from smart_kit.contracts.queue import Reply
from smart_kit.errors import RetryMessage
from smart_kit.redis import answer
from smart_kit.testing.scripted_model import ScriptedModel, fails

ALICES_ID = identified("1001")
MESSAGES = "/api/messages"


def archived(*texts: str) -> list[dict[str, Any]]:
    """Turns as Postgres has them; a question and its answer each."""
    turns = [({"role": "user", "content": text}, "Noted.") for text in texts]
    return [item for user, said in turns for item in (user, {"role": "assistant", "content": said})]


def shown(model: ScriptedModel) -> list[str]:
    """The texts of the last request, without instructions, dates and the newest."""
    texts = [message["content"] for message in model.asked[-1].messages]
    return [text.split("\n")[-1] for text in texts[1:-1]]


def refills(desk: Desk) -> int:
    return len(desk.rest.asked("GET", MESSAGES))


async def history(desk: Desk, thread_id: UUID = ALICES_THREAD) -> list[str]:
    return list(await answer(desk.redis.lrange(history_key(thread_id), 0, -1)))


async def lose_everything(desk: Desk) -> None:
    """FLUSHALL, after which rest_service has written again what it owns."""
    kept = await desk.redis.mget(CONFIGURATION_KEY, user_key(1001))
    await desk.redis.flushall()
    for key, value in zip((CONFIGURATION_KEY, user_key(1001)), kept, strict=True):
        await desk.redis.set(key, value)


async def test_after_redis_lost_all_the_model_is_shown_what_postgres_has(
    desk: Desk, model: ScriptedModel
) -> None:
    model.expect("Noted.", "Teal.")
    await desk.say("My colour is teal")
    desk.rest.archive = list((await desk.records())[0].items)
    before = await history(desk)
    await lose_everything(desk)
    await desk.say("What is my colour?")

    assert shown(model) == ["My colour is teal", "Noted."]
    kept = await history(desk)
    assert kept[:2] == before, "byte for byte, for the provider's cache"
    assert len(kept) == 4
    (request,) = desk.rest.asked("GET", MESSAGES)
    assert request.headers["X-User-Id"] == request.url.params["user_id"] == str(ALICES_ID)
    assert request.url.params["thread_id"] == str(ALICES_THREAD)


async def test_a_history_that_is_there_or_was_refilled_is_not_asked_for(
    desk: Desk, model: ScriptedModel
) -> None:
    desk.rest.archive = archived("old")
    await lose_everything(desk)
    model.expect(*["Yes."] * 4)
    for _ in range(4):
        await desk.say("and?")

    assert refills(desk) == 1
    assert len(await history(desk)) == 2 + 8


async def test_a_history_lost_alone_comes_back_although_its_thread_once_was_new(
    desk: Desk, model: ScriptedModel
) -> None:
    model.expect("Yes.", "Yes.", "Yes.")
    await desk.say("one")
    await desk.say("two")
    desk.rest.archive = archived("one", "two")
    await desk.redis.delete(history_key(ALICES_THREAD))
    await desk.say("three")

    assert shown(model) == ["one", "Noted.", "two", "Noted."]


async def test_a_thread_in_which_nothing_was_said_costs_one_call_even_where_no_turn_succeeds(
    desk: Desk, model: ScriptedModel
) -> None:
    await lose_everything(desk)
    model.expect(*[fails(403)] * 3, "At last.", "Yes.")
    for _ in range(5):
        await desk.say("hi")

    assert refills(desk) == 1


async def test_a_thread_begun_by_new_costs_no_call(desk: Desk, model: ScriptedModel) -> None:
    command = desk.command().model_copy(update={"created_at": utc_now()})
    delivery = await desk.deliver(command)
    with pytest.raises(RetryMessage):
        await desk.handle(delivery)
    (thread,) = desk.rest.created.values()
    begun = {UUID(thread["assistant_id"]): UUID(thread["thread_id"])}
    await desk.introduce(person(threads=begun))
    await desk.handle(delivery)
    model.expect("Yes.", "Yes.")
    await desk.say("hi")
    await desk.say("hi")

    assert refills(desk) == 0
    assert len(await history(desk, UUID(thread["thread_id"]))) == 4


async def test_marks_do_not_outlive_histories(desk: Desk) -> None:
    thread_id = uuid4()
    await desk.history.begin(thread_id)

    assert 0 < await desk.redis.ttl(f"{history_key(thread_id)}:mark") <= 90 * 86_400


async def test_a_refilled_history_ends_90_days_later(desk: Desk) -> None:
    desk.rest.archive = archived("old")
    await lose_everything(desk)
    await desk.history.newest(ALICES_THREAD, ALICES_ID, 10)

    assert 0 <= 90 * 86_400 - await desk.redis.ttl(history_key(ALICES_THREAD)) < 60
    assert not await desk.redis.exists(f"{history_key(ALICES_THREAD)}:mark")


class TestWhileRestServiceIsAway:
    async def test_the_answer_comes_at_once_without_a_history_and_the_log_says_so_once(
        self, desk: Desk, model: ScriptedModel
    ) -> None:
        await lose_everything(desk)
        desk.rest.is_down = True
        model.expect("Hello!", "Hello!")
        with structlog.testing.capture_logs() as lines:
            assert isinstance(await desk.say("hi"), Reply)
            assert isinstance(await desk.say("hi"), Reply)

        assert len(desk.rest.requests) == 1, "no retries"
        warnings = [line["event"] for line in lines if line["log_level"] == "warning"]
        assert warnings == ["histories cannot be refilled for now"]

    async def test_a_rest_service_that_hangs_holds_up_one_answer_briefly(
        self, desk: Desk, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history_archive, "PATIENCE_SECONDS", 0.1)
        await lose_everything(desk)
        desk.rest.delay_seconds = 20.0
        model.expect("Hello!", "Hello!")
        await desk.say("hi")
        await desk.say("hi")

        assert len(desk.rest.requests) == 1

    async def test_what_is_said_meanwhile_stays_behind_what_comes_back(
        self, desk: Desk, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history_archive, "PAUSE_SECONDS", 0.0)
        await lose_everything(desk)
        desk.rest.is_down = True
        model.expect("One.", "Two.", "Three.", "Four.")
        await desk.say("meanwhile 1")
        await desk.say("meanwhile 2")
        desk.rest.is_down = False
        first, _ = await desk.records()
        desk.rest.archive = [*archived("old"), *first.items]  # the second is on its way
        await desk.say("now")

        assert shown(model) == ["old", "Noted.", "meanwhile 1", "One.", "meanwhile 2", "Two."]
        asked = refills(desk)
        await desk.say("later")
        assert refills(desk) == asked, "it is whole"


@pytest.mark.parametrize(
    ("of_archive", "of_redis", "whole"),
    [
        ("abcd", "", "abcd"),
        ("", "cd", "cd"),
        ("ab", "cd", "abcd"),
        ("abc", "cd", "abcd"),
        ("abcd", "cd", "abcd"),
        ("cd", "cd", "cd"),
        ("cccc", "cc", "cccc"),
        ("abc", "bc" * 100, "bc" * 100),
    ],
)
async def test_archive_and_redis_are_put_together_without_a_gap_or_a_double(
    desk: Desk, of_archive: str, of_redis: str, whole: str
) -> None:
    key = history_key(ALICES_THREAD)
    await desk.redis.set(f"{key}:mark", "partial")
    desk.rest.archive = [{"role": "user", "content": one} for one in of_archive]
    if of_redis:
        items = [encode({"role": "user", "content": one}) for one in of_redis]
        await answer(desk.redis.rpush(key, *items))
    items, length = await desk.history.newest(ALICES_THREAD, ALICES_ID, 1000)

    assert "".join(json.loads(item)["content"] for item in items) == whole
    assert length == len(whole)


async def test_what_providers_added_long_ago_does_not_come_back(desk: Desk) -> None:
    await lose_everything(desk)
    said = {"role": "assistant", "content": "Noon."}
    desk.rest.archive = [said | {ADDED: {"by": "p/m", "keys": {"reasoning_content": "Hm."}}}]
    items, _ = await desk.history.newest(ALICES_THREAD, ALICES_ID, 10)

    assert items == [encode(said)]


async def test_a_history_that_grew_while_postgres_was_asked_is_left_as_it_is(desk: Desk) -> None:
    await lose_everything(desk)
    desk.rest.archive = archived("old")
    key = history_key(ALICES_THREAD)

    async def another_worker() -> None:
        await answer(desk.redis.rpush(key, '{"role":"user","content":"theirs"}'))

    desk.rest.meanwhile = another_worker
    items, _ = await desk.history.newest(ALICES_THREAD, ALICES_ID, 10)

    assert [json.loads(item)["content"] for item in items] == ["theirs"]


async def test_the_window_of_a_refilled_history_moves_as_that_of_any_other(
    desk: Desk, model: ScriptedModel
) -> None:
    await desk.configure(secretary(), version=2)
    await lose_everything(desk)
    desk.rest.archive = archived(*(f"question {number}" for number in range(150)))
    model.expect(*["Yes."] * 10)
    for _ in range(10):
        await desk.say("and?")

    begins = [asked.messages[1]["content"] for asked in model.asked]
    assert len(set(begins)) <= 3
    assert refills(desk) == 1
