"""The habits of servers that are nearly OpenAI's: a row each, over a real socket, streamed and not.

In each row a model is asked a question, calls what the row says, gets the results, and says "Done."
What a row's server needs to be content it checks itself: it refuses as the real one does.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from assistant.src.core.errors import ContextTooLong, CutOff
from assistant.src.messages.completion import Completion
from assistant.src.messages.item import Item, tool_item
from assistant.src.services.models import assembling, patience
from assistant.src.services.models.client import ModelClient
from assistant.tests.services.models.asking import QUESTION, asker, request, served
from assistant.tests.services.models.compatible_server import (
    JsonObject,
    Obey,
    Sent,
    Server,
    calling_in,
    delta,
    in_turn,
    refuses,
    results_in,
    running,
    stream,
    whole,
)

USAGE = {"prompt_tokens": 10, "completion_tokens": 5}
A, B = ("f", {"a": 1}), ("g", {})


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(assembling, "REST_SECONDS", 0.05)


def call(name: str, arguments: Any, **more: Any) -> JsonObject:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def piece(arguments: str, **more: Any) -> JsonObject:
    return {"function": {"arguments": arguments}, **more}


def calling(*calls: JsonObject, chunks: Sequence[JsonObject] = (), **message: Any) -> Obey:
    """Calls in one piece; streamed in these chunks, or each in a chunk of its own."""
    pieces = chunks or [delta(tool_calls=[one]) for one in calls]

    def obey(body: JsonObject) -> Sent:
        if body.get("stream"):
            grown = [delta(**message)] if message else []
            return stream([*grown, *pieces, delta("tool_calls"), {"choices": [], "usage": USAGE}])
        return whole({"content": None, "tool_calls": list(calls), **message}, "tool_calls")

    return obey


def done(body: JsonObject) -> Sent:
    if body.get("stream"):
        return stream([delta(content="Do"), delta(content="ne."), delta("stop")])
    return whole({"content": "Done."}, usage=USAGE)


def turn(first: Obey, last: Obey = done) -> Obey:
    """Calls first, and ends once there are results."""
    return lambda body: last(body) if results_in(body) else first(body)


# -- the servers ----------------------------------------------------------------------------------


def openai_newest(body: JsonObject) -> Sent:
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


def mistral(body: JsonObject) -> Sent:
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


def deepseek(body: JsonObject) -> Sent:
    """Wants its thoughts back with every call, even where there were none."""
    for at, message in enumerate(calling_in(body)):
        if "reasoning_content" not in message:
            sentence = f"Missing `reasoning_content` field in the assistant message at index {at}"
            return refuses(400, {"error": {"message": sentence, "code": "invalid_request_error"}})
    return turn(calling(call("f", '{"a": 1}', id="c", index=0), reasoning_content="hm"))(body)


SIGNATURE = {"google": {"thought_signature": "c2ln"}}
DUMMY = {"google": {"thought_signature": "skip_thought_signature_validator"}}


def gemini(body: JsonObject) -> Sent:
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


def gemini_in_parts(body: JsonObject) -> Sent:
    """What is not said again stays."""
    for message in calling_in(body):
        assert message["tool_calls"][0]["extra_content"] == SIGNATURE
    signed = call("f", '{"a": 1}', id="", index=0, extra_content=SIGNATURE)
    chunks = [
        delta(tool_calls=[signed]),
        delta(tool_calls=[{"index": 0, "extra_content": {"google": {}}}]),
    ]
    return turn(calling(signed, chunks=chunks))(body)


def two_minded(body: JsonObject) -> Sent:
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


def halved(body: JsonObject) -> Sent:
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


def left_open(body: JsonObject) -> Sent:
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


def openrouter(body: JsonObject) -> Sent:
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


def ollama(body: JsonObject) -> Sent:
    """A whole call a chunk, without an index; thinks in `reasoning`, and takes it back."""
    for message in calling_in(body):
        assert message["reasoning"] == "hm"
    first = call("f", '{"a":1}', id="call_x1")
    return turn(calling(first, call("g", "{}", id="call_x2"), reasoning="hm"))(body)


def llama_cpp(body: JsonObject) -> Sent:
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


def well(body: JsonObject) -> Sent:
    return turn(calling(call("f", '{"a": 1}', id="1", index=0)))(body)


def badly_once(streamed: Sent, whole: Sent) -> Obey:
    """The first answer is bad; then all is well."""
    left = [lambda body: streamed if body.get("stream") else whole]

    return lambda body: (left.pop() if left else well)(body)


HTML = Sent("<html>gateway</html>", "text/html")
BROKEN = Sent('{"choices": [{"mess')
UPSTREAM = {"code": 502, "message": "provider", "metadata": {"error_type": "provider"}}
WORDS = delta(content="I would")


class Row(NamedTuple):
    habit: str
    obey: Obey | Callable[[], Obey]
    calls: Sequence[tuple[str, JsonObject]] = (A,)
    overrides: Mapping[str, Any] = MappingProxyType({})
    asks: int | None = None
    """How many requests it takes, where that is a part of it."""


def bad(streamed: Sent, whole: Sent) -> Callable[[], Obey]:
    """See badly_once; made anew for each test."""
    return partial(badly_once, streamed, whole)


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
    Row("HTML in place of JSON", bad(HTML, HTML), asks=3),
    Row(
        "JSON in place of a stream",
        lambda body: turn(calling(call("f", '{"a": 1}', id="1")))(body | {"stream": False}),
        asks=2,
    ),
    Row(
        "200 with an error",
        bad(Sent(json.dumps({"error": UPSTREAM})), Sent(json.dumps({"error": UPSTREAM}))),
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


async def converse(
    server: Server,
    *more: str,
    overrides: JsonObject | None = None,
    items: Sequence[Item] = (QUESTION,),
) -> list[Completion]:
    """The completions of a turn."""
    client, given = ModelClient(), list(items)
    said: list[Completion] = []
    while not said or said[-1].calls:
        asked = request(*given, overrides=overrides or {})
        said.append(await client.complete([served(server.endpoint, "m", *more)], asked, asker()))
        given += [said[-1].item, *(tool_item(one.id, "result") for one in said[-1].calls)]
    return said


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.habit)
async def test_a_turn_with_tools_comes_to_its_end(row: Row, capabilities: tuple[str, ...]) -> None:
    obey = row.obey() if isinstance(row.obey, partial) else row.obey
    async with running(obey) as server:
        said = await converse(server, *capabilities, overrides=dict(row.overrides))
        asked = server.asked

    assert [(one.name, one.arguments) for one in said[0].calls] == list(row.calls)
    assert not any(one.problem for one in said[0].calls)
    ids = [one.id for one in said[0].calls]
    assert len(set(ids)) == len(ids)
    assert said[-1].text == "Done."
    assert row.asks is None or len(asked) == row.asks


PAIRS = [("DeepSeek", deepseek), ("Gemini", gemini), ("OpenRouter", openrouter), ("Ollama", ollama)]


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "obey"), PAIRS, ids=[name for name, _ in PAIRS])
async def test_what_one_model_added_never_reaches_another(
    name: str, obey: Obey, capabilities: tuple[str, ...]
) -> None:
    """Mistral would refuse it."""
    async with running(obey) as first, running(mistral) as second:
        (asked, *_) = await converse(first, *capabilities)
        items = [QUESTION, asked.item, *(tool_item(one.id, "r") for one in asked.calls)]
        other = served(second.endpoint, "other")
        completion = await ModelClient().complete([other], request(*items), asker())

    assert completion.text == "Done."
    assert len(second.asked) == 1


@pytest.mark.parametrize(
    ("obey", "has_it"),
    [
        (deepseek, lambda message: message["reasoning_content"] == ""),
        (gemini, lambda message: message["tool_calls"][0]["extra_content"] == DUMMY),
    ],
)
async def test_a_model_that_misses_its_additions_at_the_calls_of_another_gets_empty_ones(
    obey: Obey, has_it: Any
) -> None:
    plain = Item.of(
        {"role": "assistant", "content": "", "tool_calls": [call("f", "{}", id="abcdefghi")]}
    )
    async with running(obey) as server:
        (completion,) = await converse(server, items=[QUESTION, plain, tool_item("abcdefghi", "r")])

    assert completion.text == "Done."
    assert has_it(calling_in(server.asked[1])[0])


async def test_additions_of_before_there_were_marks_go_to_no_model() -> None:
    old = Item.of({"role": "assistant", "content": "x", "reasoning_content": "hm"})
    called = {"role": "assistant", "content": "", "tool_calls": [call("f", "{}", id="abcdefghi")]}
    called["tool_calls"][0]["extra_content"] = SIGNATURE
    items = [QUESTION, old, QUESTION, Item.of(called), tool_item("abcdefghi", "r")]
    async with running(done) as server:
        await converse(server, items=items)

    sent = [one for one in server.asked[0]["messages"] if one["role"] == "assistant"]
    assert [one.keys() for one in sent] == [
        {"role", "content"},
        {"role", "content", "tool_calls"},
    ]
    assert sent[1]["tool_calls"][0].keys() == {"id", "type", "function"}


TOO_LONG = [
    {"error": {"code": "context_length_exceeded", "param": "messages"}},
    {"object": "error", "message": "This model's maximum context length is 8192 tokens"},
    {"error": {"type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 4096}},
    {"error": {"message": "the request exceeds the available context size"}},
    [{"error": {"message": "exceeds the maximum number of tokens allowed (1048576)"}}],
    {"error": {"message": "input tokens exceed the configured limit of 272000"}},
    {"error": {"message": "input is longer than the model's context length"}},
    {"error": {"message": "input length and max_tokens exceed context limit: 1 + 2 > 3"}},
    {"error": {"message": "exceeded the maximum context limit"}},
    "prompt is too long: 210000 tokens",
]


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
@pytest.mark.parametrize("body", TOO_LONG, ids=lambda body: json.dumps(body)[:50])
async def test_a_conversation_too_long_is_recognised_by_all_its_words(
    body: Any, capabilities: tuple[str, ...]
) -> None:
    async with running(lambda _: refuses(400, body)) as server:
        with pytest.raises(ContextTooLong):
            await converse(server, *capabilities)

    assert len(server.asked) == 1


async def test_a_stream_that_is_cut_twice_is_not_asked_a_third_time() -> None:
    cut = stream([WORDS], is_done=False)
    async with running(in_turn(cut, cut)) as server:
        with pytest.raises(CutOff):
            await converse(server, "streaming")

    assert len(server.asked) == 2


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
async def test_a_call_cut_off_by_the_length_limit_is_not_run(capabilities: tuple[str, ...]) -> None:
    """Though what is there of its arguments may be JSON."""
    cut = call("f", '{"a": 1}', id="1", index=0)
    first = stream([delta(tool_calls=[cut]), delta("length")])
    if not capabilities:
        first = whole({"tool_calls": [cut]}, "length")
    async with running(in_turn(first, done)) as server:
        said = await converse(server, *capabilities)

    assert "cut off" in said[0].calls[0].problem


class Heard:
    """A listener that is always due."""

    is_due = True

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def text_grows(self, text: str) -> None:
        self.texts.append(text)


async def test_a_growing_answer_is_heard_and_one_that_is_asked_for_again_begins_anew() -> None:
    heard = Heard()
    asked = request(listener=heard)
    async with running(in_turn(stream([WORDS], is_done=False), done)) as server:
        model = served(server.endpoint, "m", "streaming")
        completion = await ModelClient().complete([model], asked, asker())

    assert heard.texts == ["I would", "Do", "Done.", "Done."]
    assert [one.reason for one in completion.failures] == [CutOff.__doc__]


async def test_a_listener_hears_no_half_characters_and_its_mistakes_are_no_broken_stream() -> None:
    heard = Heard()
    pieces = [delta(content="a \ud83d"), delta(content="\ude00!"), delta("stop")]
    async with running(lambda _: stream(pieces)) as server:
        model = served(server.endpoint, "m", "streaming")
        completion = await ModelClient().complete([model], request(listener=heard), asker())

        class Mistaken(Heard):
            async def text_grows(self, text: str) -> None:
                raise ValueError(text)

        with pytest.raises(ValueError, match="a "):
            await ModelClient().complete([model], request(listener=Mistaken()), asker())

    assert completion.text == f"a {GRIN}!"
    assert heard.texts == ["a ", f"a {GRIN}!", f"a {GRIN}!"]
    assert len(server.asked) == 2


async def test_a_whole_answer_is_kept_though_the_time_ends_while_the_stream_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assembling, "REST_SECONDS", 30)
    async with running(lambda body: left_open(body | {"messages": RESULTS})) as server:
        model = served(server.endpoint, "m", "streaming")
        completion = await ModelClient().complete([model], request(), asker(0.8))

    assert completion.text == "Done."


RESULTS = [{"role": "tool"}]


async def test_a_stream_that_is_left_open_is_not_waited_for() -> None:
    async with running(left_open) as server, asyncio.timeout(10):
        said = await converse(server, "streaming")

    assert said[-1].text == "Done."
