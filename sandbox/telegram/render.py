"""Stored messages as the Bot API writes them."""

from typing import Any

from sandbox.telegram.state.messages import Message
from sandbox.telegram.state.people import Person
from sandbox.telegram.world import World


def render_message(world: World, message: Message, *, with_reply: bool = True) -> dict[str, Any]:
    """A `Message`; what it replies to comes along, but not what that replied to."""
    person = world.people.get(message.person_id)
    assert person is not None, "a message belongs to a person by foreign key"
    shown: dict[str, Any] = {
        "message_id": message.message_id,
        "from": world.bot.to_user() if message.is_from_bot else person.to_user(),
        "chat": person.to_chat(),
        "date": message.date,
        **_content(world, message),
    }
    if message.edit_date is not None:
        shown["edit_date"] = message.edit_date
    if message.inline_keyboard:
        shown["reply_markup"] = {"inline_keyboard": message.inline_keyboard}
    if with_reply and message.reply_to is not None:
        original = world.messages.get(person.id, message.reply_to)
        if original:
            shown["reply_to_message"] = render_message(world, original, with_reply=False)
    return shown


def render_callback(
    world: World, person: Person, message: Message, press_id: str, data: str
) -> dict[str, Any]:
    """A `CallbackQuery`."""
    return {
        "id": press_id,
        "from": person.to_user(),
        "message": render_message(world, message),
        "chat_instance": str(person.id * 7919),
        "data": data,
    }


def _content(world: World, message: Message) -> dict[str, Any]:
    """A rich message has no text."""
    if message.rich_message is not None:
        return {"rich_message": _with_users(world, message.rich_message)}
    if not message.entities:
        return {"text": message.text}
    entities = [_full_entity(world, entity) for entity in message.entities]
    return {"text": message.text, "entities": entities}


def _with_users(world: World, given: Any) -> Any:
    """Whoever is mentioned by id comes whole; nobody's mention is plain text."""
    if isinstance(given, list):
        return [_with_users(world, one) for one in given]
    if not isinstance(given, dict):
        return given
    shown = {name: _with_users(world, value) for name, value in given.items()}
    if given.get("type") != "text_mention":
        return shown
    person = world.people.get(given["user"].get("id", 0))
    return shown | {"user": person.to_user()} if person else shown["text"]


def _full_entity(world: World, entity: dict[str, Any]) -> dict[str, Any]:
    """A mention by id carries the whole user."""
    if entity["type"] != "text_mention":
        return entity
    person = world.people.get(entity["user"]["id"])
    return entity | ({"user": person.to_user()} if person else {})
