"""Drafts: an answer that grows before it is sent, which the reader may stop."""

from sandbox.telegram.call import Call, Method
from sandbox.telegram.errors import bad_request
from sandbox.telegram.meter import SIGNAL
from sandbox.telegram.state.activity import Draft
from sandbox.telegram.state.messages import Content

_DRAFTED = ("chat_id", "message_thread_id", "draft_id", "can_stop", "keep_on_stop")


async def send_message_draft(call: Call) -> bool:
    """Shown for 30 seconds after the last frame or until the next message; never stored."""
    return _write(call, Content.of_text(call.formatted(may_be_empty=True)))


async def send_rich_message_draft(call: Call) -> bool:
    """The same with blocks; only here they may say that the bot thinks."""
    return _write(call, Content.of_rich(call.rich(is_draft=True)))


def _write(call: Call, content: Content) -> bool:
    given = call.parameters
    chat_id = given.text("chat_id")
    if chat_id and not chat_id.isdecimal():
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    person = call.person()
    call.refuse_thread()
    draft_id = given.integer("draft_id", low=-(2**63), high=2**63 - 1)
    if draft_id == 0:
        raise bad_request("RANDOM_ID_INVALID")
    can_stop, keep_on_stop = given.flag("can_stop"), given.flag("keep_on_stop")
    call.world.activity.write(person.id, Draft(draft_id, content, can_stop, keep_on_stop))
    return True


METHODS = (
    Method(
        "sendMessageDraft",
        (*_DRAFTED, "text", "parse_mode", "entities"),
        send_message_draft,
        SIGNAL,
    ),
    Method("sendRichMessageDraft", (*_DRAFTED, "rich_message"), send_rich_message_draft, SIGNAL),
)
