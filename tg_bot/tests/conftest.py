"""The bot before a fake Telegram: its clients, queues and handlers, and a whole one that runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from redis.exceptions import RedisError

from smart_kit.contracts.keys import live_channel
from smart_kit.mailbox import Mailbox
from smart_kit.mailbox import Pace as WorkerPace
from smart_kit.redis import Redis, connect, connect_blocking
from smart_kit.settings import RedisSettings
from smart_kit.testing.fake_telegram import TOKEN, FakeTelegram, fake_telegram
from smart_kit.testing.plugin import has_virtual_clock
from tg_bot.src.client.rest import RestClient
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import AllowList, TgBotSettings
from tg_bot.src.handlers.context import Context
from tg_bot.src.main import Bot, assemble
from tg_bot.src.services import backoff, consignment, response_handler, tenure
from tg_bot.src.services.access import Access
from tg_bot.src.services.dead_letters import DeadLetters
from tg_bot.src.services.dispatcher import Dispatcher
from tg_bot.src.services.intake import Intake, Queues
from tg_bot.src.services.lease import Lease
from tg_bot.src.services.live import Live
from tg_bot.src.services.pace import Pace
from tg_bot.src.services.signals import Signals
from tg_bot.src.services.sketch import RHYTHM, Rhythm
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.lease_times import CLAIM_SECONDS, LEASE_SECONDS
from tg_bot.tests.live_frames import QUICK, MakeLive
from tg_bot.tests.queue_messages import BOT_ID

TIMEOUT_SECONDS = 60.0

Run = Callable[..., AbstractAsyncContextManager[Bot]]
MakeIntake = Callable[[AllowList], Intake]


@pytest.fixture(autouse=True)
def long_timeouts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stall of a busy machine reaches the limits after which the bot does without an answer.

    On a virtual clock nothing stalls, and they are those of production.
    """
    if not has_virtual_clock(request.node):
        monkeypatch.setattr("tg_bot.src.handlers.rich.REST_SECONDS", TIMEOUT_SECONDS)
        monkeypatch.setattr("tg_bot.src.handlers.start.REST_SECONDS", TIMEOUT_SECONDS)
        monkeypatch.setattr("tg_bot.src.services.signals.ANSWER_SECONDS", TIMEOUT_SECONDS)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram() as fake:
        yield fake


@pytest.fixture
async def rest(redis: Redis) -> FakeRestService:
    return FakeRestService(redis)


@pytest.fixture
def settings(telegram: FakeTelegram, redis_settings: RedisSettings) -> TgBotSettings:
    """Everybody may talk, and as fast as they like."""
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
async def make_intake(
    settings: TgBotSettings, client: TelegramClient, rest: FakeRestService, redis: Redis
) -> AsyncIterator[MakeIntake]:
    """What takes updates, for a given allow-list, and nobody who takes from the queues."""
    service = RestClient(settings, httpx2.MockTransport(rest.serve))

    def make(allowed: AllowList) -> Intake:
        to_secretary, to_telegram = (
            Mailbox(redis, "queue:to_secretary"),
            Mailbox(redis, "queue:to_telegram"),
        )
        access = Access(redis, settings.bot_id, allowed)
        dispatcher = Dispatcher(Context(service, access))
        dispatcher.username = "fake_bot"
        queues = Queues(to_secretary, to_telegram, DeadLetters(redis, to_secretary.name))
        return Intake(settings.bot_id, queues, access, dispatcher, Signals(client))

    yield make
    await service.close()


@pytest.fixture
def intake(make_intake: MakeIntake) -> Intake:
    """Lets everybody in."""
    return make_intake(AllowList(everyone=True))


@pytest.fixture
async def make_live(
    client: TelegramClient, settings: TgBotSettings, redis_settings: RedisSettings, redis: Redis
) -> AsyncIterator[MakeLive]:
    """A running Live, with a rhythm and seconds after which a turn is over by itself."""
    stop, tasks = asyncio.Event(), []
    async with connect_blocking(redis_settings) as blocking:

        def make(rhythm: Rhythm = QUICK, longest: float = 100.0, **changes: Any) -> Live:
            pace = Pace(settings.model_copy(update=changes))
            live = Live(client, pace, blocking, BOT_ID, rhythm=rhythm, longest_seconds=longest)
            tasks.append(asyncio.create_task(live.run(stop)))
            return live

        yield make
        stop.set()
        await redis.publish(live_channel(BOT_ID), "")  # nobody waits for the next frame
        await asyncio.gather(*tasks)


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is tried again at once."""
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.02)


@pytest.fixture
def quick_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that lasts long, and that ends when a test ends it, is noticed at once."""
    monkeypatch.setattr(tenure, "CLAIMS_PER_LEASE", LEASE_SECONDS / CLAIM_SECONDS)


@pytest.fixture
def run(
    settings: TgBotSettings,
    rest: FakeRestService,
    monkeypatch: pytest.MonkeyPatch,
    quick_claims: None,
) -> Run:
    """Runs the bot as `main` does; leaving the block ends it at once, and its lease too.

    A message that could not be sent waits for a moment instead of a second.
    """
    monkeypatch.setattr(response_handler, "SHORTEST_WAIT", 0.1)
    monkeypatch.setattr(consignment, "UNCERTAIN_SECONDS", (0.1, 0.1))

    @asynccontextmanager
    async def running(
        given: TgBotSettings = settings, rhythm: Rhythm = RHYTHM
    ) -> AsyncIterator[Bot]:
        async with AsyncExitStack() as stack:
            redis = await stack.enter_async_context(connect(given))
            blocking = await stack.enter_async_context(connect_blocking(given))
            lease = Lease(redis, given.bot_id, LEASE_SECONDS)
            client = await stack.enter_async_context(TelegramClient(given, lease.check))
            service = RestClient(given, httpx2.MockTransport(rest.serve))
            stack.push_async_callback(service.close)
            pace = WorkerPace(promote=0.05)
            bot = assemble(given, client, service, redis, blocking, lease, pace, rhythm)
            stop = asyncio.Event()
            tasks = [asyncio.ensure_future(loop(stop)) for loop in bot.loops]
            try:
                yield bot
            finally:
                await _end(tasks)
                with suppress(RedisError):
                    await lease.release()

    return running


async def _end(tasks: list[asyncio.Future[None]]) -> None:
    """On Python 3.11 `asyncio.wait_for`, and so redis-py, may swallow a cancellation."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.1)
    for task in tasks:
        if not task.cancelled() and task.exception() is not None:
            task.result()
