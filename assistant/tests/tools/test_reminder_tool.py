"""What create_reminder schedules, and its result for the model."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from assistant.src.tools.base import BaseTool
from assistant.src.tools.mutating_tool import RETRY_TIMEOUT
from assistant.src.tools.reminder_tool import ReminderTool
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import ALICE, SENT_AT, id_for, make_user
from smart_kit.contracts.cron_jobs import CronJobRead
from smart_kit.contracts.queue import Reply
from smart_kit.errors import RetryMessage
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response


async def create_reminder(
    harness: AssistantHarness,
    model: ScriptedModel,
    written_at: datetime = SENT_AT,
    **given: object,
) -> str:
    """Return the tool result for this reminder."""
    model.add_steps(
        make_tool_call_response(("create_reminder", {"text": "stretch", **given})), "Done."
    )
    await harness.say("remind me", created_at=written_at)
    content: str = model.requests[-1].messages[-1]["content"]
    return content


def get_planned_at(harness: AssistantHarness) -> str:
    return harness.rest.bodies[-1]["at"]


async def test_reminder_belongs_to_the_user_of_the_turn(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await create_reminder(harness, model, in_seconds=60)

    (request,) = harness.rest.requests
    assert request.url.path == "/api/cron-jobs"
    assert request.headers["X-User-Id"] == str(id_for(str(ALICE)))
    assert request.headers["Idempotency-Key"] == "tg:77:1/1.0"
    assert harness.rest.bodies[0] == {
        "user_id": str(id_for(str(ALICE))),
        "type": "reminder",
        "text": "stretch",
        "at": "2026-11-21T12:25:30Z",
        "timezone": "Europe/Berlin",
        "chat_id": ALICE,
    }


async def test_seconds_count_from_when_the_message_was_written(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """However long the message waited, and however often it is tried."""
    await create_reminder(harness, model, datetime(2020, 1, 1, tzinfo=UTC), in_seconds=3600)

    assert get_planned_at(harness) == "2020-01-01T01:00:00Z"


@pytest.mark.parametrize(
    ("at", "planned"),
    [
        ("2026-11-27T09:00", {"local_at": "2026-11-27T09:00:00"}),
        ("2026-11-27T09:00:00", {"local_at": "2026-11-27T09:00:00"}),
        ("2026-11-27T09:00:00+01:00", {"local_at": "2026-11-27T09:00:00"}),  # the user's offset
        ("2026-11-27T09:00:00+09:00", {"at": "2026-11-27T00:00:00Z"}),
        ("2026-11-27T09:00:00Z", {"at": "2026-11-27T09:00:00Z"}),
        ("2027-10-31T02:30:00+01:00", {"at": "2027-10-31T01:30:00Z"}),  # comes twice: the second
        ("2027-10-31T02:30:00", {"local_at": "2027-10-31T02:30:00"}),
    ],
)
async def test_a_time_is_the_persons_unless_it_has_another_offset(
    harness: AssistantHarness, model: ScriptedModel, at: str, planned: dict[str, str]
) -> None:
    await create_reminder(harness, model, at=at)

    body = harness.rest.bodies[-1]
    assert {name: body[name] for name in ("at", "local_at") if name in body} == planned
    assert body["timezone"] == "Europe/Berlin"


async def test_the_zone_of_the_machine_is_in_no_time(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    with time_machine.travel(SENT_AT.astimezone(ZoneInfo("Asia/Tokyo"))):
        await create_reminder(harness, model, in_seconds=30)

    assert get_planned_at(harness) == "2026-11-21T12:25:00Z"


async def test_a_time_in_the_past_is_refused_with_the_time_it_is(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    assert await create_reminder(harness, model, at="2026-11-21T13:24:30") == (
        "Error: 2026-11-21T13:24:30 is in the past. It is now Sat 2026-11-21T13:24:30+0100"
        " (Europe/Berlin). Call again with a later time."
    )
    assert harness.rest.requests == []
    await create_reminder(harness, model, at="2026-11-21T13:24:31")
    assert harness.rest.bodies[-1]["local_at"] == "2026-11-21T13:24:31"


async def test_rule_counts_from_its_first_time(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    rule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"
    output = await create_reminder(harness, model, at="2026-11-27T09:00", rrule=rule)

    body = harness.rest.bodies[-1]
    assert (body["local_at"], body["rrule"]) == ("2026-11-27T09:00:00", rule)
    assert output == (
        f"Reminder planned, recurring (rrule {rule}, Europe/Berlin), the next time"
        " Fri 2026-11-27 09:00: stretch"
    )


async def test_a_time_beyond_the_calendar_is_refused(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.store_user(make_user(timezone="America/New_York"))

    assert await create_reminder(harness, model, at="9999-12-31T23:59") == (
        "Error: `at` is beyond the calendar."
    )


async def test_result_is_in_the_local_time_of_the_user(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    assert await create_reminder(harness, model, at="2026-11-27T09:00") == (
        "Reminder planned for Fri 2026-11-27 09:00 Europe/Berlin: stretch"
    )


async def test_recurring_reminder_names_its_next_time(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    output = await create_reminder(harness, model, cron="0 9 * * 5")

    assert harness.rest.bodies[0]["cron_expression"] == "0 9 * * 5"
    assert "at" not in harness.rest.bodies[0]
    assert output == (
        "Reminder planned, recurring (cron 0 9 * * 5, Europe/Berlin),"
        " the next time Fri 2026-11-27 09:00: stretch"
    )


async def test_a_prompt_is_a_request_to_the_secretary(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    output = await create_reminder(harness, model, in_seconds=60, prompt=True)

    assert harness.rest.bodies[0]["type"] == "prompt"
    assert output == (
        "Request to the secretary planned for Fri 2026-11-27 09:00 Europe/Berlin: stretch"
    )


async def test_recurring_reminder_without_a_next_time_says_never(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.next_fire_at = None

    assert await create_reminder(harness, model, cron="0 9 30 2 *", prompt=True) == (
        "Request to the secretary planned, recurring (cron 0 9 30 2 *, Europe/Berlin),"
        " the next time never: stretch"
    )


async def test_invalid_reminder_becomes_an_error_for_the_model(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.refusal = (400, "'x' is not a usable cron expression")

    assert (
        await create_reminder(harness, model, cron="x")
        == "Error: 'x' is not a usable cron expression"
    )


async def test_refused_reminder_is_reported(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.refusal = (409, "There are 100 active jobs already; cancel one first.")
    output = await create_reminder(harness, model, in_seconds=60)

    assert output == (
        "Error: The reminder was refused: There are 100 active jobs already; cancel one first."
        " Tell the user."
    )


async def test_slow_write_may_exceed_the_tool_timeout(
    harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client has a timeout of its own; then the same key shows whether the write was done."""
    create = harness.client.create_cron_job

    async def create_slowly(*arguments: Any) -> CronJobRead:
        await asyncio.sleep(0.1)
        return await create(*arguments)

    monkeypatch.setattr(BaseTool, "timeout_seconds", 0.01)
    monkeypatch.setattr(harness.client, "create_cron_job", create_slowly)

    assert (await create_reminder(harness, model, in_seconds=60)).startswith("Reminder planned")


async def test_tool_timeout_leaves_the_outcome_unknown(
    harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(ReminderTool, "timeout_seconds", 0.05)
    monkeypatch.setattr(harness.client, "create_cron_job", hang)

    assert await create_reminder(harness, model, in_seconds=5) == (
        "Error: It took too long, and whether it was done is not known. Tell the user."
    )


async def test_turn_is_retried_while_rest_service_is_unavailable(
    harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.src.tools.mutating_tool.RETRY_TIMEOUT", timedelta(days=36500))
    harness.rest.is_down = True
    model.add_steps(
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 5}))
    )

    with pytest.raises(RetryMessage):
        await harness.say("remind me")
    assert len(harness.rest.requests) == 3


async def test_outcome_is_unknown_after_a_long_outage(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.is_down = True
    model.add_steps(
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 5})),
        "Not known.",
    )
    output = await harness.say("remind me", created_at=harness.clock.now() - RETRY_TIMEOUT)

    assert isinstance(output, Reply)
    assert (output.text, output.receipts) == ("Not known.", ())
    assert "is not known" in model.requests[1].messages[-1]["content"]
