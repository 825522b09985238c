"""Methods that edit and delete messages."""

import time
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import ApiMethod, MethodCall
from sandbox.telegram.rate_limiter import MESSAGE
from sandbox.telegram.render import render_message
from sandbox.telegram.reply_markup import parse_inline_keyboard_markup
from sandbox.telegram.state.event_bus import ChatEvent
from sandbox.telegram.state.messages import Message, MessageContent

DELETE_WINDOW_SECONDS = 48 * 3600
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)


async def edit_message_text(call: MethodCall) -> dict[str, Any]:
    """Replace the text or rich message; without `reply_markup` the buttons are removed."""
    message = _get_own_message(call)
    content = _parse_content(call)
    markup = parse_inline_keyboard_markup(call.parameters)
    if content == message.content and markup == message.reply_markup:
        raise bad_request(_NOT_MODIFIED)
    edited = call.state.messages.edit(message, content, markup)
    call.state.publish_message("edit", edited)
    return render_message(call.state, edited)


def _parse_content(call: MethodCall) -> MessageContent:
    """Parse the text or the rich message; Telegram's error for both is not documented."""
    if call.parameters.is_missing("rich_message"):
        return MessageContent.from_text(call.parse_text())
    if not call.parameters.is_missing("text"):
        raise bad_request("exactly one of text and rich_message must be specified")
    return MessageContent.from_rich(call.parse_rich_message())


async def edit_message_reply_markup(call: MethodCall) -> dict[str, Any]:
    """Replace or remove the inline keyboard."""
    message = _get_own_message(call)
    markup = parse_inline_keyboard_markup(call.parameters)
    if markup == message.reply_markup:
        raise bad_request(_NOT_MODIFIED)
    edited = call.state.messages.edit_markup(message, markup)
    call.state.publish_message("edit", edited)
    return render_message(call.state, edited)


def _get_own_message(call: MethodCall) -> Message:
    if call.parameters.get_text("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    message = call.get_message(call.get_person(), "message to edit not found")
    if not message.is_from_bot:
        raise bad_request("message can't be edited")
    return message


async def delete_message(call: MethodCall) -> bool:
    """Delete a message of either side that is at most 48 hours old."""
    person = call.get_person()
    message = call.get_message(person, "message to delete not found")
    if message.date < time.time() - DELETE_WINDOW_SECONDS:
        raise bad_request("message can't be deleted")
    call.state.messages.delete(message)
    deleted = {"message_id": message.message_id, "person_id": person.id}
    call.state.event_bus.publish(ChatEvent("delete", person.id, deleted))
    return True


METHODS = (
    ApiMethod(
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
    ApiMethod(
        "editMessageReplyMarkup",
        ("business_connection_id", "chat_id", "message_id", "inline_message_id", "reply_markup"),
        edit_message_reply_markup,
        MESSAGE,
    ),
    ApiMethod("deleteMessage", ("chat_id", "message_id"), delete_message),
)
