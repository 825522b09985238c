"""The stateless Responses API, called with plain requests and with the openai SDK."""

import copy
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import openai
import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

from sandbox.llm.responses.request_validation import PARAMETERS
from sandbox.tests.llm.model_requests import ALL_TOOLS, CONTEXT_LINE
from sandbox.tests.sandbox_harness import SandboxHarness

TOOLS: Any = [{"type": "function", "strict": False, **item["function"]} for item in ALL_TOOLS]
QUESTION = f"{CONTEXT_LINE}\nWhat time is it in Tokyo and in Paris?"
TOOL_RESULTS = {
    "Tokyo": "2026-11-21T22:24:00+09:00 Asia/Tokyo",
    "Paris": "2026-11-21T14:24:00+01:00",
}

Items = list[dict[str, Any]]
ItemsMutation = Callable[[Items], Any]


@pytest.fixture
async def client(sandbox: SandboxHarness) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK with the sandbox's address."""
    async with openai.AsyncOpenAI(
        base_url=f"{sandbox.url}/v1", api_key="any", max_retries=0
    ) as client:
        yield client


def build_parameters(**changes: Any) -> Any:
    """Build the parameters of a stateless turn."""
    return {
        "model": "sandbox-demo",
        "instructions": "You are a secretary.",
        "input": [{"role": "user", "content": QUESTION}],
        "tools": TOOLS,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    } | changes


def build_replay(output: Any) -> Items:
    """Build the next input: every output item unchanged, and a result for each call."""
    items: Items = [{"role": "user", "content": QUESTION}]
    items += [item.model_dump(exclude_none=True) for item in output]
    for call in [item for item in output if item.type == "function_call"]:
        result = TOOL_RESULTS[json.loads(call.arguments)["place"]]
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
    return items


async def test_sdk_completes_a_turn_with_tool_calls(client: openai.AsyncOpenAI) -> None:
    first = await client.responses.create(**build_parameters())
    assert [item.type for item in first.output] == ["reasoning", "function_call", "function_call"]
    assert first.status == "completed"
    second = await client.responses.create(**build_parameters(input=build_replay(first.output)))
    assert [item.type for item in second.output] == ["reasoning", "message"]
    assert "**22:24** in Tokyo" in second.output_text
    assert "**14:24** in Paris" in second.output_text
    assert second.usage
    assert second.usage.total_tokens == second.usage.input_tokens + second.usage.output_tokens

    history = [*build_replay(first.output), *(item.model_dump() for item in second.output)]
    memory = [*history, {"role": "user", "content": "What was my previous message?"}]
    third = await client.responses.create(**build_parameters(input=memory))
    assert "in Tokyo and in Paris?" in third.output_text


async def test_streamed_turn_equals_the_whole_turn(client: openai.AsyncOpenAI) -> None:
    async with client.responses.stream(**build_parameters()) as stream:
        first = await stream.get_final_response()
    calls = [item for item in first.output if item.type == "function_call"]
    assert [json.loads(item.arguments)["place"] for item in calls] == ["Tokyo", "Paris"]

    turn = build_parameters(input=build_replay(first.output))
    whole = await client.responses.create(**turn)
    kinds, text, numbers = [], "", []
    async for event in await client.responses.create(**turn, stream=True):
        kinds.append(event.type)
        numbers.append(event.sequence_number)
        text += event.delta if event.type == "response.output_text.delta" else ""
    assert (text, event.type) == (whole.output_text, "response.completed")
    assert event.response.usage == whole.usage
    assert event.response.output_text == text
    assert numbers == list(range(len(numbers)))
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds.count("response.output_item.done") == 2
    assert kinds.count("response.output_text.delta") > 5


async def test_token_limit_truncates_the_answer(client: openai.AsyncOpenAI) -> None:
    answer = await client.responses.create(**build_parameters(input="hello", max_output_tokens=16))
    assert answer.status == "incomplete"
    assert answer.incomplete_details
    assert answer.incomplete_details.reason == "max_output_tokens"


async def test_both_apis_give_the_same_answer(
    client: openai.AsyncOpenAI,
) -> None:
    chat = await client.chat.completions.create(
        model="sandbox-brief", messages=[{"role": "user", "content": "hi"}]
    )
    other = await client.responses.create(model="sandbox-brief", input="hi")
    assert other.output_text == chat.choices[0].message.content == "Hi!"


async def test_calls_without_server_ids_need_no_reasoning(
    client: openai.AsyncOpenAI,
) -> None:
    """The history was written by another model, or its reasoning blobs were removed."""
    call = {"type": "function_call", "call_id": "a1b2c3d4e", "name": "get_time"}
    items: Any = [
        {"role": "user", "content": f"{CONTEXT_LINE}\nWhat time is it in Tokyo?"},
        {**call, "arguments": json.dumps({"place": "Tokyo"})},
        {"type": "function_call_output", "call_id": "a1b2c3d4e", "output": TOOL_RESULTS["Tokyo"]},
    ]
    answer = await client.responses.create(**build_parameters(input=items))
    assert "**22:24**" in answer.output_text


def _change_call(items: Items) -> None:
    items[2]["arguments"] = "{}"


def _remove_encrypted_content(items: Items) -> None:
    del items[1]["encrypted_content"]


def _set_foreign_content(items: Items) -> None:
    items[1]["encrypted_content"] = "gAAAAABfromsomewhereelse"


def _swap_items(items: Items) -> None:
    items[2], items[3] = items[3], items[2]


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        (lambda items: items.pop(), 400, "No tool output found for function call call_"),
        (lambda items: items.pop(2), 400, "No tool call found for function call output with call"),
        (lambda items: items.pop(1), 400, "was provided without its required 'reasoning' item"),
        (lambda items: items.__delitem__(slice(2, None)), 400, "required following item"),
        (_remove_encrypted_content, 404, "Items are not persisted"),
        (_set_foreign_content, 400, "could not be verified"),
        (_change_call, 400, "could not be verified"),
        (_swap_items, 400, "could not be verified"),
    ],
)
async def test_changed_or_reordered_replay_is_rejected(
    client: openai.AsyncOpenAI, change: ItemsMutation, status: int, message: str
) -> None:
    first = await client.responses.create(**build_parameters())
    items = copy.deepcopy(build_replay(first.output))
    change(items)
    with pytest.raises(openai.APIStatusError, match=message) as raised:
        await client.responses.create(**build_parameters(input=items))
    assert raised.value.status_code == status


async def test_reasoning_of_another_model_is_rejected(client: openai.AsyncOpenAI) -> None:
    first = await client.responses.create(**build_parameters())
    with pytest.raises(openai.BadRequestError) as raised:
        await client.responses.create(
            **build_parameters(input=build_replay(first.output), model="gpt-6-luna")
        )
    assert raised.value.code == "invalid_encrypted_content"


USER = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ({"input": "x"}, "model", "Missing required parameter: 'model'."),
        ({"model": "m"}, "input", "Missing required parameter: 'input'."),
        ({"model": "m", "messages": [USER]}, "messages", "has moved to 'input'"),
        ({"model": "m", "input": "x", "max_tokens": 9}, "max_tokens", "'max_output_tokens'"),
        ({"model": "m", "input": "x", "sream": True}, "sream", "Unknown parameter: 'sream'."),
        ({"model": "m", "input": "x", "max_output_tokens": 5}, "max_output_tokens", ">= 16"),
        ({"model": "m", "input": 5}, "input", "expected one of a string or array"),
        ({"model": "m", "input": [5]}, "input[0]", "expected an object"),
        ({"model": "m", "input": [{"role": "user"}]}, "input[0].content", "Missing required"),
        ({"model": "m", "input": [{"type": "image"}]}, "input[0].type", "Invalid value: 'image'"),
        (
            {"model": "m", "input": "x", "tools": [ALL_TOOLS[0]]},
            "tools[0].name",
            "Missing required",
        ),
        (
            {"model": "m", "input": "x", "tools": [{"type": "function", "name": "a b"}]},
            "tools[0].name",
            "does not match pattern",
        ),
    ],
)
async def test_invalid_requests_are_rejected_with_openai_errors(
    sandbox: SandboxHarness, body: object, param: str, message: str
) -> None:
    headers = {"Authorization": "Bearer x"}
    url = f"{sandbox.url}/v1/responses"
    async with sandbox.http.post(url, json=body, headers=headers) as response:
        assert response.status == 400
        error = (await response.json())["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert message in error["message"]


@pytest.mark.parametrize("named", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
async def test_stored_responses_and_conversations_are_unknown(
    client: openai.AsyncOpenAI, named: dict[str, str]
) -> None:
    with pytest.raises(openai.NotFoundError, match="keeps no responses"):
        await client.responses.create(**build_parameters(**named))


def test_every_parameter_of_the_sdk_is_known() -> None:
    assert set(ResponseCreateParamsNonStreaming.__annotations__) | {"stream"} <= PARAMETERS
