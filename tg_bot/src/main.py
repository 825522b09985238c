"""tg_bot: reads Telegram's updates, decides who may talk, turns facts into words, sends."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp import web

from smart_kit.clock import Clock
from smart_kit.health import Health
from smart_kit.mailbox import DEFAULT_PACE, Mailbox, Reconciliation, Watch, Worker
from smart_kit.mailbox import Pace as WorkerPace
from smart_kit.redis import Redis, connect, connect_blocking
from smart_kit.service import Loop, health_routes, http_loop, launch, run_loops

from .client.rest import RestClient
from .client.telegram import TelegramClient
from .config.settings import TgBotSettings
from .handlers import COMMANDS
from .handlers.context import Context
from .services.access import Access
from .services.dead_letters import DeadLetters
from .services.dispatcher import Dispatcher
from .services.identity import Identity
from .services.intake import Intake, Queues
from .services.lease import LEASE_SECONDS, Lease
from .services.live import Live
from .services.outbox import Outbox
from .services.pace import Pace
from .services.polling import Poller
from .services.response_handler import ResponseHandler
from .services.signals import Signals
from .services.sketch import RHYTHM, Rhythm
from .services.tenure import Tenure
from .services.webhook import PATH, Webhook
from .texts.composer import Composer
from .texts.translations import Translations

SLOTS = 64
"""Chats that are written to at once; most of them wait for Telegram's pace."""


@dataclass(frozen=True)
class Bot:
    """The parts that run."""

    health: Health
    loops: tuple[Loop, ...]
    pages: web.Application


async def serve(settings: TgBotSettings, lease_seconds: float = LEASE_SECONDS) -> None:
    """Run until told to stop."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect(settings))
        blocking = await stack.enter_async_context(connect_blocking(settings))
        lease = Lease(redis, settings.bot_id, lease_seconds)
        client = await stack.enter_async_context(TelegramClient(settings, lease.check))
        rest = RestClient(settings)
        stack.push_async_callback(rest.close)
        bot = assemble(settings, client, rest, redis, blocking, lease)
        serve_pages = http_loop(bot.pages, settings.bind_host, settings.tg_bot_port)
        await run_loops(serve_pages, *bot.loops)


def assemble(
    settings: TgBotSettings,
    client: TelegramClient,
    rest: RestClient,
    redis: Redis,
    blocking: Redis,
    lease: Lease,
    worker_pace: WorkerPace = DEFAULT_PACE,
    rhythm: Rhythm = RHYTHM,
) -> Bot:
    """Give every part what it works with."""
    bot_id = settings.bot_id
    to_secretary = Mailbox(redis, settings.redis_queue_to_secretary)
    to_telegram = Mailbox(redis, settings.redis_queue_to_telegram)
    queues = Queues(to_secretary, to_telegram, DeadLetters(redis, to_secretary.name))
    access = Access(redis, bot_id, settings.telegram_allowed_users)
    composer = Composer(
        Translations(settings.default_language), Clock(), COMMANDS, settings.default_timezone
    )
    dispatcher = Dispatcher(Context(rest, access))
    intake = Intake(bot_id, queues, access, dispatcher, Signals(client))
    identity = Identity(bot_id, client, redis, dispatcher, composer, settings.default_language)
    pace = Pace(settings)
    live = Live(client, pace, blocking, bot_id, rhythm=rhythm)
    outbox = Outbox(client, to_telegram, pace)
    handler = ResponseHandler(bot_id, composer, access, outbox, live)
    worker = Worker(
        to_telegram, blocking, handler.handle, handler.apologise, slots=SLOTS, pace=worker_pace
    )
    watch = Watch(to_telegram)
    health = Health("tg_bot")
    health.tell(lease.note)
    health.tell(watch.note)
    pages = health_routes(health)
    source = _source(settings, client, intake, identity)
    if isinstance(source, Webhook):
        pages.add_routes([web.post(PATH, source.receive)])
    health.tell(lambda: "" if lease.stands_by else source.note())
    health.add("telegram", lambda: None if lease.stands_by else source.probe())
    health.add("redis", identity.probe)
    reconciliation = Reconciliation(redis, to_telegram.name)
    tenure = Tenure(lease, source.run, worker.run, live.run, reconciliation.run)
    return Bot(health, (tenure.run, identity.run, watch.run), pages)


def _source(
    settings: TgBotSettings, client: TelegramClient, intake: Intake, identity: Identity
) -> Poller | Webhook:
    """Where updates come from."""
    if not settings.telegram_webhook:
        return Poller(client, intake, identity.learn)
    return Webhook(
        client,
        intake,
        identity.learn,
        url=f"{settings.public_url}{PATH}",
        secret=settings.webhook_secret,
    )


if __name__ == "__main__":
    launch("tg_bot", TgBotSettings, serve)
