"""Tasks with the demo model in both languages: created, listed, finished, cancelled."""

import pytest

from sandbox.tests.llm.model_requests import (
    CREATE_TASK,
    LIST_TASKS,
    get_tool_calls,
    run_conversation,
)

MILK = "0f6f7c39-0000-4000-8000-000000000001"
BREAD = "0f6f7c39-0000-4000-8000-000000000002"
TASK_LIST = f"""All open tasks, times in Europe/Berlin:
- buy milk [due Fri 2026-11-27 23:59] [high] (id {MILK})
- buy bread [due Sat 2026-11-28 10:00] (id {BREAD})"""
RUSSIAN_TASK_LIST = f"""All open tasks, times in Europe/Berlin:
- купить молоко [due Fri 2026-11-27 23:59] (id {MILK})
- купить хлеб [low] (id {BREAD})"""


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("add a task: buy milk", {"title": "buy milk"}),
        ("Add a task: buy milk by Friday", {"title": "buy milk", "due": "2026-11-27"}),
        ("add a task to buy milk until tomorrow", {"title": "buy milk", "due": "2026-11-22"}),
        ("new task: call Ann on 5 December", {"title": "call Ann", "due": "2026-12-05"}),
        (
            "add a task: call Ann tomorrow at 18:30",
            {"title": "call Ann", "due": "2026-11-22T18:30:00"},
        ),
        ("add a task: pay in 3 days", {"title": "pay", "due": "2026-11-24"}),
        ("add a task: pay in 2 hours", {"title": "pay", "due": "2026-11-21T15:24:00"}),
        ("add an urgent task: pay rent", {"title": "pay rent", "priority": "high"}),
        ("add a task: pay rent, high priority", {"title": "pay rent", "priority": "high"}),
        ("add a low-priority task: sort photos", {"title": "sort photos", "priority": "low"}),
        ("add a task: sort photos, not urgent", {"title": "sort photos", "priority": "low"}),
        ("add a task: weekly report by Friday", {"title": "weekly report", "due": "2026-11-27"}),
        ("add buy milk to my tasks", {"title": "buy milk"}),
        ("add to my to-do list: buy milk", {"title": "buy milk"}),
        ("put buy milk on my to-do list by Friday", {"title": "buy milk", "due": "2026-11-27"}),
        ("task: buy milk", {"title": "buy milk"}),
        ("добавь задачу купить молоко", {"title": "купить молоко"}),
        (
            "Добавь задачу: купить молоко до пятницы",
            {"title": "купить молоко", "due": "2026-11-27"},
        ),
        ("запиши задачу сдать отчёт к среде", {"title": "сдать отчёт", "due": "2026-11-25"}),
        ("добавь задачу сдать отчёт до завтра", {"title": "сдать отчёт", "due": "2026-11-22"}),
        (
            "создай срочную задачу: позвонить маме завтра в 18:30",
            {"title": "позвонить маме", "due": "2026-11-22T18:30:00", "priority": "high"},
        ),
        ("добавь купить молоко в список дел", {"title": "купить молоко"}),
        ("добавь в список дел купить молоко", {"title": "купить молоко"}),
        ("новая задача: разобрать фото, не срочно", {"title": "разобрать фото", "priority": "low"}),
        ("новая задача: сдать отчёт, срочно", {"title": "сдать отчёт", "priority": "high"}),
        (
            "добавь задачу подготовить важную встречу",
            {"title": "подготовить важную встречу"},
        ),
    ],
)
def test_task_is_created_with_due_date_and_priority(text: str, arguments: dict[str, str]) -> None:
    assert get_tool_calls(text) == [("create_task", arguments)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("add a task: buy milk", "I added the task “buy milk”."),
        (
            "add a task: buy milk by Friday",
            "I added the task “buy milk”, due Friday, 27 November.",
        ),
        (
            "добавь задачу купить молоко завтра в 18:30",
            "Записал задачу «купить молоко», срок: воскресенье, 22 ноября, 18:30.",
        ),
    ],
)
def test_created_task_is_confirmed(text: str, expected: str) -> None:
    assert run_conversation(text, "Task noted") == expected


@pytest.mark.parametrize(
    ("text", "task_list", "expected"),
    [
        (
            "Show my tasks",
            TASK_LIST,
            """Your tasks:

- buy milk (due Friday, 27 November; urgent)
- buy bread (due Saturday, 28 November, 10:00)""",
        ),
        (
            "покажи мои задачи",
            RUSSIAN_TASK_LIST,
            """Ваши задачи:

- купить молоко (срок: пятница, 27 ноября)
- купить хлеб (не к спеху)""",
        ),
        ("какие у меня задачи?", "There are no open tasks.", "Таких задач нет."),
    ],
)
def test_tasks_are_listed_without_their_ids(text: str, task_list: str, expected: str) -> None:
    assert run_conversation(text, task_list) == expected


@pytest.mark.parametrize("text", ["show my completed tasks", "покажи выполненные задачи"])
def test_completed_tasks_are_listed_on_request(text: str) -> None:
    assert get_tool_calls(text) == [("list_tasks", {"status": "done"})]


@pytest.mark.parametrize(
    ("text", "task_list", "status", "expected"),
    [
        ("mark the task about milk as done", TASK_LIST, "done", "“buy milk” is done."),
        ("Mark buy milk as done", TASK_LIST, "done", "“buy milk” is done."),
        ("complete the task buy milk", TASK_LIST, "done", "“buy milk” is done."),
        ("the task buy milk is done", TASK_LIST, "done", "“buy milk” is done."),
        ("tick off milk", TASK_LIST, "done", "“buy milk” is done."),
        ("delete the task about milk", TASK_LIST, "cancelled", "“buy milk” is cancelled."),
        (
            "Отметь задачу про молоко выполненной",
            RUSSIAN_TASK_LIST,
            "done",
            "Задача «купить молоко» выполнена.",
        ),
        (
            "задача купить молоко выполнена",
            RUSSIAN_TASK_LIST,
            "done",
            "Задача «купить молоко» выполнена.",
        ),
        (
            "закрой задачу купить молоко",
            RUSSIAN_TASK_LIST,
            "done",
            "Задача «купить молоко» выполнена.",
        ),
        (
            "удали задачу про молоко",
            RUSSIAN_TASK_LIST,
            "cancelled",
            "Задача «купить молоко» отменена.",
        ),
    ],
)
def test_task_is_found_by_its_title_and_closed(
    text: str, task_list: str, status: str, expected: str
) -> None:
    calls = []

    def respond(call: tuple[str, dict[str, str]]) -> str:
        calls.append(call)
        return task_list if call[0] == "list_tasks" else "Task changed"

    assert run_conversation(text, respond, respond) == expected
    assert calls == [("list_tasks", {}), ("change_task", {"id": MILK, "status": status})]


@pytest.mark.parametrize(
    ("text", "task_list", "change", "expected"),
    [
        (
            "move the task about milk to Monday",
            TASK_LIST,
            {"due": "2026-11-23"},
            "“buy milk”: due Monday, 23 November.",
        ),
        (
            "postpone the milk task until tomorrow at 18:30",
            TASK_LIST,
            {"due": "2026-11-22T18:30:00"},
            "“buy milk”: due Sunday, 22 November, 18:30.",
        ),
        (
            "make the milk task urgent",
            TASK_LIST,
            {"priority": "high"},
            "“buy milk”: high priority.",
        ),
        (
            "change the priority of the milk task to normal",
            TASK_LIST,
            {"priority": "normal"},
            "“buy milk”: normal priority.",
        ),
        (
            "перенеси задачу про молоко на пятницу",
            RUSSIAN_TASK_LIST,
            {"due": "2026-11-27"},
            "«купить молоко»: срок: пятница, 27 ноября.",
        ),
        (
            "сделай задачу про молоко неважной",
            RUSSIAN_TASK_LIST,
            {"priority": "low"},
            "«купить молоко»: не к спеху.",
        ),
    ],
)
def test_due_date_and_priority_of_a_task_are_changed(
    text: str, task_list: str, change: dict[str, str], expected: str
) -> None:
    calls = []

    def respond(call: tuple[str, dict[str, str]]) -> str:
        calls.append(call)
        return task_list if call[0] == "list_tasks" else "Task changed"

    assert run_conversation(text, respond, respond) == expected
    assert calls == [("list_tasks", {}), ("change_task", {"id": MILK, **change})]


def test_unclear_change_of_a_task_is_asked_for() -> None:
    assert "the due date or the priority?" in run_conversation("change the task about milk")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mark the task as done", "Which one do you mean?"),
        ("mark the task buy as done", "Which one do you mean?"),
        ("mark the task about cheese as done", "Which one do you mean?"),
    ],
)
def test_ambiguous_task_is_asked_for(text: str, expected: str) -> None:
    answer = run_conversation(text, TASK_LIST)
    assert answer.startswith(expected)
    assert "- buy bread" in answer


def test_failures_are_reported() -> None:
    failed = "Error: The tasks cannot be read at the moment. Tell the user."
    for text in ("show my tasks", "mark the task about milk as done"):
        assert "That did not work" in run_conversation(text, failed)
    assert "did not work" in run_conversation(
        "mark buy milk as done", TASK_LIST, "Error: no such task"
    )
    assert (
        run_conversation("close the task milk", "There are no open tasks.")
        == "There are no open tasks."
    )


def test_missing_tool_is_reported() -> None:
    assert "no tool for changing" in run_conversation("complete the task milk", tools=[LIST_TASKS])
    assert "no tool for listing tasks" in run_conversation("show my tasks", tools=[CREATE_TASK])
