"""Quirks of OpenAI-compatible providers: a row each, over a real socket, streamed and not.

In each row a model is asked a question, calls what the row says, gets the results, and says "Done."
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from assistant.src.services.models import assembling
from assistant.tests.services.models.fake_providers import (
    GRIN,
    USAGE,
    call,
    calling,
    converse,
    deepseek,
    done,
    gemini,
    gemini_in_parts,
    halved,
    left_open,
    llama_cpp,
    mistral,
    ollama,
    openai_newest,
    openrouter,
    piece,
    turn,
    two_minded,
    well,
)
from assistant.tests.services.models.openai_compatible_server import (
    HttpAnswer,
    JsonObject,
    Respond,
    delta,
    running_server,
    stream,
)

A, B = ("f", {"a": 1}), ("g", {})


@pytest.fixture(autouse=True)
def _no_long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembling, "REST_SECONDS", 0.05)


def badly_once(streamed: HttpAnswer, whole: HttpAnswer) -> Respond:
    """The first answer is bad; then all is well."""
    left = [lambda body: streamed if body.get("stream") else whole]

    return lambda body: (left.pop() if left else well)(body)


HTML = HttpAnswer("<html>gateway</html>", "text/html")
BROKEN = HttpAnswer('{"choices": [{"mess')
UPSTREAM = {"code": 502, "message": "provider", "metadata": {"error_type": "provider"}}
WORDS = delta(content="I would")


class Row(NamedTuple):
    quirk: str
    respond: Respond | Callable[[], Respond]
    calls: Sequence[tuple[str, JsonObject]] = (A,)
    overrides: Mapping[str, Any] = MappingProxyType({})
    asks: int | None = None
    """How many requests it takes, where that is a part of it."""


def bad(streamed: HttpAnswer, whole: HttpAnswer) -> Callable[[], Respond]:
    """See badly_once; made anew for each test."""
    return partial(badly_once, streamed, whole)


WHOLE = call("f", '{"a": 1}', id="1", index=0)


def message_of(reason: str, **message: Any) -> JsonObject:
    """A chunk with an empty delta and all of the answer."""
    chunk = delta(reason)
    chunk["choices"][0]["message"] = {"role": "assistant", **message}
    return chunk


def only_streamed(first: HttpAnswer, last: HttpAnswer) -> Respond:
    """Answers so where it is asked for streams."""
    streamed = turn(lambda _: first, lambda _: last)
    return lambda body: (streamed if body.get("stream") else well)(body)


ROWS = (
    Row("OpenAI, newest", openai_newest, overrides={"max_tokens": 50, "temperature": 0.1}),
    Row("Mistral", mistral),
    Row("DeepSeek", deepseek, asks=2),
    Row("Gemini", gemini, (A, B), asks=2),
    Row("Gemini: more of the signature's object in a later chunk", gemini_in_parts, asks=2),
    Row("forbids one of its own additions, demands another", two_minded, asks=3),
    Row("characters beyond the sixteen bits in halves", halved, (("f", {"a": GRIN}),), asks=2),
    Row("leaves the stream open", left_open, asks=2),
    Row("OpenRouter", openrouter, asks=2),
    Row("Ollama", ollama, (A, B), asks=2),
    Row("llama.cpp", llama_cpp, (A, B), asks=2),
    Row(
        "Anthropic's: an id in each chunk, the name too",
        turn(
            calling(
                call("f", '{"a":1}', id="toolu_1"),
                chunks=[
                    delta(tool_calls=[call("f", "", index=0, id="toolu_1")]),
                    delta(tool_calls=[call("f", '{"a"', index=0, id="toolu_1")]),
                    delta(tool_calls=[call("f", ":1}", index=0, id="toolu_1")]),
                ],
            )
        ),
    ),
    Row("vLLM: reasoning, then calls", turn(calling(call("f", '{"a": 1}', id="v"), reasoning="x"))),
    Row(
        "arguments as objects",
        turn(calling(call("f", {"a": 1}, id="1"), call("g", {}, id="2"))),
        (A, B),
    ),
    Row(
        "one id for all calls, at different indexes",
        turn(calling(call("f", '{"a":1}', id="0", index=0), call("g", "{}", id="0", index=1))),
        (A, B),
    ),
    Row(
        "one id for all calls, and no index",
        turn(calling(call("f", '{"a":1}', id="0"), call("g", "{}", id="0"))),
        (A, B),
    ),
    Row(
        "all at index 0 without ids, one without arguments",
        turn(
            calling(call("f", None, id="", index=0), call("g", '{"a": 1}', id="", index=0)),
        ),
        (("f", {}), ("g", {"a": 1})),
    ),
    Row(
        "neither id nor index, one without arguments",
        turn(calling(call("f", ""), call("g", '{"a": 1}'))),
        (("f", {}), ("g", {"a": 1})),
    ),
    Row(
        "all at index 0, the arguments of the second in a later chunk",
        turn(
            calling(
                call("f", '{"a": 1}', id=""),
                call("g", "{}", id=""),
                chunks=[
                    delta(tool_calls=[call("f", '{"a": 1}', id="", index=0)]),
                    delta(tool_calls=[call("g", "", id="", index=0)]),
                    delta(tool_calls=[piece("{}", index=0)]),
                ],
            )
        ),
        (A, B),
    ),
    Row("neither id nor index", turn(calling(call("f", '{"a":1}'), call("g", "{}"))), (A, B)),
    Row(
        "another id at the same index",
        turn(calling(call("f", '{"a":1}', id="1", index=0), call("g", "{}", id="2", index=0))),
        (A, B),
    ),
    Row(
        "pieces without index or id",
        turn(
            calling(
                call("f", '{"a":1}', id="1"),
                chunks=[
                    delta(tool_calls=[call("f", None, id="1")]),
                    delta(tool_calls=[piece('{"a":')]),
                    delta(tool_calls=[piece("1}", id="")]),
                ],
            )
        ),
    ),
    Row(
        "[DONE] missing",
        turn(
            calling(call("f", '{"a": 1}', id="1")),
            lambda body: (
                stream([delta(content="Done."), delta("stop")], is_done=False)
                if body.get("stream")
                else done(body)
            ),
        ),
        asks=2,
    ),
    Row(
        "a stream that is one message",
        only_streamed(
            stream([message_of("tool_calls", tool_calls=[WHOLE])]),
            stream([message_of("stop", content="Done.")]),
        ),
        asks=2,
    ),
    Row(
        "all that came by deltas once more in a last message",
        only_streamed(
            stream(
                [
                    delta(content="I see."),
                    delta(tool_calls=[WHOLE]),
                    message_of("tool_calls", content="I see.", tool_calls=[WHOLE]),
                ]
            ),
            stream([delta(content="Done."), message_of("stop", content="Done.")]),
        ),
        asks=2,
    ),
    Row(
        "a whole call once more, in its delta",
        only_streamed(
            stream([delta(tool_calls=[WHOLE]), delta("tool_calls", tool_calls=[WHOLE])]),
            stream([delta(content="Done."), delta("stop")]),
        ),
        asks=2,
    ),
    Row("HTML in place of JSON", bad(HTML, HTML), asks=3),
    Row(
        "JSON in place of a stream",
        lambda body: turn(calling(call("f", '{"a": 1}', id="1")))(body | {"stream": False}),
        asks=2,
    ),
    Row(
        "200 with an error",
        bad(
            HttpAnswer(json.dumps({"error": UPSTREAM})), HttpAnswer(json.dumps({"error": UPSTREAM}))
        ),
        asks=3,
    ),
    Row(
        "an error within the stream",
        bad(stream([WORDS, {"error": UPSTREAM, **delta("error")}]), BROKEN),
        asks=3,
    ),
    Row("finish_reason error", bad(stream([WORDS, delta("error")]), BROKEN), asks=3),
    Row("a stream that ends silently", bad(stream([WORDS], is_done=False), BROKEN), asks=3),
    Row("a stream that is done without an end", bad(stream([WORDS]), BROKEN), asks=3),
    Row("a broken line", bad(stream([WORDS, 'data: {"choi\n\n']), BROKEN), asks=3),
    Row("an empty stream", bad(stream([]), BROKEN), asks=3),
    Row(
        "usage and nulls in odd chunks",
        turn(
            calling(
                call("f", '{"a": 1}', id="1"),
                chunks=[
                    {"choices": None, "usage": None},
                    {"object": "ping"},
                    delta(usage={"prompt_tokens": 1}, tool_calls=None, content=None),
                    {"choices": [None]},
                    delta(usage=USAGE, tool_calls=[call("f", '{"a": 1}', id="1", index=0)]),
                ],
            )
        ),
    ),
)


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.quirk)
async def test_a_turn_with_tools_comes_to_its_end(row: Row, capabilities: tuple[str, ...]) -> None:
    respond = row.respond() if isinstance(row.respond, partial) else row.respond
    async with running_server(respond) as server:
        said = await converse(server, *capabilities, overrides=dict(row.overrides))
        asked = server.asked

    assert [(one.name, one.arguments) for one in said[0].calls] == list(row.calls)
    assert not any(one.problem for one in said[0].calls)
    ids = [one.id for one in said[0].calls]
    assert len(set(ids)) == len(ids)
    assert said[-1].text == "Done."
    assert row.asks is None or len(asked) == row.asks
