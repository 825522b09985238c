"""The assistant is killed during a turn: its effects happen once, and other messages proceed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
    """A model that, while armed, never answers the requests for which `is_blocked` is true."""

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
            return make_gated_response(self.release_event, make_text_response("never delivered"))
        return self.make_response(request)

    def kill_on_requests(self, suite: SuiteHarness, times: int) -> None:
        """Kill the assistant at each of the next blocked requests, and expire its leases."""
        for request_count in range(1, times + 1):
            wait_until(lambda count=request_count: self.blocked_count == count)
            kill_components(suite, "assistant")
            expire_leases(suite)


class ModelBlockingAfterTools(BlockingModel):
    """Calls the reminder tool, and blocks the request that carries its result."""

    def is_blocked(self, request: RecordedRequest) -> bool:
        return request.messages[-1]["role"] == "tool"

    def make_response(self, request: RecordedRequest) -> ScriptedResponse:
        return make_text_response("Planned.") if self.is_blocked(request) else REMINDER_CALL


@contextmanager
def running_with_model(
    suite: SuiteHarness, blocking_model: BlockingModel
) -> Iterator[tuple[SandboxUser, ScriptedModel]]:
    """Start the suite with the model, and yield a user and the model's server."""
    with ScriptedModel(default_step=blocking_model.respond) as model:
        suite.environment["OPENAI_BASE_URL"] = model.url
        suite.manage("start")
        try:
            yield suite.get_or_create_user("Alice"), model
        finally:
            blocking_model.release_event.set()


def test_a_message_that_always_kills_becomes_a_replayable_dead_letter(
    fresh_suite: SuiteHarness,
) -> None:
    blocking_model = BlockingModel()
    with running_with_model(fresh_suite, blocking_model) as (alice, _):
        poison = alice.send("poison")
        alice.send("after it")
        blocking_model.kill_on_requests(fresh_suite, ATTEMPTS)

        alice.wait_for_message(poison, lambda text: text == "Heard: after it", seconds=60)
        failure_reply, answer = alice.get_bot_texts(poison)
        assert answer == "Heard: after it"
        assert blocking_model.blocked_count == ATTEMPTS
        (dead_letter,) = _get_dead_letters(fresh_suite)
        assert dead_letter["attempts"] == ATTEMPTS

        blocking_model.is_armed = False
        _replay_dead_letter(fresh_suite, dead_letter)
        alice.wait_for_message(poison, lambda text: text == "Heard: poison")
        assert alice.get_bot_texts(poison) == [failure_reply, answer, "Heard: poison"]
        assert _get_dead_letters(fresh_suite) == []


def test_a_turn_killed_after_its_tool_call_has_one_effect(
    fresh_suite: SuiteHarness,
) -> None:
    blocking_model = ModelBlockingAfterTools()
    with running_with_model(fresh_suite, blocking_model) as (alice, model):
        question = alice.send("remind me in an hour to stretch")
        blocking_model.kill_on_requests(fresh_suite, times=2)
        blocking_model.is_armed = False

        answer = alice.wait_for_message(question, lambda text: "Planned." in text, seconds=60)
        assert answer.count("✓") == 1
        assert alice.get_bot_texts(question) == [answer]
        (job,) = _get_reminders(fresh_suite, alice)
        assert job["text"] == "stretch"
        first_calls = [
            request for request in model.requests if not blocking_model.is_blocked(request)
        ]
        assert len(first_calls) == 1, "the model's first response is read from the journal"

        alice.send_and_wait("/undo")
        assert _get_reminders(fresh_suite, alice) == []


def _get_user_text(request: RecordedRequest) -> str:
    """Return the text of the newest user message, without the context lines before it."""
    content = str(request.messages[-1]["content"])
    return content.strip().splitlines()[-1]


def _get_dead_letters(suite: SuiteHarness) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = suite.get_json("/dead-letters")["items"]
    return items


def _replay_dead_letter(suite: SuiteHarness, dead_letter: dict[str, Any]) -> None:
    with suite.make_admin_client() as admin:
        admin.post(f"/dead-letters/{dead_letter['id']}/replay").raise_for_status()


def _get_reminders(suite: SuiteHarness, user: SandboxUser) -> list[dict[str, Any]]:
    jobs = suite.get_json("/cron-jobs", user_id=suite.get_user_id(user))["items"]
    return [job for job in jobs if job["is_active"]]
