"""Stored messages as `Message` objects of the Bot API."""

from typing import Any

from sandbox.telegram.state.messages import Message
from sandbox.telegram.state.people import Person
from sandbox.telegram.telegram_state import TelegramState


def build_api_message(
    state: TelegramState, message: Message, *, with_reply: bool = True
) -> dict[str, Any]:
    """Return a `Message` with the message it replies to, which comes without its own target."""
    person = state.people.get(message.person_id)
    assert person is not None, "a message belongs to a person by foreign key"
    shown: dict[str, Any] = {
        "message_id": message.message_id,
        "from": state.bot.to_user() if message.is_from_bot else person.to_user(),
        "chat": person.to_chat(),
        "date": message.date,
        **_build_content_fields(state, message),
    }
    if message.edit_date is not None:
        shown["edit_date"] = message.edit_date
    if message.inline_keyboard:
        shown["reply_markup"] = {"inline_keyboard": message.inline_keyboard}
    reply_to = message.reply_to if with_reply else None
    if reply_to is not None and (original := state.messages.get(person.id, reply_to)):
        shown["reply_to_message"] = build_api_message(state, original, with_reply=False)
    return shown


def build_api_callback_query(
    state: TelegramState, person: Person, message: Message, callback_query_id: str, data: str
) -> dict[str, Any]:
    """Return a `CallbackQuery`."""
    return {
        "id": callback_query_id,
        "from": person.to_user(),
        "message": build_api_message(state, message),
        "chat_instance": str(person.id * 7919),
        "data": data,
    }


def _build_content_fields(state: TelegramState, message: Message) -> dict[str, Any]:
    """Return the text with its entities, or the location or rich message, which has no text."""
    if message.location is not None:
        return {"location": message.location}
    if message.rich_message is not None:
        return {"rich_message": _expand_mentions(state, message.rich_message)}
    if not message.entities:
        return {"text": message.text}
    entities = [_expand_entity(state, entity) for entity in message.entities]
    return {"text": message.text, "entities": entities}


def _expand_mentions(state: TelegramState, given: Any) -> Any:
    """Complete the users mentioned by id; a mention of an unknown id becomes plain text."""
    if isinstance(given, list):
        return [_expand_mentions(state, part) for part in given]
    if not isinstance(given, dict):
        return given
    shown = {name: _expand_mentions(state, value) for name, value in given.items()}
    if given.get("type") != "text_mention":
        return shown
    person = state.people.get(given["user"].get("id", 0))
    return shown | {"user": person.to_user()} if person else shown["text"]


def _expand_entity(state: TelegramState, entity: dict[str, Any]) -> dict[str, Any]:
    """Complete the user of a mention by id."""
    if entity["type"] != "text_mention":
        return entity
    person = state.people.get(entity["user"]["id"])
    return entity | ({"user": person.to_user()} if person else {})
