"""Stories in which Telegram returns errors, is slow or sends unusual updates."""

from typing import Any

from smart_kit.testing.suite_harness import wait_until
from tests.chaos.killable.killable_suite import parse_kills
from tests.chaos.killable.stories.queue_checks import is_queued, wait_for_dead_letters
from tests.chaos.killable.stories.users import chat
from tests.chaos.killable.user_session import TIMEOUT_SECONDS, UserSession


def rate_limited(session: UserSession) -> None:
    """Telegram answers 429 with a pause."""
    inject_fault(session, "too_many_requests", seconds=1)
    chat(session)


def blocked_by_user(session: UserSession) -> None:
    """A user blocks the bot, so its answer is dropped by design, and unblocks it."""
    chat(session)
    inject_fault(session, "blocked", times=1000)
    session.expected_turns += 1
    session.user.send("what is 2 + 2?")
    key = f"bot_blocked:{session.user.telegram_id}"
    wait_until(lambda: bool(session.killable.redis.keys(f"*:{key}")), TIMEOUT_SECONDS)
    wait_until(lambda: not is_queued(session, "queue:to_telegram"), TIMEOUT_SECONDS)
    session.killable.call_sandbox("DELETE", "faults")
    chat(session)


def slow_telegram(session: UserSession) -> None:
    """Telegram is slow, so tg_bot renews the lease of the message."""
    inject_fault(session, "slow", seconds=1.5)
    chat(session)
    chat(session)


def group_message(session: UserSession) -> None:
    """A group sends a command, and the notice that groups are not served cannot be delivered."""
    chat(session)
    author = {"id": session.user.telegram_id, "first_name": "User", "is_bot": False}
    chat_id = -(10**9) - 1000 * session.user.telegram_id - session.next_number
    message = {
        "message_id": 1,
        "from": author,
        "chat": {"id": chat_id, "type": "supergroup"},
        "text": "/help",
    }
    session.killable.call_sandbox("POST", "updates", {"update": {"message": message}})
    (dead_letter,) = wait_for_dead_letters(session, str(chat_id))
    resolve_dead_letter(session, "DELETE", dead_letter["id"])
    chat(session)


def stale_button(session: UserSession) -> None:
    """A user presses a button whose message no longer exists."""
    chat(session)
    start_index = len(session.killable.read_passed_points())
    query = {"id": "1", "from": {"id": session.user.telegram_id}, "data": "x:1"}
    session.killable.call_sandbox("POST", "updates", {"update": {"callback_query": query}})
    wait_until(
        lambda: has_passed(session, start_index, "tg_bot: answerCallbackQuery"), TIMEOUT_SECONDS
    )
    chat(session)


def resolve_dead_letter(session: UserSession, method: str, path: str) -> None:
    """Replay or delete a dead letter, and assert that the audit log has one entry per attempt."""
    start_index = len(session.killable.read_passed_points())
    session.killable.call_api(method, f"/dead-letters/{path}")
    started = session.killable.call_api(
        "GET", "/audit?result=started&object_type=dead-letters&limit=100"
    )["items"]
    recorded = [entry for entry in started if entry["path"] == f"/api/dead-letters/{path}"]
    kill_count = len(parse_kills(session.killable.read_passed_points()[start_index:]))
    assert 1 <= len(recorded) <= 1 + kill_count, f"{method} {path}: {recorded}"


def inject_fault(session: UserSession, kind: str, **options: Any) -> None:
    """Make the sandbox fail the next answer to this user, or the next `times` answers."""
    chat_id = session.user.telegram_id
    body = {"kind": kind, "method": "sendMessage", "chat_id": chat_id, **options}
    session.killable.call_sandbox("POST", "faults", body)


def has_passed(session: UserSession, start_index: int, effect: str) -> bool:
    """Return whether the side effect has happened since that index of the passed points."""
    passed = session.killable.read_passed_points()[start_index:]
    return any(f"after {effect}" in name for name in passed)
