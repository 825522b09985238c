"""sendMessage, and the small signals beside it."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.call import MAX_MESSAGE_ID, Call, Method
from sandbox.telegram.errors import bad_request
from sandbox.telegram.markup import read_markup
from sandbox.telegram.meter import MESSAGE, SIGNAL
from sandbox.telegram.reactions import REACTIONS
from sandbox.telegram.render import render_message
from sandbox.telegram.state.messages import Content
from sandbox.telegram.state.people import Person

ACTIONS = (
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


async def send_message(call: Call) -> dict[str, Any]:
    """The message is kept, shown on the page, and returned."""
    return _send(call, lambda: Content.of_text(call.formatted()))


async def send_rich_message(call: Call) -> dict[str, Any]:
    """The same with blocks in place of a text."""
    return _send(call, lambda: Content.of_rich(call.rich()))


def _send(call: Call, read: Callable[[], Content]) -> dict[str, Any]:
    person = call.person()
    call.refuse_thread()
    content = read()
    markup = read_markup(call.parameters)
    message = call.world.messages.add(
        person.id,
        content,
        is_from_bot=True,
        reply_markup=markup,
        reply_to=_replied(call, person),
    )
    call.world.activity.end(person.id)
    call.world.tell("message", message)
    return render_message(call.world, message)


def _replied(call: Call, person: Person) -> int | None:
    """The id of the message that is answered, if it is there."""
    given = call.parameters
    reply = given.json("reply_parameters", "reply parameters JSON object")
    if reply is None:
        message_id = given.integer("reply_to_message_id", low=0, high=MAX_MESSAGE_ID)
        reply = {
            "message_id": message_id,
            "allow_sending_without_reply": given.flag("allow_sending_without_reply"),
        }
    elif not isinstance(reply, dict):
        raise bad_request("object expected as reply parameters")
    message_id = reply.get("message_id") or 0
    if not message_id:
        return None
    message = call.world.messages.get(person.id, int(message_id))
    if message is None:
        if reply.get("allow_sending_without_reply"):
            return None
        raise bad_request("message to be replied not found")
    if str(reply.get("quote") or "") not in message.text:
        raise bad_request("QUOTE_TEXT_INVALID")
    return message.message_id


async def send_chat_action(call: Call) -> bool:
    """Shown for 5 seconds or until the next message."""
    person = call.person()
    action = call.parameters.text("action").lower()
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    call.refuse_thread()
    call.world.activity.act(person.id, action)
    return True


async def set_message_reaction(call: Call) -> bool:
    """At most one emoji of the fixed list; an empty list removes it."""
    person = call.person()
    message = call.message(person, "message to react not found")
    given = call.parameters.json("reaction", "reaction types JSON object") or []
    if not isinstance(given, list):
        raise bad_request("expected an Array of ReactionType")
    if len(given) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    emojis = [one.get("emoji") if isinstance(one, dict) else None for one in given]
    if any(str(emoji).replace("\ufe0f", "") not in REACTIONS for emoji in emojis):
        raise bad_request("REACTION_INVALID")
    call.world.tell("edit", call.world.messages.react(message, emojis[0] if emojis else None))
    return True


_SENT = (
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
    Method(
        "sendMessage",
        (
            *_SENT,
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
    Method("sendRichMessage", (*_SENT, "rich_message"), send_rich_message, MESSAGE),
    Method(
        "sendChatAction",
        ("business_connection_id", "chat_id", "message_thread_id", "action"),
        send_chat_action,
        SIGNAL,
    ),
    Method(
        "setMessageReaction", ("chat_id", "message_id", "reaction", "is_big"), set_message_reaction
    ),
)
