"""The effect of a daily budget on messages. (The budget itself: services/test_budget.py.)"""

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    ALICE,
    ALICES_THREAD,
    BOT,
    make_assistant,
    make_model,
    make_secretary,
    make_tool,
    make_user,
)
from smart_kit.clock import Clock
from smart_kit.contracts.keys import budget_key, history_key
from smart_kit.contracts.queue import TO_TELEGRAM_ADAPTER, Notice, Reply, ScheduledPrompt, Sender
from smart_kit.mailbox import Outcome, StreamEntry
from smart_kit.redis import await_result
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_gated_response,
    make_text_response,
    make_tool_call_response,
)

CALL_COST = Decimal("0.1")
"""Of the scripted model's 10 tokens in and 5 out, by these prices."""

PRICES = {"input_price": Decimal(10_000), "output_price": Decimal(0)}


class WorkerKilled(BaseException):
    """Ends a task as kill -9 ends its process."""


NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
TODAY = budget_key(make_user().id, NOON.date())


class FrozenClock(Clock):
    """It is noon in Berlin as long as a test takes."""

    def now(self, zone: ZoneInfo | None = None) -> datetime:
        return NOON.astimezone(zone or UTC)


@pytest.fixture
async def harness(harness: AssistantHarness) -> AssistantHarness:
    """Models have prices, and Alice may spend 100 USD a day."""
    harness.models = {
        name: make_model(name, **PRICES) for name in ("default-model", "dear-model", "poet-model")
    } | {"cheap-model": make_model("cheap-model", input_price=Decimal(1), output_price=Decimal(1))}
    harness.clock = FrozenClock()
    harness.orchestrator = harness.build_orchestrator()
    await harness.configure(
        make_secretary(make_tool("get_time"), make_tool("create_reminder")), version=2
    )
    await harness.store_user(make_user(daily_budget=Decimal(100)))
    return harness


async def set_spent(harness: AssistantHarness, dollars: str, part: str = "total") -> None:
    await await_result(harness.redis.hset(TODAY, part, int(Decimal(dollars) * 1_000_000)))


async def read_spent(harness: AssistantHarness) -> Decimal:
    return Decimal(await await_result(harness.redis.hget(TODAY, "total")) or 0) / 1_000_000


def parse_replies(outcome: Outcome) -> list[Any]:
    return [TO_TELEGRAM_ADAPTER.validate_json(envelope.payload) for envelope in outcome.replies]


async def send_message(harness: AssistantHarness, text: str = "hi", **changes: Any) -> list[Any]:
    return parse_replies(
        await harness.handle(await harness.deliver(harness.make_message(text, **changes)))
    )


async def test_cost_of_an_answer_is_budgeted_and_recorded(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(make_tool_call_response(("get_time", {})), "Noon.")
    assert len(await send_message(harness)) == 1

    assert await read_spent(harness) == 2 * CALL_COST
    (record,) = await harness.read_turn_records()
    assert [step.cost for step in record.steps] == [CALL_COST, None, CALL_COST]
    stored = await await_result(harness.redis.hkeys(TODAY))
    assert set(stored) == {"total", f"tg:{BOT}:1/1", f"tg:{BOT}:1/2"}


async def test_the_day_of_a_budget_is_the_persons(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    on_line_islands = make_user(daily_budget=Decimal(100), timezone="Pacific/Kiritimati")
    await harness.store_user(on_line_islands)
    model.add_steps("Good morning.")
    await send_message(harness)

    assert not await harness.redis.exists(TODAY)
    tomorrow = NOON.date() + timedelta(days=1)
    assert await harness.redis.exists(budget_key(on_line_islands.id, tomorrow))


async def test_low_budget_notice_follows_the_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await set_spent(harness, "79.95")
    model.add_steps("Hello!", "Hello again!")
    no_language = Sender(telegram_id=ALICE, first_name="Alice")
    reply, notice = await send_message(harness, sender=no_language)

    assert isinstance(reply, Reply)
    assert isinstance(notice, Notice)
    assert (notice.notice, notice.parameters) == ("budget_low", {"percent": "80"})
    assert notice.id == f"budget_low:tg:{BOT}:1"
    assert (notice.chat_id, notice.language_code) == (ALICE, "en")
    assert [one.kind for one in await send_message(harness)] == ["reply"], "once a day"


async def test_the_notice_comes_once_though_its_message_is_tried_again(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await set_spent(harness, "79.95")
    model.add_steps("Never sent.", "Hello!")
    delivery = await harness.deliver(harness.make_message("hi"))
    await harness.orchestrator.process_message(delivery)  # and then its worker dies
    again = await harness.mailbox.begin(StreamEntry(delivery.entry_id, delivery.conversation))
    assert again is not None
    reply, notice = parse_replies(await harness.handle(again))

    assert (reply.text, notice.notice) == ("Hello!", "budget_low")
    assert await read_spent(harness) == Decimal("79.95") + CALL_COST, (
        "the second attempt in its place"
    )


@pytest.mark.parametrize("then", [make_text_response("Hello!"), make_error_response(401)])
async def test_reservation_of_an_interrupted_call_stays_until_the_retry(
    harness: AssistantHarness, model: ScriptedModel, then: ScriptedResponse
) -> None:
    """The answer is billed although it never arrives."""
    until = threading.Event()
    model.add_steps(make_gated_response(until, make_text_response("Never heard.")), then)
    delivery = await harness.deliver(harness.make_message("hi"))
    running = asyncio.create_task(harness.orchestrator.process_message(delivery))
    async with asyncio.timeout(60):
        while not model.requests:
            await asyncio.sleep(0.01)
    expected = await read_spent(harness)
    running.cancel()
    await asyncio.wait({running})
    until.set()

    assert await read_spent(harness) == expected > CALL_COST
    again = await harness.mailbox.begin(StreamEntry(delivery.entry_id, delivery.conversation))
    assert again is not None
    await harness.handle(again)
    assert await read_spent(harness) == (CALL_COST if then.status == 200 else 0)


async def test_cost_before_a_crash_counts_once(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    async def crash() -> None:
        raise WorkerKilled

    model.add_steps(
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60})),
        "I will.",
    )
    await set_spent(harness, "1")
    harness.rest.on_request = crash
    delivery = await harness.deliver(harness.make_message("remind me"))
    with pytest.raises(WorkerKilled):
        await harness.orchestrator.process_message(delivery)
    assert await read_spent(harness) == 1 + CALL_COST
    harness.rest.on_request = None
    again = await harness.mailbox.begin(StreamEntry(delivery.entry_id, delivery.conversation))
    assert again is not None
    await harness.handle(again)

    assert await read_spent(harness) == 1 + 2 * CALL_COST


async def test_low_budget_notice_follows_a_failed_turn(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await set_spent(harness, "79.95")
    model.add_steps(
        make_tool_call_response(("get_time", {})),
        make_error_response(404, {"error": {"message": "gone"}}),
    )
    assert [one.notice for one in await send_message(harness)] == [
        "model_unavailable",
        "budget_low",
    ]


async def test_exhausted_budget_sends_a_notice_without_a_model_call(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await set_spent(harness, "100")
    (notice,) = await send_message(harness)

    assert isinstance(notice, Notice)
    assert notice.notice == "budget_exceeded"
    assert model.requests == []
    assert await await_result(harness.redis.exists(history_key(ALICES_THREAD))) == 0
    assert await read_spent(harness) == 100


async def test_a_turn_that_runs_out_of_its_budget_still_sends_its_receipts(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """The notice that little is left is not sent beside the one that nothing is."""

    async def spend_everything() -> None:
        harness.rest.on_request = None
        await set_spent(harness, "100")

    await set_spent(harness, "79.95")
    harness.rest.on_request = spend_everything
    model.add_steps(
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60}))
    )
    (notice,) = await send_message(harness, "remind me")

    assert notice.notice == "budget_exceeded"
    assert [receipt.kind for receipt in notice.receipts] == ["reminder_created"]


async def test_cheaper_model_answers_when_the_budget_is_short(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(model="dear-model", fallback_models=("cheap-model",)), version=3
    )
    await set_spent(harness, "99.9")
    model.add_steps("Cheaply.")
    reply, _ = await send_message(harness)

    assert reply.text == "Cheaply."
    assert [one.body["model"] for one in model.requests] == ["cheap-model"]


def make_prompt() -> ScheduledPrompt:
    run_id = uuid4()
    return ScheduledPrompt(
        id=f"run:{run_id}",
        conversation=f"tg:{BOT}:{ALICE}",
        chat_id=ALICE,
        correlation_id="c",
        run_id=run_id,
        job_id=uuid4(),
        telegram_id=ALICE,
        text="Tell me a joke",
        scheduled_for=datetime(2026, 11, 21, 7, 0, tzinfo=UTC),
    )


async def test_scheduled_prompt_is_counted(harness: AssistantHarness, model: ScriptedModel) -> None:
    await set_spent(harness, "0")
    model.add_steps("Knock, knock.")
    (reply,) = parse_replies(await harness.handle(await harness.deliver(make_prompt())))

    assert reply.text == "Knock, knock."
    assert await read_spent(harness) == CALL_COST


@pytest.mark.parametrize(
    ("part", "notice"),
    [("total", "budget_exceeded"), ("scheduled", "scheduled_budget_exceeded")],
)
async def test_scheduled_prompts_pause_with_one_notice_when_the_budget_is_used_up(
    harness: AssistantHarness, model: ScriptedModel, part: str, notice: str
) -> None:
    await set_spent(harness, "100", part)
    first = await harness.deliver(make_prompt())
    attempt = await harness.orchestrator.process_message(first)
    outcomes = [attempt, await harness.handle(first)]
    outcomes.append(await harness.handle(await harness.deliver(make_prompt())))

    names = [[reply.notice for reply in parse_replies(outcome)] for outcome in outcomes]
    assert names == [[notice], [notice], []]
    assert model.requests == []
    records = [json.loads(outcome.archive_record) for outcome in outcomes]
    assert [(one["kind"], one["state"], one["reason"]) for one in records] == [
        ("run", "missed", "budget")
    ] * 3


async def test_scheduled_prompt_that_the_budget_interrupts_is_a_failed_turn(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """Its first call was paid, so its record has to be archived. The receipt has to be sent, even
    if the user has been told of the pause."""
    await set_spent(harness, "0")
    await await_result(harness.redis.hset(TODAY, "paused", "run:earlier"))
    harness.rest.on_request = partial(set_spent, harness, "100")  # somewhere else
    model.add_steps(
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60}))
    )
    outcome = await harness.handle(await harness.deliver(make_prompt()))

    (notice,) = parse_replies(outcome)
    assert notice.notice == "budget_exceeded"
    assert [receipt.kind for receipt in notice.receipts] == ["reminder_created"]
    record = json.loads(outcome.archive_record)
    assert (record["kind"], record["status"]) == ("turn", "failed")


async def test_calls_of_a_sub_assistant_count_for_the_user(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_poet", sub_assistant="Poet")),
        make_assistant("Poet", model="poet-model"),
        version=3,
    )
    model.add_steps(make_tool_call_response(("ask_poet", {"message": "x"})), "Drip.", "Here.")
    await send_message(harness, "verse")

    (record,) = await harness.read_turn_records()
    models = [(step.step, step.name, step.cost) for step in record.steps if step.kind == "model"]
    assert models == [
        ("1", "default-model", CALL_COST),
        ("1.0.1", "poet-model", CALL_COST),
        ("2", "default-model", CALL_COST),
    ]
    assert await read_spent(harness) == 3 * CALL_COST


async def test_user_without_a_budget_has_no_key_in_redis(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.store_user(make_user())
    model.add_steps("Hello!")
    await send_message(harness)

    assert await await_result(harness.redis.keys("budget:*")) == []
    assert harness.rest.requests == []
