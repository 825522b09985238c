"""sendMessageDraft: an answer that grows before it is sent."""

from sandbox.telegram.call import Call, Method
from sandbox.telegram.errors import bad_request


async def send_message_draft(call: Call) -> bool:
    """Shown for 30 seconds after the last frame or until the next message; never stored."""
    person = call.person()
    call.refuse_thread()
    draft_id = call.parameters.integer("draft_id", low=-(2**63), high=2**63 - 1)
    if draft_id == 0:
        raise bad_request("RANDOM_ID_INVALID")
    content = call.formatted(may_be_empty=True)
    call.world.activity.write(
        person.id,
        {"draft_id": str(draft_id), "text": content.text, "entities": content.entities_json()},
    )
    return True


METHODS = (
    Method(
        "sendMessageDraft",
        (
            "chat_id",
            "message_thread_id",
            "draft_id",
            "text",
            "parse_mode",
            "entities",
            "can_stop",
            "keep_on_stop",
        ),
        send_message_draft,
    ),
)
