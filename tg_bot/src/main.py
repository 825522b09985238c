"""tg_bot: reads Telegram's updates, decides who may talk, turns facts into words, sends."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from smart_kit.clock import Clock
from smart_kit.health import Health
from smart_kit.mailbox import Mailbox, Worker
from smart_kit.redis import Redis, connect, connect_blocking
from smart_kit.service import Loop, health_routes, http_loop, launch, run_loops
from tg_bot.src.client.rest import RestClient
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.handlers import COMMANDS
from tg_bot.src.handlers.context import Context
from tg_bot.src.services.access import Access
from tg_bot.src.services.dead_letters import DeadLetters
from tg_bot.src.services.dispatcher import Dispatcher
from tg_bot.src.services.identity import Identity
from tg_bot.src.services.intake import Intake, Queues
from tg_bot.src.services.outbox import Outbox
from tg_bot.src.services.pace import Pace
from tg_bot.src.services.polling import Poller
from tg_bot.src.services.response_handler import ResponseHandler
from tg_bot.src.services.signals import Signals
from tg_bot.src.services.typing import Typing
from tg_bot.src.texts.composer import Composer
from tg_bot.src.texts.translations import Translations

SLOTS = 64
"""Chats that are written to at once; most of them wait for Telegram's pace."""


@dataclass(frozen=True)
class Bot:
    """The parts that run."""

    health: Health
    loops: tuple[Loop, ...]


async def serve(settings: TgBotSettings) -> None:
    """Run until told to stop."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect(settings))
        blocking = await stack.enter_async_context(connect_blocking(settings))
        client = await stack.enter_async_context(TelegramClient(settings))
        rest = RestClient(settings)
        stack.push_async_callback(rest.close)
        bot = assemble(settings, client, rest, redis, blocking)
        pages = health_routes(bot.health)
        await run_loops(http_loop(pages, settings.bind_host, settings.tg_bot_port), *bot.loops)


def assemble(
    settings: TgBotSettings,
    client: TelegramClient,
    rest: RestClient,
    redis: Redis,
    blocking: Redis,
) -> Bot:
    """Give every part what it works with."""
    bot_id = settings.bot_id
    to_secretary = Mailbox(redis, settings.redis_queue_to_secretary)
    to_telegram = Mailbox(redis, settings.redis_queue_to_telegram)
    queues = Queues(to_secretary, to_telegram, DeadLetters(redis, to_secretary.name))
    access = Access(redis, bot_id, settings.telegram_allowed_users)
    composer = Composer(Translations(settings.default_language), Clock(), COMMANDS)
    dispatcher = Dispatcher(Context(rest, access))
    intake = Intake(bot_id, queues, access, dispatcher, Signals(client))
    identity = Identity(client, redis, dispatcher, composer, settings.default_language)
    poller = Poller(client, intake, identity.learn)
    typing = Typing(client, blocking, bot_id)
    outbox = Outbox(client, to_telegram, Pace(settings))
    handler = ResponseHandler(composer, access, outbox, typing)
    worker = Worker(to_telegram, blocking, handler.handle, handler.apologise, slots=SLOTS)
    health = Health("tg_bot")
    health.add("telegram", poller.probe)
    health.add("redis", identity.probe)
    return Bot(health, (poller.run, worker.run, typing.run, identity.run))


if __name__ == "__main__":
    launch("tg_bot", TgBotSettings, serve)
