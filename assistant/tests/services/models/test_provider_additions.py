"""What providers add to messages of their models goes back to these, and to nobody else."""

import json
from typing import Any

import pytest

from assistant.src.messages.item import Item, tool_item
from assistant.src.services.models import assembling
from assistant.src.services.models.client import ModelClient
from assistant.tests.services.models.fake_providers import (
    DUMMY,
    SIGNATURE,
    call,
    converse,
    deepseek,
    done,
    gemini,
    mistral,
    ollama,
    openrouter,
)
from assistant.tests.services.models.model_harness import (
    QUESTION,
    fake_turn,
    model_request,
    served_model,
)
from assistant.tests.services.models.openai_compatible_server import (
    HttpAnswer,
    Respond,
    calling_in,
    in_turn,
    running_server,
)


@pytest.fixture(autouse=True)
def _no_long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembling, "REST_SECONDS", 0.05)


PAIRS = [("DeepSeek", deepseek), ("Gemini", gemini), ("OpenRouter", openrouter), ("Ollama", ollama)]


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "respond"), PAIRS, ids=[name for name, _ in PAIRS])
async def test_what_one_model_added_never_reaches_another(
    name: str, respond: Respond, capabilities: tuple[str, ...]
) -> None:
    """Mistral would refuse it."""
    async with running_server(respond) as first, running_server(mistral) as second:
        (asked, *_) = await converse(first, *capabilities)
        items = [QUESTION, asked.item, *(tool_item(one.id, "r") for one in asked.calls)]
        other = served_model(second.endpoint, "other")
        completion = await ModelClient().complete([other], model_request(*items), fake_turn())

    assert completion.text == "Done."
    assert len(second.asked) == 1


@pytest.mark.parametrize(
    ("respond", "has_it"),
    [
        (deepseek, lambda message: message["reasoning_content"] == ""),
        (gemini, lambda message: message["tool_calls"][0]["extra_content"] == DUMMY),
    ],
)
async def test_a_model_that_misses_its_additions_at_the_calls_of_another_gets_empty_ones(
    respond: Respond, has_it: Any
) -> None:
    plain = Item.of(
        {"role": "assistant", "content": "", "tool_calls": [call("f", "{}", id="abcdefghi")]}
    )
    async with running_server(respond) as server:
        (completion,) = await converse(server, items=[QUESTION, plain, tool_item("abcdefghi", "r")])

    assert completion.text == "Done."
    assert has_it(calling_in(server.asked[1])[0])


async def test_additions_of_before_there_were_marks_go_to_no_model() -> None:
    old = Item.of({"role": "assistant", "content": "x", "reasoning_content": "hm"})
    called = {"role": "assistant", "content": "", "tool_calls": [call("f", "{}", id="abcdefghi")]}
    called["tool_calls"][0]["extra_content"] = SIGNATURE
    items = [QUESTION, old, QUESTION, Item.of(called), tool_item("abcdefghi", "r")]
    async with running_server(done) as server:
        await converse(server, items=items)

    sent = [one for one in server.asked[0]["messages"] if one["role"] == "assistant"]
    assert [one.keys() for one in sent] == [
        {"role", "content"},
        {"role", "content", "tool_calls"},
    ]
    assert sent[1]["tool_calls"][0].keys() == {"id", "type", "function"}


async def test_numbers_that_json_does_not_have_are_in_no_call_and_no_later_request() -> None:
    wrong = call("f", '{"a": 1e999}', id="1"), call("g", "@", id="2")
    details = '"reasoning_details": [{"x": NaN, "y": -1e999, "z": 0.5}]'
    message = f'{{"tool_calls": {json.dumps(wrong)}, {details}}}'
    body = f'{{"choices": [{{"message": {message}}}]}}'.replace('"@"', '{"a": Infinity}')
    async with running_server(in_turn(HttpAnswer(body), done)) as server:
        first, _ = await converse(server)

    assert [one.arguments for one in first.calls] == [{}, {"a": None}]
    assert "1e999 is no number" in first.calls[0].problem
    (sent,) = calling_in(server.asked[1])
    assert sent["reasoning_details"] == [{"x": None, "y": None, "z": 0.5}]
    assert [one["function"]["arguments"] for one in sent["tool_calls"]] == ["{}", '{"a":null}']
