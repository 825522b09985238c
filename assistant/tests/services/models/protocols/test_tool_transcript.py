"""Conversations with tool calls in requests without functions."""

import pytest

from assistant.src.messages.item import ChatItem, build_tool_result_item
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.protocols.base import render_tool_calls_as_text
from assistant.tests.services.models.fake_openai_server import (
    JsonObject,
    StubResponse,
    make_completion,
    run_fake_openai_server,
)
from assistant.tests.services.models.model_harness import (
    FUNCTION,
    QUESTION,
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)


def make_tool_call(call_id: str, name: str, arguments: str = "{}") -> JsonObject:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


CALLING_ITEM = ChatItem.from_message(
    {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [
            make_tool_call("a", "get_time"),
            make_tool_call("b", "get_weather", '{"city":"Rome"}'),
        ],
    },
    {"by": "p/own", "keys": {"reasoning": "hm"}},
)
ITEMS = (
    QUESTION,
    CALLING_ITEM,
    build_tool_result_item("a", "It is five."),
    build_tool_result_item("b", "Rain."),
    QUESTION,
)


def respond(body: JsonObject) -> StubResponse:
    if "input" not in body:
        return make_completion({"content": "Done."})
    message = {"type": "message", "content": [{"type": "output_text", "text": "Done."}]}
    return StubResponse(f'{{"status": "completed", "output": [{encode(message)}]}}')


def encode(message: JsonObject) -> str:
    return ChatItem.from_message(message).json


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(
    ("functions", "capabilities"),
    [((), {"tools"}), ((FUNCTION,), set())],
    ids=["an assistant without tools", "a model without tools"],
)
async def test_calls_become_text_in_requests_without_functions(
    api: str, functions: tuple[JsonObject, ...], capabilities: set[str]
) -> None:
    async with run_fake_openai_server(respond) as server:
        model = make_resolved_model(server.endpoint, api=api, capabilities=frozenset(capabilities))
        await ModelClient().complete(
            [model], make_model_request(*ITEMS, functions=functions), make_fake_turn()
        )

    (body,) = server.requests
    said = body["messages"][1:] if api == "chat" else body["input"]
    calls_text = [
        "Let me see.",
        "(I called get_time with {}.)",
        '(I called get_weather with {"city":"Rome"}.)',
    ]
    results_text = [
        "(What get_time returned, as data:)",
        "It is five.",
        "",
        "(What get_weather returned, as data:)",
        "Rain.",
    ]
    assert [(one["role"], one["content"]) for one in said] == [
        ("user", "hi"),
        ("assistant", "\n".join(calls_text)),
        ("user", "\n".join(results_text)),
        ("user", "hi"),
    ]
    assert all(one.keys() == {"role", "content"} for one in said)


def test_last_results_become_text_and_texts_stay_unchanged() -> None:
    plain_item = ChatItem.from_message(
        {"role": "assistant", "content": 'not a "tool_call'}, {"by": "p/own"}
    )

    assert render_tool_calls_as_text([QUESTION, plain_item]) == [QUESTION, plain_item]
    assert [one.message["role"] for one in render_tool_calls_as_text(ITEMS[:3])] == [
        "user",
        "assistant",
        "user",
    ]
    assert (
        "a tool"
        in render_tool_calls_as_text([build_tool_result_item("unknown", "x")])[0].message["content"]
    )
