"""Drafts: a preview of an answer while it is generated, which the user may stop."""

from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import ApiMethod, MethodCall
from sandbox.telegram.rate_limiter import CHAT_ACTION
from sandbox.telegram.state.activity import Draft
from sandbox.telegram.state.messages import MessageContent

_DRAFT_PARAMETERS = ("chat_id", "message_thread_id", "draft_id", "can_stop", "keep_on_stop")


async def send_message_draft(call: MethodCall) -> bool:
    """Show a draft for 30 seconds or until the bot's next message."""
    return _update_draft(call, MessageContent.from_text(call.parse_text(may_be_empty=True)))


async def send_rich_message_draft(call: MethodCall) -> bool:
    """Show a rich draft; only drafts may contain a `thinking` block."""
    return _update_draft(call, MessageContent.from_rich(call.parse_rich_message(is_draft=True)))


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


METHODS = (
    ApiMethod(
        "sendMessageDraft",
        (*_DRAFT_PARAMETERS, "text", "parse_mode", "entities"),
        send_message_draft,
        CHAT_ACTION,
    ),
    ApiMethod(
        "sendRichMessageDraft",
        (*_DRAFT_PARAMETERS, "rich_message"),
        send_rich_message_draft,
        CHAT_ACTION,
    ),
)
