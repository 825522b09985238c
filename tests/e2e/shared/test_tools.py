"""The tools of the default secretary as users see them: tasks and the weather."""

import re

import pytest

from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness

pytestmark = pytest.mark.e2e


def test_a_task_is_created_with_a_receipt_listed_and_completed(suite: SuiteHarness) -> None:
    alice = _create_user_in_berlin(suite, "Alice")
    request = alice.send("Add a task: buy milk by Friday, high priority")
    receipt = _get_receipt(alice, request, "milk")

    assert receipt.startswith("✓ Task: buy milk")
    assert re.search(r"Fri \d+ \w+", receipt)
    assert "high priority" in receipt

    task_list = alice.send_and_wait("Show my tasks")
    assert "buy milk" in task_list
    assert "Friday" in task_list

    request = alice.send("Mark the task about milk as done")
    assert _get_receipt(alice, request, "milk") == "✓ Task done: buy milk"
    assert "buy milk" not in alice.send_and_wait("Show my tasks")
    assert "buy milk" in alice.send_and_wait("Show my completed tasks")
    (task,) = _get_tasks(suite, alice)
    assert (task["status"], task["priority"], task["title"]) == ("done", "high", "buy milk")
    assert task["completed_at"] is not None


def test_a_task_is_created_and_completed_in_russian(suite: SuiteHarness) -> None:
    boris = _create_user_in_berlin(suite, "Борис")
    request = boris.send("Добавь задачу: купить молоко до пятницы")
    receipt = _get_receipt(boris, request, "молоко")

    assert receipt.startswith("✓ Задача: купить молоко")
    assert "пт" in receipt
    assert "пятница" in boris.send_and_wait("Покажи мои задачи")

    request = boris.send("Отметь задачу про молоко выполненной")
    assert "купить молоко" in _get_receipt(boris, request, "молоко")
    assert boris.send_and_wait("Покажи мои задачи") == "Таких задач нет."


def test_a_user_does_not_see_the_tasks_of_another(suite: SuiteHarness) -> None:
    suite.create_user("Carol").send_and_wait("Add a task: plan the surprise")

    assert "surprise" not in suite.create_user("Dave").send_and_wait("Show my tasks")


@pytest.mark.parametrize(
    ("name", "question", "place", "weather"),
    [
        ("Alice", "What is the weather in Paris?", "Paris, Île-de-France, France", "Now: "),
        ("Alice", "What is the weather in Paris, Texas?", "Paris, Texas, United States", "Now: "),
        ("Борис", "Какая погода в Москве?", "Москва, Россия", "Сейчас: "),
        ("Борис", "Какая погода будет завтра в Нью-Йорке?", "Нью-Йорк, США", "°C"),
    ],
)
def test_a_weather_report_names_its_place_and_source(
    suite: SuiteHarness, name: str, question: str, place: str, weather: str
) -> None:
    answer = suite.create_user(name).send_and_wait(question)

    assert place in answer
    assert weather in answer
    assert re.search(r"-?\d+ °C", answer)
    assert "sandbox" in answer or "песочница" in answer


def test_a_weather_question_without_a_place_asks_for_it(suite: SuiteHarness) -> None:
    assert "Where?" in suite.create_user("Wendy").send_and_wait("What is the weather?")


def test_the_weather_defaults_to_the_place_of_the_time_zone(suite: SuiteHarness) -> None:
    frank = _create_user_in_berlin(suite, "Frank")

    assert "Berlin, State of Berlin, Germany" in frank.send_and_wait(
        "What is the weather tomorrow?"
    )


def _create_user_in_berlin(suite: SuiteHarness, name: str) -> SandboxUser:
    """Create a user who has chosen a time zone, for which the assistant would ask otherwise."""
    user = suite.create_user(name)
    assert "Europe/Berlin" in user.send_and_wait("/timezone Berlin")
    return user


def _get_receipt(user: SandboxUser, after: int, word: str) -> str:
    """Return the receipt line of the first answer with a receipt and the word."""
    answer = user.wait_for_message(after, lambda text: "✓" in text and word in text)
    return next(line for line in answer.splitlines() if line.startswith("✓"))


def _get_tasks(suite: SuiteHarness, user: SandboxUser) -> list[dict[str, str]]:
    page = suite.get_json("/tasks", user_id=suite.get_user_id(user))
    items: list[dict[str, str]] = page["items"]
    return items
