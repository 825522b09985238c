"""Answers as they grow, how they end, and conversations that are too long for one."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from assistant.src.core.errors import ContextTooLong, CutOff
from assistant.src.services.models import assembling, events
from assistant.src.services.models.client import ModelClient
from assistant.tests.services.models.fake_providers import (
    GRIN,
    call,
    converse,
    done,
    left_open,
)
from assistant.tests.services.models.model_harness import fake_turn, model_request, served_model
from assistant.tests.services.models.openai_compatible_server import (
    HttpAnswer,
    JsonObject,
    Respond,
    delta,
    in_turn,
    refuses,
    running_server,
    stream,
    whole,
)

pytestmark = pytest.mark.clock("virtual")

WORDS = delta(content="I would")


@pytest.fixture(autouse=True)
def _no_long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembling, "REST_SECONDS", 0.05)


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
    async with running_server(lambda _: refuses(400, body)) as server:
        with pytest.raises(ContextTooLong):
            await converse(server, *capabilities)

    assert len(server.asked) == 1


async def test_a_stream_that_is_cut_twice_is_not_asked_a_third_time() -> None:
    cut = stream([WORDS], is_done=False)
    async with running_server(in_turn(cut, cut)) as server:
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
    async with running_server(in_turn(first, done)) as server:
        said = await converse(server, *capabilities)

    assert "cut off" in said[0].calls[0].problem


class RecordingListener:
    """A listener that is always due."""

    is_due = True

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def text_grows(self, text: str) -> None:
        self.texts.append(text)


async def test_a_growing_answer_is_heard_and_one_that_is_asked_for_again_begins_anew() -> None:
    heard = RecordingListener()
    asked = model_request(listener=heard)
    async with running_server(in_turn(stream([WORDS], is_done=False), done)) as server:
        model = served_model(server.endpoint, "m", "streaming")
        completion = await ModelClient().complete([model], asked, fake_turn())

    assert heard.texts == ["I would", "Do", "Done.", "Done."]
    assert [one.reason for one in completion.failures] == [CutOff.__doc__]


async def test_a_listener_hears_no_half_characters_and_its_mistakes_are_no_broken_stream() -> None:
    heard = RecordingListener()
    pieces = [delta(content="a \ud83d"), delta(content="\ude00!"), delta("stop")]
    async with running_server(lambda _: stream(pieces)) as server:
        model = served_model(server.endpoint, "m", "streaming")
        completion = await ModelClient().complete(
            [model], model_request(listener=heard), fake_turn()
        )

        class Mistaken(RecordingListener):
            async def text_grows(self, text: str) -> None:
                raise ValueError(text)

        with pytest.raises(ValueError, match="a "):
            await ModelClient().complete([model], model_request(listener=Mistaken()), fake_turn())

    assert completion.text == f"a {GRIN}!"
    assert heard.texts == ["a ", f"a {GRIN}!", f"a {GRIN}!"]
    assert len(server.asked) == 2


async def test_a_whole_answer_is_kept_though_the_time_ends_while_the_stream_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assembling, "REST_SECONDS", 30)
    async with running_server(lambda body: left_open(body | {"messages": RESULTS})) as server:
        model = served_model(server.endpoint, "m", "streaming")
        completion = await ModelClient().complete([model], model_request(), fake_turn(5))

    assert completion.text == "Done."


RESULTS = [{"role": "tool"}]


def talkative(body: JsonObject) -> HttpAnswer:
    """Says what it is not asked, and does not stop."""
    sent = left_open(body)
    return replace(sent, goes_on=b'data: {"choices": []}\n\n') if body.get("stream") else sent


@pytest.mark.parametrize("respond", [left_open, talkative])
async def test_a_stream_that_does_not_end_is_not_waited_for(respond: Respond) -> None:
    async with running_server(respond) as server, asyncio.timeout(30):
        said = await converse(server, "streaming")

    assert said[-1].text == "Done."


async def test_two_streams_go_over_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the first one comes a while after its [DONE]."""
    monkeypatch.setattr(assembling, "REST_SECONDS", 30)
    monkeypatch.setattr(events, "DRAIN_SECONDS", 30)

    async with running_server(done) as server:

        def ends_late(body: JsonObject) -> HttpAnswer:
            asyncio.get_running_loop().call_later(0.1, server.ends.set)
            return replace(done(body), stays_open=True)

        server.respond = in_turn(ends_late, done)
        for _ in range(2):
            await converse(server, "streaming")

    first, second = server.clients
    assert first == second
