"""A reminder in a chat: delivered with buttons and answered by a press."""

import asyncio
from datetime import timedelta

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import CLOCK_CHANNEL, CLOCK_KEY
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.tests import updates
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import enqueue_to_telegram
from tg_bot.tests.queue_messages import make_reminder
from tg_bot.tests.services.delivery import deliver


async def test_reminder_is_snoozed_and_then_done(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    await rest.add_user(7)
    first, second = rest.records.add_run(), rest.records.add_run()
    async with run_bot():
        await enqueue_to_telegram(redis, make_reminder("stretch", run_id=first.id))
        await telegram.wait_until(lambda: len(telegram.sent) == 1)
        telegram.push(updates.press_button(telegram, "+10 min"))
        await telegram.wait_until(lambda: len(telegram.sent) == 2)
        await enqueue_to_telegram(redis, make_reminder("stretch again", run_id=second.id))
        await telegram.wait_until(lambda: len(telegram.sent) == 3)
        telegram.push(updates.press_button(telegram, "Done"))
        await telegram.wait_until(lambda: bool(telegram.calls_to("editMessageText")))

    assert telegram.sent_texts(7)[1].startswith("✓ Reminder: Fri 27 Nov")
    assert "reply_markup" not in telegram.sent[1].parameters
    (edit,) = telegram.calls_to("editMessageText")
    assert (edit.parameters["message_id"], edit.text) == (3, "✅ stretch again")
    assert len(telegram.calls_to("answerCallbackQuery")) == 2


async def test_texts_follow_the_clock_of_the_sandbox(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
) -> None:
    """The reminder would be punctual by real time, and is an hour late by that of the sandbox."""
    sandbox = settings.model_copy(update={"sandbox_clock": True})
    async with run_bot(sandbox):
        await redis.set(CLOCK_KEY, 3600)
        async with asyncio.timeout(60):
            while not telegram.sent or "was due" not in telegram.sent[-1].text:
                await redis.publish(CLOCK_CHANNEL, "")
                await enqueue_to_telegram(redis, make_reminder("stretch"))
                count = len(telegram.sent)
                await telegram.wait_until(lambda count=count: len(telegram.sent) > count)


async def test_clock_of_the_sandbox_is_ignored_without_it(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await redis.set(CLOCK_KEY, 3600)
    await deliver(run_bot, redis, make_reminder("stretch", utc_now() - timedelta(seconds=1)))
    assert telegram.sent_texts(7) == ["⏰ stretch"]
