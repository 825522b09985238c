"""Answers to pressed buttons."""

from sandbox.telegram.call import Call, Method
from sandbox.telegram.errors import bad_request
from sandbox.telegram.state.feed import Event

MAX_TEXT = 200


async def answer_callback_query(call: Call) -> bool:
    """The button stops spinning; a text becomes a toast, or a window with `show_alert`."""
    given = call.parameters
    text = given.text("text")
    if len(text) > MAX_TEXT:
        raise bad_request("MESSAGE_TOO_LONG")
    press = call.world.presses.answer(given.text("callback_query_id"))
    if press is None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    answer = {
        "callback_query_id": press.id,
        "message_id": press.message_id,
        "person_id": press.person_id,
        "text": text,
        "show_alert": given.flag("show_alert"),
    }
    call.world.feed.publish(Event("answer", press.person_id, answer))
    return True


METHODS = (
    Method(
        "answerCallbackQuery",
        ("callback_query_id", "text", "show_alert", "url", "cache_time"),
        answer_callback_query,
    ),
)
