"""Updates by webhook: only Telegram may deliver, and no accepted update is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from smart_kit.redis import Redis
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.fake_telegram import FakeTelegram, make_api_error
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.main import BotApp
from tg_bot.src.services import webhook
from tg_bot.src.services.webhook import SECRET_HEADER, WEBHOOK_PATH
from tg_bot.tests import updates
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.queue_contents import read_dead_letters, read_secretary_queue

URL = "https://assistant.example.org"
ServeWebhook = Callable[..., AbstractAsyncContextManager["WebhookHarness"]]


class WebhookHarness:
    """A running bot and its HTTP endpoints."""

    def __init__(self, bot: BotApp, http: Any, secret: str) -> None:
        self.bot = bot
        self._http = http
        self._secret = secret

    async def deliver(self, update: Any, **headers: str) -> int:
        """Deliver an update as Telegram does; returns the status."""
        given = {SECRET_HEADER: self._secret} | headers
        is_raw = isinstance(update, bytes)
        body = {"data": BytesIO(update)} if is_raw else {"json": update}
        async with self._http.post(WEBHOOK_PATH, headers=given, **body) as response:
            return int(response.status)

    async def get(self, path: str) -> int:
        async with self._http.get(path) as response:
            return int(response.status)

    async def wait_until_health(self, status: str) -> str:
        """Wait for a health status; returns its text."""
        async with asyncio.timeout(60):
            while self.bot.health.report()["status"] != status:
                await asyncio.sleep(0.01)
        return self.bot.health.report()["detail"]


@pytest.fixture
def webhook_settings(settings: TgBotSettings) -> TgBotSettings:
    return settings.model_copy(update={"telegram_webhook": True, "public_url": URL})


@pytest.fixture
def serve_webhook(run_bot: RunBot, webhook_settings: TgBotSettings) -> ServeWebhook:
    @asynccontextmanager
    async def serving(**changes: Any) -> AsyncIterator[WebhookHarness]:
        given = webhook_settings.model_copy(update=changes)
        async with run_bot(given) as bot, TestClient(TestServer(bot.web_app)) as pages:
            yield WebhookHarness(bot, pages, given.webhook_secret)

    return serving


async def test_webhook_is_set_without_dropping_updates(
    serve_webhook: ServeWebhook,
    telegram: FakeTelegram,
    redis: Redis,
    webhook_settings: TgBotSettings,
) -> None:
    async with serve_webhook() as harness:
        await harness.wait_until_health("ok")
    (call,) = telegram.calls_to("setWebhook")
    assert call.parameters == {
        "url": f"{URL}/telegram/webhook",
        "secret_token": webhook_settings.webhook_secret,
        "max_connections": 1,
        "allowed_updates": [
            "message",
            "callback_query",
            "my_chat_member",
            "stopped_message_generation",
        ],
        "drop_pending_updates": False,
    }
    assert telegram.calls_to("getUpdates") == []
    assert telegram.webhook, "it stays, so that Telegram keeps updates while the bot is down"


async def test_request_is_answered_after_its_update_is_enqueued(
    serve_webhook: ServeWebhook, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "time", SimpleNamespace(time=lambda: 1_000_000.0))
    async with serve_webhook() as harness:
        assert harness.bot.health.report()["note"] == "no update by webhook yet"
        assert await harness.deliver(updates.message("hello")) == 200
        (message,) = await read_secretary_queue(redis)
        assert harness.bot.health.report()["note"] == "last update by webhook 0 s ago"
    assert message.text == "hello"  # type: ignore[union-attr] # a text


async def test_repeated_delivery_is_deduplicated(serve_webhook: ServeWebhook, redis: Redis) -> None:
    update = updates.message("hello")
    async with serve_webhook() as harness:
        assert [await harness.deliver(update) for _ in range(3)] == [200] * 3
    assert len(await read_secretary_queue(redis)) == 1


@pytest.mark.parametrize("secret", ["", "wrong", "ключ", "x" * 64])
async def test_request_without_the_secret_is_refused_unread(
    serve_webhook: ServeWebhook, redis: Redis, secret: str
) -> None:
    async with serve_webhook() as harness:
        assert await harness.deliver(updates.message("hello"), **{SECRET_HEADER: secret}) == 403
        assert await harness.deliver(b"\xff", **{SECRET_HEADER: secret}) == 403
    assert await read_secretary_queue(redis) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 400),
        (b"", 400),
        (b"[" * 5000, 400),
        (b"x" * 2**21, 413),
    ],
    ids=["half", "bytes", "list", "nothing", "nested", "huge"],
)
async def test_malformed_body_is_refused(
    serve_webhook: ServeWebhook, redis: Redis, body: Any, status: int
) -> None:
    async with serve_webhook() as harness:
        assert await harness.deliver(body) == status
        assert await harness.get(WEBHOOK_PATH) == 405
    assert await read_dead_letters(redis) == []


async def test_unreadable_update_is_dead_lettered_and_accepted(
    serve_webhook: ServeWebhook, redis: Redis
) -> None:
    async with serve_webhook() as harness:
        assert await harness.deliver({"update_id": "soon"}) == 200
    assert len(await read_dead_letters(redis)) == 1


async def test_redis_outage_asks_telegram_to_retry(
    serve_webhook: ServeWebhook, durable_valkey: DurableValkey
) -> None:
    async with serve_webhook(**durable_valkey.settings.model_dump()) as harness:
        await harness.wait_until_health("ok")
        durable_valkey.kill()
        assert await harness.deliver(updates.message("hello")) == 503
        durable_valkey.start()
        async with asyncio.timeout(60):
            while await harness.deliver(updates.message("hello")) != 200:
                await asyncio.sleep(0.1)


async def test_failed_deliveries_are_shown_in_health(
    serve_webhook: ServeWebhook,
    telegram: FakeTelegram,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook, "CHECK_INTERVAL_SECONDS", 0.05)
    async with serve_webhook() as harness:
        await harness.wait_until_health("ok")
        telegram.webhook_error_info = {
            "last_error_date": int(time.time()) - 1,
            "last_error_message": "Connection refused",
            "pending_update_count": 3,
        }
        detail = await harness.wait_until_health("unavailable")
        assert (
            f"Telegram cannot deliver to {URL}{WEBHOOK_PATH}: Connection refused "
            "(3 updates pending)"
        ) in detail
        assert await harness.deliver(updates.message("hello")) == 200
        await harness.wait_until_health("ok")


async def test_changed_webhook_is_set_again(
    serve_webhook: ServeWebhook,
    telegram: FakeTelegram,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook, "CHECK_INTERVAL_SECONDS", 0.05)
    async with serve_webhook() as harness:
        await harness.wait_until_health("ok")
        telegram.webhook = {"url": "https://elsewhere.example"}
        await telegram.wait_until(lambda: telegram.webhook["url"].startswith(URL))


async def test_refused_webhook_url_is_shown_in_health(
    serve_webhook: ServeWebhook, telegram: FakeTelegram, redis: Redis
) -> None:
    reason = "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"
    telegram.script_responses("setWebhook", *[make_api_error(400, reason)] * 100)
    with capture_logs() as lines:
        async with serve_webhook() as harness:
            await telegram.wait_until(lambda: len(telegram.calls_to("setWebhook")) == 2)
            assert reason in harness.bot.health.report()["detail"]
    assert [line["reason"] for line in lines if line["log_level"] == "error"] == [reason]


async def test_pending_updates_are_polled_after_leaving_the_webhook(
    serve_webhook: ServeWebhook, run_bot: RunBot, telegram: FakeTelegram, redis: Redis
) -> None:
    async with serve_webhook() as harness:
        await harness.wait_until_health("ok")
    telegram.push(updates.message("hello"))
    async with run_bot():
        await telegram.wait_until(lambda: telegram.updates == [])
    (call,) = telegram.calls_to("deleteWebhook")
    assert call.parameters == {"drop_pending_updates": False}
    assert len(await read_secretary_queue(redis)) == 1


async def test_polling_bot_has_no_webhook_route(run_bot: RunBot, redis: Redis) -> None:
    async with run_bot() as bot, TestClient(TestServer(bot.web_app)) as pages:
        response = await pages.post(WEBHOOK_PATH, json=updates.message("hello"))
        assert response.status == 404
