"""Methods that send messages, drafts, chat actions and answers to pressed buttons."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.api_objects import build_api_message
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MAX_MESSAGE_ID, MethodCall
from sandbox.telegram.reply_markup import parse_reply_markup
from sandbox.telegram.state.activity import Draft
from sandbox.telegram.state.messages import MessageContent
from sandbox.telegram.state.people import Person

MAX_ANSWER_LENGTH = 200
_CHAT_ACTIONS = (
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document "
    "choose_sticker find_location record_video_note upload_video_note"
)
CHAT_ACTIONS = frozenset(_CHAT_ACTIONS.split())


async def send_message(call: MethodCall) -> dict[str, Any]:
    """Send a text message."""
    return _send(call, call.parse_text)


async def send_rich_message(call: MethodCall) -> dict[str, Any]:
    """Send a rich message."""
    return _send(call, call.parse_rich_message)


def _send(call: MethodCall, parse_content: Callable[[], MessageContent]) -> dict[str, Any]:
    person = call.get_person()
    call.reject_thread()
    content = parse_content()
    message = call.state.messages.add(
        person.id,
        content,
        is_from_bot=True,
        reply_markup=parse_reply_markup(call.parameters),
        reply_to=_find_reply_target(call, person),
    )
    call.state.activity.clear(person.id)
    call.state.publish_message("message", message)
    return build_api_message(call.state, message)


def _find_reply_target(call: MethodCall, person: Person) -> int | None:
    """Return the id of the message to reply to, or None. Raises BotApiError if it is missing."""
    given = call.parameters
    reply = given.get_json("reply_parameters", "reply parameters JSON object")
    if reply is None:
        reply = {
            "message_id": given.get_int("reply_to_message_id", low=0, high=MAX_MESSAGE_ID),
            "allow_sending_without_reply": given.get_bool("allow_sending_without_reply"),
        }
    elif not isinstance(reply, dict):
        raise bad_request("object expected as reply parameters")
    if not reply.get("message_id"):
        return None
    message = call.state.messages.get(person.id, int(reply["message_id"]))
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


async def send_message_draft(call: MethodCall) -> bool:
    """Show a draft for 30 seconds or until the bot's next message."""
    return _update_draft(call, call.parse_text(may_be_empty=True))


async def send_rich_message_draft(call: MethodCall) -> bool:
    """Show a rich draft; only drafts may contain a `thinking` block."""
    return _update_draft(call, call.parse_rich_message(is_draft=True))


def _update_draft(call: MethodCall, content: MessageContent) -> bool:
    given = call.parameters
    chat_id = given.get_text("chat_id")
    if chat_id and not chat_id.isdecimal():
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    person = call.get_person()
    call.reject_thread()
    draft_id = given.get_int("draft_id", low=-(2**63), high=2**63 - 1)
    if draft_id == 0:
        raise bad_request("RANDOM_ID_INVALID")
    can_stop, keep_on_stop = given.get_bool("can_stop"), given.get_bool("keep_on_stop")
    call.state.activity.update_draft(person.id, Draft(draft_id, content, can_stop, keep_on_stop))
    return True


async def answer_callback_query(call: MethodCall) -> bool:
    """Answer a button press; a text is shown as a toast, or as an alert with `show_alert`."""
    given = call.parameters
    text = given.get_text("text")
    if len(text) > MAX_ANSWER_LENGTH:
        raise bad_request("MESSAGE_TOO_LONG")
    query = call.state.callback_queries.mark_answered(given.get_text("callback_query_id"))
    if query is None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    answer = {"callback_query_id": query.id, "message_id": query.message_id, "text": text}
    answer["show_alert"] = given.get_bool("show_alert")
    call.state.event_bus.publish("answer", query.person_id, answer)
    return True
