"""What a person sees: a Telegram update goes through all five services and comes back."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until
from tests.e2e.temporary_records import TemporaryRecords

pytestmark = pytest.mark.e2e


def test_the_time_in_tokyo_is_told_by_the_tool(suite: SuiteHarness) -> None:
    alice = suite.create_user("Alice")
    before = datetime.now(ZoneInfo("Asia/Tokyo"))
    said = alice.send_and_wait("What time is it in Tokyo?")
    after = datetime.now(ZoneInfo("Asia/Tokyo"))

    assert f"{before:%H:%M}" in said or f"{after:%H:%M}" in said
    assert "Tokyo" in said
    wait_until(lambda: "get_time" in _get_called_tools(suite, alice))


@pytest.mark.parametrize(
    ("name", "greeting", "language"),
    [("Alice", "hi", "demo"), ("Боб", "привет", "демо")],
)
def test_a_greeting_is_answered_in_its_language_and_says_that_this_is_a_demo(
    suite: SuiteHarness, name: str, greeting: str, language: str
) -> None:
    assert language in suite.create_user(name).send_and_wait(greeting).lower()


def test_start_greets_a_new_person_and_knows_a_returning_one(suite: SuiteHarness) -> None:
    newcomer = suite.create_user("Nora")
    first, second = newcomer.send_and_wait("/start"), newcomer.send_and_wait("/start")

    assert "Nora" in first
    assert "Nora" in second
    assert first != second


def test_help_lists_the_commands_in_both_languages(suite: SuiteHarness) -> None:
    english, russian = (
        suite.create_user("Alice").send_and_wait("/help"),
        suite.create_user("Боб").send_and_wait("/help"),
    )

    assert "/start" in english
    assert "/start" in russian
    assert english != russian


def test_a_reminder_is_confirmed_by_its_receipt_and_comes_at_its_time(suite: SuiteHarness) -> None:
    carol = suite.create_user("Carol")
    asked = carol.send("remind me in 3 seconds to stretch")

    carol.wait_for_message(asked, lambda text: "✓" in text and "stretch" in text.lower())
    carol.wait_for_message(asked, lambda text: "⏰" in text and "stretch" in text.lower())
    came = [m for m in carol.get_messages(asked) if m["from"] == "bot" and "⏰" in m["text"]]
    assert len(came) == 1
    waited = came[0]["date"] - carol.get_messages(asked - 1)[0]["date"]
    assert 2 <= waited <= 30, "unannounced it would come with the claim of each minute"


def test_a_conversation_is_remembered(suite: SuiteHarness) -> None:
    dave = suite.create_user("Dave")
    dave.send_and_wait("My favourite colour is teal")

    assert "teal" in dave.send_and_wait("What was my previous message?")


def test_an_assistant_and_a_tool_made_by_rest_are_used_by_the_next_message(
    suite: SuiteHarness,
) -> None:
    with TemporaryRecords(suite) as records:
        poet = records.create("/assistants", name="Poet", instructions="Answer in verse.")
        secretary = {"name": "Timekeeper", "is_secretary": True, "instructions": "Tell the time."}
        keeper = records.create("/assistants", **secretary)
        clock = {"name": "world_clock", "tool_type": "time", "description": "The time anywhere"}
        ask = {
            "name": "ask_poet",
            "tool_type": "sub_assistant",
            "description": "A poet who writes verses",
            "assistant_id": poet,
        }
        for tool in (clock, ask):
            records.attach_tool(keeper, records.create("/tools", **tool))
        erin = records.create_user("Erin", keeper)

        before = datetime.now(ZoneInfo("Asia/Tokyo"))
        said = erin.send_and_wait("What time is it in Tokyo?")
        after = datetime.now(ZoneInfo("Asia/Tokyo"))
        assert f"{before:%H:}" in said or f"{after:%H:}" in said
        erin.send_and_wait("ask the poet for a verse about rain")
        wait_until(lambda: {"world_clock", "ask_poet"} <= _get_called_tools(suite, erin))


def test_manage_chat_prints_the_answer(suite: SuiteHarness) -> None:
    printed = suite.manage("chat", "What time is it in Tokyo?")

    assert "Tokyo" in printed


def _get_called_tools(suite: SuiteHarness, person: SandboxUser) -> set[str]:
    """The functions that the archived turns of a person called."""
    turns = suite.get_json("/turns", user_id=suite.get_user_id(person))["items"]
    steps = [step for turn in turns for step in turn["steps"]]
    return {step["name"] for step in steps if step["kind"] == "tool"}
