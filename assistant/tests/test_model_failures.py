"""However models fail, the user gets an answer or a notice before the deadline."""

import asyncio
import random
from collections import Counter

import pytest

from assistant.src.core.turn import TURN_TIMEOUT_SECONDS
from assistant.src.services.models.request import DEFAULT_OUTPUT_TOKENS
from assistant.tests.virtual_time_harness import (
    VirtualTimeHarness,
    fail_one_model,
    run_in_virtual_time,
)
from smart_kit.contracts.queue import Notice, Reply
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_hanging_response,
    make_response,
    make_text_response,
    make_tool_call_response,
    make_truncated_response,
)

pytestmark = pytest.mark.clock("virtual")

SLACK_SECONDS = 2.0
"""What Redis and this machine add to a deadline."""

DEEP_JSON = '{"x":' * 300 + "1" + "}" * 300
ENDLESS_CALLS = make_tool_call_response(("get_time", {}))
RATE_LIMITED = {"error": {"code": "rate_limit_exceeded"}}
QUOTA_EXCEEDED = {"error": {"type": "insufficient_quota", "code": "credit_balance_exhausted"}}
ABSURD_USAGE = {"prompt_tokens": -5, "completion_tokens": 10**30}

MODEL_FAILURES: dict[str, ScriptedResponse] = {
    "timeout": make_hanging_response(),
    "429 with Retry-After": make_error_response(429, RATE_LIMITED, retry_after="7"),
    "429 with an hour": make_error_response(429, RATE_LIMITED, retry_after="3600"),
    "429 without money": make_error_response(429, QUOTA_EXCEEDED),
    "500": make_error_response(500, {"error": {"message": "boom"}}),
    "503": make_error_response(503, b"<html>busy</html>", retry_after="1"),
    "401": make_error_response(401, {"error": {"code": "invalid_api_key"}}),
    "no choices": make_response({"choices": []}),
    "empty choice": make_text_response(""),
    "cut JSON": make_response(b'{"choices": [{"message": {"content": "Hel'),
    "cut connection": make_truncated_response(b'{"choices": [{"message": {"content": "Hel'),
    "no connection": make_truncated_response(),
    "deep JSON": make_response(b'{"choices":' + b"[" * 100_000),
    "unknown tool": make_tool_call_response(("fly_to_the_moon", {"at": "once"})),
    "wrong arguments": make_tool_call_response(
        ("create_reminder", {"in_seconds": "soon", "whom": "you"})
    ),
    "cut arguments": make_tool_call_response(("create_reminder", '{"text": "stre')),
    "deep arguments": make_tool_call_response(("create_reminder", DEEP_JSON)),
    "endless calls": ENDLESS_CALLS,
}


PERMANENT_FAILURES = ("429 with an hour", "429 without money", "401")
TRANSIENT_FAILURES = tuple(name for name in MODEL_FAILURES if name not in PERMANENT_FAILURES)


@pytest.mark.parametrize("name", MODEL_FAILURES)
def test_a_single_model_with_a_permanent_failure_ends_in_an_honest_notice_in_time(
    redis_settings: RedisSettings, name: str
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        answer = await harness.say()
        assert isinstance(answer.reply, Notice)
        assert answer.reply.notice in ("turn_failed", "model_unavailable")
        assert answer.seconds <= TURN_TIMEOUT_SECONDS + SLACK_SECONDS
        assert harness.harness.rest.created == {}

    with ScriptedModel(default_step=MODEL_FAILURES[name]) as model:
        run_in_virtual_time(redis_settings, model, scenario)


@pytest.mark.parametrize("name", MODEL_FAILURES)
def test_a_transient_failure_costs_no_reply(redis_settings: RedisSettings, name: str) -> None:
    """Except failures that a retry cannot solve."""

    async def scenario(harness: VirtualTimeHarness) -> None:
        answer = await harness.say()
        assert isinstance(answer.reply, Notice if name in PERMANENT_FAILURES else Reply)
        assert answer.seconds <= TURN_TIMEOUT_SECONDS + SLACK_SECONDS

    with ScriptedModel(MODEL_FAILURES[name], default_step="I am well.") as model:
        run_in_virtual_time(redis_settings, model, scenario)


TOOL_CALL_FAILURES = (
    "unknown tool",
    "wrong arguments",
    "cut arguments",
    "deep arguments",
    "endless calls",
)
"""The model answers: it is corrected, not replaced."""


@pytest.mark.parametrize(
    "name", [name for name in MODEL_FAILURES if name not in TOOL_CALL_FAILURES]
)
def test_the_fallback_model_answers_in_time_when_the_first_one_fails_permanently(
    redis_settings: RedisSettings, name: str
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        answer = await harness.say()
        assert isinstance(answer.reply, Reply)
        assert answer.seconds <= TURN_TIMEOUT_SECONDS + SLACK_SECONDS

    with ScriptedModel(default_step=fail_one_model("default-model", MODEL_FAILURES[name])) as model:
        run_in_virtual_time(redis_settings, model, scenario, fallback="other")


def test_one_attempt_gets_60_seconds_and_leaves_30_for_the_other_model(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        answer = await harness.say()
        assert isinstance(answer.reply, Notice)
        assert TURN_TIMEOUT_SECONDS - 1 <= answer.seconds <= TURN_TIMEOUT_SECONDS + SLACK_SECONDS
        assert [request.body["model"] for request in model.requests] == ["default-model", "other"]

    with ScriptedModel(default_step=make_hanging_response()) as model:
        run_in_virtual_time(redis_settings, model, scenario, fallback="other")


def test_usage_that_cannot_be_costs_no_answer_and_what_was_expected_counts(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        assert isinstance((await harness.say()).reply, Reply)
        (record,) = await harness.harness.read_turn_records()
        (step,) = record.steps
        assert 0 < step.prompt_tokens < 1_000
        assert step.completion_tokens == DEFAULT_OUTPUT_TOKENS

    body = {"choices": [{"message": {"content": "Hello!"}}], "usage": ABSURD_USAGE}
    with ScriptedModel(make_response(body)) as model:
        run_in_virtual_time(redis_settings, model, scenario)


def test_failed_turn_reports_earlier_changes(redis_settings: RedisSettings) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        answer = await harness.say()
        assert isinstance(answer.reply, Notice)
        assert [one.kind for one in answer.reply.receipts] == ["reminder_created"]

    remind = make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60}))
    with ScriptedModel(remind, default_step=make_hanging_response()) as model:
        run_in_virtual_time(redis_settings, model, scenario)


@pytest.mark.parametrize("fallback", [None, "other"])
def test_with_30_percent_failures_every_turn_ends_in_time_and_nearly_all_in_a_reply(
    redis_settings: RedisSettings, fallback: str | None
) -> None:
    chance = random.Random(5)
    ends: Counter[str] = Counter()
    remind = make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60}))

    def respond(request: RecordedRequest) -> ScriptedResponse:
        if chance.random() < 0.3:
            return MODEL_FAILURES[chance.choice(TRANSIENT_FAILURES)]
        has_result = request.messages[-1]["role"] == "tool"
        return make_text_response("I am well.") if has_result or chance.random() < 0.5 else remind

    async def scenario(harness: VirtualTimeHarness) -> None:
        for _ in range(15):
            for answer in await harness.say_from_users(10):
                assert answer.seconds <= TURN_TIMEOUT_SECONDS + SLACK_SECONDS
                ends[answer.reply.kind] += 1
            await asyncio.sleep(60)
        steps = [key.split("/")[0] for key in harness.harness.rest.created]
        assert steps, "reminders were planned"

    with ScriptedModel(default_step=respond) as model:
        run_in_virtual_time(redis_settings, model, scenario, fallback)
    assert sum(ends.values()) == 150
    assert ends["reply"] >= (140 if fallback else 120), ends
