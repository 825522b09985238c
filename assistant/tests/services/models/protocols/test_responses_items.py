"""The items of the Responses API: their order, calls, endings, and billed tokens."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from assistant.src.core.errors import (
    EmptyResponse,
    GenerationFailed,
    MalformedResponse,
    StreamInterrupted,
)
from assistant.src.messages.context_window import MAX_CALLS_PER_RESPONSE
from assistant.src.messages.item import build_tool_result_item
from assistant.tests.services.models.fake_openai_server import (
    JsonObject,
    StubResponse,
    make_stream,
    respond_in_order,
    run_fake_openai_server,
)
from assistant.tests.services.models.fake_responses_api import (
    FUNCTION_CALL,
    REASONING_ITEM,
    USAGE,
    WITH_AND_WITHOUT_STREAMING,
    complete_once,
    make_output_message,
    respond_with_output,
)
from assistant.tests.services.models.model_harness import QUESTION
from smart_kit.json_schema import MAX_CHARACTERS

TEXT_DELTA = {"type": "response.output_text.delta", "delta": "Once"}


@WITH_AND_WITHOUT_STREAMING
@pytest.mark.parametrize(("usage", "tokens"), [(USAGE, (20, 16, 7)), (None, None)], ids=str)
async def test_failed_response_has_the_reported_token_usage(
    usage: Any, tokens: Any, more: Sequence[str]
) -> None:
    failed = {"error": {"code": "server_error"}, "usage": usage}
    sent = StubResponse(json.dumps(failed | {"status": "failed"}))
    if more:
        sent = make_stream(
            [TEXT_DELTA, {"type": "response.failed", "response": failed}], is_done=False
        )
    async with run_fake_openai_server(lambda _: sent) as server:
        with pytest.raises(GenerationFailed) as gave_up:
            await complete_once(server, more=more)

    assert gave_up.value.tokens == tokens


@WITH_AND_WITHOUT_STREAMING
@pytest.mark.parametrize("output", [[None], "none", []], ids=str)
async def test_unusable_output_has_the_reported_token_usage(
    output: Any, more: Sequence[str]
) -> None:
    body = {"status": "completed", "output": output, "usage": USAGE}
    sent = StubResponse(json.dumps(body))
    if more:
        sent = make_stream([{"type": "response.completed", "response": body}])
    async with run_fake_openai_server(lambda _: sent) as server:
        with pytest.raises((MalformedResponse, EmptyResponse)) as failed:
            await complete_once(server, more=more)

    assert failed.value.tokens == (20, 16, 7)


@pytest.mark.parametrize(
    "events",
    [
        [TEXT_DELTA],
        [TEXT_DELTA, {"type": "error", "code": "server_error", "message": "x", "param": None}],
        [TEXT_DELTA, {"type": "error", "error": {"code": "server_error", "message": "x"}}],
    ],
    ids=["no terminal event", "flat error", "nested error"],
)
async def test_stream_without_a_terminal_event_is_retried_once(events: list[JsonObject]) -> None:
    cut = make_stream(events, is_done=False)
    async with run_fake_openai_server(
        respond_in_order(cut, respond_with_output(make_output_message("Done.")))
    ) as server:
        assert (await complete_once(server, more=["streaming"])).text == "Done."
    async with run_fake_openai_server(lambda _: cut) as server:
        with pytest.raises(StreamInterrupted):
            await complete_once(server, more=["streaming"])
        assert len(server.requests) == 2


def make_item_done(**more: Any) -> JsonObject:
    return {"type": "response.output_item.done", **more}


COMPLETED_EVENT = {"type": "response.completed", "response": {"status": "completed", "output": []}}
DONE_MESSAGE = make_output_message("Done.")


@pytest.mark.parametrize(
    "events",
    [
        [make_item_done(item=REASONING_ITEM), make_item_done(item=DONE_MESSAGE)],
        [
            make_item_done(item=DONE_MESSAGE, output_index=1),
            make_item_done(item=REASONING_ITEM, output_index=0),
        ],
        [
            make_item_done(item=REASONING_ITEM),
            make_item_done(),
            make_item_done(item=None),
            make_item_done(item=DONE_MESSAGE),
        ],
    ],
    ids=["in order", "in another order", "one without an item"],
)
async def test_finished_items_replace_a_missing_output(
    events: list[JsonObject],
) -> None:
    async with run_fake_openai_server(
        lambda _: make_stream([*events, COMPLETED_EVENT], is_done=False)
    ) as server:
        completion = await complete_once(server, more=["streaming"])

    assert completion.text == "Done."
    assert completion.extras["output"] == [REASONING_ITEM, DONE_MESSAGE]


DISCARDED_OUTPUTS = [
    [FUNCTION_CALL, FUNCTION_CALL | {"name": "g"}],
    [FUNCTION_CALL, FUNCTION_CALL | {"call_id": ""}],
    [FUNCTION_CALL | {"call_id": str(number)} for number in range(1_000)],
    [FUNCTION_CALL | {"arguments": json.dumps({"a": "x" * MAX_CHARACTERS})}],
]


@WITH_AND_WITHOUT_STREAMING
@pytest.mark.parametrize(
    "output", DISCARDED_OUTPUTS, ids=["equal ids", "no id", "too many", "too long"]
)
async def test_changed_calls_are_sent_in_the_common_form(
    output: list[JsonObject], more: Sequence[str]
) -> None:
    async with run_fake_openai_server(
        respond_in_order(
            respond_with_output(REASONING_ITEM, *output), respond_with_output(DONE_MESSAGE)
        )
    ) as server:
        first = await complete_once(server, more=more)
        results = [build_tool_result_item(call.id, "4") for call in first.calls]
        last = await complete_once(server, QUESTION, first.item, *results, more=more)

    assert last.text == "Done."
    assert (first.extras, len(first.calls)) == ({}, min(len(output), MAX_CALLS_PER_RESPONSE))
    sent = server.requests[1]["input"]
    assert len(json.dumps(sent)) < MAX_CHARACTERS
    called = [one["call_id"] for one in sent if one.get("type") == "function_call"]
    answered = [one["call_id"] for one in sent if one.get("type") == "function_call_output"]
    assert called == answered == [call.id for call in first.calls]
    assert len(set(called)) == len(called)
