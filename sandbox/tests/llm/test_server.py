"""The OpenAI-compatible server, called with plain requests and with the openai SDK."""

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from sandbox.tests.llm.model_requests import ALL_TOOLS, GET_TIME, STRING_SCHEMA, build_tool
from sandbox.tests.sandbox_harness import SandboxHarness

TOKYO = "2026-11-21T22:24:00+09:00 Asia/Tokyo"
QUESTION: Any = [{"role": "user", "content": "What time is it in Tokyo?"}]


@pytest.fixture
async def client(sandbox: SandboxHarness) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK with the sandbox's address."""
    async with openai.AsyncOpenAI(
        base_url=f"{sandbox.url}/v1", api_key="any", max_retries=0
    ) as client:
        yield client


async def test_sdk_completes_a_turn_with_tool_calls(client: openai.AsyncOpenAI) -> None:
    tools: Any = ALL_TOOLS
    first = await client.chat.completions.create(model="any", messages=QUESTION, tools=tools)
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls
    call: Any = choice.message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "get_time",
        {"place": "Tokyo"},
    )
    messages = [
        *QUESTION,
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": TOKYO},
    ]
    second = await client.chat.completions.create(model="any", messages=messages, tools=tools)
    assert second.choices[0].finish_reason == "stop"
    assert "**22:24** in Tokyo" in str(second.choices[0].message.content)
    assert second.usage
    assert second.usage.total_tokens == second.usage.prompt_tokens + second.usage.completion_tokens
    assert 10 < second.usage.completion_tokens < 40


async def test_streamed_answer_equals_the_whole_answer(client: openai.AsyncOpenAI) -> None:
    hello: Any = [{"role": "user", "content": "привет"}]
    whole = await client.chat.completions.create(model="any", messages=hello)
    async with client.chat.completions.stream(
        model="any", messages=hello, stream_options={"include_usage": True}
    ) as stream:
        streamed = await stream.get_final_completion()
    assert streamed.choices[0].message.content == whole.choices[0].message.content
    assert streamed.choices[0].finish_reason == "stop"
    assert streamed.usage == whole.usage


async def test_streamed_tool_call_arrives_in_pieces(client: openai.AsyncOpenAI) -> None:
    tools: Any = [GET_TIME]
    stream = await client.chat.completions.create(
        model="any", messages=QUESTION, tools=tools, stream=True
    )
    arguments, ids, reasons = "", [], []
    async for chunk in stream:
        assert chunk.usage is None
        reasons.append(chunk.choices[0].finish_reason)
        for call in chunk.choices[0].delta.tool_calls or ():
            assert call.index == 0
            assert call.function
            arguments += call.function.arguments or ""
            ids.append(call.id)
    assert json.loads(arguments) == {"place": "Tokyo"}
    assert [call_id for call_id in ids if call_id] == ids[:1]
    assert reasons[-1] == "tool_calls"


async def test_models_are_listed_and_any_name_is_accepted(client: openai.AsyncOpenAI) -> None:
    listed = [model.id async for model in client.models.list()]
    assert {"sandbox-demo", "sandbox-brief", "sandbox-slow", "gpt-6-luna"} == set(listed)
    assert (await client.models.retrieve("some/other")).id == "some/other"


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("none", None),
        ("required", "get_time"),
        ({"type": "function", "function": {"name": "lookup"}}, "lookup"),
    ],
)
async def test_tool_choice_is_followed(
    client: openai.AsyncOpenAI, choice: Any, name: str | None
) -> None:
    tools: Any = [GET_TIME, build_tool("lookup", "", query=STRING_SCHEMA)]
    messages: Any = [{"role": "user", "content": "xyzzy"}]
    answer = await client.chat.completions.create(
        model="any", messages=messages, tools=tools, tool_choice=choice
    )
    calls: Any = answer.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ([name] if name else [])


async def test_token_limit_truncates_the_answer(client: openai.AsyncOpenAI) -> None:
    hello: Any = [{"role": "user", "content": "hi"}]
    answer = await client.chat.completions.create(model="any", messages=hello, max_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage
    assert answer.usage.completion_tokens <= 5


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USER = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ("{", None, "could not parse the JSON body"),
        ([], None, "could not parse the JSON body"),
        ({"messages": [USER]}, None, "you must provide a model parameter"),
        ({"model": "m"}, "messages", "Missing required parameter: 'messages'."),
        (
            {"model": "m", "messages": "x"},
            "messages",
            "expected an array of objects, but got a string",
        ),
        ({"model": "m", "messages": []}, "messages", "empty array"),
        (
            {"model": "m", "messages": [{"role": "boss"}]},
            "messages[0].role",
            "Invalid value: 'boss'",
        ),
        ({"model": "m", "messages": [{"role": "user"}]}, "messages[0].content", "got null"),
        (
            {
                "model": "m",
                "messages": [USER, {"role": "tool", "tool_call_id": "c1", "content": "y"}],
            },
            "messages.[1].role",
            "must be a response to a preceding message with 'tool_calls'",
        ),
        (
            {"model": "m", "messages": [{"role": "assistant", "tool_calls": [CALL]}, USER]},
            "messages.[1].role",
            "did not have response messages: c1",
        ),
        (
            {
                "model": "m",
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{"}}],
                    }
                ],
            },
            "messages[0].tool_calls[0].function.arguments",
            "not valid JSON",
        ),
        ({"model": "m", "messages": [USER], "tools": []}, "tools", "empty array"),
        (
            {"model": "m", "messages": [USER], "tools": [build_tool("bad name")]},
            "tools[0].function.name",
            "does not match pattern",
        ),
        (
            {"model": "m", "messages": [USER], "stream_options": {"include_usage": True}},
            "stream_options",
            "only allowed when 'stream' is enabled",
        ),
    ],
)
async def test_invalid_requests_are_rejected_with_openai_errors(
    sandbox: SandboxHarness, body: object, param: str | None, message: str
) -> None:
    raw = body if isinstance(body, str) else json.dumps(body)
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    url = f"{sandbox.url}/v1/chat/completions"
    async with sandbox.http.post(url, data=raw, headers=headers) as response:
        assert response.status == 400
        error = (await response.json())["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert message in error["message"]


async def test_api_key_is_required_and_other_paths_return_404(sandbox: SandboxHarness) -> None:
    async with sandbox.http.get(f"{sandbox.url}/v1/models") as response:
        assert response.status == 401
        assert "You didn't provide an API key" in (await response.json())["error"]["message"]
    headers = {"Authorization": "Bearer x"}
    async with sandbox.http.post(f"{sandbox.url}/v1/embeddings", headers=headers) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "unknown_url"
