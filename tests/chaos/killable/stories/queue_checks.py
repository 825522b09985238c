"""Reads the state of the queues and the dead letters."""

from typing import Any

from smart_kit.testing.suite_harness import wait_until
from tests.chaos.killable.user_session import TIMEOUT_SECONDS, UserSession


def is_own_conversation(session: UserSession, conversation: str) -> bool:
    return conversation.endswith(f":{session.user.telegram_id}")


def is_queued(session: UserSession, queue: str) -> bool:
    active: Any = session.killable.redis.hkeys(f"{queue}:active")
    return any(is_own_conversation(session, conversation) for conversation in active)


def get_dead_letters(session: UserSession, chat_id: str | None = None) -> list[dict[str, Any]]:
    """Return the dead letters of a chat, by default of the user's own."""
    chat_id = str(session.user.telegram_id) if chat_id is None else chat_id
    dead_letters = session.killable.call_api("GET", "/dead-letters")["items"]
    return [
        dead_letter
        for dead_letter in dead_letters
        if dead_letter["conversation"].rpartition(":")[2] == chat_id
    ]


def wait_for_dead_letters(session: UserSession, chat_id: str) -> list[dict[str, Any]]:
    wait_until(lambda: bool(get_dead_letters(session, chat_id)), TIMEOUT_SECONDS)
    return get_dead_letters(session, chat_id)
