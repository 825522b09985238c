"""Actions of a person's Telegram client: send a message, press a button, stop a draft."""

from collections.abc import Iterator
from typing import Any

from sandbox.telegram.api_objects import build_api_callback_query, build_api_message
from sandbox.telegram.state.callback_queries import CallbackQuery
from sandbox.telegram.state.messages import Message, MessageContent
from sandbox.telegram.state.people import Person
from sandbox.telegram.telegram_state import TelegramState
from sandbox.telegram.text.entities import FormattedText, utf16_length
from sandbox.telegram.text.entity_detection import add_detected_entities
from sandbox.telegram.text.formatted_text_parser import MAX_TEXT_LENGTH
from smart_kit.errors import InvalidRequest, NotFound


def send_text(state: TelegramState, person: Person, text: str, reply_to: int | None) -> Message:
    """Send a text to the bot and return its last message; a long text is sent in several."""
    parts = split_text(text.strip())
    if not parts:
        raise InvalidRequest("The text is empty")
    if reply_to is not None:
        _get_message(state, person, reply_to)
    for number, part in enumerate(parts):
        content = MessageContent.from_text(add_detected_entities(FormattedText(part)))
        message = _send(state, person, content, reply_to if number == 0 else None)
    return message


def send_location(
    state: TelegramState, person: Person, latitude: float, longitude: float
) -> Message:
    """Send a location to the bot, in degrees."""
    return _send(state, person, MessageContent.from_location(latitude, longitude))


def _send(
    state: TelegramState, person: Person, content: MessageContent, reply_to: int | None = None
) -> Message:
    message = state.messages.add(person.id, content, is_from_bot=False, reply_to=reply_to)
    update_id = state.updates.push("message", build_api_message(state, message))
    if update_id is not None:
        state.messages.set_update_id(message, update_id)
    state.publish_message("message", message)
    return message


def _get_message(state: TelegramState, person: Person, message_id: int) -> Message:
    message = state.messages.get(person.id, message_id)
    if message is None:
        raise NotFound(f"There is no message {message_id} in this chat")
    return message


def press_button(state: TelegramState, person: Person, message_id: int, data: str) -> CallbackQuery:
    """Press the button with this callback data and queue the callback query for the bot."""
    message = _get_message(state, person, message_id)
    if data not in _iter_callback_data([message.inline_keyboard, message.rich_message]):
        raise NotFound("This message has no such button")
    query = state.callback_queries.add(person.id, message_id)
    body = build_api_callback_query(state, person, message, query.id, data)
    state.updates.push("callback_query", body)
    return query


def _iter_callback_data(value: Any) -> Iterator[str]:
    """Yield the callback data of every button in a message, also of those inside rich texts."""
    if isinstance(value, dict):
        if "callback_data" in value:
            yield value["callback_data"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _iter_callback_data(part)


def stop_draft(state: TelegramState, person: Person, draft_id: int) -> None:
    """Press Stop under a draft and queue the update about it for the bot."""
    if not state.activity.stop_draft(person.id, draft_id):
        raise NotFound("There is no draft that can be stopped")
    stopped = {"chat": person.to_chat(), "draft_id": draft_id}
    state.updates.push("stopped_message_generation", stopped)


def split_text(text: str) -> list[str]:
    """Split a text into parts of at most 4096 UTF-16 units, preferably at line breaks or spaces."""
    pieces: list[str] = []
    while utf16_length(text) > MAX_TEXT_LENGTH:
        head = text.encode("utf-16-le")[: 2 * MAX_TEXT_LENGTH].decode("utf-16-le", "ignore")
        cut = max(head.rfind("\n"), head.rfind(" "))
        cut = cut if cut > len(head) // 2 else len(head)
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [piece for piece in (*pieces, text) if piece]
