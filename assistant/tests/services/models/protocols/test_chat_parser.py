"""Parsing responses of servers that differ."""

import json
from decimal import Decimal
from typing import Any

import pytest

from assistant.src.core.errors import (
    EmptyResponse,
    GenerationFailed,
    MalformedResponse,
    StreamInterrupted,
)
from assistant.src.messages.completion import Completion
from assistant.src.messages.context_window import MAX_CALLS_PER_RESPONSE
from assistant.src.services.models.protocols.base import ParsedResponse
from assistant.src.services.models.protocols.chat_completions import CHAT_COMPLETIONS
from assistant.src.services.models.protocols.chat_stream import ChatStreamAccumulator
from smart_kit.errors import UpstreamUnavailable
from smart_kit.json_schema import MAX_CHARACTERS


def parse_message(message: Any, finish_reason: Any = "stop", **body: Any) -> ParsedResponse:
    choices = [{"message": message, "finish_reason": finish_reason}]
    return CHAT_COMPLETIONS.parse_response({"choices": choices, **body}, "tg:1:2/1")


def make_tool_call(name: Any = "f", arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("hi", "hi"),
        ([{"type": "text", "text": "h"}, {"type": "text", "text": "i"}, "x", {}], "hi"),
    ],
)
def test_text_may_be_a_list_of_parts(content: Any, text: str) -> None:
    assert parse_message({"content": content}).text == text
    assert parse_message({"content": content}).message == {"role": "assistant", "content": text}


@pytest.mark.parametrize("reason", [None, "stop", "eos", 7, "function_call"])
def test_finish_reason_does_not_affect_tool_calls(reason: Any) -> None:
    completion = parse_message({"content": None, "tool_calls": [make_tool_call()]}, reason)

    assert [one.name for one in completion.calls] == ["f"]
    assert completion.message["content"] == ""


def test_a_refusal_is_an_answer() -> None:
    assert parse_message({"content": None, "refusal": "I will not."}).text == "I will not."


@pytest.mark.parametrize(
    "message", [{}, {"content": None}, {"content": "", "tool_calls": []}, {"content": 5}]
)
def test_empty_message_is_an_empty_response(message: Any) -> None:
    with pytest.raises(EmptyResponse):
        parse_message(message)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"choices": [], "echo": "my secret"}, "an object of choices, echo"),
        ({}, "an object of nothing"),
        ({"choices": "my secret"}, "('choices',)"),
        (["my secret"], "()"),
    ],
)
def test_a_malformed_response_is_reported_without_its_content(body: Any, said: str) -> None:
    with pytest.raises(UpstreamUnavailable) as failed:
        CHAT_COMPLETIONS.parse_response(body, "k")
    assert failed.value.message.endswith(f": {said}")


@pytest.mark.parametrize(
    ("given", "arguments", "problem"),
    [
        ('{"a": 1}', {"a": 1}, False),
        ({"a": 1}, {"a": 1}, False),
        ("", {}, False),
        (None, {}, False),
        ("null", {}, False),
        ('{"a"', {}, True),
        ("[1]", {}, True),
        ('"text"', {}, True),
        (5, {}, True),
        ("Infinity", {}, True),
        ('{"a": NaN}', {}, True),
        ('{"a": -Infinity}', {}, True),
        ('{"a": 1e999}', {}, True),
        ('{"a": 1e22}', {"a": 1e22}, False),
        (json.dumps({"a": "x" * MAX_CHARACTERS}), {}, True),
        ({"a": "x" * MAX_CHARACTERS}, {}, True),
    ],
)
def test_every_known_form_of_arguments_is_parsed(
    given: Any, arguments: dict, problem: bool
) -> None:
    (one,) = parse_message({"tool_calls": [make_tool_call(arguments=given)]}).calls

    assert one.arguments == arguments
    assert bool(one.error) == problem


def test_only_the_first_calls_and_their_extras_are_kept() -> None:
    answer = parse_message(
        {"tool_calls": [make_tool_call(arguments={"n": n}, x=n) for n in range(1, 1_000)]}
    )

    assert [one.arguments["n"] for one in answer.calls] == list(
        range(1, MAX_CALLS_PER_RESPONSE + 1)
    )
    assert (
        len(answer.message["tool_calls"]) == len(answer.extras["calls"]) == MAX_CALLS_PER_RESPONSE
    )


def test_call_ids_are_unique_and_reproducible() -> None:
    message = {
        "tool_calls": [
            make_tool_call(id="x"),
            make_tool_call(id="x"),
            make_tool_call(id=""),
            make_tool_call(),
        ]
    }
    ids = [one.id for one in parse_message(message).calls]

    assert len(set(ids)) == 4
    assert all(len(one) == 9 and one.isalnum() and one.isascii() for one in ids)
    assert ids == [one.id for one in parse_message(message).calls]
    assert ids == [one["id"] for one in parse_message(message).message["tool_calls"]]


@pytest.mark.parametrize(
    ("name", "read_as"),
    [("get time!", "get_time_"), (None, "unknown"), ("", "unknown"), ("a" * 70, "a" * 64)],
)
def test_function_names_become_valid(name: Any, read_as: str) -> None:
    assert parse_message({"tool_calls": [make_tool_call(name=name)]}).calls[0].name == read_as


def test_lone_surrogates_are_repaired() -> None:
    answer = parse_message(
        {"content": "ok \ud83d", "tool_calls": [make_tool_call(arguments='{"a": "\\ud83d"}')]}
    )
    completion = Completion(model="m", message=answer.message, text=answer.text, calls=answer.calls)

    completion.model_dump_json().encode()
    assert completion.text.startswith("ok ")


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, None),
        ({}, None),
        ([9, 2], None),
        ({"prompt_tokens": None, "completion_tokens": "many"}, None),
        ({"prompt_tokens": 9}, None),
        ({"prompt_tokens": 9, "completion_tokens": -2}, None),
        ({"prompt_tokens": 9, "completion_tokens": 10**9}, None),
        ({"prompt_tokens": 9, "completion_tokens": 2.5}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": 9.0, "completion_tokens": "2"}, (9, 0, 2)),
        ({"input_tokens": 9, "output_tokens": 2}, (9, 0, 2)),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": [8]}, (9, 0, 2)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 8},
            },
            (9, 8, 2),
        ),
    ],
)
def test_missing_token_usage_is_not_zero(usage: Any, tokens: tuple[int, int, int] | None) -> None:
    assert parse_message({"content": "hi"}, usage=usage).tokens == tokens


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (0, 0, 0)),
        ({"prompt_tokens": 9, "completion_tokens": 2}, (9, 0, 2)),
    ],
)
@pytest.mark.parametrize("message", [{"content": ""}, {"tool_calls": "none"}, None], ids=str)
def test_unusable_answer_has_the_reported_token_usage(
    message: Any, usage: Any, tokens: tuple[int, int, int] | None
) -> None:
    with pytest.raises((EmptyResponse, MalformedResponse)) as failed:
        parse_message(message, usage=usage)

    assert failed.value.tokens == tokens


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": 9, "completion_tokens": 2}], ids=str)
def test_error_within_a_stream_has_the_reported_token_usage(usage: Any) -> None:
    with pytest.raises(GenerationFailed if usage else StreamInterrupted) as failed:
        ChatStreamAccumulator().add({"error": {"code": 502}, "usage": usage})

    assert getattr(failed.value, "tokens", None) == ((9, 0, 2) if usage else None)


def test_provider_extras_are_stored_separately_for_each_call() -> None:
    plain, signed = make_tool_call(index=0), make_tool_call(extra_content={"a": 1}, index=1)
    answer = parse_message(
        {"content": "", "reasoning": "hm", "x": None, "tool_calls": [plain, signed]}
    )

    assert answer.extras == {
        "keys": {"reasoning": "hm"},
        "calls": [{}, {"extra_content": {"a": 1}}],
    }
    assert answer.message.keys() == {"role", "content", "tool_calls"}
    assert parse_message({"content": "hi"}).extras == {}


def test_journaled_completion_is_restored_unchanged() -> None:
    answer = parse_message(
        {"content": "", "tool_calls": [make_tool_call(extra_content={"a": 1}, index=0)]}
    )
    completion = Completion(
        model="m",
        message=answer.message,
        extras={"by": "p/m", **answer.extras},
        text="",
        calls=answer.calls,
        cost=Decimal("0.00001"),
    )

    again = Completion.model_validate_json(completion.model_dump_json(exclude_defaults=True))
    assert again == completion
    assert again.item == completion.item
