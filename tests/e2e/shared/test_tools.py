"""What the default secretary's tools do, seen from the chat: tasks and the weather."""

import re

import pytest

from smart_kit.testing.suite import Person, Suite

pytestmark = pytest.mark.e2e


def test_a_task_is_noted_with_its_receipt_listed_and_done_with(suite: Suite) -> None:
    alice = suite.newcomer("Alice")
    asked = alice.say("Add a task: buy milk by Friday, high priority")
    receipt = _receipt(alice, asked, "milk")

    assert receipt.startswith("✓ Task: buy milk")
    assert re.search(r"Fri \d+ \w+", receipt)
    assert "high priority" in receipt

    listed = alice.ask("Show my tasks")
    assert "buy milk" in listed
    assert "Friday" in listed

    asked = alice.say("Mark the task about milk as done")
    assert _receipt(alice, asked, "milk") == "✓ Task done: buy milk"
    assert "buy milk" not in alice.ask("Show my tasks")
    assert "buy milk" in alice.ask("Show my completed tasks")
    (task,) = _tasks(suite, alice)
    assert (task["status"], task["priority"], task["title"]) == ("done", "high", "buy milk")
    assert task["completed_at"] is not None


def test_a_task_is_noted_and_done_with_in_russian(suite: Suite) -> None:
    boris = suite.newcomer("Борис")
    asked = boris.say("Добавь задачу: купить молоко до пятницы")
    receipt = _receipt(boris, asked, "молоко")

    assert receipt.startswith("✓ Задача: купить молоко")
    assert "пт" in receipt
    assert "пятница" in boris.ask("Покажи мои задачи")

    asked = boris.say("Отметь задачу про молоко выполненной")
    assert "купить молоко" in _receipt(boris, asked, "молоко")
    assert boris.ask("Покажи мои задачи") == "Таких задач нет."


def test_nobody_sees_the_tasks_of_others(suite: Suite) -> None:
    suite.newcomer("Carol").ask("Add a task: plan the surprise")

    assert "surprise" not in suite.newcomer("Dave").ask("Show my tasks")


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
    suite: Suite, name: str, question: str, place: str, said: str
) -> None:
    answer = suite.newcomer(name).ask(question)

    assert place in answer
    assert said in answer
    assert re.search(r"-?\d+ °C", answer)
    assert "sandbox" in answer or "песочница" in answer


def test_where_no_place_can_be_told_the_weather_is_asked_for_one(suite: Suite) -> None:
    assert "Where?" in suite.newcomer("Wendy").ask("What is the weather?")


def test_the_place_of_ones_time_zone_is_taken_where_none_is_named(suite: Suite) -> None:
    frank = suite.newcomer("Frank")
    frank.ask("/start")
    with suite.admin() as admin:
        zone = {"timezone": "Europe/Berlin"}
        admin.patch(f"/users/{suite.user_id(frank)}", json=zone).raise_for_status()

    assert "Berlin, State of Berlin, Germany" in frank.ask("What is the weather tomorrow?")


def _receipt(person: Person, asked: int, word: str) -> str:
    """The line that says what was done."""
    text = person.wait_for(asked, lambda said: "✓" in said and word in said)
    return next(line for line in text.splitlines() if line.startswith("✓"))


def _tasks(suite: Suite, person: Person) -> list[dict[str, str]]:
    items: list[dict[str, str]] = suite.read("/tasks", user_id=suite.user_id(person))["items"]
    return items
