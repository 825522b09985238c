"""Quirks of OpenAI-compatible providers, one row each, over a real socket, streamed and not.

In each row a model gets a question, makes the calls of the row, gets the results, and says "Done."
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from assistant.src.services.models.transport import streaming
from assistant.tests.services.models.fake_openai_server import (
    JsonObject,
    Responder,
    StubResponse,
    make_chunk,
    make_stream,
    run_fake_openai_server,
)
from assistant.tests.services.models.fake_providers import (
    EMOJI,
    USAGE,
    call_then_finish,
    contradictory_provider,
    deepseek,
    gemini,
    gemini_split_signature,
    leave_stream_open,
    llama_cpp,
    make_call_fragment,
    make_tool_call,
    mistral,
    ollama,
    openai_newest,
    openrouter,
    respond_done,
    respond_with_calls,
    respond_with_one_call,
    run_turn,
    split_surrogates,
)

A, B = ("f", {"a": 1}), ("g", {})


@pytest.fixture(autouse=True)
def _short_drain_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "TRAILING_TIMEOUT_SECONDS", 0.05)


def fail_once(streamed: StubResponse, whole: StubResponse) -> Responder:
    """Send one bad response first, then good ones."""
    left = [lambda body: streamed if body.get("stream") else whole]

    return lambda body: (left.pop() if left else respond_with_one_call)(body)


HTML_PAGE = StubResponse("<html>gateway</html>", "text/html")
TRUNCATED_JSON = StubResponse('{"choices": [{"mess')
UPSTREAM_ERROR = {"code": 502, "message": "provider", "metadata": {"error_type": "provider"}}
TEXT_CHUNK = make_chunk(content="I would")


class QuirkCase(NamedTuple):
    quirk: str
    respond: Responder | Callable[[], Responder]
    calls: Sequence[tuple[str, JsonObject]] = (A,)
    overrides: Mapping[str, Any] = MappingProxyType({})
    request_count: int | None = None
    """How many requests it takes, where that is a part of it."""


def make_failing_once(streamed: StubResponse, whole: StubResponse) -> Callable[[], Responder]:
    """Return a new `fail_once` responder for each test."""
    return partial(fail_once, streamed, whole)


COMPLETE_CALL = make_tool_call("f", '{"a": 1}', id="1", index=0)


def make_message_chunk(reason: str, **message: Any) -> JsonObject:
    """Return a chunk with an empty delta and the whole answer."""
    chunk = make_chunk(reason)
    chunk["choices"][0]["message"] = {"role": "assistant", **message}
    return chunk


def respond_when_streaming(first: StubResponse, last: StubResponse) -> Responder:
    """Send this response to requests for a stream."""
    streamed = call_then_finish(lambda _: first, lambda _: last)
    return lambda body: (streamed if body.get("stream") else respond_with_one_call)(body)


QUIRK_CASES = (
    QuirkCase("OpenAI, newest", openai_newest, overrides={"max_tokens": 50, "temperature": 0.1}),
    QuirkCase("Mistral", mistral),
    QuirkCase("DeepSeek", deepseek, request_count=2),
    QuirkCase("Gemini", gemini, (A, B), request_count=2),
    QuirkCase(
        "Gemini: more of the signature's object in a later chunk",
        gemini_split_signature,
        request_count=2,
    ),
    QuirkCase(
        "forbids one of its own additions, demands another", contradictory_provider, request_count=3
    ),
    QuirkCase(
        "characters beyond the sixteen bits in halves",
        split_surrogates,
        (("f", {"a": EMOJI}),),
        request_count=2,
    ),
    QuirkCase("leaves the stream open", leave_stream_open, request_count=2),
    QuirkCase("OpenRouter", openrouter, request_count=2),
    QuirkCase("Ollama", ollama, (A, B), request_count=2),
    QuirkCase("llama.cpp", llama_cpp, (A, B), request_count=2),
    QuirkCase(
        "Anthropic's: an id in each chunk, the name too",
        call_then_finish(
            respond_with_calls(
                make_tool_call("f", '{"a":1}', id="toolu_1"),
                chunks=[
                    make_chunk(tool_calls=[make_tool_call("f", "", index=0, id="toolu_1")]),
                    make_chunk(tool_calls=[make_tool_call("f", '{"a"', index=0, id="toolu_1")]),
                    make_chunk(tool_calls=[make_tool_call("f", ":1}", index=0, id="toolu_1")]),
                ],
            )
        ),
    ),
    QuirkCase(
        "vLLM: reasoning, then calls",
        call_then_finish(
            respond_with_calls(make_tool_call("f", '{"a": 1}', id="v"), reasoning="x")
        ),
    ),
    QuirkCase(
        "arguments as objects",
        call_then_finish(
            respond_with_calls(
                make_tool_call("f", {"a": 1}, id="1"), make_tool_call("g", {}, id="2")
            )
        ),
        (A, B),
    ),
    QuirkCase(
        "one id for all calls, at different indexes",
        call_then_finish(
            respond_with_calls(
                make_tool_call("f", '{"a":1}', id="0", index=0),
                make_tool_call("g", "{}", id="0", index=1),
            )
        ),
        (A, B),
    ),
    QuirkCase(
        "one id for all calls, and no index",
        call_then_finish(
            respond_with_calls(
                make_tool_call("f", '{"a":1}', id="0"), make_tool_call("g", "{}", id="0")
            )
        ),
        (A, B),
    ),
    QuirkCase(
        "all at index 0 without ids, one without arguments",
        call_then_finish(
            respond_with_calls(
                make_tool_call("f", None, id="", index=0),
                make_tool_call("g", '{"a": 1}', id="", index=0),
            ),
        ),
        (("f", {}), ("g", {"a": 1})),
    ),
    QuirkCase(
        "neither id nor index, one without arguments",
        call_then_finish(
            respond_with_calls(make_tool_call("f", ""), make_tool_call("g", '{"a": 1}'))
        ),
        (("f", {}), ("g", {"a": 1})),
    ),
    QuirkCase(
        "all at index 0, the arguments of the second in a later chunk",
        call_then_finish(
            respond_with_calls(
                make_tool_call("f", '{"a": 1}', id=""),
                make_tool_call("g", "{}", id=""),
                chunks=[
                    make_chunk(tool_calls=[make_tool_call("f", '{"a": 1}', id="", index=0)]),
                    make_chunk(tool_calls=[make_tool_call("g", "", id="", index=0)]),
                    make_chunk(tool_calls=[make_call_fragment("{}", index=0)]),
                ],
            )
        ),
        (A, B),
    ),
    QuirkCase(
        "neither id nor index",
        call_then_finish(
            respond_with_calls(make_tool_call("f", '{"a":1}'), make_tool_call("g", "{}"))
        ),
        (A, B),
    ),
    QuirkCase(
        "another id at the same index",
        call_then_finish(
            respond_with_calls(
                make_tool_call("f", '{"a":1}', id="1", index=0),
                make_tool_call("g", "{}", id="2", index=0),
            )
        ),
        (A, B),
    ),
    QuirkCase(
        "pieces without index or id",
        call_then_finish(
            respond_with_calls(
                make_tool_call("f", '{"a":1}', id="1"),
                chunks=[
                    make_chunk(tool_calls=[make_tool_call("f", None, id="1")]),
                    make_chunk(tool_calls=[make_call_fragment('{"a":')]),
                    make_chunk(tool_calls=[make_call_fragment("1}", id="")]),
                ],
            )
        ),
    ),
    QuirkCase(
        "[DONE] missing",
        call_then_finish(
            respond_with_calls(make_tool_call("f", '{"a": 1}', id="1")),
            lambda body: (
                make_stream([make_chunk(content="Done."), make_chunk("stop")], is_done=False)
                if body.get("stream")
                else respond_done(body)
            ),
        ),
        request_count=2,
    ),
    QuirkCase(
        "a stream that is one message",
        respond_when_streaming(
            make_stream([make_message_chunk("tool_calls", tool_calls=[COMPLETE_CALL])]),
            make_stream([make_message_chunk("stop", content="Done.")]),
        ),
        request_count=2,
    ),
    QuirkCase(
        "all that came by deltas once more in a last message",
        respond_when_streaming(
            make_stream(
                [
                    make_chunk(content="I see."),
                    make_chunk(tool_calls=[COMPLETE_CALL]),
                    make_message_chunk("tool_calls", content="I see.", tool_calls=[COMPLETE_CALL]),
                ]
            ),
            make_stream([make_chunk(content="Done."), make_message_chunk("stop", content="Done.")]),
        ),
        request_count=2,
    ),
    QuirkCase(
        "a whole call once more, in its delta",
        respond_when_streaming(
            make_stream(
                [
                    make_chunk(tool_calls=[COMPLETE_CALL]),
                    make_chunk("tool_calls", tool_calls=[COMPLETE_CALL]),
                ]
            ),
            make_stream([make_chunk(content="Done."), make_chunk("stop")]),
        ),
        request_count=2,
    ),
    QuirkCase("HTML in place of JSON", make_failing_once(HTML_PAGE, HTML_PAGE), request_count=3),
    QuirkCase(
        "JSON in place of a stream",
        lambda body: call_then_finish(respond_with_calls(make_tool_call("f", '{"a": 1}', id="1")))(
            body | {"stream": False}
        ),
        request_count=2,
    ),
    QuirkCase(
        "200 with an error",
        make_failing_once(
            StubResponse(json.dumps({"error": UPSTREAM_ERROR})),
            StubResponse(json.dumps({"error": UPSTREAM_ERROR})),
        ),
        request_count=3,
    ),
    QuirkCase(
        "an error within the stream",
        make_failing_once(
            make_stream([TEXT_CHUNK, {"error": UPSTREAM_ERROR, **make_chunk("error")}]),
            TRUNCATED_JSON,
        ),
        request_count=3,
    ),
    QuirkCase(
        "finish_reason error",
        make_failing_once(make_stream([TEXT_CHUNK, make_chunk("error")]), TRUNCATED_JSON),
        request_count=3,
    ),
    QuirkCase(
        "a stream that ends silently",
        make_failing_once(make_stream([TEXT_CHUNK], is_done=False), TRUNCATED_JSON),
        request_count=3,
    ),
    QuirkCase(
        "a stream that is done without an end",
        make_failing_once(make_stream([TEXT_CHUNK]), TRUNCATED_JSON),
        request_count=3,
    ),
    QuirkCase(
        "a broken line",
        make_failing_once(make_stream([TEXT_CHUNK, 'data: {"choi\n\n']), TRUNCATED_JSON),
        request_count=3,
    ),
    QuirkCase(
        "an empty stream", make_failing_once(make_stream([]), TRUNCATED_JSON), request_count=3
    ),
    QuirkCase(
        "usage and nulls in odd chunks",
        call_then_finish(
            respond_with_calls(
                make_tool_call("f", '{"a": 1}', id="1"),
                chunks=[
                    {"choices": None, "usage": None},
                    {"object": "ping"},
                    make_chunk(usage={"prompt_tokens": 1}, tool_calls=None, content=None),
                    {"choices": [None]},
                    make_chunk(
                        usage=USAGE, tool_calls=[make_tool_call("f", '{"a": 1}', id="1", index=0)]
                    ),
                ],
            )
        ),
    ),
)


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
@pytest.mark.parametrize("row", QUIRK_CASES, ids=lambda row: row.quirk)
async def test_turn_with_tools_completes(row: QuirkCase, capabilities: tuple[str, ...]) -> None:
    respond = row.respond() if isinstance(row.respond, partial) else row.respond
    async with run_fake_openai_server(respond) as server:
        said = await run_turn(server, *capabilities, overrides=dict(row.overrides))
        requests = server.requests

    assert [(one.name, one.arguments) for one in said[0].calls] == list(row.calls)
    assert not any(one.error for one in said[0].calls)
    ids = [one.id for one in said[0].calls]
    assert len(set(ids)) == len(ids)
    assert said[-1].text == "Done."
    assert row.request_count is None or len(requests) == row.request_count
