"""Several servers of models in one suite: the next one answers for one that is away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from smart_kit.contracts.base import utc_now
from smart_kit.testing.scripted_model import ScriptedModel, cuts, fails, says
from smart_kit.testing.suite import Person, Suite, wait_until
from tests.e2e.own_records import OwnAssistant, OwnModel, model_server, own_assistant

pytestmark = pytest.mark.e2e

FIRST, SECOND = "first-model", "second-model"
SPENT = "Your budget for today is used up"


@dataclass(frozen=True)
class SuiteWithTwoProviders:
    """An assistant that asks the first, then the second."""

    assistant: OwnAssistant
    first: ScriptedModel
    second: ScriptedModel

    @property
    def suite(self) -> Suite:
        return self.assistant.suite


@pytest.fixture
def pair(suite: Suite) -> Iterator[SuiteWithTwoProviders]:
    with (
        model_server(suite, otherwise=says("The first says so.")) as first,
        model_server(suite, otherwise=says("The second says so.")) as second,
    ):
        models = [
            OwnModel(name, server.url, fields=_priced(price))
            for name, server, price in ((FIRST, first, "10"), (SECOND, second, "1"))
        ]
        with own_assistant(suite, *models) as assistant:
            yield SuiteWithTwoProviders(assistant, first, second)


def _priced(price: str) -> dict[str, Any]:
    return {"input_price": price, "output_price": price, "is_choosable": True}


def test_the_second_answers_for_the_first_and_the_usage_says_so(
    pair: SuiteWithTwoProviders,
) -> None:
    alice = pair.assistant.newcomer("Alice")
    assert alice.ask("Hello") == "The first says so."
    pair.first.expect(*[cuts()] * 9)
    assert alice.ask("And now?") == "The second says so."

    calls = _usage(pair.suite, alice, 2)
    assert [one["model"] for one in calls] == [SECOND, FIRST]
    assert [one["provider"] for one in calls] == [f"server of {SECOND}", f"server of {FIRST}"]
    assert [float(one["cost"]) for one in calls] == pytest.approx([15e-6, 150e-6])
    journal = pair.suite.read(f"/turns/{calls[0]['message_id']}/journal")
    (step,) = journal["turn"]["steps"]
    assert {one["model"] for one in step["failures"]} == {FIRST}
    assert step["name"] == SECOND
    user = pair.suite.user_id(alice)
    totals = pair.suite.read("/usage/totals", by="model", user_id=user)["items"]
    assert {one["model"]: one["calls"] for one in totals} == {FIRST: 1, SECOND: 1}


def test_a_refusing_server_is_left_for_the_next_and_nothing_is_lost(
    pair: SuiteWithTwoProviders,
) -> None:
    pair.first.expect(*[fails(500, {"error": {"message": "down"}})] * 3)
    assert pair.assistant.newcomer("Bob").ask("Hello") == "The second says so."


def test_at_the_budgets_end_a_cheaper_model_answers_then_an_honest_sentence_but_reminders_come(
    pair: SuiteWithTwoProviders,
) -> None:
    carol = pair.assistant.newcomer("Carol")
    user = pair.suite.user_id(carol)
    with pair.suite.admin() as admin:
        path = f"/users/{user}"
        admin.patch(path, json={"daily_budget": "0.005"}).raise_for_status()
        assert carol.ask("Hello") == "The second says so.", "the first would cost more than is left"
        admin.patch(path, json={"daily_budget": "0"}).raise_for_status()
        asked = carol.say("And now?")
        assert carol.wait_for(asked).startswith(SPENT)
        for kind, said in (("reminder", "⏰"), ("prompt", "The first says so.")):
            job = {"user_id": user, "type": kind, "text": "stretch", "at": utc_now().isoformat()}
            admin.post("/cron-jobs", json=job).raise_for_status()
            carol.wait_for(asked, lambda text: said in text)  # noqa: B023 # asked within the loop
        asked = carol.say("And after these?")
        carol.wait_for(asked, lambda text: text.startswith(SPENT))
        admin.patch(path, json={"daily_budget": None}).raise_for_status()
        assert carol.ask("And with none?") == "The first says so."


def test_a_person_chooses_a_model_by_a_button(pair: SuiteWithTwoProviders) -> None:
    dave = pair.assistant.newcomer("Dave")
    assert dave.ask("Hello") == "The first says so."
    press(pair.suite, dave, "/model", SECOND)
    assert dave.ask("Hello again") == "The second says so."
    press(pair.suite, dave, "/model", "As the administrator")
    assert dave.ask("Hello once more") == "The first says so."


def press(suite: Suite, person: Person, command: str, label: str) -> None:
    """Ask for the buttons, press one, wait for what the bot says to it."""
    asked = person.say(command)
    shown: list[dict[str, Any]] = []

    def has_buttons() -> bool:
        shown[:] = [one for one in person.messages(asked) if one.get("reply_markup")]
        return bool(shown)

    wait_until(has_buttons)
    (message,) = shown
    rows = message["reply_markup"]["inline_keyboard"]
    button = next(one for row in rows for one in row if label in one["text"])
    body = {"message_id": message["message_id"], "data": button["callback_data"]}
    path = f"/chat/{person.telegram_id}/buttons"
    suite.sandbox().post(path, json=body).raise_for_status()
    person.wait_for(message["message_id"])


def _usage(suite: Suite, person: Person, number: int) -> list[dict[str, Any]]:
    """The person's calls, the newest first; archived a moment after the answers were sent."""
    found: list[dict[str, Any]] = []

    def are_there() -> bool:
        found[:] = suite.read("/usage", user_id=suite.user_id(person))["items"]
        return len(found) == number

    wait_until(are_there)
    return found
