"""Chats as users see them: a Telegram update goes through all services and is answered."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until
from tests.e2e.temporary_records import TemporaryRecords

pytestmark = pytest.mark.e2e


def test_the_time_tool_answers_with_the_time_in_tokyo(suite: SuiteHarness) -> None:
    alice = suite.create_user("Alice")
    before = datetime.now(ZoneInfo("Asia/Tokyo"))
    answer = alice.send_and_wait("What time is it in Tokyo?")
    after = datetime.now(ZoneInfo("Asia/Tokyo"))

    assert f"{before:%H:%M}" in answer or f"{after:%H:%M}" in answer
    assert "Tokyo" in answer
    wait_until(lambda: "get_time" in _get_called_tools(suite, alice))


@pytest.mark.parametrize(
    ("name", "greeting", "demo"),
    [("Alice", "hi", "demo"), ("Боб", "привет", "демо")],
)
def test_a_greeting_is_answered_in_its_language_as_a_demo(
    suite: SuiteHarness, name: str, greeting: str, demo: str
) -> None:
    assert demo in suite.create_user(name).send_and_wait(greeting).lower()


def test_start_greets_new_and_returning_users_differently(suite: SuiteHarness) -> None:
    newcomer = suite.create_user("Nora")
    first, second = newcomer.send_and_wait("/start"), newcomer.send_and_wait("/start")

    assert "Nora" in first
    assert "Nora" in second
    assert first != second


def test_help_lists_the_commands_in_both_languages(suite: SuiteHarness) -> None:
    english = suite.create_user("Alice").send_and_wait("/help")
    russian = suite.create_user("Боб").send_and_wait("/help")

    assert "/start" in english
    assert "/start" in russian
    assert english != russian


def test_a_reminder_has_a_receipt_and_is_sent_when_due(suite: SuiteHarness) -> None:
    carol = suite.create_user("Carol")
    request = carol.send("remind me in 3 seconds to stretch")

    carol.wait_for_message(request, lambda text: "✓" in text and "stretch" in text.lower())
    carol.wait_for_message(request, lambda text: "⏰" in text and "stretch" in text.lower())
    reminders = [
        message
        for message in carol.get_messages(request)
        if message["from"] == "bot" and "⏰" in message["text"]
    ]
    assert len(reminders) == 1
    delay = reminders[0]["date"] - carol.get_messages(request - 1)[0]["date"]
    assert 2 <= delay <= 30, "the scheduler did not learn of the reminder before its minutely poll"


def test_a_conversation_is_remembered(suite: SuiteHarness) -> None:
    dave = suite.create_user("Dave")
    dave.send_and_wait("My favourite colour is teal")

    assert "teal" in dave.send_and_wait("What was my previous message?")


def test_a_new_assistant_with_new_tools_answers_the_next_message(
    suite: SuiteHarness,
) -> None:
    with TemporaryRecords(suite) as records:
        poet_id = records.create("/assistants", name="Poet", instructions="Answer in verse.")
        timekeeper_id = records.create(
            "/assistants", name="Timekeeper", is_secretary=True, instructions="Tell the time."
        )
        clock = {"name": "world_clock", "tool_type": "time", "description": "The time anywhere"}
        ask_poet = {
            "name": "ask_poet",
            "tool_type": "sub_assistant",
            "description": "A poet who writes verses",
            "assistant_id": poet_id,
        }
        for tool in (clock, ask_poet):
            records.attach_tool(timekeeper_id, records.create("/tools", **tool))
        erin = records.create_user("Erin", timekeeper_id)

        before = datetime.now(ZoneInfo("Asia/Tokyo"))
        answer = erin.send_and_wait("What time is it in Tokyo?")
        after = datetime.now(ZoneInfo("Asia/Tokyo"))
        assert f"{before:%H:}" in answer or f"{after:%H:}" in answer
        erin.send_and_wait("ask the poet for a verse about rain")
        wait_until(lambda: {"world_clock", "ask_poet"} <= _get_called_tools(suite, erin))


def test_manage_chat_prints_the_answer(suite: SuiteHarness) -> None:
    output = suite.manage("chat", "What time is it in Tokyo?")

    assert "Tokyo" in output


def _get_called_tools(suite: SuiteHarness, user: SandboxUser) -> set[str]:
    """Return the names of the tools called in the archived turns of a user."""
    turns = suite.get_json("/turns", user_id=suite.get_user_id(user))["items"]
    steps = [step for turn in turns for step in turn["steps"]]
    return {step["name"] for step in steps if step["kind"] == "tool"}
