"""Telegram that takes nothing for a long time: pauses are counted and not slept."""

import asyncio
from datetime import timedelta

from smart_kit.clock import Clock
from smart_kit.contracts.base import utc_now
from smart_kit.mailbox import Delivery, Mailbox, Worker
from smart_kit.mailbox import Pace as WorkerPace
from smart_kit.redis import Redis, connect_blocking
from smart_kit.testing.fake_telegram import FakeTelegram, refusal
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.handlers import COMMANDS
from tg_bot.src.services.access import Access
from tg_bot.src.services.live import Live
from tg_bot.src.services.outbox import Outbox
from tg_bot.src.services.pace import Pace
from tg_bot.src.services.response_handler import ResponseHandler
from tg_bot.src.texts.composer import Composer
from tg_bot.src.texts.translations import Translations
from tg_bot.tests.queue_contents import dead_letters, send
from tg_bot.tests.queue_messages import reply
from tg_bot.tests.services.delivery_helpers import QUEUE

MINUTES = 50


class MailboxWithoutDelays(Mailbox):
    """Does not wait."""

    paused = 0.0
    """Seconds that it should have waited."""

    async def delay(
        self, delivery: Delivery, after_seconds: float, *, is_counted: bool = False
    ) -> None:
        self.paused += after_seconds
        await super().delay(delivery, 0, is_counted=is_counted)


async def test_fifty_minutes_of_429_bring_nothing_to_the_dead_letters(
    redis: Redis, telegram: FakeTelegram, client: TelegramClient, settings: TgBotSettings
) -> None:
    too_many = refusal(429, "Too Many Requests", retry_after=60)
    telegram.script("sendMessage", *[too_many] * MINUTES)
    before = utc_now() - timedelta(minutes=MINUTES)
    await send(redis, reply("at last", created_at=before), reply("behind it", 2, created_at=before))
    mailbox = MailboxWithoutDelays(redis, QUEUE)
    async with connect_blocking(settings) as blocking:
        handler = ResponseHandler(
            settings.bot_id,
            Composer(Translations("en"), Clock(), COMMANDS, "UTC"),
            Access(redis, settings.bot_id, settings.telegram_allowed_users),
            Outbox(client, mailbox, Pace(settings)),
            Live(client, Pace(settings), blocking, settings.bot_id),
        )
        worker = Worker(
            mailbox, blocking, handler.handle, handler.apologise, pace=WorkerPace(promote=0.01)
        )
        stop = asyncio.Event()
        working = asyncio.create_task(worker.run(stop))
        await telegram.until(lambda: len(telegram.texts(7)) == 2)
        stop.set()
        await working
    assert telegram.texts(7) == ["at last", "behind it"]
    assert await dead_letters(redis, QUEUE) == []
    assert mailbox.paused == MINUTES * 60
