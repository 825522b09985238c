"""Whatever a model does, its person gets an answer or an honest notice within the deadline."""

import asyncio
import random
from collections import Counter

import pytest

from assistant.src.core.turn import TURN_SECONDS
from assistant.src.services.models.request import USUAL_OUTPUT_TOKENS
from assistant.tests.virtual_time_harness import (
    VirtualTimeHarness,
    fail_one_model,
    run_in_virtual_time,
)
from smart_kit.contracts.queue import Notice, Reply
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import (
    Answer,
    Asked,
    ScriptedModel,
    calls,
    cuts,
    fails,
    hangs,
    says,
    sends,
)

pytestmark = pytest.mark.clock("virtual")

SLACK_SECONDS = 2.0
"""What Redis and this machine add to a deadline."""

DEEP = '{"x":' * 300 + "1" + "}" * 300
ENDLESS = calls(("get_time", {}))
RATE_LIMITED = {"error": {"code": "rate_limit_exceeded"}}
NO_MONEY = {"error": {"type": "insufficient_quota", "code": "credit_balance_exhausted"}}
ABSURD_USAGE = {"prompt_tokens": -5, "completion_tokens": 10**30}

FAULTS: dict[str, Answer] = {
    "timeout": hangs(),
    "429 with Retry-After": fails(429, RATE_LIMITED, retry_after="7"),
    "429 with an hour": fails(429, RATE_LIMITED, retry_after="3600"),
    "429 without money": fails(429, NO_MONEY),
    "500": fails(500, {"error": {"message": "boom"}}),
    "503": fails(503, b"<html>busy</html>", retry_after="1"),
    "401": fails(401, {"error": {"code": "invalid_api_key"}}),
    "no choices": sends({"choices": []}),
    "empty choice": says(""),
    "cut JSON": sends(b'{"choices": [{"message": {"content": "Hel'),
    "cut connection": cuts(b'{"choices": [{"message": {"content": "Hel'),
    "no connection": cuts(),
    "deep JSON": sends(b'{"choices":' + b"[" * 100_000),
    "unknown tool": calls(("fly_to_the_moon", {"at": "once"})),
    "wrong arguments": calls(("create_reminder", {"in_seconds": "soon", "whom": "you"})),
    "cut arguments": calls(("create_reminder", '{"text": "stre')),
    "deep arguments": calls(("create_reminder", DEEP)),
    "endless calls": ENDLESS,
}


LASTING = ("429 with an hour", "429 without money", "401")
PASSING = tuple(name for name in FAULTS if name not in LASTING)


@pytest.mark.parametrize("name", FAULTS)
def test_a_single_model_with_a_lasting_fault_ends_in_an_honest_notice_in_time(
    redis_settings: RedisSettings, name: str
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        said = await harness.say()
        assert isinstance(said.answer, Notice)
        assert said.answer.notice in ("turn_failed", "model_unavailable")
        assert said.seconds <= TURN_SECONDS + SLACK_SECONDS
        assert harness.harness.rest.created == {}

    with ScriptedModel(otherwise=FAULTS[name]) as model:
        run_in_virtual_time(redis_settings, model, scenario)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_costs_no_answer(redis_settings: RedisSettings, name: str) -> None:
    """But what asking again cannot help."""

    async def scenario(harness: VirtualTimeHarness) -> None:
        said = await harness.say()
        assert isinstance(said.answer, Notice if name in LASTING else Reply)
        assert said.seconds <= TURN_SECONDS + SLACK_SECONDS

    with ScriptedModel(FAULTS[name], otherwise="I am well.") as model:
        run_in_virtual_time(redis_settings, model, scenario)


CALLING = ("unknown tool", "wrong arguments", "cut arguments", "deep arguments", "endless calls")
"""The model answers: it is corrected, not replaced."""


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in CALLING])
def test_another_model_answers_in_time_where_the_own_one_has_a_lasting_fault(
    redis_settings: RedisSettings, name: str
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        said = await harness.say()
        assert isinstance(said.answer, Reply)
        assert said.seconds <= TURN_SECONDS + SLACK_SECONDS

    with ScriptedModel(otherwise=fail_one_model("default-model", FAULTS[name])) as model:
        run_in_virtual_time(redis_settings, model, scenario, fallback="other")


def test_one_attempt_gets_60_seconds_and_leaves_30_for_the_other_model(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        said = await harness.say()
        assert isinstance(said.answer, Notice)
        assert TURN_SECONDS - 1 <= said.seconds <= TURN_SECONDS + SLACK_SECONDS
        assert [asked.body["model"] for asked in model.asked] == ["default-model", "other"]

    with ScriptedModel(otherwise=hangs()) as model:
        run_in_virtual_time(redis_settings, model, scenario, fallback="other")


def test_usage_that_cannot_be_costs_no_answer_and_what_was_expected_counts(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        assert isinstance((await harness.say()).answer, Reply)
        (record,) = await harness.harness.turn_records()
        (step,) = record.steps
        assert 0 < step.prompt_tokens < 1_000
        assert step.completion_tokens == USUAL_OUTPUT_TOKENS

    body = {"choices": [{"message": {"content": "Hello!"}}], "usage": ABSURD_USAGE}
    with ScriptedModel(sends(body)) as model:
        run_in_virtual_time(redis_settings, model, scenario)


def test_what_was_done_before_the_model_failed_is_told(redis_settings: RedisSettings) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        said = await harness.say()
        assert isinstance(said.answer, Notice)
        assert [one.kind for one in said.answer.receipts] == ["reminder_created"]

    remind = calls(("create_reminder", {"text": "stretch", "in_seconds": 60}))
    with ScriptedModel(remind, otherwise=hangs()) as model:
        run_in_virtual_time(redis_settings, model, scenario)


@pytest.mark.parametrize("fallback", [None, "other"])
def test_with_30_percent_faults_every_turn_ends_in_time_and_nearly_all_in_an_answer(
    redis_settings: RedisSettings, fallback: str | None
) -> None:
    chance = random.Random(5)
    ends: Counter[str] = Counter()
    remind = calls(("create_reminder", {"text": "stretch", "in_seconds": 60}))

    def line(asked: Asked) -> Answer:
        if chance.random() < 0.3:
            return FAULTS[chance.choice(PASSING)]
        has_result = asked.messages[-1]["role"] == "tool"
        return says("I am well.") if has_result or chance.random() < 0.5 else remind

    async def scenario(harness: VirtualTimeHarness) -> None:
        for _ in range(15):
            for said in await harness.say_from_many(10):
                assert said.seconds <= TURN_SECONDS + SLACK_SECONDS
                ends[said.answer.kind] += 1
            await asyncio.sleep(60)
        steps = [key.split("/")[0] for key in harness.harness.rest.created]
        assert steps, "reminders were planned"

    with ScriptedModel(otherwise=line) as model:
        run_in_virtual_time(redis_settings, model, scenario, fallback)
    assert sum(ends.values()) == 150
    assert ends["reply"] >= (140 if fallback else 120), ends
