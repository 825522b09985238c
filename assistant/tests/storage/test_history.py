"""Histories that Redis has lost."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from assistant.src.messages.item import ADDED, encode
from assistant.src.storage import history_archive
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import ALICES_THREAD, id_of, person, secretary
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import CONFIGURATION_KEY, history_key, user_key
from smart_kit.contracts.queue import Reply
from smart_kit.errors import RetryMessage
from smart_kit.redis import answer
from smart_kit.testing.scripted_model import ScriptedModel, fails

ALICES_ID = id_of("1001")
MESSAGES = "/api/messages"


def archived(*texts: str) -> list[dict[str, Any]]:
    """Turns as Postgres has them; a question and its answer each."""
    turns = [({"role": "user", "content": text}, "Noted.") for text in texts]
    return [item for user, said in turns for item in (user, {"role": "assistant", "content": said})]


def shown(model: ScriptedModel) -> list[str]:
    """The texts of the last request, without instructions, dates and the newest."""
    texts = [message["content"] for message in model.asked[-1].messages]
    return [text.split("\n")[-1] for text in texts[1:-1]]


def refills(harness: AssistantHarness) -> int:
    return len(harness.rest.requests_to("GET", MESSAGES))


async def history(harness: AssistantHarness, thread_id: UUID = ALICES_THREAD) -> list[str]:
    return list(await answer(harness.redis.lrange(history_key(thread_id), 0, -1)))


async def lose_everything(harness: AssistantHarness) -> None:
    """FLUSHALL, after which rest_service has written again what it owns."""
    kept = await harness.redis.mget(CONFIGURATION_KEY, user_key(1001))
    await harness.redis.flushall()
    for key, value in zip((CONFIGURATION_KEY, user_key(1001)), kept, strict=True):
        await harness.redis.set(key, value)


async def test_after_redis_lost_all_the_model_is_shown_what_postgres_has(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.expect("Noted.", "Teal.")
    await harness.say("My colour is teal")
    harness.rest.archive = list((await harness.turn_records())[0].items)
    before = await history(harness)
    await lose_everything(harness)
    await harness.say("What is my colour?")

    assert shown(model) == ["My colour is teal", "Noted."]
    kept = await history(harness)
    assert kept[:2] == before, "byte for byte, for the provider's cache"
    assert len(kept) == 4
    (request,) = harness.rest.requests_to("GET", MESSAGES)
    assert request.headers["X-User-Id"] == request.url.params["user_id"] == str(ALICES_ID)
    assert request.url.params["thread_id"] == str(ALICES_THREAD)


async def test_a_history_that_is_there_or_was_refilled_is_not_asked_for(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.archive = archived("old")
    await lose_everything(harness)
    model.expect(*["Yes."] * 4)
    for _ in range(4):
        await harness.say("and?")

    assert refills(harness) == 1
    assert len(await history(harness)) == 2 + 8


async def test_a_history_lost_alone_comes_back_although_its_thread_once_was_new(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.expect("Yes.", "Yes.", "Yes.")
    await harness.say("one")
    await harness.say("two")
    harness.rest.archive = archived("one", "two")
    await harness.redis.delete(history_key(ALICES_THREAD))
    await harness.say("three")

    assert shown(model) == ["one", "Noted.", "two", "Noted."]


async def test_a_thread_in_which_nothing_was_said_costs_one_call_even_where_no_turn_succeeds(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await lose_everything(harness)
    model.expect(*[fails(403)] * 3, "At last.", "Yes.")
    for _ in range(5):
        await harness.say("hi")

    assert refills(harness) == 1


async def test_a_thread_begun_by_new_costs_no_call(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    command = harness.command().model_copy(update={"created_at": utc_now()})
    delivery = await harness.deliver(command)
    with pytest.raises(RetryMessage):
        await harness.handle(delivery)
    (thread,) = harness.rest.created.values()
    begun = {UUID(thread["assistant_id"]): UUID(thread["thread_id"])}
    await harness.store_user(person(threads=begun))
    await harness.handle(delivery)
    model.expect("Yes.", "Yes.")
    await harness.say("hi")
    await harness.say("hi")

    assert refills(harness) == 0
    assert len(await history(harness, UUID(thread["thread_id"]))) == 4


async def test_marks_do_not_outlive_histories(harness: AssistantHarness) -> None:
    thread_id = uuid4()
    await harness.history.begin(thread_id)

    assert 0 < await harness.redis.ttl(f"{history_key(thread_id)}:mark") <= 90 * 86_400


async def test_a_refilled_history_ends_90_days_later(harness: AssistantHarness) -> None:
    harness.rest.archive = archived("old")
    await lose_everything(harness)
    await harness.history.newest(ALICES_THREAD, ALICES_ID, 10)

    assert 0 <= 90 * 86_400 - await harness.redis.ttl(history_key(ALICES_THREAD)) < 60
    assert not await harness.redis.exists(f"{history_key(ALICES_THREAD)}:mark")


class TestWhileRestServiceIsAway:
    async def test_the_answer_comes_at_once_without_a_history_and_the_log_says_so_once(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        await lose_everything(harness)
        harness.rest.is_down = True
        model.expect("Hello!", "Hello!")
        with structlog.testing.capture_logs() as lines:
            assert isinstance(await harness.say("hi"), Reply)
            assert isinstance(await harness.say("hi"), Reply)

        assert len(harness.rest.requests) == 1, "no retries"
        warnings = [line["event"] for line in lines if line["log_level"] == "warning"]
        assert warnings == ["histories cannot be refilled for now"]

    async def test_a_rest_service_that_hangs_holds_up_one_answer_briefly(
        self, harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history_archive, "PATIENCE_SECONDS", 0.1)
        await lose_everything(harness)
        harness.rest.archive, harness.rest.delay_seconds = archived("old"), 20.0
        model.expect("Hello!", "Hello!")
        await harness.say("hi")
        assert shown(model) == []
        await harness.say("hi")

        assert len(harness.rest.requests) == 1

    async def test_what_is_said_meanwhile_stays_behind_what_comes_back(
        self, harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history_archive, "PAUSE_SECONDS", 0.0)
        await lose_everything(harness)
        harness.rest.is_down = True
        model.expect("One.", "Two.", "Three.", "Four.")
        await harness.say("meanwhile 1")
        await harness.say("meanwhile 2")
        harness.rest.is_down = False
        first, _ = await harness.turn_records()
        harness.rest.archive = [*archived("old"), *first.items]  # the second is on its way
        await harness.say("now")

        assert shown(model) == ["old", "Noted.", "meanwhile 1", "One.", "meanwhile 2", "Two."]
        asked = refills(harness)
        await harness.say("later")
        assert refills(harness) == asked, "it is whole"


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
    harness: AssistantHarness, of_archive: str, of_redis: str, whole: str
) -> None:
    key = history_key(ALICES_THREAD)
    await harness.redis.set(f"{key}:mark", "partial")
    harness.rest.archive = [{"role": "user", "content": one} for one in of_archive]
    if of_redis:
        items = [encode({"role": "user", "content": one}) for one in of_redis]
        await answer(harness.redis.rpush(key, *items))
    items, length = await harness.history.newest(ALICES_THREAD, ALICES_ID, 1000)

    assert "".join(json.loads(item)["content"] for item in items) == whole
    assert length == len(whole)


async def test_what_providers_added_long_ago_does_not_come_back(harness: AssistantHarness) -> None:
    await lose_everything(harness)
    said = {"role": "assistant", "content": "Noon."}
    harness.rest.archive = [said | {ADDED: {"by": "p/m", "keys": {"reasoning_content": "Hm."}}}]
    items, _ = await harness.history.newest(ALICES_THREAD, ALICES_ID, 10)

    assert items == [encode(said)]


async def test_a_history_that_grew_while_postgres_was_asked_is_left_as_it_is(
    harness: AssistantHarness,
) -> None:
    await lose_everything(harness)
    harness.rest.archive = archived("old")
    key = history_key(ALICES_THREAD)

    async def another_worker() -> None:
        await answer(harness.redis.rpush(key, '{"role":"user","content":"theirs"}'))

    harness.rest.meanwhile = another_worker
    items, _ = await harness.history.newest(ALICES_THREAD, ALICES_ID, 10)

    assert [json.loads(item)["content"] for item in items] == ["theirs"]


async def test_the_window_of_a_refilled_history_moves_as_that_of_any_other(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(secretary(), version=2)
    await lose_everything(harness)
    harness.rest.archive = archived(*(f"question {number}" for number in range(150)))
    model.expect(*["Yes."] * 10)
    for _ in range(10):
        await harness.say("and?")

    begins = [asked.messages[1]["content"] for asked in model.asked]
    assert len(set(begins)) <= 3
    assert refills(harness) == 1
