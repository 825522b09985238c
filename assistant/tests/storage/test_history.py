"""Histories that Redis has lost."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from assistant.src.messages.item import EXTRAS_KEY, encode_json
from assistant.src.storage import history
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import ALICES_THREAD, id_for, make_secretary, make_user
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import CONFIGURATION_KEY, history_key, history_mark_key, user_key
from smart_kit.contracts.queue import Reply
from smart_kit.errors import RetryMessage
from smart_kit.redis import await_result
from smart_kit.testing.scripted_model import ScriptedModel, make_error_response

ALICE_USER_ID = id_for("1001")
MESSAGES_PATH = "/api/messages"


def make_archive(*texts: str) -> list[dict[str, Any]]:
    """Return archived turns, each with a question and an answer."""
    turns = [({"role": "user", "content": text}, "Noted.") for text in texts]
    return [
        item for user, reply in turns for item in (user, {"role": "assistant", "content": reply})
    ]


def get_prompt_texts(model: ScriptedModel) -> list[str]:
    """Return the texts of the last request, without instructions, dates and the newest one."""
    texts = [message["content"] for message in model.requests[-1].messages]
    return [text.split("\n")[-1] for text in texts[1:-1]]


def count_refills(harness: AssistantHarness) -> int:
    return len(harness.rest.requests_to("GET", MESSAGES_PATH))


async def read_history(harness: AssistantHarness, thread_id: UUID = ALICES_THREAD) -> list[str]:
    return list(await await_result(harness.redis.lrange(history_key(thread_id), 0, -1)))


async def flush_redis(harness: AssistantHarness) -> None:
    """Run FLUSHALL, then write again what rest_service would."""
    stored = await harness.redis.mget(CONFIGURATION_KEY, user_key(1001))
    await harness.redis.flushall()
    for key, value in zip((CONFIGURATION_KEY, user_key(1001)), stored, strict=True):
        await harness.redis.set(key, value)


async def test_history_is_restored_after_redis_lost_its_data(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("Noted.", "Teal.")
    await harness.say("My colour is teal")
    harness.rest.archive = list((await harness.read_turn_records())[0].items)
    before = await read_history(harness)
    await flush_redis(harness)
    await harness.say("What is my colour?")

    assert get_prompt_texts(model) == ["My colour is teal", "Noted."]
    stored = await read_history(harness)
    assert stored[:2] == before, "byte for byte, for the provider's cache"
    assert len(stored) == 4
    (request,) = harness.rest.requests_to("GET", MESSAGES_PATH)
    assert request.headers["X-User-Id"] == request.url.params["user_id"] == str(ALICE_USER_ID)
    assert request.url.params["thread_id"] == str(ALICES_THREAD)


async def test_complete_history_is_not_requested_from_the_archive(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.archive = make_archive("old")
    await flush_redis(harness)
    model.add_steps(*["Yes."] * 4)
    for _ in range(4):
        await harness.say("and?")

    assert count_refills(harness) == 1
    assert len(await read_history(harness)) == 2 + 8


async def test_lost_history_of_a_formerly_new_thread_is_restored(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("Yes.", "Yes.", "Yes.")
    await harness.say("one")
    await harness.say("two")
    harness.rest.archive = make_archive("one", "two")
    await harness.redis.delete(history_key(ALICES_THREAD))
    await harness.say("three")

    assert get_prompt_texts(model) == ["one", "Noted.", "two", "Noted."]


async def test_empty_thread_causes_one_archive_request(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await flush_redis(harness)
    model.add_steps(*[make_error_response(403)] * 3, "At last.", "Yes.")
    for _ in range(5):
        await harness.say("hi")

    assert count_refills(harness) == 1


async def test_thread_started_by_new_causes_no_archive_request(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    command = harness.make_command().model_copy(update={"created_at": utc_now()})
    delivery = await harness.deliver(command)
    with pytest.raises(RetryMessage):
        await harness.handle(delivery)
    (thread,) = harness.rest.created.values()
    thread_id = {UUID(thread["assistant_id"]): UUID(thread["thread_id"])}
    await harness.store_user(make_user(threads=thread_id))
    await harness.handle(delivery)
    model.add_steps("Yes.", "Yes.")
    await harness.say("hi")
    await harness.say("hi")

    assert count_refills(harness) == 0
    assert len(await read_history(harness, UUID(thread["thread_id"]))) == 4


async def test_marks_do_not_outlive_histories(harness: AssistantHarness) -> None:
    thread_id = uuid4()
    await harness.history.mark_new_thread(thread_id)

    assert 0 < await harness.redis.ttl(f"{history_key(thread_id)}:mark") <= 90 * 86_400


async def test_a_refilled_history_ends_90_days_later(harness: AssistantHarness) -> None:
    harness.rest.archive = make_archive("old")
    await flush_redis(harness)
    await harness.history.get_newest(ALICES_THREAD, ALICE_USER_ID, 10)

    assert 0 <= 90 * 86_400 - await harness.redis.ttl(history_key(ALICES_THREAD)) < 60
    assert not await harness.redis.exists(f"{history_key(ALICES_THREAD)}:mark")


class TestRestServiceDown:
    async def test_unavailable_archive_is_logged_once_and_delays_no_answer(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        await flush_redis(harness)
        harness.rest.is_down = True
        model.add_steps("Hello!", "Hello!")
        with structlog.testing.capture_logs() as lines:
            assert isinstance(await harness.say("hi"), Reply)
            assert isinstance(await harness.say("hi"), Reply)

        assert len(harness.rest.requests) == 1, "no retries"
        warnings = [line["event"] for line in lines if line["log_level"] == "warning"]
        assert warnings == ["history archive unavailable"]

    async def test_hanging_archive_delays_one_answer_briefly(
        self, harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history, "TIMEOUT_SECONDS", 0.1)
        await flush_redis(harness)
        harness.rest.archive, harness.rest.delay_seconds = make_archive("old"), 20.0
        model.add_steps("Hello!", "Hello!")
        await harness.say("hi")
        assert get_prompt_texts(model) == []
        await harness.say("hi")

        assert len(harness.rest.requests) == 1

    async def test_restored_items_come_before_newer_items(
        self, harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history, "COOLDOWN_SECONDS", 0.0)
        await flush_redis(harness)
        harness.rest.is_down = True
        model.add_steps("One.", "Two.", "Three.", "Four.")
        await harness.say("meanwhile 1")
        await harness.say("meanwhile 2")
        harness.rest.is_down = False
        first, _ = await harness.read_turn_records()
        harness.rest.archive = [*make_archive("old"), *first.items]  # the second is on its way
        await harness.say("now")

        assert get_prompt_texts(model) == [
            "old",
            "Noted.",
            "meanwhile 1",
            "One.",
            "meanwhile 2",
            "Two.",
        ]
        refill_count = count_refills(harness)
        await harness.say("later")
        assert count_refills(harness) == refill_count, "it is whole"


@pytest.mark.parametrize(
    ("mark", "of_archive", "of_redis", "whole"),
    [
        ("partial", "abcd", "", "abcd"),
        ("partial", "", "cd", "cd"),
        ("partial", "ab", "cd", "abcd"),
        ("partial", "abc", "cd", "abcd"),
        ("partial", "abcd", "cd", "abcd"),
        ("partial", "cd", "cd", "cd"),
        ("partial", "cccc", "cc", "cccc"),
        ("partial", "abc", "bc" * 100, "bc" * 100),
        ("trimmed", "abcd", "cd", "abcd"),
        ("trimmed", "abcd", "cde", "abcde"),
        # the archive lacks a turn, so it is unknown what comes first
        ("trimmed", "abde", "cde", "cde"),
        ("trimmed", "abcd", "", "abcd"),
    ],
)
async def test_archive_and_redis_merge_without_gaps_or_duplicates(
    harness: AssistantHarness, mark: str, of_archive: str, of_redis: str, whole: str
) -> None:
    key = history_key(ALICES_THREAD)
    await harness.redis.set(history_mark_key(ALICES_THREAD), mark)
    harness.rest.archive = [{"role": "user", "content": one} for one in of_archive]
    if of_redis:
        items = [encode_json({"role": "user", "content": one}) for one in of_redis]
        await await_result(harness.redis.rpush(key, *items))
    items, length = await harness.history.get_newest(ALICES_THREAD, ALICE_USER_ID, 1000)

    assert "".join(json.loads(item)["content"] for item in items) == whole
    assert length == len(whole)


async def test_restored_items_have_no_provider_extras(harness: AssistantHarness) -> None:
    await flush_redis(harness)
    reply = {"role": "assistant", "content": "Noon."}
    harness.rest.archive = [
        reply | {EXTRAS_KEY: {"by": "p/m", "keys": {"reasoning_content": "Hm."}}}
    ]
    items, _ = await harness.history.get_newest(ALICES_THREAD, ALICE_USER_ID, 10)

    assert items == [encode_json(reply)]


async def test_history_that_grew_during_the_request_stays_unchanged(
    harness: AssistantHarness,
) -> None:
    await flush_redis(harness)
    harness.rest.archive = make_archive("old")
    key = history_key(ALICES_THREAD)

    async def append_as_another_worker() -> None:
        await await_result(harness.redis.rpush(key, '{"role":"user","content":"theirs"}'))

    harness.rest.on_request = append_as_another_worker
    items, _ = await harness.history.get_newest(ALICES_THREAD, ALICE_USER_ID, 10)

    assert [json.loads(item)["content"] for item in items] == ["theirs"]


async def test_window_of_a_restored_history_moves_by_steps(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(make_secretary(), version=2)
    await flush_redis(harness)
    harness.rest.archive = make_archive(*(f"question {number}" for number in range(150)))
    model.add_steps(*["Yes."] * 10)
    for _ in range(10):
        await harness.say("and?")

    begins = [request.messages[1]["content"] for request in model.requests]
    assert len(set(begins)) <= 3
    assert count_refills(harness) == 1


async def test_a_larger_window_shows_messages_that_redis_no_longer_keeps(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.archive = make_archive(*map(str, range(100)))
    await flush_redis(harness)
    model.add_steps(*["Noted."] * 4)
    await harness.say("restores 200 items")
    harness.rest.archive += make_archive("restores 200 items")
    trimmed = await read_history(harness)
    await harness.say("is asked no archive")
    assert len(trimmed) == 112, "three quarters of the limit, or some more"
    assert count_refills(harness) == 1

    harness.rest.archive += make_archive("is asked no archive")
    await harness.configure(make_secretary(max_context_messages=200), version=2)
    for _ in range(2):
        await harness.say("and now?")
        assert len(get_prompt_texts(model)) > 100
        assert count_refills(harness) == 2


async def test_extras_of_the_archive_do_not_duplicate_a_trimmed_history(
    harness: AssistantHarness,
) -> None:
    """A history that was restored before has none."""
    texts = [{"role": "assistant", "content": text} for text in "abc"]
    extras = {"by": "provider/model", "keys": {"reasoning_content": "hm"}}
    harness.rest.archive = [text | {EXTRAS_KEY: extras} for text in texts]
    await harness.redis.set(history_mark_key(ALICES_THREAD), "trimmed")
    key = history_key(ALICES_THREAD)
    await await_result(harness.redis.rpush(key, *map(encode_json, texts[1:])))
    items, _ = await harness.history.get_newest(ALICES_THREAD, ALICE_USER_ID, 1000)

    assert items == list(map(encode_json, texts))


@pytest.mark.parametrize(("count", "refills"), [(2, 0), (3, 1)])
async def test_a_trimmed_history_is_refilled_only_if_more_is_needed(
    harness: AssistantHarness, count: int, refills: int
) -> None:
    await harness.redis.set(history_mark_key(ALICES_THREAD), "trimmed")
    items = [encode_json({"role": "user", "content": text}) for text in "ab"]
    await await_result(harness.redis.rpush(history_key(ALICES_THREAD), *items))
    await harness.history.get_newest(ALICES_THREAD, ALICE_USER_ID, count)

    assert count_refills(harness) == refills
