"""The tools that write through rest_service: the results of their writes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import httpx2
import pytest
import time_machine
from pydantic import SecretStr

from assistant.src.core.journal import ToolResult
from assistant.src.services.rest_service import RestServiceClient
from assistant.src.tools.rest_service_tool import RestServiceTool
from assistant.tests.fake_rest_service import FakeRestService, make_task
from assistant.tests.snapshot_builders import SENT_AT, id_for, make_tool
from assistant.tests.tools.rest_tool_harness import make_tool_context, make_tool_services
from smart_kit.contracts.base import JsonObject
from smart_kit.errors import RetryMessage
from smart_kit.rest_client import RestClientSettings, ServiceClient
from smart_kit.rest_client.httpx2_transport import Httpx2Transport

pytestmark = pytest.mark.clock("virtual")

WRITE_CALLS = pytest.mark.parametrize(
    ("function", "given", "noun"),
    [
        ("create_task", {"title": "buy milk"}, "task"),
        ("change_task", {"id": str(id_for("buy milk")), "status": "done"}, "task"),
        ("create_reminder", {"text": "stretch", "in_seconds": 60}, "reminder"),
    ],
)


class WriteToolHarness:
    """Calls tools for Alice, with a fake of rest_service."""

    def __init__(self, rest: FakeRestService, client: RestServiceClient) -> None:
        self.rest = rest
        self._services = make_tool_services(rest=client)

    async def call(self, function: str, given: JsonObject) -> ToolResult:
        made = RestServiceTool(make_tool(function), self._services).to_tool()
        assert made is not None
        context = make_tool_context(requested_at=SENT_AT, zone=ZoneInfo("Europe/Berlin"))
        return await made.call(context, given)


@pytest.fixture
async def write_tools() -> AsyncIterator[WriteToolHarness]:
    rest = FakeRestService(tasks=[make_task("buy milk")])
    settings = RestClientSettings(
        rest_service_url="http://rest", service_api_token=SecretStr("token-of-sixteen-letters")
    )
    transport = Httpx2Transport("http://rest", httpx2.MockTransport(rest))
    client = RestServiceClient(ServiceClient(settings, transport))
    yield WriteToolHarness(rest, client)
    await client.close()


@WRITE_CALLS
async def test_unavailable_rest_service_is_retried_for_five_minutes(
    write_tools: WriteToolHarness, function: str, given: JsonObject, noun: str
) -> None:
    write_tools.rest.is_down = True
    just_before = SENT_AT + timedelta(minutes=5, microseconds=-1)
    with time_machine.travel(just_before, tick=False), pytest.raises(RetryMessage) as raised:
        await write_tools.call(function, given)

    assert raised.value.after == 5.0
    assert raised.value.message == f"a {noun}: rest_service: refused"
    keys = [request.headers["Idempotency-Key"] for request in write_tools.rest.requests]
    assert keys == ["tg:1:1/1.0"] * 3


@WRITE_CALLS
async def test_outcome_is_unknown_after_five_minutes(
    write_tools: WriteToolHarness, function: str, given: JsonObject, noun: str
) -> None:
    write_tools.rest.is_down = True
    with time_machine.travel(SENT_AT + timedelta(minutes=5), tick=False):
        result = await write_tools.call(function, given)

    assert result.content == (
        f"Error: The service does not answer; whether the {noun} was saved is not known."
        " Tell the user."
    )
    assert result.effects == ()


@WRITE_CALLS
async def test_unexpected_status_leaves_the_outcome_unknown(
    write_tools: WriteToolHarness, function: str, given: JsonObject, noun: str
) -> None:
    write_tools.rest.refusal = (418, "I am a teapot.")
    result = await write_tools.call(function, given)

    assert result.content == (
        f"Error: The service does not answer; whether the {noun} was saved is not known."
        " Tell the user."
    )
    assert len(write_tools.rest.requests) == 1


@WRITE_CALLS
@pytest.mark.parametrize("status", [401, 403, 409])
async def test_refused_write_is_reported_with_its_reason(
    write_tools: WriteToolHarness, function: str, given: JsonObject, noun: str, status: int
) -> None:
    write_tools.rest.refusal = (status, "There are too many.")
    result = await write_tools.call(function, given)

    assert result.content == (f"Error: The {noun} was refused: There are too many. Tell the user.")


@WRITE_CALLS
@pytest.mark.parametrize("status", [400, 404, 422])
async def test_invalid_write_becomes_an_error_for_the_model(
    write_tools: WriteToolHarness, function: str, given: JsonObject, noun: str, status: int
) -> None:
    write_tools.rest.refusal = (status, "That is not possible.")

    assert (await write_tools.call(function, given)).content == "Error: That is not possible."


@WRITE_CALLS
async def test_write_returns_its_receipt(
    write_tools: WriteToolHarness, function: str, given: JsonObject, noun: str
) -> None:
    result = await write_tools.call(function, given)

    (effect,) = result.effects
    assert effect.kind.startswith(noun)
    assert (effect.message_id, effect.step) == ("tg:1:1", "1.0")
