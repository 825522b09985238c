"""Configuration changes take effect with the next message, and rejected ones not at all."""

from collections.abc import Iterator

import pytest

from smart_kit.testing.suite_harness import SuiteHarness
from tests.e2e.temporary_records import (
    ModelSpec,
    TemporaryAssistant,
    echo_instructions,
    make_model_server,
    temporary_assistant,
)

pytestmark = pytest.mark.e2e


@pytest.fixture
def echo_assistant(suite: SuiteHarness) -> Iterator[TemporaryAssistant]:
    """An assistant that answers with its own instructions."""
    with (
        make_model_server(suite, default_step=echo_instructions) as model,
        temporary_assistant(suite, ModelSpec("mirror", model.url)) as assistant,
    ):
        yield assistant


def test_a_rejected_change_changes_nothing(
    suite: SuiteHarness, echo_assistant: TemporaryAssistant
) -> None:
    echo_assistant.update(instructions="Be brief.")
    before = _get_newest_version(suite, echo_assistant)
    with suite.make_admin_client() as admin:
        for fields, culprit in (
            ({"model": "unknown-model"}, "unknown-model"),
            ({"fallback_models": ["unknown-model"]}, "unknown-model"),
            ({"temperature": 3}, "temperature"),
            ({"unknown": 1}, "unknown"),
        ):
            rejected = admin.patch(f"/assistants/{echo_assistant.id}", json=fields)
            assert rejected.status_code in (400, 422), rejected.text
            assert culprit in rejected.json()["detail"]
    assert _get_newest_version(suite, echo_assistant) == before
    assert echo_assistant.create_user("Alice").send_and_wait("Hello") == "Be brief."


def test_the_last_active_secretary_cannot_be_disabled(suite: SuiteHarness) -> None:
    assistants = suite.get_json("/assistants", limit=200)["items"]
    (secretary,) = (item for item in assistants if item["is_secretary"] and item["is_active"])
    with suite.make_admin_client() as admin:
        for fields in ({"is_secretary": False}, {"is_active": False}):
            rejected = admin.patch(f"/assistants/{secretary['id']}", json=fields)
            assert rejected.status_code == 409, rejected.text
            assert "last active secretary" in rejected.json()["detail"]
    assert "Tokyo" in suite.create_user("Alice").send_and_wait("What time is it in Tokyo?")


def test_an_assistant_is_restored_to_an_earlier_version(
    suite: SuiteHarness, echo_assistant: TemporaryAssistant
) -> None:
    alice = echo_assistant.create_user("Alice")
    for instructions in ("Be brief.", "Be rude."):
        echo_assistant.update(instructions=instructions)
    assert alice.send_and_wait("Hello") == "Be rude."
    with suite.make_admin_client() as admin:
        path = f"/assistants/{echo_assistant.id}/versions"
        newest, earlier = (item["number"] for item in suite.get_json(path)["items"][:2])
        comparison = suite.get_json(f"{path}/compare", before=earlier, after=newest)
        (difference,) = comparison["differences"]
        assert difference["field"] == "instructions"
        assert (difference["before"], difference["after"]) == ("Be brief.", "Be rude.")
        admin.post(f"{path}/{earlier}/restore").raise_for_status()
    assert alice.send_and_wait("Hello again") == "Be brief."


def _get_newest_version(suite: SuiteHarness, assistant: TemporaryAssistant) -> tuple[int, float]:
    """Return the newest version numbers of the assistant and of its configuration."""
    (newest,) = suite.get_json(f"/assistants/{assistant.id}/versions", limit=1)["items"]
    return newest["number"], newest["configuration_version"]
