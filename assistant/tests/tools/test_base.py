"""What every tool does with a call: two validations, limits, errors as text."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError

from assistant.src.tools.base import MAX_RESULT_CHARACTERS, BaseTool
from assistant.src.tools.rest_service_tool import RestServiceTool
from assistant.tests.snapshot_builders import id_for, make_tool
from assistant.tests.tools.rest_tool_harness import (
    FakeServer,
    call_tool,
    get_only_request,
    make_rest_tool,
    make_tool_context,
    make_tool_services,
)
from smart_kit.contracts.base import JsonObject
from smart_kit.errors import InvalidInputError, RetryMessage, ToolExecutionError, UpstreamRejected
from smart_kit.mailbox import LeaseLost
from smart_kit.safe_http.messages import HttpRequest, HttpResponse

ANY_ARGUMENTS = {"input_schema": {"type": "object"}}
"""What the record's schema lets through is still judged by the code."""


@dataclass
class FakeToolAssistant:
    """Another assistant, whose answer is that of `run`."""

    run: Any
    may_write: bool = True


def build_tool(function: str, ask: Any = None, **record: Any) -> BaseTool[Any]:
    services = make_tool_services()
    if ask is not None:
        services = replace(services, get_assistant=lambda _: FakeToolAssistant(ask))
    made = RestServiceTool(make_tool(function, **record), services).to_tool()
    assert made is not None
    return made


def build_ask_tool(answers: str | BaseException) -> BaseTool[Any]:
    """Return a tool whose assistant gives this answer or raises this error."""

    async def ask(*_: object) -> str:
        if isinstance(answers, BaseException):
            raise answers
        return answers

    return build_tool("ask_assistant", ask, name="ask_helper", sub_assistant="Helper")


async def run_tool(tool: BaseTool[Any], **arguments: Any) -> str:
    return (await tool.call(make_tool_context(), arguments)).content


class HangingServer(FakeServer):
    """Never responds."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


@pytest.mark.clock("virtual")
@pytest.mark.parametrize(("left", "taken"), [(90, 30), (30, 30), (12, 12), (0.5, 1), (-5, 1)])
async def test_tool_timeout_is_between_one_and_30_seconds(left: float, taken: float) -> None:
    began = asyncio.get_running_loop().time()
    context = make_tool_context(deadline=began + left)
    result = await make_rest_tool(HangingServer()).call(context, {"word": "omen"})

    assert result.content == (
        "Error: It took too long, and whether it was done is not known. Tell the user."
    )
    assert asyncio.get_running_loop().time() - began == pytest.approx(taken, abs=0.01)


@pytest.mark.clock("virtual")
async def test_another_assistant_has_its_own_limits_and_is_not_cut_off() -> None:
    async def respond_slowly(*_: object) -> str:
        await asyncio.sleep(600)
        return "At last."

    slow = build_tool("ask_assistant", respond_slowly, sub_assistant="Helper")
    assert await run_tool(slow, message="x") == "At last."


@pytest.mark.parametrize("length", [MAX_RESULT_CHARACTERS, MAX_RESULT_CHARACTERS + 1])
async def test_long_result_is_cut_and_names_its_length(length: int) -> None:
    output = "x" * length
    cut = f"{'x' * 16_000}\n(cut: 16001 characters in all)"

    assert await run_tool(build_ask_tool(output), message="x") == (
        output if length == 16_000 else cut
    )


@pytest.mark.parametrize("error", [LeaseLost(), RetryMessage(5), RedisConnectionError("away")])
async def test_only_a_lost_message_and_a_lost_redis_end_the_turn(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        await run_tool(build_ask_tool(error), message="x")
    assert raised.value is error


@pytest.mark.parametrize(
    ("error", "content"),
    [
        (InvalidInputError("Name a city."), "Error: Name a city."),
        (ToolExecutionError("It is closed."), "Error: It is closed. Tell the user."),
        (UpstreamRejected("no"), "Error: ask_helper could not answer. Tell the user."),
        (ZeroDivisionError("division by zero"), "Error: The tool failed. Tell the user."),
    ],
)
async def test_other_errors_become_results(error: Exception, content: str) -> None:
    assert await run_tool(build_ask_tool(error), message="x") == content


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ToolExecutionError("It is closed."), "It is closed."),
        (UpstreamRejected("HTTP 403 from 10.0.0.7"), "HTTP 403 from 10.0.0.7"),
    ],
)
async def test_log_names_the_failed_tool_and_the_cause(error: Exception, reason: str) -> None:
    with structlog.testing.capture_logs() as lines:
        await run_tool(build_ask_tool(error), message="x")

    (line,) = lines
    assert (line["tool"], line["reason"], line["log_level"]) == ("ask_helper", reason, "warning")


async def test_the_log_of_a_broken_tool_names_it_and_holds_its_traceback() -> None:
    with structlog.testing.capture_logs() as lines:
        await run_tool(build_ask_tool(ZeroDivisionError()), message="x")

    (line,) = lines
    assert (line["tool"], line["log_level"], line["exc_info"]) == ("ask_helper", "error", True)


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        ({}, {}),
        ({"properties": {"a": True}}, {}),
        ({"properties": {"a": {}}}, {}),
        ({"properties": {"a": {"type": "string"}}}, {}),
        ({"properties": {"a": {"type": ["string", "integer"]}}, "required": ["b"]}, {}),
        ({"properties": {"a": {"type": ["string", "null"]}}}, {"a": None}),
        ({"properties": {"a": {"type": "null"}}}, {"a": None}),
        ({"properties": {"a": {"enum": ["x", None]}}, "required": ["a"]}, {"a": None}),
        ({"required": ["a"]}, {"a": None}),
    ],
)
async def test_null_is_dropped_unless_the_schema_names_or_requires_it(
    server: FakeServer, schema: JsonObject, sent: JsonObject
) -> None:
    body = {"a": "{a}"}
    record = make_rest_tool(
        server, schema=schema, url="https://api.example.org/", method="POST", body=body
    )
    await call_tool(record, a=None, b="b")

    assert json.loads(get_only_request(server).body or b"") == sent


async def test_a_null_where_an_answer_is_needed_is_refused(server: FakeServer) -> None:
    schema = {"properties": {"word": {"type": "string"}}, "required": ["word"]}

    assert await call_tool(make_rest_tool(server, schema=schema), word=None) == (
        "Error: Wrong arguments: word: None is not of type 'string'. Call again with right ones."
    )


async def test_first_five_schema_errors_are_listed(server: FakeServer) -> None:
    schema = {"properties": {name: {"enum": [1]} for name in "abcdefg"}}
    output = await call_tool(make_rest_tool(server, schema=schema), **dict.fromkeys("abcdefg", 2))

    assert output == (
        "Error: Wrong arguments: a: 2 is not one of [1]; b: 2 is not one of [1];"
        " c: 2 is not one of [1]; d: 2 is not one of [1]; e: 2 is not one of [1]."
        " Call again with right ones."
    )


async def test_first_five_contract_errors_are_listed() -> None:
    output = await run_tool(build_tool("get_time", **ANY_ARGUMENTS), **dict.fromkeys("abcdefg", 2))

    assert output == (
        "Error: Wrong arguments: a: Extra inputs are not permitted;"
        " b: Extra inputs are not permitted; c: Extra inputs are not permitted;"
        " d: Extra inputs are not permitted; e: Extra inputs are not permitted."
        " Call again with right ones."
    )


@pytest.mark.parametrize(
    ("function", "arguments", "problem"),
    [
        (
            "create_reminder",
            {"text": "x", "in_seconds": 5, "cron": "* * * * *"},
            "give only one of at, in_seconds and cron",
        ),
        ("create_reminder", {"text": "x\0", "in_seconds": 5}, "text: contains a NUL"),
        ("create_task", {"title": "x\0"}, "title: contains a NUL"),
        ("create_task", {"title": "x", "due": "soon"}, "due.datetime: "),
        ("change_task", {"id": str(id_for("x")), "title": "x\0"}, "title: contains a NUL"),
    ],
)
async def test_contract_error_names_its_argument(
    function: str, arguments: JsonObject, problem: str
) -> None:
    output = await run_tool(build_tool(function, **ANY_ARGUMENTS), **arguments)

    assert output.startswith(f"Error: Wrong arguments: {problem}")
    assert output.endswith(". Call again with right ones.")
