"""list_reminders, change_reminder and cancel_reminder: what they send, and their results."""

import pytest

from assistant.tests.fake_rest_service import make_job
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import ALICE, id_for, make_secretary, make_tool
from smart_kit.contracts.queue import Reply
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response

WATER = str(id_for("drink water"))
CALL = str(id_for("call Anna"))


@pytest.fixture
async def harness(harness: AssistantHarness) -> AssistantHarness:
    """The secretary has the tools for reminders."""
    names = ("list_reminders", "change_reminder", "cancel_reminder")
    await harness.configure(make_secretary(*map(make_tool, names)), version=2)
    harness.rest.jobs = [
        make_job(
            "drink water",
            cron_expression="0 9 * * *",
            next_fire_at="2026-11-22T08:00:00Z",
            last_fired_at="2026-11-19T08:00:00Z",
        ),
        make_job(
            "call Anna",
            at="2026-11-21T12:00:00Z",
            last_fired_at="2026-11-21T12:00:00Z",
            is_active=False,
        ),
    ]
    return harness


async def run_tool(
    harness: AssistantHarness, model: ScriptedModel, function: str, **given: object
) -> str:
    """Return the tool result for this call."""
    model.add_steps(make_tool_call_response((function, given)), "Done.")
    reply = await harness.say("please")
    assert isinstance(reply, Reply)
    content: str = model.requests[-1].messages[-1]["content"]
    return content


async def test_list_has_upcoming_reminders_by_time_and_then_delivered_ones(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    rule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"
    harness.rest.jobs += [
        make_job(
            "tell me the news",
            type="prompt",
            rrule=rule,
            local_at="2026-11-27T10:00:00",
            timezone="Asia/Tokyo",
            next_fire_at="2026-11-27T01:00:00+00:00",
        )
    ]

    output = await run_tool(harness, model, "list_reminders")

    news, marks = id_for("tell me the news"), "[at a time of Asia/Tokyo] [prompt]"
    assert output.splitlines() == [
        "All reminders, times in Europe/Berlin:",
        f"- drink water [Sun 2026-11-22 09:00] [cron 0 9 * * *] (id {WATER})",
        f"- tell me the news [Fri 2026-11-27 02:00] [rrule {rule}] {marks} (id {news})",
        f"- call Anna [delivered Sat 2026-11-21 13:00] (id {CALL})",
    ]
    active, delivered = harness.rest.requests
    assert active.headers["X-User-Id"] == str(id_for(str(ALICE)))
    assert "fired_since" not in active.url.params
    assert "fired_since" in delivered.url.params


async def test_empty_list_says_so(harness: AssistantHarness, model: ScriptedModel) -> None:
    harness.rest.jobs = []

    assert await run_tool(harness, model, "list_reminders") == "There are no reminders."


async def test_list_that_cannot_be_read_is_reported(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.is_down = True

    assert await run_tool(harness, model, "list_reminders") == (
        "Error: The reminders cannot be read at the moment. Tell the user."
    )


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"text": "drink tea"}, {"text": "drink tea"}),
        (
            {"at": "2026-11-23T10:00"},
            {"local_at": "2026-11-23T10:00:00", "timezone": "Europe/Berlin"},
        ),
        ({"cron": "0 10 * * *"}, {"cron_expression": "0 10 * * *", "timezone": "Europe/Berlin"}),
        ({"in_seconds": 600}, {"at": "2026-11-21T12:34:30Z", "timezone": "Europe/Berlin"}),
    ],
)
async def test_change_sends_only_what_is_given(
    harness: AssistantHarness,
    model: ScriptedModel,
    given: dict[str, object],
    sent: dict[str, object],
) -> None:
    output = await run_tool(harness, model, "change_reminder", id=WATER, **given)

    (request,) = harness.rest.requests
    assert (request.method, request.url.path) == ("PATCH", f"/api/cron-jobs/{WATER}")
    assert request.headers["Idempotency-Key"] == "tg:77:1/1.0"
    assert request.headers["X-User-Id"] == str(id_for(str(ALICE)))
    assert harness.rest.bodies == [sent]
    assert output.startswith("Reminder changed")


async def test_change_to_the_past_is_refused(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    output = await run_tool(harness, model, "change_reminder", id=WATER, at="2026-11-20T10:00")

    assert "is in the past" in output
    assert harness.rest.requests == []


async def test_cancelled_reminder_is_named_with_its_receipt(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(make_tool_call_response(("cancel_reminder", {"id": WATER})), "Done.")
    reply = await harness.say("please")

    assert isinstance(reply, Reply)
    (receipt,) = reply.receipts
    assert (receipt.kind, receipt.step) == ("reminder_cancelled", "1.0")
    assert model.requests[-1].messages[-1]["content"] == "Reminder cancelled: drink water"
    assert [job["text"] for job in harness.rest.jobs] == ["call Anna"]
    assert {request.headers["X-User-Id"] for request in harness.rest.requests} == {
        str(id_for(str(ALICE)))
    }


async def test_unknown_reminder_is_an_error_for_the_model(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.refusal = (404, "There is no cron job 1.")

    assert await run_tool(harness, model, "cancel_reminder", id=WATER) == (
        "Error: There is no cron job 1."
    )
