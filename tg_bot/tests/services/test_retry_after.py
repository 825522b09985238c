"""Telegram answers 429 for a long time: pauses are recorded instead of slept."""

import asyncio
from datetime import timedelta

from smart_kit.clock import Clock
from smart_kit.contracts.base import utc_now
from smart_kit.mailbox import Delivery, Mailbox, WorkerTimings
from smart_kit.redis import Redis, connect_for_blocking_reads
from smart_kit.testing.fake_telegram import FakeTelegram, make_api_error
from tg_bot.src.access import AccessControl
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.handlers.commands import COMMAND_DESCRIPTIONS
from tg_bot.src.services.message_sender import MessageSender
from tg_bot.src.services.progress_listener import ProgressListener
from tg_bot.src.services.rate_limiter import TelegramRateLimiter
from tg_bot.src.services.response_handler import ResponseHandler
from tg_bot.src.texts.composer import Composer
from tg_bot.tests.queue_contents import enqueue_to_telegram, read_dead_letters
from tg_bot.tests.queue_messages import make_reply
from tg_bot.tests.services.delivery import TELEGRAM_QUEUE

MINUTES = 50


class MailboxWithoutDelays(Mailbox):
    """Records delays instead of waiting."""

    delayed_seconds = 0.0
    """Sum of all delays."""

    async def delay(
        self, delivery: Delivery, delay_seconds: float, *, is_attempt_counted: bool = False
    ) -> None:
        self.delayed_seconds += delay_seconds
        await super().delay(delivery, 0, is_attempt_counted=is_attempt_counted)


async def test_fifty_minutes_of_429_cause_no_dead_letter(
    redis: Redis, telegram: FakeTelegram, client: TelegramClient, settings: TgBotSettings
) -> None:
    too_many = make_api_error(429, "Too Many Requests", retry_after=60)
    telegram.script_responses("sendMessage", *[too_many] * MINUTES)
    before = utc_now() - timedelta(minutes=MINUTES)
    await enqueue_to_telegram(
        redis,
        make_reply("at last", created_at=before),
        make_reply("behind it", 2, created_at=before),
    )
    mailbox = MailboxWithoutDelays(redis, TELEGRAM_QUEUE)
    async with connect_for_blocking_reads(settings) as blocking:
        handler = ResponseHandler(
            settings.bot_id,
            mailbox,
            Composer(settings, Clock(), COMMAND_DESCRIPTIONS),
            AccessControl(redis, settings.bot_id, settings.telegram_allowed_users),
            MessageSender(client, TelegramRateLimiter(settings)),
            ProgressListener(client, TelegramRateLimiter(settings), blocking, settings.bot_id),
        )
        stop = asyncio.Event()
        timings = WorkerTimings(promote_interval_seconds=0.01)
        working = asyncio.create_task(handler.handle_assistant_responses(stop, blocking, timings))
        await telegram.wait_until(lambda: len(telegram.sent_texts(7)) == 2)
        stop.set()
        await working
    assert telegram.sent_texts(7) == ["at last", "behind it"]
    assert await read_dead_letters(redis, TELEGRAM_QUEUE) == []
    assert mailbox.delayed_seconds == MINUTES * 60
