"""A look into the queues, past all services."""

from typing import Any

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.talk import PATIENCE, Talk


def is_of(talk: Talk, conversation: str) -> bool:
    return conversation.endswith(f":{talk.person.telegram_id}")


def waits(talk: Talk, queue: str) -> bool:
    active: Any = talk.stage.redis.hkeys(f"{queue}:active")
    return any(is_of(talk, conversation) for conversation in active)


def letters_of(talk: Talk, chat_id: str | None = None) -> list[dict[str, Any]]:
    """The dead letters of this person's chat, or of another."""
    wanted = str(talk.person.telegram_id) if chat_id is None else chat_id
    found = talk.stage.api("GET", "/dead-letters")["items"]
    return [one for one in found if one["conversation"].rpartition(":")[2] == wanted]


def await_letters(talk: Talk, chat_id: str) -> list[dict[str, Any]]:
    wait_until(lambda: bool(letters_of(talk, chat_id)), PATIENCE)
    return letters_of(talk, chat_id)
