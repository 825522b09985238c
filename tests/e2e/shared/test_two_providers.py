"""Several servers of models in one suite: the next one answers for one that is away."""

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
    make_model_server,
    temporary_assistant,
)

pytestmark = pytest.mark.e2e

FIRST_MODEL, SECOND_MODEL = "first-model", "second-model"
BUDGET_SPENT = "Your budget for today is used up"


@dataclass(frozen=True)
class TwoProviders:
    """An assistant that asks the first, then the second."""

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


def test_the_second_answers_for_the_first_and_the_usage_says_so(
    two_providers: TwoProviders,
) -> None:
    alice = two_providers.assistant.create_user("Alice")
    assert alice.send_and_wait("Hello") == "The first says so."
    two_providers.first.add_steps(*[make_truncated_response()] * 9)
    assert alice.send_and_wait("And now?") == "The second says so."

    calls = _wait_for_usage(two_providers.suite, alice, 2)
    assert [one["model"] for one in calls] == [SECOND_MODEL, FIRST_MODEL]
    assert [one["provider"] for one in calls] == [
        f"server of {SECOND_MODEL}",
        f"server of {FIRST_MODEL}",
    ]
    assert [float(one["cost"]) for one in calls] == pytest.approx([15e-6, 150e-6])
    journal = two_providers.suite.get_json(f"/turns/{calls[0]['message_id']}/trace")
    (step,) = journal["turn"]["steps"]
    assert {one["model"] for one in step["failures"]} == {FIRST_MODEL}
    assert step["name"] == SECOND_MODEL
    user = two_providers.suite.get_user_id(alice)
    totals = two_providers.suite.get_json("/usage/totals", by="model", user_id=user)["items"]
    assert {one["model"]: one["calls"] for one in totals} == {FIRST_MODEL: 1, SECOND_MODEL: 1}


def test_a_refusing_server_is_left_for_the_next_and_nothing_is_lost(
    two_providers: TwoProviders,
) -> None:
    two_providers.first.add_steps(*[make_error_response(500, {"error": {"message": "down"}})] * 3)
    assert (
        two_providers.assistant.create_user("Bob").send_and_wait("Hello") == "The second says so."
    )


def test_at_the_budgets_end_a_cheaper_model_answers_then_an_honest_sentence_but_reminders_come(
    two_providers: TwoProviders,
) -> None:
    carol = two_providers.assistant.create_user("Carol")
    user = two_providers.suite.get_user_id(carol)
    with two_providers.suite.make_admin_client() as admin:
        path = f"/users/{user}"
        admin.patch(path, json={"daily_budget": "0.005"}).raise_for_status()
        assert carol.send_and_wait("Hello") == "The second says so.", (
            "the first would cost more than is left"
        )
        admin.patch(path, json={"daily_budget": "0"}).raise_for_status()
        asked = carol.send("And now?")
        assert carol.wait_for_message(asked).startswith(BUDGET_SPENT)
        for kind, said in (("reminder", "⏰"), ("prompt", "The first says so.")):
            job = {"user_id": user, "type": kind, "text": "stretch", "at": utc_now().isoformat()}
            admin.post("/cron-jobs", json=job).raise_for_status()
            carol.wait_for_message(asked, lambda text: said in text)  # noqa: B023 # asked within the loop
        asked = carol.send("And after these?")
        carol.wait_for_message(asked, lambda text: text.startswith(BUDGET_SPENT))
        admin.patch(path, json={"daily_budget": None}).raise_for_status()
        assert carol.send_and_wait("And with none?") == "The first says so."


def test_a_person_chooses_a_model_by_a_button(two_providers: TwoProviders) -> None:
    dave = two_providers.assistant.create_user("Dave")
    assert dave.send_and_wait("Hello") == "The first says so."
    press_button(two_providers.suite, dave, "/model", SECOND_MODEL)
    assert dave.send_and_wait("Hello again") == "The second says so."
    press_button(two_providers.suite, dave, "/model", "As the administrator")
    assert dave.send_and_wait("Hello once more") == "The first says so."


def press_button(suite: SuiteHarness, person: SandboxUser, command: str, label: str) -> None:
    """Ask for the buttons, press one, wait for what the bot says to it."""
    asked = person.send(command)
    shown: list[dict[str, Any]] = []

    def has_buttons() -> bool:
        shown[:] = [one for one in person.get_messages(asked) if one.get("reply_markup")]
        return bool(shown)

    wait_until(has_buttons)
    (message,) = shown
    rows = message["reply_markup"]["inline_keyboard"]
    button = next(one for row in rows for one in row if label in one["text"])
    body = {"message_id": message["message_id"], "data": button["callback_data"]}
    path = f"/chat/{person.telegram_id}/buttons"
    suite.make_sandbox_client().post(path, json=body).raise_for_status()
    person.wait_for_message(message["message_id"])


def _wait_for_usage(suite: SuiteHarness, person: SandboxUser, number: int) -> list[dict[str, Any]]:
    """The person's calls, the newest first; archived a moment after the answers were sent."""
    found: list[dict[str, Any]] = []

    def are_there() -> bool:
        found[:] = suite.get_json("/usage", user_id=suite.get_user_id(person))["items"]
        return len(found) == number

    wait_until(are_there)
    return found
