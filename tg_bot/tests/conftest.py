"""The bot in front of a fake Telegram: its parts, and a complete running bot."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from redis.exceptions import RedisError

from smart_kit import backoff
from smart_kit.contracts.keys import progress_channel
from smart_kit.mailbox import Mailbox, WorkerTimings
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue
from smart_kit.redis import Redis, connect, connect_for_blocking_reads
from smart_kit.settings import RedisSettings
from smart_kit.testing.fake_telegram import TOKEN, FakeTelegram, fake_telegram
from smart_kit.testing.plugin import has_virtual_clock
from tg_bot.src.access import AccessControl
from tg_bot.src.client.rest import RestClient
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import AllowList, TgBotSettings
from tg_bot.src.handlers.commands import COMMAND_DESCRIPTIONS
from tg_bot.src.handlers.incoming import HandlerServices
from tg_bot.src.main import BotApp, build
from tg_bot.src.services import lease as lease_module
from tg_bot.src.services import message_sender, response_handler
from tg_bot.src.services.dispatcher import Dispatcher
from tg_bot.src.services.lease import LeaderLease
from tg_bot.src.services.press_feedback import PressFeedback
from tg_bot.src.services.progress_listener import ProgressListener
from tg_bot.src.services.rate_limiter import TelegramRateLimiter
from tg_bot.src.services.turn_draft import DEFAULT_DRAFT_TIMINGS, DraftTimings
from tg_bot.src.services.update_processor import Queues, UpdateProcessor
from tg_bot.src.texts.composer import Composer
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.frozen_clock import FrozenClock
from tg_bot.tests.lease_times import CLAIM_SECONDS, LEASE_SECONDS
from tg_bot.tests.progress_frames import FAST_TIMINGS, MakeProgressListener
from tg_bot.tests.queue_messages import BOT_ID

TIMEOUT_SECONDS = 60.0

RunBot = Callable[..., AbstractAsyncContextManager[BotApp]]
MakeUpdateProcessor = Callable[..., UpdateProcessor]
"""Takes the allow list, and settings that replace those of the fixture."""


@pytest.fixture(autouse=True)
def long_timeouts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise time-outs, so that a stall of a busy machine does not reach them.

    On a virtual clock nothing stalls: those tests use the values of production.
    """
    if not has_virtual_clock(request.node):
        monkeypatch.setattr("tg_bot.src.handlers.rest_calls.REST_TIMEOUT_SECONDS", TIMEOUT_SECONDS)
        monkeypatch.setattr("tg_bot.src.services.press_feedback.TIMEOUT_SECONDS", TIMEOUT_SECONDS)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram() as fake:
        yield fake


@pytest.fixture
async def rest(redis: Redis) -> FakeRestService:
    return FakeRestService(redis)


@pytest.fixture
def settings(telegram: FakeTelegram, redis_settings: RedisSettings) -> TgBotSettings:
    """Settings that allow everyone, without rate limits."""
    return TgBotSettings(
        **redis_settings.model_dump(),
        service_api_token=SecretStr("service-token-of-no-worth"),
        telegram_token=SecretStr(TOKEN),
        telegram_api_url=telegram.url,
        telegram_allowed_users=AllowList(everyone=True),
        telegram_rate_overall=0,
        telegram_rate_per_chat=0,
    )


@pytest.fixture
async def client(settings: TgBotSettings) -> AsyncIterator[TelegramClient]:
    async with TelegramClient(settings) as client:
        yield client


@pytest.fixture
def clock() -> FrozenClock:
    """The clock of an update processor: in Lisbon it is 14:05 on Friday."""
    return FrozenClock(datetime(2026, 11, 27, 14, 5, 30, tzinfo=UTC))


@pytest.fixture
async def make_update_processor(
    settings: TgBotSettings,
    client: TelegramClient,
    rest: FakeRestService,
    redis: Redis,
    clock: FrozenClock,
) -> AsyncIterator[MakeUpdateProcessor]:
    """Builds an UpdateProcessor for an allow list. Nothing consumes its queues."""
    service = RestClient(settings, rest.make_transport())

    def make(allowed: AllowList, settings: TgBotSettings = settings) -> UpdateProcessor:
        to_secretary, to_telegram = (
            Mailbox(redis, "queue:to_secretary"),
            Mailbox(redis, "queue:to_telegram"),
        )
        access = AccessControl(redis, settings.bot_id, allowed)
        composer = Composer(settings, clock, COMMAND_DESCRIPTIONS)
        dispatcher = Dispatcher(settings.bot_id, HandlerServices(service, access, composer))
        dispatcher.username = "fake_bot"
        queues = Queues(to_secretary, to_telegram, DeadLetterQueue(redis, to_secretary.name))
        feedback = PressFeedback(client, TelegramRateLimiter(settings))
        return UpdateProcessor(settings.bot_id, queues, access, dispatcher, feedback)

    yield make
    await service.close()


@pytest.fixture
def update_processor(make_update_processor: MakeUpdateProcessor) -> UpdateProcessor:
    """An UpdateProcessor that allows everyone."""
    return make_update_processor(AllowList(everyone=True))


@pytest.fixture
async def make_progress_listener(
    client: TelegramClient, settings: TgBotSettings, redis_settings: RedisSettings, redis: Redis
) -> AsyncIterator[MakeProgressListener]:
    """Starts a ProgressListener with given timings."""
    stop, tasks = asyncio.Event(), []
    async with connect_for_blocking_reads(redis_settings) as blocking:

        def make(
            draft_timings: DraftTimings = FAST_TIMINGS,
            idle_timeout_seconds: float = 100.0,
            **changes: Any,
        ) -> ProgressListener:
            rate_limiter = TelegramRateLimiter(settings.model_copy(update=changes))
            listener = ProgressListener(
                client,
                rate_limiter,
                blocking,
                BOT_ID,
                draft_timings=draft_timings,
                idle_timeout_seconds=idle_timeout_seconds,
            )
            tasks.append(asyncio.create_task(listener.run(stop)))
            return listener

        yield make
        stop.set()
        await redis.publish(
            progress_channel(BOT_ID), ""
        )  # the listener does not have to wait for a frame
        await asyncio.gather(*tasks)


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the back-off, so that failed calls are retried almost at once."""
    monkeypatch.setattr(backoff, "INITIAL_DELAY_SECONDS", 0.02)


@pytest.fixture
def fast_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claim the long lease of tests often, so that its end is noticed almost at once."""
    monkeypatch.setattr(lease_module, "CLAIMS_PER_LEASE", LEASE_SECONDS / CLAIM_SECONDS)


@pytest.fixture
def run_bot(
    settings: TgBotSettings,
    rest: FakeRestService,
    monkeypatch: pytest.MonkeyPatch,
    fast_claims: None,
) -> RunBot:
    """Runs the bot as `main` does. Leaving the block ends the bot and its lease at once.

    A message that could not be sent is retried sooner than in production.
    """
    monkeypatch.setattr(response_handler, "MIN_RETRY_SECONDS", 0.1)
    monkeypatch.setattr(message_sender, "UNCERTAIN_RETRY_SECONDS", (0.1, 0.1))

    @asynccontextmanager
    async def running(
        given: TgBotSettings = settings, draft_timings: DraftTimings = DEFAULT_DRAFT_TIMINGS
    ) -> AsyncIterator[BotApp]:
        async with AsyncExitStack() as stack:
            redis = await stack.enter_async_context(connect(given))
            blocking = await stack.enter_async_context(connect_for_blocking_reads(given))
            lease = LeaderLease(redis, given.bot_id, LEASE_SECONDS)
            client = await stack.enter_async_context(TelegramClient(given, lease.ensure_held))
            service = RestClient(given, rest.make_transport())
            stack.push_async_callback(service.close)
            worker_timings = WorkerTimings(promote_interval_seconds=0.05)
            bot = build(
                given, client, service, redis, blocking, lease, worker_timings, draft_timings
            )
            stop = asyncio.Event()
            tasks = [asyncio.ensure_future(loop(stop)) for loop in bot.loops]
            try:
                yield bot
            finally:
                await _cancel_all(tasks)
                with suppress(RedisError):
                    await lease.release()

    return running


async def _cancel_all(tasks: list[asyncio.Future[None]]) -> None:
    """On Python 3.11 `asyncio.wait_for`, and so redis-py, may swallow a cancellation."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.1)
    for task in tasks:
        if not task.cancelled() and task.exception() is not None:
            task.result()
