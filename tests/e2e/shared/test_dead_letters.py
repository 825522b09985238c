"""Dead letters as an administrator sees them."""

from typing import Any

import pytest

from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until

pytestmark = pytest.mark.e2e


def test_a_deleted_dead_letter_cannot_be_replayed(suite: SuiteHarness) -> None:
    alice = suite.create_user("Alice")
    fault = {"kind": "refused", "method": "sendMessage", "description": "Bad Request: no"}
    fault |= {"chat_id": alice.telegram_id}
    suite.make_sandbox_client().post("/chat/api/faults", json=fault).raise_for_status()
    question = alice.send("hi")
    wait_until(lambda: len(_get_dead_letters(suite, alice)) == 1)
    (dead_letter,) = _get_dead_letters(suite, alice)
    assert "Bad Request: no" in dead_letter["reason"]
    with suite.make_admin_client() as admin:
        admin.delete(f"/dead-letters/{dead_letter['id']}").raise_for_status()
        assert admin.post(f"/dead-letters/{dead_letter['id']}/replay").status_code == 404
    assert _get_dead_letters(suite, alice) == []

    assert "1001" in alice.send_and_wait("what is 1 + 1000?")
    assert len(alice.get_bot_texts(question)) == 1


def _get_dead_letters(suite: SuiteHarness, user: SandboxUser) -> list[dict[str, Any]]:
    items = suite.get_json("/dead-letters", limit=200)["items"]
    return [item for item in items if item["conversation"].endswith(f":{user.telegram_id}")]
