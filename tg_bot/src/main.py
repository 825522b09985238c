"""tg_bot: receives Telegram's updates, checks access, and sends the assistant's responses."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from smart_kit.clock import Clock
from smart_kit.clock_follower import ClockFollower
from smart_kit.health import Health
from smart_kit.mailbox import (
    DEFAULT_TIMINGS,
    Mailbox,
    QueueMonitor,
    WakeupReconciler,
    WorkerTimings,
)
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue
from smart_kit.redis import Redis, connect, connect_for_blocking_reads
from smart_kit.rest_client.aiohttp_transport import AiohttpTransport
from smart_kit.service import Loop, build_aiohttp_server, build_health_app, launch, run_loops

from .access import AccessControl
from .client.rest import RestClient
from .client.telegram import TelegramClient
from .config.settings import TgBotSettings
from .handlers.commands import COMMAND_DESCRIPTIONS
from .handlers.incoming import HandlerServices
from .services.dispatcher import Dispatcher
from .services.identity_publisher import IdentityPublisher
from .services.lease import LEASE_SECONDS, LeaderLease, LeaderRunner
from .services.message_sender import MessageSender
from .services.polling import Poller
from .services.press_feedback import PressFeedback
from .services.progress_listener import ProgressListener
from .services.rate_limiter import TelegramRateLimiter
from .services.response_handler import ResponseHandler
from .services.turn_draft import DEFAULT_DRAFT_TIMINGS, DraftTimings
from .services.update_processor import Queues, UpdateProcessor
from .services.webhook import WEBHOOK_PATH, Webhook
from .texts.composer import Composer


@dataclass(frozen=True)
class BotApp:
    """What `serve` runs."""

    health: Health
    loops: tuple[Loop, ...]
    web_app: web.Application


async def serve(settings: TgBotSettings, lease_seconds: float = LEASE_SECONDS) -> None:
    """Run the bot until SIGTERM or SIGINT."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect(settings))
        blocking = await stack.enter_async_context(connect_for_blocking_reads(settings))
        lease = LeaderLease(redis, settings.bot_id, lease_seconds)
        client = await stack.enter_async_context(TelegramClient(settings, lease.ensure_held))
        rest = RestClient(settings, AiohttpTransport(settings.rest_service_url))
        stack.push_async_callback(rest.close)
        bot = build(settings, client, rest, redis, blocking, lease)
        serve_http = build_aiohttp_server(bot.web_app, settings.bind_host, settings.tg_bot_port)
        await run_loops(serve_http, *bot.loops)


def build(
    settings: TgBotSettings,
    client: TelegramClient,
    rest: RestClient,
    redis: Redis,
    blocking: Redis,
    lease: LeaderLease,
    worker_timings: WorkerTimings = DEFAULT_TIMINGS,
    draft_timings: DraftTimings = DEFAULT_DRAFT_TIMINGS,
) -> BotApp:
    """Build every part and connect them."""
    to_secretary = Mailbox(redis, settings.redis_queue_to_secretary)
    to_telegram = Mailbox(redis, settings.redis_queue_to_telegram)
    queues = Queues(to_secretary, to_telegram, DeadLetterQueue(redis, to_secretary.name))
    bot_id = settings.bot_id
    access = AccessControl(redis, bot_id, settings.telegram_allowed_users)
    clock = Clock()
    composer = Composer(settings, clock, COMMAND_DESCRIPTIONS)
    dispatcher = Dispatcher(bot_id, HandlerServices(rest, access, composer))
    limiter = TelegramRateLimiter(settings)
    feedback = PressFeedback(client, limiter)
    update_processor = UpdateProcessor(bot_id, queues, access, dispatcher, feedback)
    bot_profile = IdentityPublisher(bot_id, client, redis, dispatcher, composer)
    source = _build_update_source(settings, client, update_processor, bot_profile)
    listener = ProgressListener(client, limiter, blocking, bot_id, draft_timings=draft_timings)
    sender = MessageSender(client, limiter)
    handler = ResponseHandler(bot_id, to_telegram, composer, access, sender, listener)
    respond = partial(handler.handle_assistant_responses, blocking=blocking, timings=worker_timings)
    reconciler = WakeupReconciler(redis, to_telegram.name)
    leader = LeaderRunner(lease, source.run, respond, listener.run, reconciler.run)
    monitor = QueueMonitor(to_telegram)
    health = _build_health(lease, monitor, source, bot_profile)
    web_app = build_health_app(health)
    if isinstance(source, Webhook):
        web_app.add_routes([web.post(WEBHOOK_PATH, source.receive)])
    loops: tuple[Loop, ...] = (leader.run, bot_profile.run, monitor.run)
    if settings.sandbox_clock:
        loops = (ClockFollower(clock, redis, blocking).run, *loops)
    return BotApp(health, loops, web_app)


def _build_update_source(
    settings: TgBotSettings,
    client: TelegramClient,
    update_processor: UpdateProcessor,
    bot_profile: IdentityPublisher,
) -> Poller | Webhook:
    if not settings.telegram_webhook:
        return Poller(client, update_processor, bot_profile.initialize)
    return Webhook(
        client,
        update_processor,
        bot_profile.initialize,
        url=f"{settings.public_url}{WEBHOOK_PATH}",
        secret=settings.webhook_secret,
    )


def _build_health(
    lease: LeaderLease,
    monitor: QueueMonitor,
    source: Poller | Webhook,
    bot_profile: IdentityPublisher,
) -> Health:
    health = Health("tg_bot")
    health.add_note(lease.health_note)
    health.add_note(monitor.health_note)
    health.add_note(lambda: "" if lease.is_standby else source.health_note())
    health.add_check("telegram", lambda: None if lease.is_standby else source.health_error())
    health.add_check("redis", bot_profile.redis_health_error)
    return health


if __name__ == "__main__":
    launch("tg_bot", TgBotSettings, serve)
