"""A message that nobody could handle, as an administrator sees it."""

from typing import Any

import pytest

from smart_kit.testing.suite import Person, Suite, wait_until

pytestmark = pytest.mark.e2e


def test_a_dead_letter_can_be_dropped_and_is_gone_for_good(suite: Suite) -> None:
    alice = suite.newcomer("Alice")
    refusal = {"kind": "refused", "method": "sendMessage", "description": "Bad Request: no"}
    refusal |= {"chat_id": alice.telegram_id}
    suite.sandbox().post("/chat/api/faults", json=refusal).raise_for_status()
    asked = alice.say("hi")
    wait_until(lambda: len(_dead_letters(suite, alice)) == 1)
    (letter,) = _dead_letters(suite, alice)
    assert "Bad Request: no" in letter["reason"]
    with suite.admin() as admin:
        admin.delete(f"/dead-letters/{letter['id']}").raise_for_status()
        assert admin.post(f"/dead-letters/{letter['id']}/replay").status_code == 404
    assert _dead_letters(suite, alice) == []

    assert "1001" in alice.ask("what is 1 + 1000?")
    assert len([one for one in alice.messages(asked) if one["from"] == "bot"]) == 1


def _dead_letters(suite: Suite, person: Person) -> list[dict[str, Any]]:
    """Of the person's chat."""
    found = suite.read("/dead-letters", limit=200)["items"]
    return [one for one in found if one["conversation"].endswith(f":{person.telegram_id}")]
