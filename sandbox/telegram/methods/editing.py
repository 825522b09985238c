"""Changing and deleting what was sent."""

import time
from typing import Any

from sandbox.telegram.call import Call, Method
from sandbox.telegram.errors import bad_request
from sandbox.telegram.markup import read_inline_markup
from sandbox.telegram.meter import MESSAGE
from sandbox.telegram.render import render_message
from sandbox.telegram.state.feed import Event
from sandbox.telegram.state.messages import Content, Message

DELETABLE_SECONDS = 48 * 3600
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)


async def edit_message_text(call: Call) -> dict[str, Any]:
    """Another text or rich message; without `reply_markup` the buttons go."""
    message = _own_message(call)
    content = _content(call)
    markup = read_inline_markup(call.parameters)
    if content == message.content and markup == message.reply_markup:
        raise bad_request(_NOT_MODIFIED)
    edited = call.world.messages.edit(message, content, markup)
    call.world.tell("edit", edited)
    return render_message(call.world, edited)


def _content(call: Call) -> Content:
    """One of the two; what Telegram says to both is not documented."""
    if call.parameters.is_missing("rich_message"):
        return Content.of_text(call.formatted())
    if not call.parameters.is_missing("text"):
        raise bad_request("exactly one of text and rich_message must be specified")
    return Content.of_rich(call.rich())


async def edit_message_reply_markup(call: Call) -> dict[str, Any]:
    """Other buttons, or none."""
    message = _own_message(call)
    markup = read_inline_markup(call.parameters)
    if markup == message.reply_markup:
        raise bad_request(_NOT_MODIFIED)
    edited = call.world.messages.edit_markup(message, markup)
    call.world.tell("edit", edited)
    return render_message(call.world, edited)


def _own_message(call: Call) -> Message:
    if call.parameters.text("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    message = call.message(call.person(), "message to edit not found")
    if not message.is_from_bot:
        raise bad_request("message can't be edited")
    return message


async def delete_message(call: Call) -> bool:
    """Either side's message, for 48 hours."""
    person = call.person()
    message = call.message(person, "message to delete not found")
    if message.date < time.time() - DELETABLE_SECONDS:
        raise bad_request("message can't be deleted")
    call.world.messages.delete(message)
    gone = {"message_id": message.message_id, "person_id": person.id}
    call.world.feed.publish(Event("delete", person.id, gone))
    return True


METHODS = (
    Method(
        "editMessageText",
        (
            "business_connection_id",
            "chat_id",
            "message_id",
            "inline_message_id",
            "text",
            "parse_mode",
            "entities",
            "rich_message",
            "link_preview_options",
            "reply_markup",
            "disable_web_page_preview",
        ),
        edit_message_text,
        MESSAGE,
    ),
    Method(
        "editMessageReplyMarkup",
        ("business_connection_id", "chat_id", "message_id", "inline_message_id", "reply_markup"),
        edit_message_reply_markup,
        MESSAGE,
    ),
    Method("deleteMessage", ("chat_id", "message_id"), delete_message),
)
