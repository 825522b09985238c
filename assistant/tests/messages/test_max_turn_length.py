"""The longest possible turn is stored, and the next turn shows it."""

import json

from assistant.src.core.turn import MAX_TOOL_CALLS
from assistant.src.messages.context_window import MAX_CALLS_PER_RESPONSE, MAX_TURN_ITEMS
from assistant.tests.harness import AssistantHarness
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response

GET_TIME = ("get_time", {})


async def test_longest_turn_fits_into_the_next_window(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    one_by_one = [make_tool_call_response(GET_TIME)] * (MAX_TOOL_CALLS - 1)
    model.add_steps(
        *one_by_one, make_tool_call_response(*[GET_TIME] * 3_000), "It is late.", "Good night."
    )
    await harness.say("What time is it?")
    await harness.say("Oh.")

    reply = model.requests[-1].messages
    assert len(reply) == 1 + MAX_TURN_ITEMS + 1
    assert reply[1]["content"].endswith("What time is it?")
    assert len(reply[-MAX_CALLS_PER_RESPONSE - 3]["tool_calls"]) == MAX_CALLS_PER_RESPONSE
    assert "Not run" in reply[-3]["content"]


async def test_arguments_that_no_tool_takes_are_in_no_record_and_no_later_request(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(
        make_tool_call_response(("get_time", {"place": "x" * 1_000_000})),
        "It is late.",
        "Good night.",
    )
    await harness.say("What time is it?")
    (record,) = await harness.read_turn_records()
    await harness.say("Oh.")

    assert len(record.model_dump_json()) < 10_000
    assert [one["role"] for one in model.requests[-1].messages[1:5]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    (call,) = model.requests[-1].messages[2]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {}
    assert "more briefly" in model.requests[-1].messages[3]["content"]
