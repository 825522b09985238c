"""A process that dies during a turn: what it did counts once, and one message harms no other."""

import threading
from typing import Any

import pytest

from smart_kit.testing.scripted_model import Answer, Asked, ScriptedModel, calls, held, says
from smart_kit.testing.suite import Person, Suite, wait_until
from tests.e2e.fault_injection import end_leases, kill

pytestmark = pytest.mark.e2e

ATTEMPTS = 5
REMIND = calls(("create_reminder", {"text": "stretch", "in_seconds": 3600}))


class KillingModel:
    """A model that keeps who asks it waiting, as long as it is armed, where `catches` says so."""

    def __init__(self) -> None:
        self.is_armed = True
        self.caught = 0
        self.released = threading.Event()

    def catches(self, asked: Asked) -> bool:
        return "poison" in str(asked.messages[-1]["content"])

    def says(self, asked: Asked) -> Answer:
        return says(f"Heard: {_words(asked)}")

    def answer(self, asked: Asked) -> Answer:
        if self.is_armed and self.catches(asked):
            self.caught += 1
            return held(self.released, says("to nobody"))
        return self.says(asked)

    def kill_with(self, suite: Suite, times: int) -> None:
        """kill -9 of the assistant, so often, each time that it has asked."""
        for death in range(1, times + 1):
            wait_until(lambda n=death: self.caught == n, seconds=60)
            kill(suite, "assistant")
            end_leases(suite)


class ModelKillingAfterTools(KillingModel):
    """Plans a reminder, and kills who brings the tool's result."""

    def catches(self, asked: Asked) -> bool:
        return asked.messages[-1]["role"] == "tool"

    def says(self, asked: Asked) -> Answer:
        return says("Planned.") if self.catches(asked) else REMIND


def test_a_message_that_always_kills_is_put_aside_its_chat_goes_on_and_it_can_be_replayed(
    own_suite: Suite,
) -> None:
    killing_model = KillingModel()
    with ScriptedModel(otherwise=killing_model.answer) as model:
        own_suite.environment["OPENAI_BASE_URL"] = model.url
        own_suite.manage("start")
        alice = own_suite.person("Alice")
        poison = alice.say("poison")
        alice.say("after it")
        killing_model.kill_with(own_suite, ATTEMPTS)

        alice.wait_for(poison, lambda text: text == "Heard: after it", seconds=60)
        apology, after = _told(alice, poison)
        assert after == "Heard: after it"
        assert killing_model.caught == ATTEMPTS
        (letter,) = _dead_letters(own_suite)
        assert letter["attempts"] == ATTEMPTS

        killing_model.is_armed = False
        _replay(own_suite, letter)
        alice.wait_for(poison, lambda text: text == "Heard: poison")
        assert _told(alice, poison) == [apology, after, "Heard: poison"]
        assert _dead_letters(own_suite) == []
        killing_model.released.set()


def test_a_turn_killed_between_its_tool_and_its_answer_reminds_once_says_so_once_and_is_undone(
    own_suite: Suite,
) -> None:
    killing_model = ModelKillingAfterTools()
    with ScriptedModel(otherwise=killing_model.answer) as model:
        own_suite.environment["OPENAI_BASE_URL"] = model.url
        own_suite.manage("start")
        alice = own_suite.person("Alice")
        asked = alice.say("remind me in an hour to stretch")
        killing_model.kill_with(own_suite, times=2)
        killing_model.is_armed = False

        said = alice.wait_for(asked, lambda text: "Planned." in text, seconds=60)
        assert said.count("✓") == 1
        assert _told(alice, asked) == [said]
        (job,) = _reminders(own_suite, alice)
        assert job["text"] == "stretch"
        begun = [one for one in model.asked if not killing_model.catches(one)]
        assert len(begun) == 1, "the model's first answer is in the journal"

        alice.ask("/undo")
        assert _reminders(own_suite, alice) == []
        killing_model.released.set()


def _words(asked: Asked) -> str:
    """What the person wrote, without what is told to the model beside it."""
    content = str(asked.messages[-1]["content"])
    return content.strip().splitlines()[-1]


def _told(person: Person, after: int) -> list[str]:
    return [one["text"] for one in person.messages(after) if one["from"] == "bot"]


def _dead_letters(suite: Suite) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = suite.read("/dead-letters")["items"]
    return items


def _replay(suite: Suite, letter: dict[str, Any]) -> None:
    with suite.admin() as admin:
        admin.post(f"/dead-letters/{letter['id']}/replay").raise_for_status()


def _reminders(suite: Suite, person: Person) -> list[dict[str, Any]]:
    found = suite.read("/cron-jobs", user_id=suite.user_id(person))["items"]
    return [one for one in found if one["is_active"]]
