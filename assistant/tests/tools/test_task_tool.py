"""What the tools for tasks write, and what they say of it."""

from datetime import timedelta

import pytest

from assistant.tests.desk import ALICE, Desk, identified, person, secretary, task, tool
from smart_kit.contracts.queue import Reply
from smart_kit.errors import RetryMessage
from smart_kit.testing.scripted_model import ScriptedModel, calls

MILK = str(identified("buy milk"))


@pytest.fixture
async def desk(desk: Desk) -> Desk:
    """The secretary has the tools for tasks."""
    tools = (tool("create_task"), tool("list_tasks"), tool("change_task"))
    await desk.configure(secretary(*tools), version=2)
    return desk


async def told(desk: Desk, model: ScriptedModel, function: str, **given: object) -> str:
    """What the model is told after this call."""
    model.expect(calls((function, given)), "Done.")
    await desk.say("please")
    content: str = model.asked[-1].messages[-1]["content"]
    return content


async def test_a_task_is_noted_for_the_person_who_asked_under_the_steps_key(
    desk: Desk, model: ScriptedModel
) -> None:
    said = await told(desk, model, "create_task", title="buy milk")

    (request,) = desk.rest.requests
    assert (request.method, request.url.path) == ("POST", "/api/tasks")
    assert request.headers["X-User-Id"] == str(identified(str(ALICE)))
    assert request.headers["Idempotency-Key"] == "tg:77:1/1.0"
    assert desk.rest.bodies == [{"user_id": str(identified(str(ALICE))), "title": "buy milk"}]
    assert said == f"Task noted, times in Europe/Berlin: buy milk (id {MILK})"


async def test_the_receipts_of_tasks_go_with_the_answer(desk: Desk, model: ScriptedModel) -> None:
    desk.rest.tasks = [task("buy milk")]
    both = (
        ("create_task", {"title": "buy bread"}),
        ("change_task", {"id": MILK, "status": "done"}),
    )
    model.expect(calls(*both), "Done.")
    said = await desk.say("please")

    assert isinstance(said, Reply)
    assert [receipt.kind for receipt in said.receipts] == ["task_created", "task_changed"]


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
async def test_a_date_alone_means_the_end_of_that_day_where_the_person_is(
    desk: Desk, model: ScriptedModel, due: str, written: str
) -> None:
    said = await told(desk, model, "create_task", title="buy milk", due=due, priority="high")

    (body,) = desk.rest.bodies
    assert (body["due_at"], body["timezone"]) == (written, "Europe/Berlin")
    assert body["priority"] == "high"
    if due == "2026-11-27":
        assert "buy milk [due Fri 2026-11-27 23:59] [high]" in said


@pytest.mark.parametrize("due", ["9999-12-31", "9999-12-31T23:59"])
async def test_a_due_time_beyond_the_calendar_is_refused(
    desk: Desk, model: ScriptedModel, due: str
) -> None:
    await desk.introduce(person(timezone="America/New_York"))
    said = await told(desk, model, "create_task", title="x", due=due)

    assert said == "Error: `due` is beyond the calendar."
    assert desk.rest.requests == []


@pytest.mark.parametrize("given", [{"title": " "}, {"title": "x", "due": "soon"}, {"due": "x"}])
async def test_arguments_that_make_no_task_are_refused(
    desk: Desk, model: ScriptedModel, given: dict
) -> None:
    assert "Wrong arguments" in await told(desk, model, "create_task", **given)
    assert desk.rest.requests == []


async def test_the_open_tasks_are_listed_with_ids_in_the_persons_time(
    desk: Desk, model: ScriptedModel
) -> None:
    desk.rest.tasks = [
        task("buy milk", due_at="2026-11-27T22:59:00Z", priority="high"),
        task("call\nAnn"),
    ]
    said = await told(desk, model, "list_tasks")

    (request,) = desk.rest.requests
    assert dict(request.url.params) == {
        "user_id": str(identified(str(ALICE))),
        "status": "open",
        "limit": "50",
    }
    assert request.headers["X-User-Id"] == str(identified(str(ALICE)))
    assert said.splitlines() == [
        "All open tasks, times in Europe/Berlin:",
        f"- buy milk [due Fri 2026-11-27 23:59] [high] (id {MILK})",
        f"- call Ann (id {identified('call' + chr(10) + 'Ann')})",
    ]


async def test_a_long_list_says_how_many_there_are(desk: Desk, model: ScriptedModel) -> None:
    desk.rest.tasks, desk.rest.tasks_in_all = [task("buy milk", status="done")], 73
    said = await told(desk, model, "list_tasks", status="done")

    assert said.startswith("1 of 73 done tasks,")
    assert "buy milk [done] (id" in said


async def test_no_tasks_are_said_to_be_none(desk: Desk, model: ScriptedModel) -> None:
    assert await told(desk, model, "list_tasks") == "There are no open tasks."


async def test_a_list_that_cannot_be_read_is_no_empty_list(
    desk: Desk, model: ScriptedModel
) -> None:
    desk.rest.is_down = True

    said = await told(desk, model, "list_tasks")
    assert said == "Error: The tasks cannot be read at the moment. Tell the user."


async def test_a_change_writes_what_was_given_and_nothing_else(
    desk: Desk, model: ScriptedModel
) -> None:
    desk.rest.tasks = [task("buy milk")]
    said = await told(desk, model, "change_task", id=MILK, status="done", due=None, title=None)

    (request,) = desk.rest.requests
    assert (request.method, request.url.path) == ("PATCH", f"/api/tasks/{MILK}")
    assert request.headers["X-User-Id"] == str(identified(str(ALICE)))
    assert request.headers["Idempotency-Key"] == "tg:77:1/1.0"
    assert desk.rest.bodies == [{"status": "done"}]
    assert said == f"Task changed, times in Europe/Berlin: buy milk [done] (id {MILK})"


async def test_a_new_due_date_is_an_instant_too(desk: Desk, model: ScriptedModel) -> None:
    desk.rest.tasks = [task("buy milk")]
    await told(desk, model, "change_task", id=MILK, due="2026-11-27")

    assert desk.rest.bodies == [{"due_at": "2026-11-27T22:59:00Z", "timezone": "Europe/Berlin"}]


async def test_a_change_of_nothing_is_refused(desk: Desk, model: ScriptedModel) -> None:
    assert "give at least one thing" in await told(desk, model, "change_task", id=MILK)


async def test_a_task_that_is_not_there_the_model_can_correct(
    desk: Desk, model: ScriptedModel
) -> None:
    desk.rest.refusal = (404, "There is no such task.")

    said = await told(desk, model, "change_task", id=MILK, status="done")
    assert said == "Error: There is no such task."


WRITES = pytest.mark.parametrize(
    "call",
    [("create_task", {"title": "x"}), ("change_task", {"id": MILK, "status": "done"})],
    ids=lambda call: call[0],
)


@WRITES
async def test_an_unanswered_write_is_asked_for_again_under_its_key(
    desk: Desk, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, call: tuple[str, dict]
) -> None:
    monkeypatch.setattr("assistant.src.tools.writing_tool.PATIENCE", timedelta(days=36500))
    desk.rest.is_down = True
    model.expect(calls(call))

    with pytest.raises(RetryMessage):
        await desk.say("please")
    assert {one.headers["Idempotency-Key"] for one in desk.rest.requests} == {"tg:77:1/1.0"}
    assert len(desk.rest.requests) == 3


@WRITES
async def test_after_a_long_outage_the_person_is_told_that_the_outcome_is_not_known(
    desk: Desk, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, call: tuple[str, dict]
) -> None:
    monkeypatch.setattr("assistant.src.tools.writing_tool.PATIENCE", timedelta())
    desk.rest.is_down = True
    model.expect(calls(call), "Not known.")
    await desk.say("please")

    said = model.asked[1].messages[-1]["content"]
    assert "whether the task was saved is not known. Tell the user." in said
