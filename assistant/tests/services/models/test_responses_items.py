"""The items of the Responses API: their order, their calls, their ends, and what was billed."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from assistant.src.core.errors import (
    CutOff,
    EmptyAnswer,
    GaveUp,
    Unreadable,
)
from assistant.src.messages.item import tool_item
from assistant.src.messages.window import MOST_CALLS
from assistant.tests.services.models.model_harness import QUESTION
from assistant.tests.services.models.openai_compatible_server import (
    HttpAnswer,
    JsonObject,
    in_turn,
    running_server,
    stream,
)
from assistant.tests.services.models.responses_api_server import (
    CALL,
    THOUGHT,
    USAGE,
    WHOLE_AND_STREAMED,
    answers,
    ask,
    message,
)
from smart_kit.argument_schema import MOST_CHARACTERS

STARTED = {"type": "response.output_text.delta", "delta": "Once"}


@WHOLE_AND_STREAMED
@pytest.mark.parametrize(("usage", "tokens"), [(USAGE, (20, 16, 7)), (None, None)], ids=str)
async def test_what_was_billed_for_a_failure_is_known_as_far_as_it_was_said(
    usage: Any, tokens: Any, more: Sequence[str]
) -> None:
    failed = {"error": {"code": "server_error"}, "usage": usage}
    sent = HttpAnswer(json.dumps(failed | {"status": "failed"}))
    if more:
        sent = stream([STARTED, {"type": "response.failed", "response": failed}], is_done=False)
    async with running_server(lambda _: sent) as server:
        with pytest.raises(GaveUp) as gave_up:
            await ask(server, more=more)

    assert gave_up.value.tokens == tokens


@WHOLE_AND_STREAMED
@pytest.mark.parametrize("output", [[None], "none", []], ids=str)
async def test_what_was_billed_for_no_answer_is_known(output: Any, more: Sequence[str]) -> None:
    body = {"status": "completed", "output": output, "usage": USAGE}
    sent = HttpAnswer(json.dumps(body))
    if more:
        sent = stream([{"type": "response.completed", "response": body}])
    async with running_server(lambda _: sent) as server:
        with pytest.raises((Unreadable, EmptyAnswer)) as failed:
            await ask(server, more=more)

    assert failed.value.tokens == (20, 16, 7)


@pytest.mark.parametrize(
    "events",
    [
        [STARTED],
        [STARTED, {"type": "error", "code": "server_error", "message": "x", "param": None}],
        [STARTED, {"type": "error", "error": {"code": "server_error", "message": "x"}}],
    ],
    ids=["no terminal event", "flat error", "nested error"],
)
async def test_a_stream_without_its_end_is_asked_for_once_more(events: list[JsonObject]) -> None:
    cut = stream(events, is_done=False)
    async with running_server(in_turn(cut, answers(message("Done.")))) as server:
        assert (await ask(server, more=["streaming"])).text == "Done."
    async with running_server(lambda _: cut) as server:
        with pytest.raises(CutOff):
            await ask(server, more=["streaming"])
        assert len(server.asked) == 2


def item_done(**more: Any) -> JsonObject:
    return {"type": "response.output_item.done", **more}


END = {"type": "response.completed", "response": {"status": "completed", "output": []}}
SAID = message("Done.")


@pytest.mark.parametrize(
    "events",
    [
        [item_done(item=THOUGHT), item_done(item=SAID)],
        [item_done(item=SAID, output_index=1), item_done(item=THOUGHT, output_index=0)],
        [item_done(item=THOUGHT), item_done(), item_done(item=None), item_done(item=SAID)],
    ],
    ids=["in order", "in another order", "one without an item"],
)
async def test_items_are_taken_as_they_were_done_where_the_terminal_event_has_none(
    events: list[JsonObject],
) -> None:
    async with running_server(lambda _: stream([*events, END], is_done=False)) as server:
        completion = await ask(server, more=["streaming"])

    assert completion.text == "Done."
    assert completion.added["output"] == [THOUGHT, SAID]


NOT_KEPT = [
    [CALL, CALL | {"name": "g"}],
    [CALL, CALL | {"call_id": ""}],
    [CALL | {"call_id": str(number)} for number in range(1_000)],
    [CALL | {"arguments": json.dumps({"a": "x" * MOST_CHARACTERS})}],
]


@WHOLE_AND_STREAMED
@pytest.mark.parametrize("output", NOT_KEPT, ids=["equal ids", "no id", "too many", "too long"])
async def test_calls_that_go_back_otherwise_than_they_came_go_as_everybody_understands_them(
    output: list[JsonObject], more: Sequence[str]
) -> None:
    async with running_server(in_turn(answers(THOUGHT, *output), answers(SAID))) as server:
        first = await ask(server, more=more)
        results = [tool_item(call.id, "4") for call in first.calls]
        last = await ask(server, QUESTION, first.item, *results, more=more)

    assert last.text == "Done."
    assert (first.added, len(first.calls)) == ({}, min(len(output), MOST_CALLS))
    sent = server.asked[1]["input"]
    assert len(json.dumps(sent)) < MOST_CHARACTERS
    called = [one["call_id"] for one in sent if one.get("type") == "function_call"]
    answered = [one["call_id"] for one in sent if one.get("type") == "function_call_output"]
    assert called == answered == [call.id for call in first.calls]
    assert len(set(called)) == len(called)
