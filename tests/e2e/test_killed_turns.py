"""A process that dies during a turn: what it did counts once, and one message harms no other."""

import threading
from typing import Any

import pytest

from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_gated_response,
    make_text_response,
    make_tool_call_response,
)
from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until
from tests.e2e.fault_injection import expire_leases, kill_components

pytestmark = pytest.mark.e2e

ATTEMPTS = 5
REMINDER_CALL = make_tool_call_response(
    ("create_reminder", {"text": "stretch", "in_seconds": 3600})
)


class BlockingModel:
    """A model that keeps who asks it waiting, as long as it is armed, where `catches` says so."""

    def __init__(self) -> None:
        self.is_armed = True
        self.blocked_count = 0
        self.release_event = threading.Event()

    def is_blocked(self, request: RecordedRequest) -> bool:
        return "poison" in str(request.messages[-1]["content"])

    def make_response(self, request: RecordedRequest) -> ScriptedResponse:
        return make_text_response(f"Heard: {_get_user_text(request)}")

    def respond(self, request: RecordedRequest) -> ScriptedResponse:
        if self.is_armed and self.is_blocked(request):
            self.blocked_count += 1
            return make_gated_response(self.release_event, make_text_response("to nobody"))
        return self.make_response(request)

    def kill_on_requests(self, suite: SuiteHarness, times: int) -> None:
        """kill -9 of the assistant, so often, each time that it has asked."""
        for death in range(1, times + 1):
            wait_until(lambda n=death: self.blocked_count == n, seconds=60)
            kill_components(suite, "assistant")
            expire_leases(suite)


class ModelBlockingAfterTools(BlockingModel):
    """Plans a reminder, and kills who brings the tool's result."""

    def is_blocked(self, request: RecordedRequest) -> bool:
        return request.messages[-1]["role"] == "tool"

    def make_response(self, request: RecordedRequest) -> ScriptedResponse:
        return make_text_response("Planned.") if self.is_blocked(request) else REMINDER_CALL


def test_a_message_that_always_kills_is_put_aside_its_chat_goes_on_and_it_can_be_replayed(
    fresh_suite: SuiteHarness,
) -> None:
    killing_model = BlockingModel()
    with ScriptedModel(default_step=killing_model.respond) as model:
        fresh_suite.environment["OPENAI_BASE_URL"] = model.url
        fresh_suite.manage("start")
        alice = fresh_suite.get_or_create_user("Alice")
        poison = alice.send("poison")
        alice.send("after it")
        killing_model.kill_on_requests(fresh_suite, ATTEMPTS)

        alice.wait_for_message(poison, lambda text: text == "Heard: after it", seconds=60)
        failure_reply, after = _get_bot_texts(alice, poison)
        assert after == "Heard: after it"
        assert killing_model.blocked_count == ATTEMPTS
        (dead_letter,) = _get_dead_letters(fresh_suite)
        assert dead_letter["attempts"] == ATTEMPTS

        killing_model.is_armed = False
        _replay_dead_letter(fresh_suite, dead_letter)
        alice.wait_for_message(poison, lambda text: text == "Heard: poison")
        assert _get_bot_texts(alice, poison) == [failure_reply, after, "Heard: poison"]
        assert _get_dead_letters(fresh_suite) == []
        killing_model.release_event.set()


def test_a_turn_killed_between_its_tool_and_its_answer_reminds_once_says_so_once_and_is_undone(
    fresh_suite: SuiteHarness,
) -> None:
    killing_model = ModelBlockingAfterTools()
    with ScriptedModel(default_step=killing_model.respond) as model:
        fresh_suite.environment["OPENAI_BASE_URL"] = model.url
        fresh_suite.manage("start")
        alice = fresh_suite.get_or_create_user("Alice")
        asked = alice.send("remind me in an hour to stretch")
        killing_model.kill_on_requests(fresh_suite, times=2)
        killing_model.is_armed = False

        said = alice.wait_for_message(asked, lambda text: "Planned." in text, seconds=60)
        assert said.count("✓") == 1
        assert _get_bot_texts(alice, asked) == [said]
        (job,) = _get_reminders(fresh_suite, alice)
        assert job["text"] == "stretch"
        begun = [one for one in model.requests if not killing_model.is_blocked(one)]
        assert len(begun) == 1, "the model's first answer is in the journal"

        alice.send_and_wait("/undo")
        assert _get_reminders(fresh_suite, alice) == []
        killing_model.release_event.set()


def _get_user_text(request: RecordedRequest) -> str:
    """What the person wrote, without what is told to the model beside it."""
    content = str(request.messages[-1]["content"])
    return content.strip().splitlines()[-1]


def _get_bot_texts(person: SandboxUser, after: int) -> list[str]:
    return [one["text"] for one in person.get_messages(after) if one["from"] == "bot"]


def _get_dead_letters(suite: SuiteHarness) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = suite.get_json("/dead-letters")["items"]
    return items


def _replay_dead_letter(suite: SuiteHarness, dead_letter: dict[str, Any]) -> None:
    with suite.make_admin_client() as admin:
        admin.post(f"/dead-letters/{dead_letter['id']}/replay").raise_for_status()


def _get_reminders(suite: SuiteHarness, person: SandboxUser) -> list[dict[str, Any]]:
    found = suite.get_json("/cron-jobs", user_id=suite.get_user_id(person))["items"]
    return [one for one in found if one["is_active"]]
