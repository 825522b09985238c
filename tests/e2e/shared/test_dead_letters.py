"""A message that nobody could handle, as an administrator sees it."""

from typing import Any

import pytest

from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until

pytestmark = pytest.mark.e2e


def test_a_dead_letter_can_be_dropped_and_is_gone_for_good(suite: SuiteHarness) -> None:
    alice = suite.create_user("Alice")
    refusal = {"kind": "refused", "method": "sendMessage", "description": "Bad Request: no"}
    refusal |= {"chat_id": alice.telegram_id}
    suite.make_sandbox_client().post("/chat/api/faults", json=refusal).raise_for_status()
    asked = alice.send("hi")
    wait_until(lambda: len(_get_dead_letters(suite, alice)) == 1)
    (dead_letter,) = _get_dead_letters(suite, alice)
    assert "Bad Request: no" in dead_letter["reason"]
    with suite.make_admin_client() as admin:
        admin.delete(f"/dead-letters/{dead_letter['id']}").raise_for_status()
        assert admin.post(f"/dead-letters/{dead_letter['id']}/replay").status_code == 404
    assert _get_dead_letters(suite, alice) == []

    assert "1001" in alice.send_and_wait("what is 1 + 1000?")
    assert len([one for one in alice.get_messages(asked) if one["from"] == "bot"]) == 1


def _get_dead_letters(suite: SuiteHarness, person: SandboxUser) -> list[dict[str, Any]]:
    """Of the person's chat."""
    found = suite.get_json("/dead-letters", limit=200)["items"]
    return [one for one in found if one["conversation"].endswith(f":{person.telegram_id}")]
