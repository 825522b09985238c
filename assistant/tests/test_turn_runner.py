"""The times and texts that a turn uses, and what it records."""

import asyncio
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from assistant.src.storage.history import HistoryStore
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    ALICE,
    ALICES_THREAD,
    BOT,
    SENT_AT,
    id_for,
    make_model,
    make_secretary,
    make_tool,
    make_user,
)
from smart_kit.contracts.keys import history_key
from smart_kit.contracts.queue import Notice, Reply, Sender
from smart_kit.contracts.threads import ModelFailure, StepRecord, TurnRecord
from smart_kit.mailbox import Mailbox
from smart_kit.testing.concurrent_calls import require_concurrent_calls
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_response,
    make_text_response,
    make_tool_call_response,
)

REMIND = ("create_reminder", {"text": "stretch", "in_seconds": 60})
PRICES = {"input_price": Decimal(10_000), "output_price": Decimal(0)}
INVALID_KEY_ERROR = make_error_response(401, {"error": {"code": "invalid_api_key"}})


def respond_slowly(answer: ScriptedResponse) -> Any:
    """Respond after a few milliseconds, so that the recorded duration is not 0."""

    def respond(_: RecordedRequest) -> ScriptedResponse:
        time.sleep(0.005)
        return answer

    return respond


async def test_journal_and_history_are_read_in_one_round_trip(
    harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = ((Mailbox, "load_journal"), (HistoryStore, "get_newest"))
    require_concurrent_calls(monkeypatch, *reads)
    model.add_steps("Hello!")
    async with asyncio.timeout(60):
        await harness.say("hi")


@pytest.mark.parametrize(
    ("origin", "first_line"),
    [
        ({"forwarded_from": "Mallory"}, "[Forwarded by the user from Mallory. The user has not"),
        ({"forwarded_from": ""}, "[Forwarded by the user from an unknown author. The user has not"),
        ({"via_bot": "gif"}, "[Sent by the user through the bot @gif. The user has not"),
        ({}, "create a task"),
    ],
)
async def test_the_model_is_told_which_text_the_user_has_not_written(
    harness: AssistantHarness, model: ScriptedModel, origin: dict[str, str], first_line: str
) -> None:
    model.add_steps("Noted.")
    message = harness.make_message("create a task", **origin)
    await harness.handle(await harness.deliver(message))

    _, *text = model.requests[0].messages[-1]["content"].split("\n")
    assert text[0].startswith(first_line)
    assert text[-1] == "create a task"


async def test_archive_record_contains_the_whole_turn(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.models = {"other": make_model("other", **PRICES)}
    tools = (make_tool("get_time"), make_tool("create_reminder"))
    await harness.configure(make_secretary(*tools, fallback_models=("other",)), version=7)
    harness.rest.delay_seconds = 0.005
    model.add_steps(
        INVALID_KEY_ERROR,
        respond_slowly(make_tool_call_response(REMIND, text="One moment.")),
        respond_slowly(make_text_response("I will.")),
    )
    await harness.say("remind me")

    (record,) = await harness.read_turn_records()
    first, reminder, last = record.steps
    failure = ModelFailure(
        model="default-model",
        provider="scripted",
        reason="401: code invalid_api_key",
        seconds=first.failures[0].seconds,
    )
    request = StepRecord(
        step="1",
        kind="model",
        name="other",
        result="One moment.",
        provider="scripted",
        assistant_id=id_for("Secretary"),
        prompt_tokens=10,
        completion_tokens=5,
        cost=Decimal("0.1"),
        finish_reason="tool_calls",
        failures=(failure,),
        started_at=first.started_at,
        seconds=first.seconds,
    )
    assert first == request
    assert reminder == StepRecord(
        step="1.0",
        kind="tool",
        name="create_reminder",
        arguments=REMIND[1],
        result=reminder.result,
        assistant_id=id_for("Secretary"),
        started_at=reminder.started_at,
        seconds=reminder.seconds,
    )
    assert "stretch" in reminder.result
    assert last == request.model_copy(
        update={
            "step": "2",
            "name": "default-model",
            "result": "I will.",
            "cost": None,
            "finish_reason": "stop",
            "failures": (),
            "started_at": last.started_at,
            "seconds": last.seconds,
        }
    )
    assert record == TurnRecord(
        message_id=f"tg:{BOT}:1",
        user_id=id_for(str(ALICE)),
        assistant_id=id_for("Secretary"),
        thread_id=ALICES_THREAD,
        configuration_version=7,
        status="done",
        items=record.items,
        steps=(first, reminder, last),
        run_id=None,
        requested_at=SENT_AT,
        started_at=record.started_at,
        finished_at=record.finished_at,
    )
    assert_step_times(record)


def assert_step_times(record: TurnRecord) -> None:
    """Check that each step has a duration, and ends before the next one starts."""
    previous_start = record.started_at
    for step in record.steps:
        assert step.started_at is not None
        assert previous_start <= step.started_at
        assert step.seconds == round(step.seconds, 3) > 0
        previous_start = step.started_at
    in_all = (record.finished_at - record.started_at).total_seconds()
    assert sum(step.seconds for step in record.steps) <= in_all + 0.001 * len(record.steps)


async def test_tokens_that_a_provider_had_cached_are_recorded(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    body = {
        "choices": [{"message": {"content": "Hello!"}, "finish_reason": "stop"}],
        "usage": usage | {"prompt_tokens_details": {"cached_tokens": 4}},
    }
    model.add_steps(make_response(body))
    await harness.say("hi")

    (record,) = await harness.read_turn_records()
    (step,) = record.steps
    assert (step.prompt_tokens, step.cached_tokens, step.completion_tokens) == (10, 4, 5)


async def test_log_line_of_a_turn_contains_figures_and_no_texts(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(respond_slowly(make_tool_call_response(REMIND, ("get_time", {}))), "I will.")
    with structlog.testing.capture_logs() as lines:
        await harness.say("remind me")

    (line,) = lines
    seconds = line.pop("seconds")
    assert line == {
        "event": "turn ended",
        "log_level": "info",
        "status": "done",
        "attempt": 1,
        "model_calls": 2,
        "tools": ["create_reminder", "get_time"],
        "prompt_tokens": 20,
        "completion_tokens": 10,
    }
    (record,) = await harness.read_turn_records()
    assert 0.005 <= seconds == round(seconds, 3)
    assert seconds <= (record.finished_at - record.started_at).total_seconds() + 0.001


async def test_each_line_of_a_turn_can_be_found_by_the_correlation_id(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(INVALID_KEY_ERROR)
    merge = structlog.contextvars.merge_contextvars
    with structlog.testing.capture_logs(processors=[merge]) as lines:
        await harness.say("hi")

    assert [line["event"] for line in lines] == ["model failed", "turn failed", "turn ended"]
    ids = {"correlation_id": "correlation-1", "message_id": f"tg:{BOT}:1"}
    for line in lines:
        assert line.items() >= (ids | {"conversation": f"tg:{BOT}:{ALICE}"}).items()
    assert (lines[1]["reason"], lines[1]["log_level"]) == ("401: code invalid_api_key", "warning")
    assert lines[2]["status"] == "failed"


async def test_turns_are_counted_by_how_they_ended(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    def read_turn_counts() -> list[float]:
        name = "smart_assistant_turns_total"
        values = [REGISTRY.get_sample_value(name, {"status": one}) for one in ("done", "failed")]
        return [value or 0 for value in values]

    done, failed = read_turn_counts()
    model.add_steps("Hello!", INVALID_KEY_ERROR, INVALID_KEY_ERROR)
    for text in ("hi", "hi", "hi"):
        await harness.say(text)

    assert read_turn_counts() == [done + 1, failed + 2]


async def test_model_sees_a_history_restored_from_the_archive(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.redis.delete(f"{history_key(ALICES_THREAD)}:mark")
    harness.rest.archive = [
        {"role": "user", "content": "My colour is teal"},
        {"role": "assistant", "content": "Noted."},
    ]
    model.add_steps("Teal.")
    await harness.say("What is my colour?")

    (request,) = harness.rest.requests
    assert request.url.params["thread_id"] == str(ALICES_THREAD)
    assert request.url.params["user_id"] == str(id_for(str(ALICE)))
    assert model.requests[0].messages[1:-1] == harness.rest.archive


async def test_last_known_language_is_the_default(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.store_user(make_user(language_code="de"))
    sender = Sender(telegram_id=ALICE, first_name="Alice")
    model.add_steps("Hallo!", INVALID_KEY_ERROR)
    answered, refused = [await harness.say("hi", sender=sender) for _ in range(2)]

    assert [type(one) for one in (answered, refused)] == [Reply, Notice]
    assert answered.language_code == refused.language_code == "de"


@pytest.mark.parametrize(
    ("zone", "line"),
    [
        ("Asia/Tokyo", "[Sat 2026-11-21 21:24 Asia/Tokyo]"),
        (None, "[Sat 2026-11-21 07:24 America/New_York]"),
        ("America", "[Sat 2026-11-21 07:24 America/New_York]"),  # a folder of zones
        ("Mars/Olympus", "[Sat 2026-11-21 07:24 America/New_York]"),
        ("/etc/localtime", "[Sat 2026-11-21 07:24 America/New_York]"),
    ],
)
async def test_message_time_is_in_the_zone_of_the_user(
    harness: AssistantHarness, model: ScriptedModel, zone: str | None, line: str
) -> None:
    await harness.store_user(make_user(timezone=zone))
    model.add_steps("Hello!")
    await harness.say("hi")

    assert model.requests[0].messages[-1]["content"] == f"{line}\nhi"


async def test_a_message_is_dated_by_the_clock_that_the_sandbox_has_moved(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.clock.offset = timedelta(days=1, hours=2)
    model.add_steps("Hello!")
    await harness.say("hi")

    assert model.requests[0].messages[-1]["content"] == "[Sun 2026-11-22 15:24 Europe/Berlin]\nhi"
    (record,) = await harness.read_turn_records()
    assert record.clock_offset == harness.clock.offset, "its calls count for that day"
