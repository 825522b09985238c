"""What an administrator changes, the next message meets; what is refused changes nothing."""

from collections.abc import Iterator

import pytest

from smart_kit.testing.scripted_model import Answer, Asked, says
from smart_kit.testing.suite import Suite
from tests.e2e.own_records import OwnAssistant, OwnModel, model_server, own_assistant

pytestmark = pytest.mark.e2e


def _mirror(asked: Asked) -> Answer:
    """A model that says what it was told to be."""
    return says(asked.messages[0]["content"])


@pytest.fixture
def mirror(suite: Suite) -> Iterator[OwnAssistant]:
    """An assistant that answers with its own instructions."""
    with (
        model_server(suite, otherwise=_mirror) as model,
        own_assistant(suite, OwnModel("mirror", model.url)) as assistant,
    ):
        yield assistant


def test_what_is_refused_changes_nothing(suite: Suite, mirror: OwnAssistant) -> None:
    mirror.change(instructions="Be brief.")
    before = _newest_version(suite, mirror)
    with suite.admin() as admin:
        for wrong, word in (
            ({"model": "nobody-has-it"}, "nobody-has-it"),
            ({"fallback_models": ["nobody-has-it"]}, "nobody-has-it"),
            ({"temperature": 3}, "temperature"),
            ({"unknown": 1}, "unknown"),
        ):
            refused = admin.patch(f"/assistants/{mirror.id}", json=wrong)
            assert refused.status_code in (400, 422), refused.text
            assert word in refused.json()["detail"]
    assert _newest_version(suite, mirror) == before
    assert mirror.newcomer("Alice").ask("Hello") == "Be brief."


def test_the_last_active_secretary_stays_one(suite: Suite) -> None:
    found = suite.read("/assistants", limit=200)["items"]
    (secretary,) = [one["id"] for one in found if one["is_secretary"] and one["is_active"]]
    with suite.admin() as admin:
        for wrong in ({"is_secretary": False}, {"is_active": False}):
            refused = admin.patch(f"/assistants/{secretary}", json=wrong)
            assert refused.status_code == 409, refused.text
            assert "last active secretary" in refused.json()["detail"]
    assert "Tokyo" in suite.newcomer("Alice").ask("What time is it in Tokyo?")


def test_an_assistant_is_put_back_to_an_earlier_version(suite: Suite, mirror: OwnAssistant) -> None:
    alice = mirror.newcomer("Alice")
    for instructions in ("Be brief.", "Be rude."):
        mirror.change(instructions=instructions)
    assert alice.ask("Hello") == "Be rude."
    with suite.admin() as admin:
        path = f"/assistants/{mirror.id}/versions"
        newest, earlier = (one["number"] for one in suite.read(path)["items"][:2])
        compared = suite.read(f"{path}/compare", before=earlier, after=newest)
        (difference,) = compared["differences"]
        assert difference["field"] == "instructions"
        assert (difference["before"], difference["after"]) == ("Be brief.", "Be rude.")
        admin.post(f"{path}/{earlier}/restore").raise_for_status()
    assert alice.ask("Hello again") == "Be brief."


def _newest_version(suite: Suite, assistant: OwnAssistant) -> tuple[int, float]:
    """Of the assistant, and of the configuration that it is in."""
    (newest,) = suite.read(f"/assistants/{assistant.id}/versions", limit=1)["items"]
    return newest["number"], newest["configuration_version"]
