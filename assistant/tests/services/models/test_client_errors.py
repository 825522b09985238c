"""How errors of model servers are classified, and what the log says of them."""

import json
from typing import Any

import pytest

from assistant.src.core.errors import ContextLengthExceeded
from assistant.src.services.models.transport.endpoint import Endpoint
from assistant.tests.services.models.model_harness import complete_own_model, make_model_request
from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    make_error_response,
    make_response,
    make_text_response,
)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "context_length_exceeded", "param": "messages"}},
        {"object": "error", "message": "This model's maximum context length is 8192 tokens"},
        {"error": {"type": "exceed_context_size_error", "n_ctx": 4096}},
        [{"error": {"message": "exceeds the maximum number of tokens allowed (1048576)"}}],
        "prompt is too long: 210000 tokens",
        {"error": {"message": "x" * 600 + " maximum context length is 10 (max_tokens: 5)"}},
    ],
    ids=lambda body: json.dumps(body)[:60],
)
async def test_context_length_errors_are_recognised_in_every_known_form(
    endpoint: Endpoint, model: ScriptedModel, body: object
) -> None:
    model.add_steps(make_error_response(400, body))

    with pytest.raises(ContextLengthExceeded):
        await complete_own_model(endpoint)
    assert len(model.requests) == 1


async def test_errors_contain_codes_but_neither_key_nor_request(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    error = {"code": "invalid_api_key", "type": None, "message": "sk-test may not ask 'my secret'"}
    model.add_steps(make_error_response(401, {"error": error}))

    with pytest.raises(UpstreamRejected) as refused:
        await complete_own_model(endpoint)
    assert "sk-test" not in str(refused.value)
    assert refused.value.message == "401: code invalid_api_key"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "my secret"}}, "500: an object of message"),
        (b"<html>my secret</html>", "500: a str of 22"),
        ({"detail": [{"loc": ["body", "input"], "input": "my secret"}]}, "500: param body.input"),
    ],
)
async def test_error_without_a_code_is_described_by_its_shape(
    endpoint: Endpoint, model: ScriptedModel, body: Any, said: str
) -> None:
    model.add_steps(*[make_error_response(500, body)] * 3)

    with pytest.raises(UpstreamUnavailable) as failed:
        await complete_own_model(endpoint)
    assert failed.value.message == said


@pytest.mark.parametrize(("words", "warnings"), [(4_000, 1), (200, 0)])
async def test_silently_truncated_prompt_is_logged(
    endpoint: Endpoint,
    model: ScriptedModel,
    capsys: pytest.CaptureFixture[str],
    words: int,
    warnings: int,
) -> None:
    """Ollama truncates prompts, system message and tools first, if its context is too small."""
    body = json.loads(make_text_response("Hello!").body)
    body["usage"]["prompt_tokens"] = 4096
    model.add_steps(make_response(body))
    await complete_own_model(
        endpoint, request=make_model_request(instructions="every word " * words)
    )

    assert capsys.readouterr().out.count("model server truncates prompts") == warnings
