"""What a person sees: a Telegram update goes through all five services and comes back."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from smart_kit.testing.suite import Person, Suite, wait_until
from tests.e2e.own_records import OwnRecords

pytestmark = pytest.mark.e2e


def test_the_time_in_tokyo_is_told_by_the_tool(suite: Suite) -> None:
    alice = suite.newcomer("Alice")
    before = datetime.now(ZoneInfo("Asia/Tokyo"))
    said = alice.ask("What time is it in Tokyo?")
    after = datetime.now(ZoneInfo("Asia/Tokyo"))

    assert f"{before:%H:%M}" in said or f"{after:%H:%M}" in said
    assert "Tokyo" in said
    wait_until(lambda: "get_time" in _tools_called(suite, alice))


@pytest.mark.parametrize(
    ("name", "greeting", "language"),
    [("Alice", "hi", "demo"), ("Боб", "привет", "демо")],
)
def test_a_greeting_is_answered_in_its_language_and_says_that_this_is_a_demo(
    suite: Suite, name: str, greeting: str, language: str
) -> None:
    assert language in suite.newcomer(name).ask(greeting).lower()


def test_start_greets_a_new_person_and_knows_a_returning_one(suite: Suite) -> None:
    newcomer = suite.newcomer("Nora")
    first, second = newcomer.ask("/start"), newcomer.ask("/start")

    assert "Nora" in first
    assert "Nora" in second
    assert first != second


def test_help_lists_the_commands_in_both_languages(suite: Suite) -> None:
    english, russian = suite.newcomer("Alice").ask("/help"), suite.newcomer("Боб").ask("/help")

    assert "/start" in english
    assert "/start" in russian
    assert english != russian


def test_a_reminder_is_confirmed_by_its_receipt_and_comes_at_its_time(suite: Suite) -> None:
    carol = suite.newcomer("Carol")
    asked = carol.say("remind me in 3 seconds to stretch")

    carol.wait_for(asked, lambda text: "✓" in text and "stretch" in text.lower())
    carol.wait_for(asked, lambda text: "⏰" in text and "stretch" in text.lower())
    came = [m for m in carol.messages(asked) if m["from"] == "bot" and "⏰" in m["text"]]
    assert len(came) == 1
    waited = came[0]["date"] - carol.messages(asked - 1)[0]["date"]
    assert 2 <= waited <= 30, "unannounced it would come with the claim of each minute"


def test_a_conversation_is_remembered(suite: Suite) -> None:
    dave = suite.newcomer("Dave")
    dave.ask("My favourite colour is teal")

    assert "teal" in dave.ask("What was my previous message?")


def test_an_assistant_and_a_tool_made_by_rest_are_used_by_the_next_message(suite: Suite) -> None:
    with OwnRecords(suite) as records:
        poet = records.make("/assistants", name="Poet", instructions="Answer in verse.")
        secretary = {"name": "Timekeeper", "is_secretary": True, "instructions": "Tell the time."}
        keeper = records.make("/assistants", **secretary)
        clock = {"name": "world_clock", "tool_type": "time", "description": "The time anywhere"}
        ask = {
            "name": "ask_poet",
            "tool_type": "sub_assistant",
            "description": "A poet who writes verses",
            "assistant_id": poet,
        }
        for tool in (clock, ask):
            records.give(keeper, records.make("/tools", **tool))
        erin = records.newcomer("Erin", keeper)

        before = datetime.now(ZoneInfo("Asia/Tokyo"))
        said = erin.ask("What time is it in Tokyo?")
        after = datetime.now(ZoneInfo("Asia/Tokyo"))
        assert f"{before:%H:}" in said or f"{after:%H:}" in said
        erin.ask("ask the poet for a verse about rain")
        wait_until(lambda: {"world_clock", "ask_poet"} <= _tools_called(suite, erin))


def test_manage_chat_prints_the_answer(suite: Suite) -> None:
    printed = suite.manage("chat", "What time is it in Tokyo?")

    assert "Tokyo" in printed


def _tools_called(suite: Suite, person: Person) -> set[str]:
    """The functions that the archived turns of a person called."""
    turns = suite.read("/turns", user_id=suite.user_id(person))["items"]
    steps = [step for turn in turns for step in turn["steps"]]
    return {step["name"] for step in steps if step["kind"] == "tool"}
