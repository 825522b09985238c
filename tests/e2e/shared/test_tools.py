"""What the default secretary's tools do, seen from the chat: tasks and the weather."""

import re

import pytest

from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness

pytestmark = pytest.mark.e2e


def test_a_task_is_noted_with_its_receipt_listed_and_done_with(suite: SuiteHarness) -> None:
    alice = suite.create_user("Alice")
    asked = alice.send("Add a task: buy milk by Friday, high priority")
    receipt = _get_receipt(alice, asked, "milk")

    assert receipt.startswith("✓ Task: buy milk")
    assert re.search(r"Fri \d+ \w+", receipt)
    assert "high priority" in receipt

    listed = alice.send_and_wait("Show my tasks")
    assert "buy milk" in listed
    assert "Friday" in listed

    asked = alice.send("Mark the task about milk as done")
    assert _get_receipt(alice, asked, "milk") == "✓ Task done: buy milk"
    assert "buy milk" not in alice.send_and_wait("Show my tasks")
    assert "buy milk" in alice.send_and_wait("Show my completed tasks")
    (task,) = _get_tasks(suite, alice)
    assert (task["status"], task["priority"], task["title"]) == ("done", "high", "buy milk")
    assert task["completed_at"] is not None


def test_a_task_is_noted_and_done_with_in_russian(suite: SuiteHarness) -> None:
    boris = suite.create_user("Борис")
    asked = boris.send("Добавь задачу: купить молоко до пятницы")
    receipt = _get_receipt(boris, asked, "молоко")

    assert receipt.startswith("✓ Задача: купить молоко")
    assert "пт" in receipt
    assert "пятница" in boris.send_and_wait("Покажи мои задачи")

    asked = boris.send("Отметь задачу про молоко выполненной")
    assert "купить молоко" in _get_receipt(boris, asked, "молоко")
    assert boris.send_and_wait("Покажи мои задачи") == "Таких задач нет."


def test_nobody_sees_the_tasks_of_others(suite: SuiteHarness) -> None:
    suite.create_user("Carol").send_and_wait("Add a task: plan the surprise")

    assert "surprise" not in suite.create_user("Dave").send_and_wait("Show my tasks")


@pytest.mark.parametrize(
    ("name", "question", "place", "said"),
    [
        ("Alice", "What is the weather in Paris?", "Paris, Île-de-France, France", "Now: "),
        ("Alice", "What is the weather in Paris, Texas?", "Paris, Texas, United States", "Now: "),
        ("Борис", "Какая погода в Москве?", "Москва, Россия", "Сейчас: "),
        ("Борис", "Какая погода будет завтра в Нью-Йорке?", "Нью-Йорк, США", "°C"),
    ],
)
def test_the_weather_is_the_sandboxs_and_says_so(
    suite: SuiteHarness, name: str, question: str, place: str, said: str
) -> None:
    answer = suite.create_user(name).send_and_wait(question)

    assert place in answer
    assert said in answer
    assert re.search(r"-?\d+ °C", answer)
    assert "sandbox" in answer or "песочница" in answer


def test_where_no_place_can_be_told_the_weather_is_asked_for_one(suite: SuiteHarness) -> None:
    assert "Where?" in suite.create_user("Wendy").send_and_wait("What is the weather?")


def test_the_place_of_ones_time_zone_is_taken_where_none_is_named(suite: SuiteHarness) -> None:
    frank = suite.create_user("Frank")
    frank.send_and_wait("/start")
    with suite.make_admin_client() as admin:
        zone = {"timezone": "Europe/Berlin"}
        admin.patch(f"/users/{suite.get_user_id(frank)}", json=zone).raise_for_status()

    assert "Berlin, State of Berlin, Germany" in frank.send_and_wait(
        "What is the weather tomorrow?"
    )


def _get_receipt(person: SandboxUser, after: int, word: str) -> str:
    """The line that says what was done."""
    text = person.wait_for_message(after, lambda said: "✓" in said and word in said)
    return next(line for line in text.splitlines() if line.startswith("✓"))


def _get_tasks(suite: SuiteHarness, person: SandboxUser) -> list[dict[str, str]]:
    items: list[dict[str, str]] = suite.get_json("/tasks", user_id=suite.get_user_id(person))[
        "items"
    ]
    return items
