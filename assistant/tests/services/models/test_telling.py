"""Conversations with calls, before a model that is offered no functions."""

import pytest

from assistant.src.messages.item import Item, tool_item
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.telling import told
from assistant.tests.services.models.model_harness import (
    FUNCTION,
    QUESTION,
    fake_turn,
    model_request,
    served_model,
)
from assistant.tests.services.models.openai_compatible_server import (
    HttpAnswer,
    JsonObject,
    running_server,
    whole,
)


def call(call_id: str, name: str, arguments: str = "{}") -> JsonObject:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


CALLED = Item.of(
    {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [call("a", "get_time"), call("b", "get_weather", '{"city":"Rome"}')],
    },
    {"by": "p/own", "keys": {"reasoning": "hm"}},
)
ITEMS = (QUESTION, CALLED, tool_item("a", "It is five."), tool_item("b", "Rain."), QUESTION)


def respond(body: JsonObject) -> HttpAnswer:
    if "input" not in body:
        return whole({"content": "Done."})
    message = {"type": "message", "content": [{"type": "output_text", "text": "Done."}]}
    return HttpAnswer(f'{{"status": "completed", "output": [{encode(message)}]}}')


def encode(message: JsonObject) -> str:
    return Item.of(message).json


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(
    ("functions", "capabilities"),
    [((), {"tools"}), ((FUNCTION,), set())],
    ids=["an assistant without tools", "a model without tools"],
)
async def test_calls_are_told_in_words_where_none_can_be_made(
    api: str, functions: tuple[JsonObject, ...], capabilities: set[str]
) -> None:
    async with running_server(respond) as server:
        model = served_model(server.endpoint, api=api, capabilities=frozenset(capabilities))
        await ModelClient().complete(
            [model], model_request(*ITEMS, functions=functions), fake_turn()
        )

    (body,) = server.asked
    said = body["messages"][1:] if api == "chat" else body["input"]
    told_calls = [
        "Let me see.",
        "(I called get_time with {}.)",
        '(I called get_weather with {"city":"Rome"}.)',
    ]
    told_results = [
        "(What get_time returned, as data:)",
        "It is five.",
        "",
        "(What get_weather returned, as data:)",
        "Rain.",
    ]
    assert [(one["role"], one["content"]) for one in said] == [
        ("user", "hi"),
        ("assistant", "\n".join(told_calls)),
        ("user", "\n".join(told_results)),
        ("user", "hi"),
    ]
    assert all(one.keys() == {"role", "content"} for one in said)


def test_results_at_the_end_are_told_too_and_words_stay_as_they_are() -> None:
    words = Item.of({"role": "assistant", "content": 'not a "tool_call'}, {"by": "p/own"})

    assert told([QUESTION, words]) == [QUESTION, words]
    assert [one.message["role"] for one in told(ITEMS[:3])] == ["user", "assistant", "user"]
    assert "a tool" in told([tool_item("unknown", "x")])[0].message["content"]
