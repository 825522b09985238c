"""What the task tools write, and their results for the model."""

import pytest

from assistant.tests.fake_rest_service import make_task
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import ALICE, id_for, make_secretary, make_tool, make_user
from smart_kit.contracts.queue import Reply
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response

MILK = str(id_for("buy milk"))


@pytest.fixture
async def harness(harness: AssistantHarness) -> AssistantHarness:
    """The secretary has the tools for tasks."""
    tools = (make_tool("create_task"), make_tool("list_tasks"), make_tool("change_task"))
    await harness.configure(make_secretary(*tools), version=2)
    return harness


async def run_tool(
    harness: AssistantHarness, model: ScriptedModel, function: str, **given: object
) -> str:
    """Return the tool result for this call."""
    model.add_steps(make_tool_call_response((function, given)), "Done.")
    await harness.say("please")
    content: str = model.requests[-1].messages[-1]["content"]
    return content


async def test_task_is_created_with_the_key_of_the_step(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    output = await run_tool(harness, model, "create_task", title="buy milk")

    (request,) = harness.rest.requests
    assert (request.method, request.url.path) == ("POST", "/api/tasks")
    assert request.headers["X-User-Id"] == str(id_for(str(ALICE)))
    assert request.headers["Idempotency-Key"] == "tg:77:1/1.0"
    assert harness.rest.bodies == [{"user_id": str(id_for(str(ALICE))), "title": "buy milk"}]
    assert output == f"Task noted, times in Europe/Berlin: buy milk (id {MILK})"


async def test_the_receipts_of_tasks_go_with_the_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.tasks = [make_task("buy milk")]
    both = (
        ("create_task", {"title": "buy bread"}),
        ("change_task", {"id": MILK, "status": "done"}),
    )
    model.add_steps(make_tool_call_response(*both), "Done.")
    output = await harness.say("please")

    assert isinstance(output, Reply)
    assert [receipt.kind for receipt in output.receipts] == ["task_created", "task_changed"]


@pytest.mark.parametrize(
    ("due", "written"),
    [
        ("2026-11-27", "2026-11-27T22:59:00Z"),
        ("2026-11-27T00:00", "2026-11-26T23:00:00Z"),
        ("2026-11-27T09:00", "2026-11-27T08:00:00Z"),
        ("2026-11-27T09:00:00+09:00", "2026-11-27T00:00:00Z"),
        ("2027-03-28", "2027-03-28T21:59:00Z"),  # the day on which clocks go forward
    ],
)
async def test_date_means_the_end_of_the_local_day(
    harness: AssistantHarness, model: ScriptedModel, due: str, written: str
) -> None:
    output = await run_tool(
        harness, model, "create_task", title="buy milk", due=due, priority="high"
    )

    (body,) = harness.rest.bodies
    assert (body["due_at"], body["timezone"]) == (written, "Europe/Berlin")
    assert body["priority"] == "high"
    if due == "2026-11-27":
        assert "buy milk [due Fri 2026-11-27 23:59] [high]" in output


@pytest.mark.parametrize("due", ["9999-12-31", "9999-12-31T23:59"])
async def test_a_due_time_beyond_the_calendar_is_refused(
    harness: AssistantHarness, model: ScriptedModel, due: str
) -> None:
    await harness.store_user(make_user(timezone="America/New_York"))
    output = await run_tool(harness, model, "create_task", title="x", due=due)

    assert output == "Error: `due` is beyond the calendar."
    assert harness.rest.requests == []


@pytest.mark.parametrize("given", [{"title": " "}, {"title": "x", "due": "soon"}, {"due": "x"}])
async def test_arguments_that_make_no_task_are_refused(
    harness: AssistantHarness, model: ScriptedModel, given: dict
) -> None:
    output = await run_tool(harness, model, "create_task", **given)
    assert output.startswith("Error: Wrong arguments: ")
    assert harness.rest.requests == []


async def test_the_open_tasks_are_listed_with_ids_in_the_persons_time(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.tasks = [
        make_task("buy milk", due_at="2026-11-27T22:59:00Z", priority="high"),
        make_task("call\nAnn"),
    ]
    output = await run_tool(harness, model, "list_tasks")

    (request,) = harness.rest.requests
    assert dict(request.url.params) == {
        "user_id": str(id_for(str(ALICE))),
        "status": "open",
        "limit": "50",
    }
    assert request.headers["X-User-Id"] == str(id_for(str(ALICE)))
    assert output.splitlines() == [
        "All open tasks, times in Europe/Berlin:",
        f"- buy milk [due Fri 2026-11-27 23:59] [high] (id {MILK})",
        f"- call Ann (id {id_for('call' + chr(10) + 'Ann')})",
    ]


async def test_a_long_list_says_how_many_there_are(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    done = make_task("buy milk", status="done", priority="low")
    harness.rest.tasks, harness.rest.tasks_total = [done], 73
    output = await run_tool(harness, model, "list_tasks", status="done")

    assert output.splitlines() == [
        "1 of 73 done tasks, times in Europe/Berlin:",
        f"- buy milk [done] [low] (id {MILK})",
    ]


async def test_empty_task_list_is_reported(harness: AssistantHarness, model: ScriptedModel) -> None:
    assert await run_tool(harness, model, "list_tasks") == "There are no open tasks."


@pytest.mark.parametrize("status", [403, 418, 503])
async def test_a_list_that_cannot_be_read_is_no_empty_list(
    harness: AssistantHarness, model: ScriptedModel, status: int
) -> None:
    harness.rest.refusal = (status, "no")

    output = await run_tool(harness, model, "list_tasks")
    assert output == "Error: The tasks cannot be read at the moment. Tell the user."


async def test_change_writes_only_the_given_fields(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.tasks = [make_task("buy milk")]
    output = await run_tool(
        harness, model, "change_task", id=MILK, status="done", due=None, title=None
    )

    (request,) = harness.rest.requests
    assert (request.method, request.url.path) == ("PATCH", f"/api/tasks/{MILK}")
    assert request.headers["X-User-Id"] == str(id_for(str(ALICE)))
    assert request.headers["Idempotency-Key"] == "tg:77:1/1.0"
    assert harness.rest.bodies == [{"status": "done"}]
    assert output == f"Task changed, times in Europe/Berlin: buy milk [done] (id {MILK})"


async def test_a_new_due_date_is_an_instant_too(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.tasks = [make_task("buy milk")]
    await run_tool(harness, model, "change_task", id=MILK, due="2026-11-27")

    assert harness.rest.bodies == [{"due_at": "2026-11-27T22:59:00Z", "timezone": "Europe/Berlin"}]


async def test_a_change_of_nothing_is_refused(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    assert await run_tool(harness, model, "change_task", id=MILK) == (
        "Error: Wrong arguments: give at least one thing to change. Call again with right ones."
    )


async def test_a_task_that_is_not_there_the_model_can_correct(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.refusal = (404, "There is no such task.")

    output = await run_tool(harness, model, "change_task", id=MILK, status="done")
    assert output == "Error: There is no such task."
