"""Reads the queues and the dead letters directly, past all services."""

from typing import Any

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.user_session import PATIENCE, UserSession


def is_of(session: UserSession, conversation: str) -> bool:
    return conversation.endswith(f":{session.person.telegram_id}")


def waits(session: UserSession, queue: str) -> bool:
    active: Any = session.killable.redis.hkeys(f"{queue}:active")
    return any(is_of(session, conversation) for conversation in active)


def letters_of(session: UserSession, chat_id: str | None = None) -> list[dict[str, Any]]:
    """The dead letters of this person's chat, or of another."""
    wanted = str(session.person.telegram_id) if chat_id is None else chat_id
    found = session.killable.api("GET", "/dead-letters")["items"]
    return [one for one in found if one["conversation"].rpartition(":")[2] == wanted]


def await_letters(session: UserSession, chat_id: str) -> list[dict[str, Any]]:
    wait_until(lambda: bool(letters_of(session, chat_id)), PATIENCE)
    return letters_of(session, chat_id)
