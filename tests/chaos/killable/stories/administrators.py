"""Stories in which an administrator acts while users chat."""

from typing import Any

from smart_kit.testing.suite_harness import wait_until
from tests.chaos.killable.stories.queue_checks import get_dead_letters, wait_for_dead_letters
from tests.chaos.killable.stories.telegram import inject_fault, resolve_dead_letter
from tests.chaos.killable.stories.users import chat
from tests.chaos.killable.user_session import TIMEOUT_SECONDS, UserSession


def assistant_change(session: UserSession) -> None:
    """An administrator changes an assistant, and the snapshot in Redis is updated."""
    chat(session)
    assistants = session.killable.call_api("GET", "/assistants")["items"]
    writer = next(assistant for assistant in assistants if assistant["name"] == "Writer")
    text = f"Write. {session.user.telegram_id} {session.next_number}"
    session.killable.call_api("PATCH", f"/assistants/{writer['id']}", {"instructions": text})
    wait_until(lambda: text in str(session.killable.redis.get("config:snapshot")), TIMEOUT_SECONDS)
    chat(session)


def deletion(session: UserSession) -> None:
    """An administrator deletes a conversation and then its user."""
    other = session.create_other()
    chat(other)
    wait_until(lambda: bool(_get_threads(other)), TIMEOUT_SECONDS)
    (thread,) = _get_threads(other)
    session.killable.call_api("DELETE", f"/threads/{thread['id']}")
    key = f"history:{thread['thread_id']}"
    wait_until(lambda: not session.killable.redis.exists(key), TIMEOUT_SECONDS)
    session.killable.call_api("DELETE", f"/users/{other.user_id}")
    wait_until(
        lambda: not session.killable.redis.exists(f"user:{other.user.telegram_id}"), TIMEOUT_SECONDS
    )
    session.others.remove(other)
    chat(session)


def rejected_reply(session: UserSession) -> None:
    """Telegram rejects an answer, and an administrator replays the dead letter."""
    chat(session)
    inject_fault(session, "refused", description="Bad Request: something odd")
    number = session.next_number
    session.send(f"what is {number} + 1?", rf"= {number + 1}\b")
    wait_until(
        lambda: (
            bool(get_dead_letters(session))
            # after a kill the answer may have been sent without meeting the fault
            or len(session.get_received_texts()) >= len(session.expected_answers)
        ),
        TIMEOUT_SECONDS,
    )
    for dead_letter in get_dead_letters(session):
        resolve_dead_letter(session, "POST", f"{dead_letter['id']}/replay")
    session.wait_for_message(*session.expected_answers[-1])
    wait_until(lambda: not get_dead_letters(session), TIMEOUT_SECONDS)


def unreadable_update(session: UserSession) -> None:
    """An invalid update becomes a dead letter, and an administrator deletes it."""
    chat(session)
    session.killable.call_sandbox("POST", "updates", {"update": {"message": "nonsense"}})
    dead_letters = wait_for_dead_letters(session, "")
    for dead_letter in dead_letters:  # two if tg_bot was killed before it confirmed the update
        resolve_dead_letter(session, "DELETE", dead_letter["id"])
    chat(session)


def graceful_restart(session: UserSession) -> None:
    """An operator restarts the services that give up a lease or a consumer when they stop."""
    chat(session)
    session.killable.suite.manage("restart", "--service", "tg_bot", "--service", "assistant")
    chat(session)


def _get_threads(session: UserSession) -> list[dict[str, Any]]:
    path = f"/threads?user_id={session.user_id}"
    threads: list[dict[str, Any]] = session.killable.call_api("GET", path)["items"]
    return threads
