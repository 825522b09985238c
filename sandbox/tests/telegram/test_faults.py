"""Injected faults: the effect of each kind, and the calls that a fault applies to."""

import asyncio
from typing import Any

import aiohttp
import pytest

from sandbox.tests.sandbox_harness import ALICE, BOB, TOKEN, BotApiRefused, SandboxHarness

SLOW_SECONDS = 200.0
"""Less than the default timeout of an aiohttp client."""


async def _send(sandbox: SandboxHarness, chat_id: int = ALICE, **more: Any) -> Any:
    return await sandbox.call_bot_api("sendMessage", chat_id=chat_id, text="x", **more)


@pytest.mark.parametrize(
    ("kind", "details", "status", "description", "parameters"),
    [
        ("blocked", {}, 403, "Forbidden: bot was blocked by the user", {}),
        ("kicked", {}, 403, "Forbidden: bot was kicked from the supergroup chat", {}),
        ("internal", {}, 500, "Internal Server Error: restart", {}),
        (
            "migrated",
            {"migrate_to_chat_id": -1001234567890},
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            {"migrate_to_chat_id": -1001234567890},
        ),
        (
            "too_many_requests",
            {"seconds": 7},
            429,
            "Too Many Requests: retry after 7",
            {"retry_after": 7},
        ),
        (
            "refused",
            {"error_code": 400, "description": "Bad Request: RICH_MESSAGE_URL_INVALID"},
            400,
            "Bad Request: RICH_MESSAGE_URL_INVALID",
            {},
        ),
    ],
)
async def test_error_fault_applies_once_and_sends_nothing(
    sandbox: SandboxHarness,
    kind: str,
    details: dict[str, Any],
    status: int,
    description: str,
    parameters: dict[str, int],
) -> None:
    await sandbox.inject_fault(kind, "sendMessage", **details)
    with pytest.raises(BotApiRefused) as refused:
        await _send(sandbox)
    assert (refused.value.status, refused.value.description) == (status, description)
    assert refused.value.parameters == parameters
    assert refused.value.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert await sandbox.list_messages() == []
    assert (await _send(sandbox))["text"] == "x"


async def test_bad_gateway_fault_answers_with_html(sandbox: SandboxHarness) -> None:
    await sandbox.inject_fault("bad_gateway", "getMe")
    async with sandbox.http.get(f"{sandbox.url}/bot{TOKEN}/getMe") as response:
        assert (response.status, response.content_type) == (502, "text/html")
        assert "502 Bad Gateway" in await response.text()


@pytest.mark.parametrize(("kind", "sent"), [("reset_before", 0), ("reset_after", 1)])
async def test_reset_fault_applies_before_or_after_the_call(
    sandbox: SandboxHarness, kind: str, sent: int
) -> None:
    await sandbox.inject_fault(kind, "sendMessage")
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await _send(sandbox)
    assert len(await sandbox.list_messages()) == sent


@pytest.mark.clock("virtual")
async def test_slow_fault_delays_only_the_response(sandbox: SandboxHarness) -> None:
    await sandbox.inject_fault("slow", "sendMessage", seconds=SLOW_SECONDS)
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    sending = asyncio.create_task(_send(sandbox))
    async with asyncio.timeout(60):
        while not await sandbox.list_messages():
            await asyncio.sleep(0.01)
    assert not sending.done()
    await sending
    assert loop.time() - started_at >= SLOW_SECONDS


async def test_fault_is_limited_to_chat_method_and_number_of_calls(
    sandbox: SandboxHarness,
) -> None:
    await sandbox.inject_fault("blocked", "sendMessage", chat_id=BOB, times=2)
    await _send(sandbox, ALICE)
    await sandbox.call_bot_api("sendChatAction", chat_id=BOB, action="typing")
    for _ in range(2):
        with pytest.raises(BotApiRefused, match="blocked"):
            await _send(sandbox, BOB)
    await _send(sandbox, BOB)
    assert (await sandbox.call_chat_api("GET", "/chat/api/faults")) == {"items": []}


async def test_faults_can_be_cleared(sandbox: SandboxHarness) -> None:
    await sandbox.inject_fault("internal", times=100)
    (waiting,) = (await sandbox.call_chat_api("GET", "/chat/api/faults"))["items"]
    assert (waiting["kind"], waiting["times"]) == ("internal", 100)
    await sandbox.call_chat_api("DELETE", "/chat/api/faults")
    await _send(sandbox)


@pytest.mark.parametrize(
    "update",
    [
        {"poke": {"from": {"id": 1}}},
        {"message": {"message_id": 1, "shiny": True}},
        {"message": "no object"},
        {"update_id": None, "message": {}},
        "no object",
        17,
    ],
)
async def test_raw_update_is_delivered_and_confirmed(sandbox: SandboxHarness, update: Any) -> None:
    await sandbox.call_bot_api("getUpdates", allowed_updates=["callback_query"])
    put = await sandbox.call_chat_api("POST", "/chat/api/updates", update=update)
    await sandbox.call_bot_api("getUpdates", allowed_updates=[])
    await sandbox.say("after")
    first, second = await sandbox.call_bot_api("getUpdates")
    expected = {"update_id": put["update_id"], **update} if isinstance(update, dict) else update
    assert first == expected
    assert second["update_id"] == put["update_id"] + 1
    assert await sandbox.call_bot_api("getUpdates", offset=second["update_id"]) == [second]
