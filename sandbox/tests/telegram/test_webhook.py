"""Webhooks: refused parameters, and delivery of updates."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.telegram.state import webhook
from sandbox.tests.sandbox_harness import ALICE, BotApiRefused, SandboxHarness

pytestmark = pytest.mark.clock("virtual")

SECRET = "a-Secret_1"
TIMEOUT_SECONDS = 10.0
ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the"


class FakeWebhookServer:
    """A bot's web server: records requests and sends prepared responses."""

    def __init__(self) -> None:
        self.requests: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.responses: list[web.Response] = []
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        self.requests.put_nowait((secret, await request.json()))
        return self.responses.pop(0) if self.responses else web.Response()

    async def next_text(self) -> str:
        """Return the text of the next message that arrives."""
        _, update = await asyncio.wait_for(self.requests.get(), TIMEOUT_SECONDS)
        text: str = update["message"]["text"]
        return text


@pytest.fixture
async def webhook_server() -> AsyncIterator[FakeWebhookServer]:
    webhook_server = FakeWebhookServer()
    app = web.Application()
    app.add_routes([web.post("/hook", webhook_server.serve)])
    async with TestServer(app, host="127.0.0.1") as server:
        webhook_server.url = str(server.make_url("/hook"))
        yield webhook_server


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"url": "http://example.com/hook"}, "bad webhook: An HTTPS URL must be provided"),
        ({"url": "ftp://example.com/hook"}, "bad webhook: An HTTPS URL must be provided"),
        ({"url": "https://example.com:8444/"}, "bad webhook: Webhook can be set up only on ports"),
        ({"url": "https://[/"}, "bad webhook: invalid webhook URL specified"),
        (
            {"url": "https://example.com/", "secret_token": "no spaces"},
            "secret token contains unallowed characters",
        ),
        (
            {"url": "https://example.com/", "secret_token": "x" * 257},
            "secret token contains unallowed characters",
        ),
    ],
)
async def test_invalid_webhooks_are_refused(
    sandbox: SandboxHarness, parameters: dict[str, str], description: str
) -> None:
    with pytest.raises(BotApiRefused) as refused:
        await sandbox.call_bot_api("setWebhook", **parameters)
    assert refused.value.status == 400
    assert refused.value.description.startswith(f"Bad Request: {description}")
    assert (await sandbox.call_bot_api("getWebhookInfo"))["url"] == ""


async def test_updates_are_delivered_with_the_secret_and_count_as_read(
    sandbox: SandboxHarness, webhook_server: FakeWebhookServer
) -> None:
    await sandbox.say("before")
    await sandbox.call_bot_api(
        "setWebhook", url=webhook_server.url, secret_token=SECRET, max_connections=7
    )
    secret, update = await asyncio.wait_for(webhook_server.requests.get(), TIMEOUT_SECONDS)
    assert (secret, update["message"]["text"]) == (SECRET, "before")
    await sandbox.say("after")
    assert await webhook_server.next_text() == "after"
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while (info := await sandbox.call_bot_api("getWebhookInfo"))["pending_update_count"]:
            await asyncio.sleep(0.01)
    assert (info["url"], info["max_connections"]) == (webhook_server.url, 7)
    assert "last_error_date" not in info
    assert [message["read"] for message in await sandbox.list_messages()] == [True, True]


async def test_failed_delivery_is_retried_and_its_error_reported(
    sandbox: SandboxHarness, webhook_server: FakeWebhookServer
) -> None:
    webhook_server.responses = [web.Response(status=500)]
    await sandbox.call_bot_api("setWebhook", url=webhook_server.url)
    await sandbox.say("one")
    await sandbox.say("two")
    assert [await webhook_server.next_text() for _ in range(3)] == ["one", "one", "two"]
    info = await sandbox.call_bot_api("getWebhookInfo")
    assert info["last_error_message"].startswith("Wrong response from the webhook: 500")


async def test_retry_after_is_respected(
    sandbox: SandboxHarness, webhook_server: FakeWebhookServer
) -> None:
    webhook_server.responses = [web.Response(status=503, headers={"Retry-After": "1"})]
    await sandbox.call_bot_api("setWebhook", url=webhook_server.url)
    await sandbox.say("one")
    await webhook_server.next_text()
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    await webhook_server.next_text()
    assert loop.time() - started_at >= 0.9


async def test_three_410_responses_remove_the_webhook(
    sandbox: SandboxHarness, webhook_server: FakeWebhookServer
) -> None:
    webhook_server.responses = [web.Response(status=410) for _ in range(3)]
    await sandbox.call_bot_api("setWebhook", url=webhook_server.url)
    await sandbox.say("one")
    for _ in range(3):
        await webhook_server.next_text()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while (await sandbox.call_bot_api("getWebhookInfo"))["url"]:
            await asyncio.sleep(0.01)
    (update,) = await sandbox.call_bot_api("getUpdates")
    assert update["message"]["text"] == "one"


async def test_webhook_response_may_call_a_method(
    sandbox: SandboxHarness, webhook_server: FakeWebhookServer
) -> None:
    call = {"method": "sendMessage", "chat_id": ALICE, "text": "at once"}
    webhook_server.responses = [web.json_response(call)]
    await sandbox.call_bot_api("setWebhook", url=webhook_server.url)
    await sandbox.say("hello")
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(shown := await sandbox.list_messages()) < 2:
            await asyncio.sleep(0.01)
    assert shown[1]["text"] == "at once"
    assert await sandbox.get_violations() == []


async def test_poll_and_webhook_exclude_each_other(
    sandbox: SandboxHarness, webhook_server: FakeWebhookServer
) -> None:
    poll = asyncio.create_task(sandbox.call_bot_api("getUpdates", timeout=30))
    for _ in range(3):
        await sandbox.call_bot_api("getMe")
    await sandbox.call_bot_api("setWebhook", url=webhook_server.url)
    with pytest.raises(BotApiRefused, match="Conflict: terminated by setWebhook request") as ended:
        await poll
    assert ended.value.status == 409
    with pytest.raises(BotApiRefused, match=ACTIVE) as refused:
        await sandbox.call_bot_api("getUpdates")
    assert refused.value.status == 409
    await sandbox.call_bot_api("deleteWebhook")
    assert await sandbox.call_bot_api("getUpdates") == []


async def test_newer_set_webhook_ends_the_pending_call(
    sandbox: SandboxHarness, webhook_server: FakeWebhookServer
) -> None:
    setting = asyncio.create_task(sandbox.call_bot_api("setWebhook", url=webhook_server.url))
    for _ in range(3):
        await sandbox.call_bot_api("getMe")
    await sandbox.call_bot_api("deleteWebhook")
    with pytest.raises(BotApiRefused, match="Conflict: terminated by other setWebhook") as ended:
        await setting
    assert ended.value.status == 409
    assert (await sandbox.call_bot_api("getWebhookInfo"))["url"] == ""


async def test_webhook_can_be_set_once_per_second(
    sandbox: SandboxHarness, webhook_server: FakeWebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    monkeypatch.setattr(webhook, "time", clock)
    await sandbox.call_bot_api("setWebhook", url=webhook_server.url)
    with pytest.raises(BotApiRefused) as refused:
        await sandbox.call_bot_api("setWebhook", url=webhook_server.url)
    assert (refused.value.status, refused.value.parameters) == (429, {"retry_after": 1})
    await asyncio.sleep(1)
    assert await sandbox.call_bot_api("setWebhook", url=webhook_server.url) is True
