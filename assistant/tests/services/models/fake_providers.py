"""Fakes of OpenAI-compatible providers, as functions of a request, and a turn with one of them.

Each responds to a question with tool calls, and to their results with "Done." It rejects invalid
requests as the real server does.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from assistant.src.messages.completion import Completion
from assistant.src.messages.item import ChatItem, build_tool_result_item
from assistant.src.services.models.client import ModelClient
from assistant.tests.services.models.fake_openai_server import (
    FakeOpenAIServer,
    JsonObject,
    Responder,
    StubResponse,
    get_calling_messages,
    get_tool_messages,
    make_chunk,
    make_completion,
    make_error,
    make_stream,
)
from assistant.tests.services.models.model_harness import (
    QUESTION,
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)

USAGE = {"prompt_tokens": 10, "completion_tokens": 5}


def make_tool_call(name: str, arguments: Any, **more: Any) -> JsonObject:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def make_call_fragment(arguments: str, **more: Any) -> JsonObject:
    return {"function": {"arguments": arguments}, **more}


def respond_with_calls(
    *calls: JsonObject, chunks: Sequence[JsonObject] = (), **message: Any
) -> Responder:
    """Return calls in one piece, or streamed in these chunks or one chunk a call."""
    pieces = chunks or [make_chunk(tool_calls=[one]) for one in calls]

    def respond(body: JsonObject) -> StubResponse:
        if body.get("stream"):
            grown = [make_chunk(**message)] if message else []
            return make_stream(
                [*grown, *pieces, make_chunk("tool_calls"), {"choices": [], "usage": USAGE}]
            )
        return make_completion(
            {"content": None, "tool_calls": list(calls), **message}, "tool_calls"
        )

    return respond


def respond_done(body: JsonObject) -> StubResponse:
    if body.get("stream"):
        return make_stream(
            [make_chunk(content="Do"), make_chunk(content="ne."), make_chunk("stop")]
        )
    return make_completion({"content": "Done."}, usage=USAGE)


def call_then_finish(first: Responder, last: Responder = respond_done) -> Responder:
    """Respond with calls first, and with an answer once there are results."""
    return lambda body: last(body) if get_tool_messages(body) else first(body)


def openai_newest(body: JsonObject) -> StubResponse:
    """Accepts tools only with effort none, needs max_completion_tokens, rejects temperature."""
    for name, refused in (
        ("reasoning_effort", "tools" in body and body.get("reasoning_effort") != "none"),
        ("max_tokens", "max_tokens" in body),
        ("temperature", "temperature" in body),
    ):
        if refused:
            error = {"param": name, "code": None, "message": f"'{name}' is not supported so"}
            return make_error(400, {"error": error})
    assert body["max_completion_tokens"] == 50
    return call_then_finish(
        respond_with_calls(
            make_tool_call("f", '{"a": 1}', id="call_1"),
            chunks=[
                make_chunk(role="assistant", content=None),
                make_chunk(tool_calls=[make_tool_call("f", "", index=0, id="call_1")]),
                make_chunk(tool_calls=[make_call_fragment('{"a"', index=0)]),
                make_chunk(tool_calls=[make_call_fragment(": 1}", index=0)]),
            ],
        )
    )(body)


def mistral(body: JsonObject) -> StubResponse:
    """Rejects unknown fields; ids have nine characters; usage comes with the last text."""
    known = {"model", "messages", "tools", "tool_choice", "stream", "temperature", "max_tokens"}
    for name in body.keys() - known:
        detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"}]
        return make_error(422, {"object": "error", "message": {"detail": detail}})
    for message in body["messages"]:
        more = message.keys() - {"role", "content", "tool_calls", "tool_call_id"}
        if more:
            detail = [{"type": "extra_forbidden", "loc": ["body", "messages", 1, *more]}]
            return make_error(422, {"object": "error", "message": {"detail": detail}})
    for result in get_tool_messages(body):
        if not re.fullmatch("[a-zA-Z0-9]{9}", result["tool_call_id"]):
            return make_error(400, {"message": "must be a-z, length of 9", "code": 3280})
    first = respond_with_calls(
        make_tool_call("f", '{"a": 1}', id="Ab1Cd2Ef3", index=0),
        chunks=[make_chunk(tool_calls=[make_tool_call("f", '{"a": 1}', id="Ab1Cd2Ef3", index=0)])],
    )
    last = make_stream([make_chunk(content="Done."), make_chunk("stop", USAGE, content="")])
    return call_then_finish(
        first, lambda request: last if request.get("stream") else respond_done(request)
    )(body)


def deepseek(body: JsonObject) -> StubResponse:
    """Requires its reasoning with every call, even if it was empty."""
    for at, message in enumerate(get_calling_messages(body)):
        if "reasoning_content" not in message:
            sentence = f"Missing `reasoning_content` field in the assistant message at index {at}"
            return make_error(
                400, {"error": {"message": sentence, "code": "invalid_request_error"}}
            )
    return call_then_finish(
        respond_with_calls(make_tool_call("f", '{"a": 1}', id="c", index=0), reasoning_content="hm")
    )(body)


SIGNATURE = {"google": {"thought_signature": "c2ln"}}
DUMMY_SIGNATURE = {"google": {"thought_signature": "skip_thought_signature_validator"}}


def gemini(body: JsonObject) -> StubResponse:
    """Sends all calls at index 0 without ids, ends them by `stop`, requires its signatures."""
    for message in get_calling_messages(body):
        for one in message["tool_calls"][:1]:
            if one.get("extra_content") not in (SIGNATURE, DUMMY_SIGNATURE):
                sentence = "Function call is missing a thought_signature in functionCall parts."
                error = {"code": 400, "message": sentence, "status": "INVALID_ARGUMENT"}
                return make_error(400, [{"error": error}])
    both = [
        make_tool_call("f", '{"a": 1}', id="", index=0, extra_content=SIGNATURE),
        make_tool_call("g", "{}", id="", index=0),
    ]
    if get_tool_messages(body):
        return respond_done(body)
    if body.get("stream"):
        return make_stream([make_chunk(tool_calls=[one]) for one in both] + [make_chunk("stop")])
    return make_completion({"tool_calls": both}, "stop")


def gemini_split_signature(body: JsonObject) -> StubResponse:
    """Sends the signature once; a later chunk without it must not remove it."""
    for message in get_calling_messages(body):
        assert message["tool_calls"][0]["extra_content"] == SIGNATURE
    signed = make_tool_call("f", '{"a": 1}', id="", index=0, extra_content=SIGNATURE)
    chunks = [
        make_chunk(tool_calls=[signed]),
        make_chunk(tool_calls=[{"index": 0, "extra_content": {"google": {}}}]),
    ]
    return call_then_finish(respond_with_calls(signed, chunks=chunks))(body)


def contradictory_provider(body: JsonObject) -> StubResponse:
    """Adds two fields to its messages, then rejects one of them and requires the other."""
    for message in get_calling_messages(body):
        if "reasoning_details" in message:
            detail = [{"type": "extra_forbidden", "loc": ["messages", 1, "reasoning_details"]}]
            return make_error(422, {"detail": detail})
        assert message["reasoning_content"] == "hm"
    details = [{"type": "reasoning.text", "text": "hm", "index": 0}]
    first = make_tool_call("f", '{"a": 1}', id="c", index=0)
    return call_then_finish(
        respond_with_calls(first, reasoning_content="hm", reasoning_details=details)
    )(body)


EMOJI = "\U0001f600"


def split_surrogates(body: JsonObject) -> StubResponse:
    """Sends an emoji as two escapes in separate chunks."""
    if get_tool_messages(body):
        return respond_done(body)
    first = make_tool_call("f", f'{{"a": "{EMOJI}"}}', id="c", index=0)
    chunks = [
        make_chunk(content="\ud83d"),
        make_chunk(content="\ude00"),
        make_chunk(tool_calls=[make_tool_call("f", '{"a": "\ud83d', id="c", index=0)]),
        make_chunk(tool_calls=[make_call_fragment('\ude00"}', index=0)]),
    ]
    return respond_with_calls(first, chunks=chunks, content=None)(body)


def leave_stream_open(body: JsonObject) -> StubResponse:
    """Sends neither [DONE] nor the end of the connection."""
    sent = respond_with_one_call(body)
    if not body.get("stream"):
        return sent
    assert isinstance(sent.body, str)
    return replace(sent, body=sent.body.replace("data: [DONE]", ""), is_left_open=True)


REASONING_DETAILS = [
    {"type": "reasoning.text", "text": "let me see", "signature": "s", "index": 0},
    {"type": "reasoning.encrypted", "data": "YWJj", "index": 1},
]


def openrouter(body: JsonObject) -> StubResponse:
    """Sends comments in the stream, and requires its reasoning details unchanged."""
    for message in get_calling_messages(body):
        assert message["reasoning_details"] == REASONING_DETAILS
    if get_tool_messages(body):
        return respond_done(body)
    grown = [
        ": OPENROUTER PROCESSING\n\n",
        make_chunk(reasoning_details=[{"type": "reasoning.text", "text": "let me", "index": 0}]),
        make_chunk(
            reasoning_details=[
                {"type": "reasoning.text", "text": " see", "signature": "s", "index": 0}
            ]
        ),
        make_chunk(reasoning_details=[REASONING_DETAILS[1]]),
        ": OPENROUTER PROCESSING\n\n",
        make_chunk(tool_calls=[make_tool_call("f", '{"a": 1}', id="x", index=0)]),
        make_chunk("tool_calls"),
    ]
    if body.get("stream"):
        return make_stream(grown)
    message = {"content": "", "reasoning_details": REASONING_DETAILS}
    return make_completion(message | {"tool_calls": [make_tool_call("f", '{"a": 1}', id="x")]})


def ollama(body: JsonObject) -> StubResponse:
    """Sends a whole call in a chunk, without an index; accepts its own `reasoning`."""
    for message in get_calling_messages(body):
        assert message["reasoning"] == "hm"
    first = make_tool_call("f", '{"a":1}', id="call_x1")
    return call_then_finish(
        respond_with_calls(first, make_tool_call("g", "{}", id="call_x2"), reasoning="hm")
    )(body)


def llama_cpp(body: JsonObject) -> StubResponse:
    """Sends chunks of several calls in turns."""
    chunks = [
        make_chunk(role="assistant", content=None),
        make_chunk(tool_calls=[make_tool_call("f", "{", index=0, id="aa")]),
        make_chunk(tool_calls=[make_tool_call("g", "{", index=1, id="bb")]),
        make_chunk(
            tool_calls=[make_call_fragment('"a":1}', index=0), make_call_fragment("}", index=1)]
        ),
    ]
    return call_then_finish(
        respond_with_calls(
            make_tool_call("f", '{"a":1}', id="aa"),
            make_tool_call("g", "{}", id="bb"),
            chunks=chunks,
        )
    )(body)


def respond_with_one_call(body: JsonObject) -> StubResponse:
    return call_then_finish(respond_with_calls(make_tool_call("f", '{"a": 1}', id="1", index=0)))(
        body
    )


async def run_turn(
    server: FakeOpenAIServer,
    *capabilities: str,
    overrides: JsonObject | None = None,
    items: Sequence[ChatItem] = (QUESTION,),
) -> list[Completion]:
    """Return the completions of a turn."""
    client, given = ModelClient(), list(items)
    said: list[Completion] = []
    while not said or said[-1].calls:
        request = make_model_request(*given, overrides=overrides or {})
        said.append(
            await client.complete(
                [make_resolved_model(server.endpoint, "m", *capabilities)],
                request,
                make_fake_turn(),
            )
        )
        given += [
            said[-1].item,
            *(build_tool_result_item(one.id, "result") for one in said[-1].calls),
        ]
    return said
