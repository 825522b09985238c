"""What a budget of the day means to messages. (Of the budget itself: services/test_budget.py.)"""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import (
    ALICE,
    ALICES_THREAD,
    BOT,
    assistant,
    model_snapshot,
    person,
    secretary,
    tool,
)
from smart_kit.clock import Clock
from smart_kit.contracts.keys import budget_key, history_key
from smart_kit.contracts.queue import TO_TELEGRAM, Notice, Reply, ScheduledPrompt, Sender
from smart_kit.mailbox import Entry, Outcome
from smart_kit.redis import answer
from smart_kit.testing.scripted_model import Answer, ScriptedModel, calls, fails, held, says

CALL_COSTS = Decimal("0.1")
"""Of the scripted model's 10 tokens in and 5 out, by these prices."""

PRICES = {"input_price": Decimal(10_000), "output_price": Decimal(0)}


class KilledError(BaseException):
    """kill -9, as far as the one task can tell."""


NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
TODAY = budget_key(person().id, NOON.date())


class StandingClock(Clock):
    """It is noon in Berlin as long as a test takes."""

    def now(self, zone: ZoneInfo | None = None) -> datetime:
        return NOON.astimezone(zone or UTC)


@pytest.fixture
async def harness(harness: AssistantHarness) -> AssistantHarness:
    """Models cost something, and Alice may spend 100 USD a day."""
    harness.models = {
        name: model_snapshot(name, **PRICES)
        for name in ("default-model", "dear-model", "poet-model")
    } | {
        "cheap-model": model_snapshot(
            "cheap-model", input_price=Decimal(1), output_price=Decimal(1)
        )
    }
    harness.clock = StandingClock()
    harness.orchestrator = harness.build_orchestrator()
    await harness.configure(secretary(tool("get_time"), tool("create_reminder")), version=2)
    await harness.store_user(person(daily_budget=Decimal(100)))
    return harness


async def spend(harness: AssistantHarness, dollars: str) -> None:
    await answer(harness.redis.hset(TODAY, "total", int(Decimal(dollars) * 1_000_000)))


async def spent(harness: AssistantHarness) -> Decimal:
    return Decimal(await answer(harness.redis.hget(TODAY, "total")) or 0) / 1_000_000


def letters(outcome: Outcome) -> list[Any]:
    return [TO_TELEGRAM.validate_json(letter.payload) for letter in outcome.replies]


async def said(harness: AssistantHarness, text: str = "hi", **changes: Any) -> list[Any]:
    return letters(await harness.handle(await harness.deliver(harness.message(text, **changes))))


async def test_what_an_answer_cost_is_counted_and_recorded(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.expect(calls(("get_time", {})), "Noon.")
    assert len(await said(harness)) == 1

    assert await spent(harness) == 2 * CALL_COSTS
    (record,) = await harness.turn_records()
    assert [step.cost for step in record.steps] == [CALL_COSTS, None, CALL_COSTS]
    kept = await answer(harness.redis.hkeys(TODAY))
    assert set(kept) == {"total", f"tg:{BOT}:1/1", f"tg:{BOT}:1/2"}


async def test_the_day_of_a_budget_is_the_persons(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    on_line_islands = person(daily_budget=Decimal(100), timezone="Pacific/Kiritimati")
    await harness.store_user(on_line_islands)
    model.expect("Good morning.")
    await said(harness)

    assert not await harness.redis.exists(TODAY)
    tomorrow = NOON.date() + timedelta(days=1)
    assert await harness.redis.exists(budget_key(on_line_islands.id, tomorrow))


async def test_the_answer_by_which_the_budget_is_nearly_used_up_is_followed_by_a_notice(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await spend(harness, "79.95")
    model.expect("Hello!", "Hello again!")
    no_language = Sender(telegram_id=ALICE, first_name="Alice")
    reply, notice = await said(harness, sender=no_language)

    assert isinstance(reply, Reply)
    assert isinstance(notice, Notice)
    assert (notice.notice, notice.parameters) == ("budget_low", {"percent": "80"})
    assert notice.id == f"budget_low:tg:{BOT}:1"
    assert (notice.chat_id, notice.language_code) == (ALICE, "en")
    assert [one.kind for one in await said(harness)] == ["reply"], "once a day"


async def test_the_notice_comes_once_though_its_message_is_tried_again(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await spend(harness, "79.95")
    model.expect("Never sent.", "Hello!")
    delivery = await harness.deliver(harness.message("hi"))
    await harness.orchestrator.process_message(delivery)  # and then its worker dies
    again = await harness.mailbox.begin(Entry(delivery.entry, delivery.conversation))
    assert again is not None
    reply, notice = letters(await harness.handle(again))

    assert (reply.text, notice.notice) == ("Hello!", "budget_low")
    assert await spent(harness) == Decimal("79.95") + CALL_COSTS, "the second attempt in its place"


@pytest.mark.parametrize("then", [says("Hello!"), fails(401)])
async def test_what_a_call_that_was_broken_off_may_cost_stands_until_its_message_is_tried_again(
    harness: AssistantHarness, model: ScriptedModel, then: Answer
) -> None:
    """Its answer is paid for though nobody hears it."""
    until = threading.Event()
    model.expect(held(until, says("Never heard.")), then)
    delivery = await harness.deliver(harness.message("hi"))
    running = asyncio.create_task(harness.orchestrator.process_message(delivery))
    async with asyncio.timeout(60):
        while not model.asked:
            await asyncio.sleep(0.01)
    expected = await spent(harness)
    running.cancel()
    await asyncio.wait({running})
    until.set()

    assert await spent(harness) == expected > CALL_COSTS
    again = await harness.mailbox.begin(Entry(delivery.entry, delivery.conversation))
    assert again is not None
    await harness.handle(again)
    assert await spent(harness) == (CALL_COSTS if then.status == 200 else 0)


async def test_what_was_spent_before_a_crash_stays_spent_and_is_not_spent_again(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    async def crash() -> None:
        raise KilledError

    model.expect(calls(("create_reminder", {"text": "stretch", "in_seconds": 60})), "I will.")
    await spend(harness, "1")
    harness.rest.meanwhile = crash
    delivery = await harness.deliver(harness.message("remind me"))
    with pytest.raises(KilledError):
        await harness.orchestrator.process_message(delivery)
    assert await spent(harness) == 1 + CALL_COSTS
    harness.rest.meanwhile = None
    again = await harness.mailbox.begin(Entry(delivery.entry, delivery.conversation))
    assert again is not None
    await harness.handle(again)

    assert await spent(harness) == 1 + 2 * CALL_COSTS


async def test_it_comes_with_the_notice_of_a_turn_that_fails_too(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await spend(harness, "79.95")
    model.expect(calls(("get_time", {})), fails(404, {"error": {"message": "gone"}}))
    assert [one.notice for one in await said(harness)] == ["model_unavailable", "budget_low"]


async def test_where_nothing_is_left_no_model_is_asked_and_the_person_is_told(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await spend(harness, "100")
    (notice,) = await said(harness)

    assert isinstance(notice, Notice)
    assert notice.notice == "budget_spent"
    assert model.asked == []
    assert await answer(harness.redis.exists(history_key(ALICES_THREAD))) == 0
    assert await spent(harness) == 100


async def test_a_turn_that_runs_out_of_its_budget_still_sends_its_receipts(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """That little is left is not told beside that nothing is."""

    async def everything() -> None:
        harness.rest.meanwhile = None
        await spend(harness, "100")

    await spend(harness, "79.95")
    harness.rest.meanwhile = everything
    model.expect(calls(("create_reminder", {"text": "stretch", "in_seconds": 60})))
    (notice,) = await said(harness, "remind me")

    assert notice.notice == "budget_spent"
    assert [receipt.kind for receipt in notice.receipts] == ["reminder_created"]


async def test_where_the_dear_model_does_not_fit_the_cheaper_one_answers(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(model="dear-model", fallback_models=("cheap-model",)), version=3
    )
    await spend(harness, "99.9")
    model.expect("Cheaply.")
    reply, _ = await said(harness)

    assert reply.text == "Cheaply."
    assert [one.body["model"] for one in model.asked] == ["cheap-model"]


async def test_a_schedule_is_counted_and_never_refused(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await spend(harness, "100")
    run_id = uuid4()
    prompt = ScheduledPrompt(
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
    model.expect("Knock, knock.")
    (said,) = letters(await harness.handle(await harness.deliver(prompt)))

    assert said.text == "Knock, knock."
    assert await spent(harness) == 100 + CALL_COSTS


async def test_a_sub_assistants_calls_are_the_persons_too_and_named_as_its_own(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(tool("ask_assistant", "ask_poet", asks="Poet")),
        assistant("Poet", model="poet-model"),
        version=3,
    )
    model.expect(calls(("ask_poet", {"message": "x"})), "Drip.", "Here.")
    await said(harness, "verse")

    (record,) = await harness.turn_records()
    models = [(step.step, step.name, step.cost) for step in record.steps if step.kind == "model"]
    assert models == [
        ("1", "default-model", CALL_COSTS),
        ("1.0.1", "poet-model", CALL_COSTS),
        ("2", "default-model", CALL_COSTS),
    ]
    assert await spent(harness) == 3 * CALL_COSTS


async def test_who_has_no_budget_leaves_no_trace_of_one(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.store_user(person())
    model.expect("Hello!")
    await said(harness)

    assert await answer(harness.redis.keys("budget:*")) == []
    assert harness.rest.requests == []
