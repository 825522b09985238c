"""A webhook in place of getUpdates: what is refused, and how updates are delivered."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.telegram.state import webhook
from sandbox.tests.sandbox_harness import ALICE, BotRefused, SandboxHarness

pytestmark = pytest.mark.clock("virtual")

SECRET = "a-Secret_1"
SOON = 10.0
ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the"


class Receiver:
    """A bot's web server: keeps what comes, answers as it is told."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.answers: list[web.Response] = []
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        self.came.put_nowait((secret, await request.json()))
        return self.answers.pop(0) if self.answers else web.Response()

    async def text(self) -> str:
        """The text of the next message that comes."""
        _, update = await asyncio.wait_for(self.came.get(), SOON)
        text: str = update["message"]["text"]
        return text


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.add_routes([web.post("/hook", receiver.serve)])
    async with TestServer(app, host="127.0.0.1") as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver


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
async def test_refusals(
    sandbox: SandboxHarness, parameters: dict[str, str], description: str
) -> None:
    with pytest.raises(BotRefused) as refused:
        await sandbox.bot("setWebhook", **parameters)
    assert refused.value.status == 400
    assert refused.value.description.startswith(f"Bad Request: {description}")
    assert (await sandbox.bot("getWebhookInfo"))["url"] == ""


async def test_updates_are_delivered_with_the_secret_and_count_as_read(
    sandbox: SandboxHarness, receiver: Receiver
) -> None:
    await sandbox.say("before")
    await sandbox.bot("setWebhook", url=receiver.url, secret_token=SECRET, max_connections=7)
    secret, update = await asyncio.wait_for(receiver.came.get(), SOON)
    assert (secret, update["message"]["text"]) == (SECRET, "before")
    await sandbox.say("after")
    assert await receiver.text() == "after"
    async with asyncio.timeout(SOON):
        while (info := await sandbox.bot("getWebhookInfo"))["pending_update_count"]:
            await asyncio.sleep(0.01)
    assert (info["url"], info["max_connections"]) == (receiver.url, 7)
    assert "last_error_date" not in info
    assert [message["read"] for message in await sandbox.chat_messages()] == [True, True]


async def test_what_is_not_taken_comes_again_and_the_reason_is_told(
    sandbox: SandboxHarness, receiver: Receiver
) -> None:
    receiver.answers = [web.Response(status=500)]
    await sandbox.bot("setWebhook", url=receiver.url)
    await sandbox.say("one")
    await sandbox.say("two")
    assert [await receiver.text() for _ in range(3)] == ["one", "one", "two"]
    info = await sandbox.bot("getWebhookInfo")
    assert info["last_error_message"].startswith("Wrong response from the webhook: 500")


async def test_retry_after_is_kept(sandbox: SandboxHarness, receiver: Receiver) -> None:
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "1"})]
    await sandbox.bot("setWebhook", url=receiver.url)
    await sandbox.say("one")
    await receiver.text()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await receiver.text()
    assert loop.time() - begun >= 0.9


async def test_who_says_gone_three_times_is_left_alone(
    sandbox: SandboxHarness, receiver: Receiver
) -> None:
    receiver.answers = [web.Response(status=410) for _ in range(3)]
    await sandbox.bot("setWebhook", url=receiver.url)
    await sandbox.say("one")
    for _ in range(3):
        await receiver.text()
    async with asyncio.timeout(SOON):
        while (await sandbox.bot("getWebhookInfo"))["url"]:
            await asyncio.sleep(0.01)
    (update,) = await sandbox.bot("getUpdates")
    assert update["message"]["text"] == "one"


async def test_an_answer_may_be_a_call(sandbox: SandboxHarness, receiver: Receiver) -> None:
    call = {"method": "sendMessage", "chat_id": ALICE, "text": "at once"}
    receiver.answers = [web.json_response(call)]
    await sandbox.bot("setWebhook", url=receiver.url)
    await sandbox.say("hello")
    async with asyncio.timeout(SOON):
        while len(shown := await sandbox.chat_messages()) < 2:
            await asyncio.sleep(0.01)
    assert shown[1]["text"] == "at once"
    assert await sandbox.violations() == []


async def test_a_poll_and_a_webhook_exclude_each_other(
    sandbox: SandboxHarness, receiver: Receiver
) -> None:
    poll = asyncio.create_task(sandbox.bot("getUpdates", timeout=30))
    for _ in range(3):
        await sandbox.bot("getMe")
    await sandbox.bot("setWebhook", url=receiver.url)
    with pytest.raises(BotRefused, match="Conflict: terminated by setWebhook request") as ended:
        await poll
    assert ended.value.status == 409
    with pytest.raises(BotRefused, match=ACTIVE) as refused:
        await sandbox.bot("getUpdates")
    assert refused.value.status == 409
    await sandbox.bot("deleteWebhook")
    assert await sandbox.bot("getUpdates") == []


async def test_a_newer_call_ends_the_one_that_is_still_setting(
    sandbox: SandboxHarness, receiver: Receiver
) -> None:
    setting = asyncio.create_task(sandbox.bot("setWebhook", url=receiver.url))
    for _ in range(3):
        await sandbox.bot("getMe")
    await sandbox.bot("deleteWebhook")
    with pytest.raises(BotRefused, match="Conflict: terminated by other setWebhook") as ended:
        await setting
    assert ended.value.status == 409
    assert (await sandbox.bot("getWebhookInfo"))["url"] == ""


async def test_a_webhook_can_be_set_once_a_second(
    sandbox: SandboxHarness, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    monkeypatch.setattr(webhook, "time", clock)
    await sandbox.bot("setWebhook", url=receiver.url)
    with pytest.raises(BotRefused) as refused:
        await sandbox.bot("setWebhook", url=receiver.url)
    assert (refused.value.status, refused.value.parameters) == (429, {"retry_after": 1})
    await asyncio.sleep(1)
    assert await sandbox.bot("setWebhook", url=receiver.url) is True
