"""Conversations that are too long for a model."""

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import make_assistant, make_secretary, make_tool
from smart_kit.contracts.queue import Notice
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_text_response,
    make_tool_call_response,
)

CONTEXT_LENGTH_EXCEEDED = make_error_response(
    400, {"error": {"code": "context_length_exceeded", "message": "too many tokens"}}
)


async def test_a_conversation_too_long_for_the_model_is_shortened(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("One.", "Two.", "Three.")
    for text in ("1", "2", "3"):
        await harness.say(text)
    model.add_steps(CONTEXT_LENGTH_EXCEEDED, "Four.")

    assert (await harness.say("4")).text == "Four."
    before, after = model.requests[3].messages, model.requests[4].messages
    assert len(before) == 8
    assert [message["role"] for message in after] == ["system", "user", "assistant", "user"]


async def test_smaller_model_continues_the_conversation_of_a_larger_model(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """Even one message that is longer than all others together is dropped in the end."""
    model.add_steps("One.", "x" * 5_000, *["Again."] * 5)
    for text in ("1", "2", "3", "4", "5", "6", "7"):
        await harness.say(text)
    limits = {"most": 6_000}

    def respond_within_limit(request: RecordedRequest) -> ScriptedResponse:
        return (
            CONTEXT_LENGTH_EXCEEDED
            if len(request.raw) > limits["most"]
            else make_text_response("Well.")
        )

    first_request = len(model.requests)
    model.add_steps(*[respond_within_limit] * 12)
    assert (await harness.say("8")).text == "Well."
    assert [len(one.messages) for one in model.requests[first_request:]] == [16, 12]
    limits["most"] = len(model.requests[-1].raw) - sum(
        len(one["content"]) for one in model.requests[-1].messages[1:-1]
    )
    first_request = len(model.requests)
    assert (await harness.say("9")).text == "Well."
    assert [len(one.messages) for one in model.requests[first_request:]][-1] == 2, (
        "the newest message alone"
    )
    assert len(model.requests) - first_request == 4
    assert (await harness.say("10")).text == "Well."


async def test_a_message_too_long_by_itself_ends_in_a_notice(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("One.", *[CONTEXT_LENGTH_EXCEEDED] * 4)
    await harness.say("1")
    reply = await harness.say("2")

    assert isinstance(reply, Notice)
    assert reply.notice == "turn_failed"


def reject_models(*names: str) -> object:
    """A server on which every conversation is too long for these models."""
    return lambda request: (
        CONTEXT_LENGTH_EXCEEDED
        if request.body["model"] in names
        else make_text_response(f"From {request.body['model']}.")
    )


async def test_next_model_gets_the_whole_conversation(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("One.", "Two.")
    for text in ("1", "2"):
        await harness.say(text)
    await harness.configure(
        make_secretary(make_tool("get_time"), model="small", fallback_models=("big", "unasked")),
        version=2,
    )
    model.add_steps(*[reject_models("small")] * 6)
    reply = await harness.say("3")

    assert reply.text == "From big."
    assert [one.body["model"] for one in model.requests[2:]] == ["small"] * 3 + ["big"]
    assert [len(one.messages) for one in model.requests[2:]] == [6, 4, 2, 6]
    (*_, record) = await harness.read_turn_records()
    assert [one.model for one in record.steps[0].failures] == ["small"] * 3


async def test_turn_does_not_repeat_a_request_that_was_too_long(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(
            make_tool("ask_assistant", "ask_poet", sub_assistant="Poet"),
            model="small",
            fallback_models=("big",),
        ),
        make_assistant("Poet", model="small"),
        version=2,
    )
    model.add_steps(
        CONTEXT_LENGTH_EXCEEDED,
        make_tool_call_response(("ask_poet", {"message": "x"})),
        "Drip, drop.",
        reject_models("small"),
    )
    reply = await harness.say("a verse?")

    assert reply.text == "From big."
    request = [one.body["model"] for one in model.requests]
    assert request == ["small", "big", "small", "big"], "its own one is short enough"


async def test_failed_model_is_not_retried_after_a_too_small_model(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("One.")
    await harness.say("1")
    await harness.configure(
        make_secretary(make_tool("get_time"), model="broken", fallback_models=("small",)), version=2
    )
    model.add_steps(make_text_response(""), make_text_response(""), CONTEXT_LENGTH_EXCEEDED, "Two.")
    reply = await harness.say("2")

    assert reply.text == "Two."
    assert [one.body["model"] for one in model.requests[1:]] == ["broken"] * 2 + ["small"] * 2
    (*_, record) = await harness.read_turn_records()
    assert [one.model for one in record.steps[0].failures] == ["broken", "broken", "small"]


async def test_a_conversation_too_long_for_everybody_ends_in_a_notice(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_tool("get_time"), model="small", fallback_models=("smaller",)),
        version=2,
    )
    model.add_steps(*[reject_models("small", "smaller")] * 4)
    reply = await harness.say("hi")

    assert isinstance(reply, Notice)
    assert reply.notice == "turn_failed"
    assert [one.body["model"] for one in model.requests] == ["small", "smaller"]
