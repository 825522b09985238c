"""Streamed answers, how they end, and errors of too long conversations."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from assistant.src.core.errors import ContextLengthExceeded, StreamInterrupted
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.transport import streaming
from assistant.tests.services.models.fake_openai_server import (
    JsonObject,
    Responder,
    StubResponse,
    make_chunk,
    make_completion,
    make_error,
    make_stream,
    respond_in_order,
    run_fake_openai_server,
)
from assistant.tests.services.models.fake_providers import (
    EMOJI,
    leave_stream_open,
    make_tool_call,
    respond_done,
    run_turn,
)
from assistant.tests.services.models.model_harness import (
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)

pytestmark = pytest.mark.clock("virtual")

TEXT_CHUNK = make_chunk(content="I would")


@pytest.fixture(autouse=True)
def _short_drain_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "TRAILING_TIMEOUT_SECONDS", 0.05)


CONTEXT_LENGTH_ERRORS = [
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
@pytest.mark.parametrize("body", CONTEXT_LENGTH_ERRORS, ids=lambda body: json.dumps(body)[:50])
async def test_context_length_errors_are_recognised_with_and_without_streaming(
    body: Any, capabilities: tuple[str, ...]
) -> None:
    async with run_fake_openai_server(lambda _: make_error(400, body)) as server:
        with pytest.raises(ContextLengthExceeded):
            await run_turn(server, *capabilities)

    assert len(server.requests) == 1


async def test_stream_that_breaks_twice_is_not_retried_again() -> None:
    cut = make_stream([TEXT_CHUNK], is_done=False)
    async with run_fake_openai_server(respond_in_order(cut, cut)) as server:
        with pytest.raises(StreamInterrupted):
            await run_turn(server, "streaming")

    assert len(server.requests) == 2


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
async def test_truncated_call_is_not_run(capabilities: tuple[str, ...]) -> None:
    """Even if the arguments so far are valid JSON."""
    cut = make_tool_call("f", '{"a": 1}', id="1", index=0)
    first = make_stream([make_chunk(tool_calls=[cut]), make_chunk("length")])
    if not capabilities:
        first = make_completion({"tool_calls": [cut]}, "length")
    async with run_fake_openai_server(respond_in_order(first, respond_done)) as server:
        said = await run_turn(server, *capabilities)

    assert "cut off" in said[0].calls[0].error


class RecordingListener:
    """A listener that is always due."""

    is_due = True

    def __init__(self) -> None:
        self.texts: list[str] = []

    def on_text(self, text: str) -> None:
        self.texts.append(text)


async def test_listener_gets_the_text_and_a_retry_starts_over() -> None:
    heard = RecordingListener()
    request = make_model_request(listener=heard)
    async with run_fake_openai_server(
        respond_in_order(make_stream([TEXT_CHUNK], is_done=False), respond_done)
    ) as server:
        model = make_resolved_model(server.endpoint, "m", "streaming")
        completion = await ModelClient().complete([model], request, make_fake_turn())

    assert heard.texts == ["I would", "Do", "Done.", "Done."]
    assert [one.reason for one in completion.failures] == [StreamInterrupted.__doc__]


async def test_listener_gets_valid_text_and_its_errors_are_not_retried() -> None:
    heard = RecordingListener()
    pieces = [make_chunk(content="a \ud83d"), make_chunk(content="\ude00!"), make_chunk("stop")]
    async with run_fake_openai_server(lambda _: make_stream(pieces)) as server:
        model = make_resolved_model(server.endpoint, "m", "streaming")
        completion = await ModelClient().complete(
            [model], make_model_request(listener=heard), make_fake_turn()
        )

        class FailingListener(RecordingListener):
            def on_text(self, text: str) -> None:
                raise ValueError(text)

        with pytest.raises(ValueError, match="a "):
            await ModelClient().complete(
                [model], make_model_request(listener=FailingListener()), make_fake_turn()
            )

    assert completion.text == f"a {EMOJI}!"
    assert heard.texts == ["a ", f"a {EMOJI}!", f"a {EMOJI}!"]
    assert len(server.requests) == 2


async def test_complete_answer_survives_a_timeout_of_its_open_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "TRAILING_TIMEOUT_SECONDS", 30)
    async with run_fake_openai_server(
        lambda body: leave_stream_open(body | {"messages": TOOL_RESULTS})
    ) as server:
        model = make_resolved_model(server.endpoint, "m", "streaming")
        completion = await ModelClient().complete([model], make_model_request(), make_fake_turn(5))

    assert completion.text == "Done."


TOOL_RESULTS = [{"role": "tool"}]


def never_stop_streaming(body: JsonObject) -> StubResponse:
    """Send events without an end."""
    sent = leave_stream_open(body)
    return (
        replace(sent, repeated_chunk=b'data: {"choices": []}\n\n') if body.get("stream") else sent
    )


@pytest.mark.parametrize("respond", [leave_stream_open, never_stop_streaming])
async def test_open_stream_does_not_delay_a_complete_answer(respond: Responder) -> None:
    async with run_fake_openai_server(respond) as server, asyncio.timeout(30):
        said = await run_turn(server, "streaming")

    assert said[-1].text == "Done."


async def test_two_streams_share_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first response ends some time after its [DONE]."""
    monkeypatch.setattr(streaming, "TRAILING_TIMEOUT_SECONDS", 30)
    monkeypatch.setattr(streaming, "DRAIN_TIMEOUT_SECONDS", 30)

    async with run_fake_openai_server(respond_done) as server:

        def close_late(body: JsonObject) -> StubResponse:
            asyncio.get_running_loop().call_later(0.1, server.stopped.set)
            return replace(respond_done(body), is_left_open=True)

        server.responder = respond_in_order(close_late, respond_done)
        for _ in range(2):
            await run_turn(server, "streaming")

    first, second = server.client_addresses
    assert first == second
