"""Extras that providers add to their models' messages go back to these models only."""

import json
from typing import Any

import pytest

from assistant.src.messages.item import ChatItem, build_tool_result_item
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.transport import streaming
from assistant.tests.services.models.fake_openai_server import (
    Responder,
    StubResponse,
    get_calling_messages,
    respond_in_order,
    run_fake_openai_server,
)
from assistant.tests.services.models.fake_providers import (
    DUMMY_SIGNATURE,
    deepseek,
    gemini,
    make_tool_call,
    mistral,
    ollama,
    openrouter,
    respond_done,
    run_turn,
)
from assistant.tests.services.models.model_harness import (
    QUESTION,
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)


@pytest.fixture(autouse=True)
def _short_drain_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "TRAILING_TIMEOUT_SECONDS", 0.05)


PAIRS = [("DeepSeek", deepseek), ("Gemini", gemini), ("OpenRouter", openrouter), ("Ollama", ollama)]


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "respond"), PAIRS, ids=[name for name, _ in PAIRS])
async def test_extras_of_one_model_never_reach_another(
    name: str, respond: Responder, capabilities: tuple[str, ...]
) -> None:
    """Mistral would reject it."""
    async with run_fake_openai_server(respond) as first, run_fake_openai_server(mistral) as second:
        (first_completion, *_) = await run_turn(first, *capabilities)
        items = [
            QUESTION,
            first_completion.item,
            *(build_tool_result_item(one.id, "r") for one in first_completion.calls),
        ]
        other = make_resolved_model(second.endpoint, "other")
        completion = await ModelClient().complete(
            [other], make_model_request(*items), make_fake_turn()
        )

    assert completion.text == "Done."
    assert len(second.requests) == 1


@pytest.mark.parametrize(
    ("respond", "has_it"),
    [
        (deepseek, lambda message: message["reasoning_content"] == ""),
        (gemini, lambda message: message["tool_calls"][0]["extra_content"] == DUMMY_SIGNATURE),
    ],
)
async def test_required_extras_are_added_to_calls_of_other_models(
    respond: Responder, has_it: Any
) -> None:
    plain = ChatItem.from_message(
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [make_tool_call("f", "{}", id="abcdefghi")],
        }
    )
    async with run_fake_openai_server(respond) as server:
        (completion,) = await run_turn(
            server, items=[QUESTION, plain, build_tool_result_item("abcdefghi", "r")]
        )

    assert completion.text == "Done."
    assert has_it(get_calling_messages(server.requests[1])[0])


async def test_invalid_json_numbers_are_in_no_call_and_request() -> None:
    wrong = make_tool_call("f", '{"a": 1e999}', id="1"), make_tool_call("g", "@", id="2")
    details = '"reasoning_details": [{"x": NaN, "y": -1e999, "z": 0.5}]'
    message = f'{{"tool_calls": {json.dumps(wrong)}, {details}}}'
    body = f'{{"choices": [{{"message": {message}}}]}}'.replace('"@"', '{"a": Infinity}')
    async with run_fake_openai_server(respond_in_order(StubResponse(body), respond_done)) as server:
        first, _ = await run_turn(server)

    assert [one.arguments for one in first.calls] == [{}, {"a": None}]
    assert "1e999 is no number" in first.calls[0].error
    (sent,) = get_calling_messages(server.requests[1])
    assert sent["reasoning_details"] == [{"x": None, "y": None, "z": 0.5}]
    assert [one["function"]["arguments"] for one in sent["tool_calls"]] == ["{}", '{"a":null}']
