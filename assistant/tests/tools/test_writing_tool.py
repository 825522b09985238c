"""What the tools that write through rest_service have in common: what becomes of a write."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
import time_machine
from pydantic import SecretStr

from assistant.src.core.journal import ToolResult
from assistant.src.services.rest_service import RestServiceClient
from assistant.src.tools.base import ToolServices
from assistant.src.tools.rest_service_tool import RestServiceTool
from assistant.src.tools.writing_tool import written
from assistant.tests.fake_rest_service import FakeRestService, task
from assistant.tests.snapshots import WRITTEN_AT, id_of, tool
from assistant.tests.tools.rest_tool_harness import tool_context
from smart_kit.clock import Clock
from smart_kit.contracts.base import JsonObject
from smart_kit.errors import RetryMessage
from smart_kit.rest_client import ServiceClient
from smart_kit.settings import RestClientSettings

pytestmark = pytest.mark.clock("virtual")

WRITES = pytest.mark.parametrize(
    ("function", "given", "noun"),
    [
        ("create_task", {"title": "buy milk"}, "task"),
        ("change_task", {"id": str(id_of("buy milk")), "status": "done"}, "task"),
        ("create_reminder", {"text": "stretch", "in_seconds": 60}, "reminder"),
    ],
)


class Writing:
    """Calls a tool of Alice's, before a fake of rest_service."""

    def __init__(self, rest: FakeRestService, client: RestServiceClient) -> None:
        self.rest = rest
        unused: Any = None
        self._services = ToolServices(client, Clock(), unused)

    async def call(self, function: str, given: JsonObject) -> ToolResult:
        made = RestServiceTool(tool(function), self._services).to_tool()
        assert made is not None
        context = tool_context(asked_at=WRITTEN_AT, zone=ZoneInfo("Europe/Berlin"))
        return await made.call(context, given)


@pytest.fixture
async def writing() -> AsyncIterator[Writing]:
    rest = FakeRestService(tasks=[task("buy milk")])
    settings = RestClientSettings(
        rest_service_url="http://rest", service_api_token=SecretStr("token-of-sixteen-letters")
    )
    client = RestServiceClient(ServiceClient(settings, httpx2.MockTransport(rest)))
    yield Writing(rest, client)
    await client.close()


@WRITES
async def test_for_five_minutes_the_turn_waits_and_will_ask_again_under_the_same_key(
    writing: Writing, function: str, given: JsonObject, noun: str
) -> None:
    writing.rest.is_down = True
    just_before = WRITTEN_AT + timedelta(minutes=5, microseconds=-1)
    with time_machine.travel(just_before, tick=False), pytest.raises(RetryMessage) as raised:
        await writing.call(function, given)

    assert raised.value.after == 5.0
    assert raised.value.message == f"a {noun}: rest_service: refused"
    keys = [request.headers["Idempotency-Key"] for request in writing.rest.requests]
    assert keys == ["tg:1:1/1.0"] * 3


@WRITES
async def test_after_five_minutes_the_person_is_told_that_the_outcome_is_not_known(
    writing: Writing, function: str, given: JsonObject, noun: str
) -> None:
    writing.rest.is_down = True
    with time_machine.travel(WRITTEN_AT + timedelta(minutes=5), tick=False):
        result = await writing.call(function, given)

    assert result.content == (
        f"Error: The service does not answer; whether the {noun} was saved is not known."
        " Tell the user."
    )
    assert result.effects == ()


@WRITES
async def test_an_answer_that_makes_no_sense_leaves_the_outcome_unknown_at_once(
    writing: Writing, function: str, given: JsonObject, noun: str
) -> None:
    writing.rest.refusal = (418, "I am a teapot.")
    result = await writing.call(function, given)

    assert result.content == (
        f"Error: The service does not answer; whether the {noun} was saved is not known."
        " Tell the user."
    )
    assert len(writing.rest.requests) == 1


@WRITES
@pytest.mark.parametrize("status", [401, 403, 409])
async def test_a_refusal_is_told_to_the_person_with_its_reason(
    writing: Writing, function: str, given: JsonObject, noun: str, status: int
) -> None:
    writing.rest.refusal = (status, "There are too many.")
    result = await writing.call(function, given)

    assert result.content == (f"Error: The {noun} was refused: There are too many. Tell the user.")


@WRITES
@pytest.mark.parametrize("status", [400, 404, 422])
async def test_what_rest_service_finds_wrong_the_model_may_mend(
    writing: Writing, function: str, given: JsonObject, noun: str, status: int
) -> None:
    writing.rest.refusal = (status, "That is not possible.")

    assert (await writing.call(function, given)).content == "Error: That is not possible."


@WRITES
async def test_what_was_written_comes_with_its_receipt(
    writing: Writing, function: str, given: JsonObject, noun: str
) -> None:
    result = await writing.call(function, given)

    (effect,) = result.effects
    assert effect.kind.startswith(noun)
    assert (effect.message_id, effect.step) == ("tg:1:1", "1.0")


def test_a_write_without_a_receipt_has_none() -> None:
    assert written("Done.", None) == ToolResult(content="Done.", effects=())
