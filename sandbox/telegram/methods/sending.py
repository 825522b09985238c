"""Methods that send messages and chat actions."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MAX_MESSAGE_ID, ApiMethod, MethodCall
from sandbox.telegram.rate_limiter import CHAT_ACTION, MESSAGE
from sandbox.telegram.render import render_message
from sandbox.telegram.reply_markup import parse_reply_markup
from sandbox.telegram.state.messages import MessageContent
from sandbox.telegram.state.people import Person

CHAT_ACTIONS = (
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
)


async def send_message(call: MethodCall) -> dict[str, Any]:
    """Send a text message."""
    return _send(call, lambda: MessageContent.from_text(call.parse_text()))


async def send_rich_message(call: MethodCall) -> dict[str, Any]:
    """Send a rich message."""
    return _send(call, lambda: MessageContent.from_rich(call.parse_rich_message()))


def _send(call: MethodCall, parse_content: Callable[[], MessageContent]) -> dict[str, Any]:
    person = call.get_person()
    call.reject_thread()
    content = parse_content()
    markup = parse_reply_markup(call.parameters)
    message = call.state.messages.add(
        person.id,
        content,
        is_from_bot=True,
        reply_markup=markup,
        reply_to=_find_reply_target(call, person),
    )
    call.state.activity.clear(person.id)
    call.state.publish_message("message", message)
    return render_message(call.state, message)


def _find_reply_target(call: MethodCall, person: Person) -> int | None:
    """Return the id of the message to reply to, or None. Raises BotApiError where it is missing."""
    given = call.parameters
    reply = given.get_json("reply_parameters", "reply parameters JSON object")
    if reply is None:
        message_id = given.get_int("reply_to_message_id", low=0, high=MAX_MESSAGE_ID)
        reply = {
            "message_id": message_id,
            "allow_sending_without_reply": given.get_bool("allow_sending_without_reply"),
        }
    elif not isinstance(reply, dict):
        raise bad_request("object expected as reply parameters")
    message_id = reply.get("message_id") or 0
    if not message_id:
        return None
    message = call.state.messages.get(person.id, int(message_id))
    if message is None:
        if reply.get("allow_sending_without_reply"):
            return None
        raise bad_request("message to be replied not found")
    if str(reply.get("quote") or "") not in message.text:
        raise bad_request("QUOTE_TEXT_INVALID")
    return message.message_id


async def send_chat_action(call: MethodCall) -> bool:
    """Show a chat action for 5 seconds or until the bot's next message."""
    person = call.get_person()
    action = call.parameters.get_text("action").lower()
    if action not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    call.reject_thread()
    call.state.activity.start_action(person.id, action)
    return True


_SEND_PARAMETERS = (
    "business_connection_id",
    "chat_id",
    "message_thread_id",
    "direct_messages_topic_id",
    "disable_notification",
    "protect_content",
    "allow_paid_broadcast",
    "message_effect_id",
    "suggested_post_parameters",
    "reply_parameters",
    "reply_markup",
    "ephemeral_message_parameters",
)
METHODS = (
    ApiMethod(
        "sendMessage",
        (
            *_SEND_PARAMETERS,
            "text",
            "parse_mode",
            "entities",
            "link_preview_options",
            "reply_to_message_id",
            "allow_sending_without_reply",
            "disable_web_page_preview",
        ),
        send_message,
        MESSAGE,
    ),
    ApiMethod("sendRichMessage", (*_SEND_PARAMETERS, "rich_message"), send_rich_message, MESSAGE),
    ApiMethod(
        "sendChatAction",
        ("business_connection_id", "chat_id", "message_thread_id", "action"),
        send_chat_action,
        CHAT_ACTION,
    ),
)
