"""Rest tools, one call at a time. (In turns: test_rest_tool_turns.py.)"""

import asyncio
import threading
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
import structlog

from assistant.src.tools.rest_service_tool import RestServiceTool
from assistant.tests.tools.rest_tool_harness import (
    FakeServer,
    call_tool,
    make_rest_tool,
    make_tool_services,
)
from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.configuration import ToolSnapshot
from smart_kit.safe_http.client import SafeHttpClient
from smart_kit.testing.hostile_urls import HOSTILE_URLS


async def test_arguments_are_judged_by_the_records_schema_alone(server: FakeServer) -> None:
    schema = {
        "type": "object",
        "properties": {"word": {"type": "string", "maxLength": 5}, "n": {"enum": [1, 2]}},
        "required": ["word"],
        "additionalProperties": False,
    }
    tool = make_rest_tool(server, schema=schema)

    for wrong in (
        {},
        {"word": 7},
        {"word": "longer"},
        {"word": "a", "n": 3},
        {"word": "a", "x": 1},
    ):
        output = await call_tool(tool, **wrong)
        assert output.startswith("Error: Wrong arguments: "), output
        assert output.endswith("Call again with right ones.")
    assert server.requests == []
    assert (await call_tool(tool, word="omen", n=None)).startswith("HTTP 200")


async def test_backtracking_pattern_does_not_block(server: FakeServer) -> None:
    """A backtracking engine would take days."""
    schema = {"type": "object", "properties": {"word": {"type": "string", "pattern": "(a+)+$"}}}
    output = await call_tool(make_rest_tool(server, schema=schema), word="a" * 40 + "!")

    assert "does not match" in output
    assert server.requests == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"properties": [], "required": 7},
        {"properties": {"word": {"pattern": "("}}},
        {"$ref": "#/$defs/none"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "#"},
        {"properties": {"word": {"$ref": "#/properties/word"}}},
    ],
)
async def test_a_broken_schema_costs_the_call_and_not_the_turn(
    server: FakeServer, schema: JsonObject
) -> None:
    with structlog.testing.capture_logs():
        output = await call_tool(make_rest_tool(server, schema=schema), word="omen")
    assert output == "Error: The tool failed. Tell the user."
    assert server.requests == []


async def test_a_schema_that_names_an_address_is_not_fetched(server: FakeServer) -> None:
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(404)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as canary:
        threading.Thread(target=canary.serve_forever, args=(0.02,), daemon=True).start()
        schema = {"$ref": f"http://127.0.0.1:{canary.server_port}/schema.json"}
        with structlog.testing.capture_logs():
            output = await call_tool(make_rest_tool(server, schema=schema), word="omen")
        canary.shutdown()

    assert output == "Error: The tool failed. Tell the user."
    assert (paths, server.requests) == ([], [])


def test_only_reading_calls_are_repeatable(server: FakeServer) -> None:
    writing = make_rest_tool(server, effect_class="writes")
    reading = make_rest_tool(server, effect_class="none")

    assert (writing.may_write, writing.is_repeatable) == (True, False)
    assert (reading.may_write, reading.is_repeatable) == (False, True)


def test_a_record_without_a_call_is_left_out() -> None:
    record = ToolSnapshot(
        id=uuid4(), name="x", tool_type="rest", description="x", input_schema={"type": "object"}
    )
    with structlog.testing.capture_logs():
        assert RestServiceTool(record, make_tool_services()).to_tool() is None


@pytest.fixture
async def canary() -> AsyncIterator[list[int]]:
    """[its port, how often it was called]"""
    calls = [0, 0]

    async def count_connection(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls[1] += 1
        writer.close()

    listening = await asyncio.start_server(count_connection, "127.0.0.1", 0)
    calls[0] = listening.sockets[0].getsockname()[1]
    yield calls
    listening.close()


async def test_no_hostile_address_reaches_a_canary_through_a_tool(
    canary: list[int], server: FakeServer
) -> None:
    """Including records that rest_service would reject, and names that resolve to private
    addresses."""

    async def lookup(_: str, __: int) -> list[str]:
        return ["127.0.0.1"]

    guarded = SafeHttpClient(lookup=lookup)
    hostile = [*HOSTILE_URLS, "http://rebind.example.com:{port}/{word}"]
    attempts = 0
    for url in hostile:
        address = url.replace("{port}", str(canary[0]))
        if len(address) < 8 or "\0" in address:  # no record can hold it
            continue
        tool = make_rest_tool(server, url=address, effect_class="none")
        tool._services = make_tool_services(send_http=guarded.send)
        output = await call_tool(tool, word="x", host="127.0.0.1")
        assert output.startswith("Error: "), url
        attempts += 1
    await guarded.close()

    assert attempts >= 150
    assert canary[1] == 0
