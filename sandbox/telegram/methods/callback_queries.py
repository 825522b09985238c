"""answerCallbackQuery."""

from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import ApiMethod, MethodCall
from sandbox.telegram.state.event_bus import ChatEvent

MAX_ANSWER_LENGTH = 200


async def answer_callback_query(call: MethodCall) -> bool:
    """Answer a button press; a text is shown as a toast, or as an alert with `show_alert`."""
    given = call.parameters
    text = given.get_text("text")
    if len(text) > MAX_ANSWER_LENGTH:
        raise bad_request("MESSAGE_TOO_LONG")
    callback_query = call.state.callback_queries.mark_answered(given.get_text("callback_query_id"))
    if callback_query is None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    answer = {
        "callback_query_id": callback_query.id,
        "message_id": callback_query.message_id,
        "person_id": callback_query.person_id,
        "text": text,
        "show_alert": given.get_bool("show_alert"),
    }
    call.state.event_bus.publish(ChatEvent("answer", callback_query.person_id, answer))
    return True


METHODS = (
    ApiMethod(
        "answerCallbackQuery",
        ("callback_query_id", "text", "show_alert", "url", "cache_time"),
        answer_callback_query,
    ),
)
