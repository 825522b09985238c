"""Fakes of OpenAI-compatible providers, as functions of a request, and a turn with one of them.

Asked a question, they call something; given the results, they say "Done." What a server needs to be
content it checks itself: it refuses as the real one does.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from assistant.src.messages.completion import Completion
from assistant.src.messages.item import Item, tool_item
from assistant.src.services.models.client import ModelClient
from assistant.tests.services.models.model_harness import (
    QUESTION,
    fake_turn,
    model_request,
    served_model,
)
from assistant.tests.services.models.openai_compatible_server import (
    CompatibleServer,
    HttpAnswer,
    JsonObject,
    Respond,
    calling_in,
    delta,
    refuses,
    results_in,
    stream,
    whole,
)

USAGE = {"prompt_tokens": 10, "completion_tokens": 5}


def call(name: str, arguments: Any, **more: Any) -> JsonObject:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def piece(arguments: str, **more: Any) -> JsonObject:
    return {"function": {"arguments": arguments}, **more}


def calling(*calls: JsonObject, chunks: Sequence[JsonObject] = (), **message: Any) -> Respond:
    """Calls in one piece; streamed in these chunks, or each in a chunk of its own."""
    pieces = chunks or [delta(tool_calls=[one]) for one in calls]

    def respond(body: JsonObject) -> HttpAnswer:
        if body.get("stream"):
            grown = [delta(**message)] if message else []
            return stream([*grown, *pieces, delta("tool_calls"), {"choices": [], "usage": USAGE}])
        return whole({"content": None, "tool_calls": list(calls), **message}, "tool_calls")

    return respond


def done(body: JsonObject) -> HttpAnswer:
    if body.get("stream"):
        return stream([delta(content="Do"), delta(content="ne."), delta("stop")])
    return whole({"content": "Done."}, usage=USAGE)


def turn(first: Respond, last: Respond = done) -> Respond:
    """Calls first, and ends once there are results."""
    return lambda body: last(body) if results_in(body) else first(body)


def openai_newest(body: JsonObject) -> HttpAnswer:
    """No tools without effort none; another name for max_tokens; no temperature."""
    for name, refused in (
        ("reasoning_effort", "tools" in body and body.get("reasoning_effort") != "none"),
        ("max_tokens", "max_tokens" in body),
        ("temperature", "temperature" in body),
    ):
        if refused:
            error = {"param": name, "code": None, "message": f"'{name}' is not supported so"}
            return refuses(400, {"error": error})
    assert body["max_completion_tokens"] == 50
    return turn(
        calling(
            call("f", '{"a": 1}', id="call_1"),
            chunks=[
                delta(role="assistant", content=None),
                delta(tool_calls=[call("f", "", index=0, id="call_1")]),
                delta(tool_calls=[piece('{"a"', index=0)]),
                delta(tool_calls=[piece(": 1}", index=0)]),
            ],
        )
    )(body)


def mistral(body: JsonObject) -> HttpAnswer:
    """Forbids whatever it does not know; ids have nine characters; usage with the last words."""
    known = {"model", "messages", "tools", "tool_choice", "stream", "temperature", "max_tokens"}
    for name in body.keys() - known:
        detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"}]
        return refuses(422, {"object": "error", "message": {"detail": detail}})
    for message in body["messages"]:
        more = message.keys() - {"role", "content", "tool_calls", "tool_call_id"}
        if more:
            detail = [{"type": "extra_forbidden", "loc": ["body", "messages", 1, *more]}]
            return refuses(422, {"object": "error", "message": {"detail": detail}})
    for result in results_in(body):
        if not re.fullmatch("[a-zA-Z0-9]{9}", result["tool_call_id"]):
            return refuses(400, {"message": "must be a-z, length of 9", "code": 3280})
    first = calling(
        call("f", '{"a": 1}', id="Ab1Cd2Ef3", index=0),
        chunks=[delta(tool_calls=[call("f", '{"a": 1}', id="Ab1Cd2Ef3", index=0)])],
    )
    last = stream([delta(content="Done."), delta("stop", USAGE, content="")])
    return turn(first, lambda asked: last if asked.get("stream") else done(asked))(body)


def deepseek(body: JsonObject) -> HttpAnswer:
    """Wants its thoughts back with every call, even where there were none."""
    for at, message in enumerate(calling_in(body)):
        if "reasoning_content" not in message:
            sentence = f"Missing `reasoning_content` field in the assistant message at index {at}"
            return refuses(400, {"error": {"message": sentence, "code": "invalid_request_error"}})
    return turn(calling(call("f", '{"a": 1}', id="c", index=0), reasoning_content="hm"))(body)


SIGNATURE = {"google": {"thought_signature": "c2ln"}}
DUMMY = {"google": {"thought_signature": "skip_thought_signature_validator"}}


def gemini(body: JsonObject) -> HttpAnswer:
    """All calls at index 0 without ids, `stop` for calls, and its signatures must come back."""
    for message in calling_in(body):
        for one in message["tool_calls"][:1]:
            if one.get("extra_content") not in (SIGNATURE, DUMMY):
                sentence = "Function call is missing a thought_signature in functionCall parts."
                error = {"code": 400, "message": sentence, "status": "INVALID_ARGUMENT"}
                return refuses(400, [{"error": error}])
    both = [
        call("f", '{"a": 1}', id="", index=0, extra_content=SIGNATURE),
        call("g", "{}", id="", index=0),
    ]
    if results_in(body):
        return done(body)
    if body.get("stream"):
        return stream([delta(tool_calls=[one]) for one in both] + [delta("stop")])
    return whole({"tool_calls": both}, "stop")


def gemini_in_parts(body: JsonObject) -> HttpAnswer:
    """What is not said again stays."""
    for message in calling_in(body):
        assert message["tool_calls"][0]["extra_content"] == SIGNATURE
    signed = call("f", '{"a": 1}', id="", index=0, extra_content=SIGNATURE)
    chunks = [
        delta(tool_calls=[signed]),
        delta(tool_calls=[{"index": 0, "extra_content": {"google": {}}}]),
    ]
    return turn(calling(signed, chunks=chunks))(body)


def two_minded(body: JsonObject) -> HttpAnswer:
    """Adds two things, and takes back one of them, which has to be there."""
    for message in calling_in(body):
        if "reasoning_details" in message:
            detail = [{"type": "extra_forbidden", "loc": ["messages", 1, "reasoning_details"]}]
            return refuses(422, {"detail": detail})
        assert message["reasoning_content"] == "hm"
    details = [{"type": "reasoning.text", "text": "hm", "index": 0}]
    first = call("f", '{"a": 1}', id="c", index=0)
    return turn(calling(first, reasoning_content="hm", reasoning_details=details))(body)


GRIN = "\U0001f600"


def halved(body: JsonObject) -> HttpAnswer:
    """An emoji as two escapes, each in a chunk of its own."""
    if results_in(body):
        return done(body)
    first = call("f", f'{{"a": "{GRIN}"}}', id="c", index=0)
    chunks = [
        delta(content="\ud83d"),
        delta(content="\ude00"),
        delta(tool_calls=[call("f", '{"a": "\ud83d', id="c", index=0)]),
        delta(tool_calls=[piece('\ude00"}', index=0)]),
    ]
    return calling(first, chunks=chunks, content=None)(body)


def left_open(body: JsonObject) -> HttpAnswer:
    """Neither [DONE] nor an end of the connection."""
    sent = well(body)
    if not body.get("stream"):
        return sent
    assert isinstance(sent.body, str)
    return replace(sent, body=sent.body.replace("data: [DONE]", ""), stays_open=True)


DETAILS = [
    {"type": "reasoning.text", "text": "let me see", "signature": "s", "index": 0},
    {"type": "reasoning.encrypted", "data": "YWJj", "index": 1},
]


def openrouter(body: JsonObject) -> HttpAnswer:
    """Comments in the stream, and its details of reasoning come back as they were."""
    for message in calling_in(body):
        assert message["reasoning_details"] == DETAILS
    if results_in(body):
        return done(body)
    grown = [
        ": OPENROUTER PROCESSING\n\n",
        delta(reasoning_details=[{"type": "reasoning.text", "text": "let me", "index": 0}]),
        delta(
            reasoning_details=[
                {"type": "reasoning.text", "text": " see", "signature": "s", "index": 0}
            ]
        ),
        delta(reasoning_details=[DETAILS[1]]),
        ": OPENROUTER PROCESSING\n\n",
        delta(tool_calls=[call("f", '{"a": 1}', id="x", index=0)]),
        delta("tool_calls"),
    ]
    if body.get("stream"):
        return stream(grown)
    message = {"content": "", "reasoning_details": DETAILS}
    return whole(message | {"tool_calls": [call("f", '{"a": 1}', id="x")]})


def ollama(body: JsonObject) -> HttpAnswer:
    """A whole call a chunk, without an index; thinks in `reasoning`, and takes it back."""
    for message in calling_in(body):
        assert message["reasoning"] == "hm"
    first = call("f", '{"a":1}', id="call_x1")
    return turn(calling(first, call("g", "{}", id="call_x2"), reasoning="hm"))(body)


def llama_cpp(body: JsonObject) -> HttpAnswer:
    """Pieces of several calls that come by turns."""
    chunks = [
        delta(role="assistant", content=None),
        delta(tool_calls=[call("f", "{", index=0, id="aa")]),
        delta(tool_calls=[call("g", "{", index=1, id="bb")]),
        delta(tool_calls=[piece('"a":1}', index=0), piece("}", index=1)]),
    ]
    return turn(calling(call("f", '{"a":1}', id="aa"), call("g", "{}", id="bb"), chunks=chunks))(
        body
    )


def well(body: JsonObject) -> HttpAnswer:
    return turn(calling(call("f", '{"a": 1}', id="1", index=0)))(body)


async def converse(
    server: CompatibleServer,
    *more: str,
    overrides: JsonObject | None = None,
    items: Sequence[Item] = (QUESTION,),
) -> list[Completion]:
    """The completions of a turn."""
    client, given = ModelClient(), list(items)
    said: list[Completion] = []
    while not said or said[-1].calls:
        asked = model_request(*given, overrides=overrides or {})
        said.append(
            await client.complete([served_model(server.endpoint, "m", *more)], asked, fake_turn())
        )
        given += [said[-1].item, *(tool_item(one.id, "result") for one in said[-1].calls)]
    return said
