"""Methods that edit and delete messages."""

import time
from typing import Any

from sandbox.telegram.api_objects import build_api_message
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.reply_markup import parse_inline_keyboard_markup
from sandbox.telegram.state.messages import Message, MessageContent

DELETE_WINDOW_SECONDS = 48 * 3600
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)


async def edit_message_text(call: MethodCall) -> dict[str, Any]:
    """Replace the text or rich message; without `reply_markup` the buttons are removed."""
    return _edit(call, _get_own_message(call), _parse_content(call))


async def edit_message_reply_markup(call: MethodCall) -> dict[str, Any]:
    """Replace or remove the inline keyboard."""
    return _edit(call, _get_own_message(call), None)


def _edit(call: MethodCall, message: Message, content: MessageContent | None) -> dict[str, Any]:
    markup = parse_inline_keyboard_markup(call.parameters)
    if content in (None, message.content) and markup == message.reply_markup:
        raise bad_request(_NOT_MODIFIED)
    edited = call.state.messages.edit(message, markup, content)
    call.state.publish_message("edit", edited)
    return build_api_message(call.state, edited)


def _parse_content(call: MethodCall) -> MessageContent:
    """Parse the text or the rich message; Telegram's error for both is not documented."""
    if call.parameters.is_missing("rich_message"):
        return call.parse_text()
    if not call.parameters.is_missing("text"):
        raise bad_request("exactly one of text and rich_message must be specified")
    return call.parse_rich_message()


def _get_own_message(call: MethodCall) -> Message:
    if call.parameters.get_text("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    message = call.get_message(call.get_person(), "message to edit not found")
    if not message.is_from_bot:
        raise bad_request("message can't be edited")
    return message


async def delete_message(call: MethodCall) -> bool:
    """Delete a message of either side that is at most 48 hours old."""
    message = call.get_message(call.get_person(), "message to delete not found")
    if message.date < time.time() - DELETE_WINDOW_SECONDS:
        raise bad_request("message can't be deleted")
    call.state.messages.delete(message)
    data = {"message_id": message.message_id}
    call.state.event_bus.publish("delete", message.person_id, data)
    return True
