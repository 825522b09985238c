"""Two model providers in one suite: the second answers if the first fails or costs too much."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from smart_kit.contracts.base import utc_now
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    make_error_response,
    make_text_response,
    make_truncated_response,
)
from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until
from tests.e2e.temporary_records import (
    ModelSpec,
    TemporaryAssistant,
    get_provider_name,
    make_model_server,
    temporary_assistant,
)

pytestmark = pytest.mark.e2e

FIRST_MODEL, SECOND_MODEL = "first-model", "second-model"
BUDGET_SPENT = "Your budget for today is used up"


@dataclass(frozen=True)
class TwoProviders:
    """An assistant that uses the first model, and the second as fallback."""

    assistant: TemporaryAssistant
    first: ScriptedModel
    second: ScriptedModel

    @property
    def suite(self) -> SuiteHarness:
        return self.assistant.suite


@pytest.fixture
def two_providers(suite: SuiteHarness) -> Iterator[TwoProviders]:
    with (
        make_model_server(suite, default_step=make_text_response("The first says so.")) as first,
        make_model_server(suite, default_step=make_text_response("The second says so.")) as second,
    ):
        models = [
            ModelSpec(name, server.url, fields=_make_prices(price))
            for name, server, price in ((FIRST_MODEL, first, "10"), (SECOND_MODEL, second, "1"))
        ]
        with temporary_assistant(suite, *models) as assistant:
            yield TwoProviders(assistant, first, second)


def _make_prices(price: str) -> dict[str, Any]:
    return {"input_price": price, "output_price": price, "is_user_selectable": True}


def test_the_second_model_takes_over_and_the_usage_records_it(
    two_providers: TwoProviders,
) -> None:
    alice = two_providers.assistant.create_user("Alice")
    assert alice.send_and_wait("Hello") == "The first says so."
    two_providers.first.add_steps(*[make_truncated_response()] * 9)
    assert alice.send_and_wait("And now?") == "The second says so."

    calls = _wait_for_usage(two_providers.suite, alice, 2)
    assert [call["model"] for call in calls] == [SECOND_MODEL, FIRST_MODEL]
    assert [call["provider"] for call in calls] == [
        get_provider_name(SECOND_MODEL),
        get_provider_name(FIRST_MODEL),
    ]
    assert [float(call["cost"]) for call in calls] == pytest.approx([15e-6, 150e-6])
    trace = two_providers.suite.get_json(f"/turns/{calls[0]['message_id']}/trace")
    (step,) = trace["turn"]["steps"]
    assert {failure["model"] for failure in step["failures"]} == {FIRST_MODEL}
    assert step["name"] == SECOND_MODEL
    user_id = two_providers.suite.get_user_id(alice)
    totals = two_providers.suite.get_json("/usage/totals", by="model", user_id=user_id)["items"]
    assert {total["model"]: total["calls"] for total in totals} == {FIRST_MODEL: 1, SECOND_MODEL: 1}


def test_the_second_model_answers_when_the_first_returns_errors(
    two_providers: TwoProviders,
) -> None:
    two_providers.first.add_steps(*[make_error_response(500, {"error": {"message": "down"}})] * 3)
    bob = two_providers.assistant.create_user("Bob")
    assert bob.send_and_wait("Hello") == "The second says so."


def test_a_budget_selects_cheaper_models_pauses_scheduled_requests_and_exempts_reminders(
    two_providers: TwoProviders,
) -> None:
    carol = two_providers.assistant.create_user("Carol")
    user_id = two_providers.suite.get_user_id(carol)
    with two_providers.suite.make_admin_client() as admin:
        path = f"/users/{user_id}"
        admin.patch(path, json={"daily_budget": "0.005"}).raise_for_status()
        # a call of the first model would cost more than the budget
        assert carol.send_and_wait("Hello") == "The second says so."
        admin.patch(path, json={"daily_budget": "0"}).raise_for_status()
        question = carol.send("And now?")
        assert carol.wait_for_message(question).startswith(BUDGET_SPENT)
        job = {"user_id": user_id, "text": "stretch", "at": utc_now().isoformat()}
        admin.post("/cron-jobs", json=job | {"type": "reminder"}).raise_for_status()
        alarm = carol.wait_for(lambda message: "⏰" in message["text"], question)["message_id"]
        admin.post("/cron-jobs", json=job | {"type": "prompt"}).raise_for_status()
        carol.wait_for_message(alarm, lambda text: text.startswith(BUDGET_SPENT))
        question = carol.send("And after these?")
        carol.wait_for_message(question, lambda text: text.startswith(BUDGET_SPENT))
        admin.patch(path, json={"daily_budget": None}).raise_for_status()
        assert carol.send_and_wait("And with none?") == "The first says so."


def test_a_user_selects_a_model_by_a_button(two_providers: TwoProviders) -> None:
    dave = two_providers.assistant.create_user("Dave")
    assert dave.send_and_wait("Hello") == "The first says so."
    dave.wait_for_message(dave.press(SECOND_MODEL, after=dave.send("/model")))
    assert dave.send_and_wait("Hello again") == "The second says so."
    dave.wait_for_message(dave.press("Default", after=dave.send("/model")))
    assert dave.send_and_wait("Hello once more") == "The first says so."


def _wait_for_usage(suite: SuiteHarness, user: SandboxUser, count: int) -> list[dict[str, Any]]:
    """Return the user's calls, newest first, once so many are archived."""
    user_id = suite.get_user_id(user)

    def get_calls() -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = suite.get_json("/usage", user_id=user_id)["items"]
        return calls

    wait_until(lambda: len(get_calls()) == count)
    return get_calls()
