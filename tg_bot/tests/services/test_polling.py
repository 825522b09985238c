"""Polling for updates while Telegram or Redis fails."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from smart_kit.redis import Redis
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.fake_telegram import TOKEN, FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.client.telegram import POLL_TIMEOUT_SECONDS, TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.services import polling as polling_module
from tg_bot.src.services import retry
from tg_bot.src.services.polling import MAX_CONFLICT_DELAY_SECONDS, Poller
from tg_bot.src.services.retry import Sleep
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.queue_contents import read_secretary_queue

HTML = "<html>Bad Gateway</html>"
CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot"
WEBHOOK = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook"


async def wait_until(condition: Any, seconds: float = 60.0) -> None:
    """Wait for what the bot does by itself."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)


async def wait_until_true(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await wait_until(holds)


async def test_batch_is_enqueued_before_its_confirmation(
    run_bot: RunBot, telegram: FakeTelegram, redis: Redis
) -> None:
    seen: list[int] = []
    batch = [updates.message(str(n)) for n in range(5)]

    async def look(offset: int) -> None:
        if offset > batch[-1]["update_id"]:
            seen.append(len(await read_secretary_queue(redis)))

    telegram.on_confirm = look
    telegram.push(*batch)
    async with run_bot():
        await telegram.wait_until(lambda: telegram.updates == [])
    assert seen[0] == 5


async def test_crash_before_confirmation_duplicates_nothing(
    run_bot: RunBot, telegram: FakeTelegram, redis: Redis
) -> None:
    batch = [updates.message(str(n)) for n in range(5)]
    telegram.push(*batch)
    telegram.is_ignoring_offsets = True  # no confirmation reaches it

    async def arrived() -> bool:
        return len(await read_secretary_queue(redis)) == 5

    for _ in range(3):
        async with run_bot():
            await wait_until(arrived)
        assert len(telegram.updates) == 5
    assert [message.text for message in await read_secretary_queue(redis)] == list("01234")  # type: ignore[union-attr] # texts


@pytest.mark.usefixtures("fast_retries")
async def test_redis_outage_confirms_and_loses_no_update(
    run_bot: RunBot,
    telegram: FakeTelegram,
    settings: TgBotSettings,
    durable_valkey: DurableValkey,
) -> None:
    given = settings.model_copy(update=durable_valkey.settings.model_dump())
    batch = [updates.message(str(n)) for n in range(5)]
    async with run_bot(given) as bot:
        await telegram.wait_until(lambda: bool(telegram.calls_to("getUpdates")))
        durable_valkey.kill()
        telegram.push(*batch)

        async def says_so() -> bool:
            return "Redis" in bot.health.report()["detail"]

        await wait_until(says_so)
        assert len(telegram.updates) == 5
        durable_valkey.start()
        await telegram.wait_until(lambda: telegram.updates == [])

        async def is_healthy() -> bool:
            return bot.health.report()["status"] == "ok"

        await wait_until(is_healthy)


@pytest.mark.usefixtures("fast_retries")
@pytest.mark.parametrize(
    "failure",
    [
        make_api_error(409, CONFLICT),
        make_api_error(500, "Internal Server Error: restart"),
        ScriptedApiResponse(502, HTML),
        ScriptedApiResponse(200, HTML),
        ScriptedApiResponse(disconnect="before"),
        make_api_error(429, "Too Many Requests", retry_after=0),
        make_api_error(400, "Bad Request: what?"),
        ScriptedApiResponse(200, {"ok": True, "result": {"not": "a list"}}),
    ],
    ids=["conflict", "500", "502", "html", "cut", "429", "400", "no list"],
)
async def test_polling_continues_after_every_error(
    run_bot: RunBot, telegram: FakeTelegram, redis: Redis, failure: ScriptedApiResponse
) -> None:
    telegram.script_responses("getMe", failure)
    telegram.script_responses("getUpdates", failure, failure)
    telegram.push(updates.message("hello"))

    async def arrived() -> bool:
        return len(await read_secretary_queue(redis)) == 1

    async with run_bot():
        await wait_until(arrived)


class FailingUpdateProcessor:
    """Fails with a Redis error for the first batch, and records the later ones."""

    def __init__(self) -> None:
        self.batches = 0
        self.stored: list[Any] = []

    async def process_batch(self, batch: Sequence[Any]) -> None:
        self.batches += bool(batch)
        if self.batches == 1:
            raise RedisError("went away")
        self.stored += batch


@asynccontextmanager
async def polling(
    client: TelegramClient, update_processor: UpdateProcessor | FailingUpdateProcessor
) -> AsyncIterator[None]:
    """Run the poller while the block runs."""
    stop = asyncio.Event()
    running = asyncio.create_task(Poller(client, update_processor, _on_start).run(stop))
    yield
    stop.set()
    await running


@pytest.mark.usefixtures("fast_retries")
async def test_batch_that_was_not_enqueued_is_polled_again(
    client: TelegramClient, telegram: FakeTelegram
) -> None:
    update_processor, batch = FailingUpdateProcessor(), [updates.message(str(n)) for n in range(5)]
    telegram.push(*batch)
    async with polling(client, update_processor):
        await telegram.wait_until(lambda: telegram.updates == [])
    assert update_processor.stored == batch


@pytest.mark.clock("virtual")
async def test_retry_after_pauses_polling(
    client: TelegramClient, update_processor: UpdateProcessor, telegram: FakeTelegram
) -> None:
    clock = asyncio.get_running_loop().time
    telegram.script_responses("getUpdates", make_api_error(429, "Too Many Requests", retry_after=2))
    async with polling(client, update_processor):
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 1)
        asked_at = clock()
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 2)
        assert clock() - asked_at >= 2


async def test_conflicting_webhook_is_removed_with_its_updates_retained(
    run_bot: RunBot, telegram: FakeTelegram, redis: Redis
) -> None:
    telegram.script_responses("getUpdates", make_api_error(409, WEBHOOK))
    async with run_bot():
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 2)
    (call,) = telegram.calls_to("deleteWebhook")
    assert call.parameters == {"drop_pending_updates": False}


async def test_webhook_is_not_deleted_without_a_webhook_conflict(
    run_bot: RunBot, telegram: FakeTelegram, redis: Redis
) -> None:
    telegram.script_responses("getUpdates", make_api_error(409, CONFLICT))
    async with run_bot():
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 2)
    assert telegram.calls_to("deleteWebhook") == []


async def test_refused_token_is_logged_once_and_retried_slowly(
    run_bot: RunBot,
    telegram: FakeTelegram,
    settings: TgBotSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "UNAUTHORIZED_RETRY_SECONDS", 0.05)
    telegram.script_responses("getMe", *[make_api_error(401, "Unauthorized")] * 3)
    with capture_logs() as lines:
        async with run_bot() as bot:
            await telegram.wait_until(lambda: len(telegram.calls_to("getMe")) == 3)
            detail = bot.health.report()["detail"]
            await telegram.wait_until(lambda: bool(telegram.calls_to("getUpdates")))
    errors = [line for line in lines if line["log_level"] == "error"]

    assert "Telegram refuses the token (401); check TELEGRAM_TOKEN" in detail
    assert [line["reason"] for line in errors] == [
        "Telegram refuses the token (401); check TELEGRAM_TOKEN"
    ]
    assert TOKEN not in str(lines)


@pytest.mark.clock("virtual")
async def test_unconfirmable_updates_are_polled_with_growing_delays(
    client: TelegramClient, update_processor: UpdateProcessor, telegram: FakeTelegram
) -> None:
    clock = asyncio.get_running_loop().time
    telegram.push({"no": "id"})
    async with polling(client, update_processor):
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 3)
        started = clock()
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 4)
        assert clock() - started > 0.5


class TestLongOutage:
    """Long outages: pauses are recorded instead of slept."""

    @pytest.mark.parametrize(
        "failure",
        [
            make_api_error(409, CONFLICT),
            ScriptedApiResponse(disconnect="before"),
            ScriptedApiResponse(502, HTML),
        ],
        ids=["conflict", "network", "502"],
    )
    async def test_long_outage_is_polled_twice_a_minute_until_it_ends(
        self,
        client: TelegramClient,
        update_processor: UpdateProcessor,
        telegram: FakeTelegram,
        redis: Redis,
        failure: ScriptedApiResponse,
    ) -> None:
        paused: list[float] = []
        poller, stop = (
            Poller(client, update_processor, _on_start, sleep=_record_sleeps(paused)),
            asyncio.Event(),
        )
        telegram.script_responses("getUpdates", *[failure] * 500)
        telegram.push(updates.message("after all"))
        with capture_logs() as lines:
            running = asyncio.create_task(poller.run(stop))
            await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 400)
            tasks = len(asyncio.all_tasks())
            await telegram.wait_until(lambda: telegram.updates == [])
        assert sum(paused) > 3 * 3600, "500 polls"
        assert len(await read_secretary_queue(redis)) == 1
        assert len([line for line in lines if line["log_level"] == "error"]) == 1
        assert tasks < 20
        stop.set()
        await running

    async def test_alternating_conflicts_are_polled_with_growing_delays(
        self, client: TelegramClient, update_processor: UpdateProcessor, telegram: FakeTelegram
    ) -> None:
        """Each short poll succeeds, and the long poll after it is ended by the other program."""
        paused: list[float] = []
        poller, stop = (
            Poller(client, update_processor, _on_start, sleep=_record_sleeps(paused)),
            asyncio.Event(),
        )
        telegram.script_responses(
            "getUpdates", *[ScriptedApiResponse(), make_api_error(409, CONFLICT)] * 100
        )
        running = asyncio.create_task(poller.run(stop))
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) > 200)
        assert sum(paused) > 100 * 0.7 * MAX_CONFLICT_DELAY_SECONDS
        assert poller.health_error() is None
        assert "another program reads this bot's updates" in poller.health_note()
        stop.set()
        await running

    async def test_conflict_delay_is_reset_after_a_successful_long_poll(
        self, client: TelegramClient, update_processor: UpdateProcessor, telegram: FakeTelegram
    ) -> None:
        paused: list[float] = []
        poller, stop = (
            Poller(client, update_processor, _on_start, sleep=_record_sleeps(paused)),
            asyncio.Event(),
        )
        telegram.script_responses("getUpdates", *[make_api_error(409, CONFLICT)] * 20)
        running = asyncio.create_task(poller.run(stop))
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 22)
        telegram.push(updates.message("hello"))  # which the long poll brings
        await telegram.wait_until(lambda: telegram.updates == [])
        paused.clear()
        telegram.script_responses("getUpdates", make_api_error(409, CONFLICT))
        telegram.push(updates.message("hello"))
        await telegram.wait_until(lambda: telegram.updates == [] and bool(paused))
        assert paused[0] < 1
        stop.set()
        await running


async def _on_start() -> None:
    """Do nothing at the start."""


def _record_sleeps(paused: list[float]) -> Sleep:
    """Return at once instead of sleeping."""

    async def pause(_: asyncio.Event, seconds: float) -> None:
        paused.append(seconds)
        await asyncio.sleep(0)

    return pause


class TestHealth:
    @pytest.mark.clock("virtual")
    async def test_service_is_unhealthy_until_a_poll_succeeds(
        self, client: TelegramClient, update_processor: UpdateProcessor, telegram: FakeTelegram
    ) -> None:
        poller, stop = Poller(client, update_processor, _on_start), asyncio.Event()
        telegram.script_responses(
            "getUpdates",
            ScriptedApiResponse(),
            *[make_api_error(500, "Internal Server Error: restart")] * 3,
        )
        running = asyncio.create_task(poller.run(stop))
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 3)
        assert poller.health_error() is None, "a single failure is tolerated"
        await wait_until_true(lambda: poller.health_error() == "Internal Server Error: restart")
        await wait_until_true(lambda: poller.health_error() is None)
        stop.set()
        await running
        assert math.isnan(poller._seconds_since_poll()), "who does not poll has no age"

    async def test_first_empty_poll_makes_the_service_healthy(
        self, run_bot: RunBot, telegram: FakeTelegram, redis: Redis
    ) -> None:
        async with run_bot() as bot:
            assert bot.health.report()["status"] == "unavailable"

            async def is_healthy() -> bool:
                return bot.health.report()["status"] == "ok"

            await wait_until(is_healthy)

    @pytest.mark.clock("virtual")
    async def test_long_silence_makes_the_service_unhealthy_with_a_reason(
        self,
        client: TelegramClient,
        update_processor: UpdateProcessor,
        telegram: FakeTelegram,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(polling_module, "time", SimpleNamespace(monotonic=lambda: 1000.0))
        poller = Poller(client, update_processor, _on_start)
        assert poller.health_error() == "Telegram has not answered yet"
        stop = asyncio.Event()
        running = asyncio.create_task(poller.run(stop))
        await telegram.wait_until(lambda: len(telegram.calls_to("getUpdates")) == 2)
        assert poller.health_error() is None

        poller._last_poll_at = 1000.0 - 89
        assert poller.health_error() is None
        poller._last_poll_at = 1000.0 - 91
        assert poller.health_error() == "Telegram has not answered for 91 s"
        stop.set()
        async with asyncio.timeout(
            POLL_TIMEOUT_SECONDS / 2
        ):  # a poll that waits does not hold up a stop
            await running
