"""The records of model calls that no model answered."""

import time
from decimal import Decimal

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    id_for,
    make_assistant,
    make_model,
    make_secretary,
    make_tool,
    make_user,
)
from smart_kit.contracts.queue import Notice, Reply
from smart_kit.contracts.threads import StepRecord
from smart_kit.redis import await_result
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_text_response,
    make_tool_call_response,
)

CALL_COST = Decimal("0.1")
"""Of the scripted model's 10 tokens in and 5 out."""
PRICES = {"input_price": Decimal(10_000), "output_price": Decimal(0)}
INVALID_KEY_ERROR = make_error_response(401, {"error": {"code": "invalid_api_key"}})


def respond_empty_slowly(_: RecordedRequest) -> ScriptedResponse:
    """Respond after a few milliseconds, so that the recorded duration is not 0."""
    time.sleep(0.006)
    return make_text_response("")


async def read_spent(harness: AssistantHarness) -> Decimal:
    """Return the spending of all days together."""
    keys = await await_result(harness.redis.keys("budget:*"))
    totals = [int(await await_result(harness.redis.hget(key, "total")) or 0) for key in keys]
    return Decimal(sum(totals)) / 1_000_000


async def test_cost_of_a_failed_turn_is_recorded_and_budgeted(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.models = {"default-model": make_model("default-model", **PRICES)}
    await harness.configure(make_secretary(), version=2)
    await harness.store_user(make_user(daily_budget=Decimal(100)))
    model.add_steps(respond_empty_slowly, respond_empty_slowly)
    reply = await harness.say("hi")

    assert isinstance(reply, Notice)
    (record,) = await harness.read_turn_records()
    (step,) = record.steps
    assert record.status == "failed"
    assert step == StepRecord(
        step="1",
        kind="model",
        name="default-model",
        provider="scripted",
        assistant_id=id_for("Secretary"),
        is_answered=False,
        cost=Decimal(0),
        failures=step.failures,
        started_at=step.started_at,
        seconds=step.seconds,
    )
    assert step.started_at is not None
    assert record.started_at <= step.started_at
    assert step.seconds == round(step.seconds, 3)
    both = sum(one.seconds for one in step.failures)
    whole = (record.finished_at - record.started_at).total_seconds()
    assert 0.01 <= both <= step.seconds + 0.002 <= whole + 0.003
    assert [(one.model, one.cost, one.prompt_tokens) for one in step.failures] == [
        ("default-model", CALL_COST, 10)
    ] * 2
    assert step.cost == 0
    assert await read_spent(harness) == 2 * CALL_COST


async def test_record_names_the_failure_after_a_tool_call(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    others = ("other", "last")
    await harness.configure(
        make_secretary(make_tool("get_time"), fallback_models=others), version=2
    )
    model.add_steps(
        make_tool_call_response(("get_time", {})),
        INVALID_KEY_ERROR,
        INVALID_KEY_ERROR,
        INVALID_KEY_ERROR,
    )
    await harness.say("hi")

    (record,) = await harness.read_turn_records()
    assert [(step.step, step.is_answered) for step in record.steps] == [
        ("1", True),
        ("1.0", True),
        ("2", False),
    ]
    last = record.steps[-1]
    assert last.name == "last"
    assert [(one.model, one.reason) for one in last.failures] == [
        ("default-model", "401: code invalid_api_key"),
        ("other", "401: code invalid_api_key"),
        ("last", "401: code invalid_api_key"),
    ]


async def test_failed_sub_assistant_is_recorded_in_a_successful_turn(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.models = {"poet-model": make_model("poet-model", **PRICES)}
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_poet", sub_assistant="Poet")),
        make_assistant("Poet", model="poet-model", fallback_models=()),
        version=2,
    )
    await harness.store_user(make_user(daily_budget=Decimal(100)))
    model.add_steps(
        make_tool_call_response(("ask_poet", {"message": "x"})),
        make_text_response(""),
        make_text_response(""),
        "He fell silent.",
    )
    reply = await harness.say("a verse?")

    assert isinstance(reply, Reply)
    (record,) = await harness.read_turn_records()
    assert [step.step for step in record.steps] == ["1", "1.0", "1.0.1", "2"]
    poets = record.steps[2]
    assert (poets.is_answered, poets.assistant_id) == (False, id_for("Poet"))
    assert [(one.model, one.cost) for one in poets.failures] == [("poet-model", CALL_COST)] * 2
    assert await read_spent(harness) == 2 * CALL_COST


async def test_answer_and_failures_before_a_fallback_have_separate_costs(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.models = {
        "default-model": make_model("default-model", **PRICES),
        "cheap": make_model("cheap", input_price=Decimal(0), output_price=Decimal(0)),
    }
    await harness.configure(make_secretary(fallback_models=("cheap",)), version=2)
    model.add_steps(make_text_response(""), make_text_response(""), "Cheaply.")
    await harness.say("hi")

    (record,) = await harness.read_turn_records()
    (step,) = record.steps
    assert (step.name, step.cost) == ("cheap", 0)
    assert [(one.model, one.cost) for one in step.failures] == [("default-model", CALL_COST)] * 2


async def test_exhausted_budget_is_recorded(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.models = {"default-model": make_model("default-model", **PRICES)}
    await harness.configure(make_secretary(), version=2)
    await harness.store_user(make_user(daily_budget=Decimal(0)))
    await harness.say("hi")

    (record,) = await harness.read_turn_records()
    assert model.requests == []
    assert [(one.model, one.cost) for one in record.steps[0].failures] == [("default-model", None)]
    assert "daily budget" in record.steps[0].failures[0].reason


async def test_that_no_model_is_configured_is_in_the_record(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness._default_models = ()
    await harness.configure(make_secretary(), version=2)
    reply = await harness.say("hi")

    assert isinstance(reply, Notice)
    assert reply.notice == "model_unavailable"
    (record,) = await harness.read_turn_records()
    (step,) = record.steps
    assert (step.name, step.provider, step.is_answered, step.failures) == ("", "", False, ())
