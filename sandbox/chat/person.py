"""What a person's Telegram client does: sends text, presses buttons."""

from typing import Any

from sandbox.telegram.render import render_callback, render_message
from sandbox.telegram.rich.buttons import callback_data
from sandbox.telegram.state.messages import Content, Message
from sandbox.telegram.state.people import Person
from sandbox.telegram.state.presses import Press
from sandbox.telegram.text.detection import with_detected
from sandbox.telegram.text.entities import FormattedText, utf16_length
from sandbox.telegram.text.formatting import MAX_LENGTH
from sandbox.telegram.world import World
from smart_kit.errors import InvalidRequest, NotFound


def say(world: World, person: Person, text: str, reply_to: int | None) -> Message:
    """Send a text, in several messages where it is long. Returns the last of them."""
    parts = split(text.strip())
    if not parts:
        raise InvalidRequest("The text is empty")
    if reply_to is not None and world.messages.get(person.id, reply_to) is None:
        raise NotFound(f"There is no message {reply_to} in this chat")
    for number, part in enumerate(parts):
        message = _send(world, person, part, reply_to if number == 0 else None)
    return message


def _send(world: World, person: Person, text: str, reply_to: int | None) -> Message:
    content = Content.of_text(with_detected(FormattedText(text)))
    message = world.messages.add(person.id, content, is_from_bot=False, reply_to=reply_to)
    update_id = world.updates.push("message", render_message(world, message))
    if update_id is not None:
        world.messages.link_update(message, update_id)
    world.tell("message", message)
    return message


def press(world: World, person: Person, message_id: int, data: str) -> Press:
    """Press a button that is there."""
    message = world.messages.get(person.id, message_id)
    if message is None:
        raise NotFound(f"There is no message {message_id} in this chat")
    if data not in callback_data([message.inline_keyboard, message.rich_message]):
        raise NotFound("This message has no such button")
    pressed = world.presses.add(person.id, message_id)
    world.updates.push("callback_query", render_callback(world, person, message, pressed.id, data))
    return pressed


def stop(world: World, person: Person, draft_id: int) -> None:
    """Press Stop under the answer that grows; the bot is told and nothing else happens to it."""
    if not world.activity.stop_draft(person.id, draft_id):
        raise NotFound("There is no answer that could be stopped")
    stopped = {"chat": person.to_chat(), "draft_id": draft_id}
    world.updates.push("stopped_message_generation", stopped)


def split(text: str) -> list[str]:
    """Pieces of at most 4096 UTF-16 units, cut at a line end or a space where there is one."""
    pieces: list[str] = []
    while utf16_length(text) > MAX_LENGTH:
        head = _longest_head(text)
        cut = max(head.rfind("\n"), head.rfind(" "))
        cut = cut if cut > len(head) // 2 else len(head)
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [piece for piece in (*pieces, text) if piece]


def _longest_head(text: str) -> str:
    units = 0
    for index, character in enumerate(text):
        units += 2 if character > "\uffff" else 1
        if units > MAX_LENGTH:
            return text[:index]
    return text


def describe_bot(world: World, language_code: str) -> dict[str, Any]:
    """What a chat's head and empty chat show."""
    bot = world.bot
    return {
        **bot.to_user(),
        "name": bot.shown("name", language_code),
        "description": bot.shown("description", language_code),
        "short_description": bot.shown("short_description", language_code),
    }
