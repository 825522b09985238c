"""From the queue to a chat: each message once and in order, whatever Telegram responds."""

import time
from typing import Any

import pytest

from smart_kit.contracts.keys import journal_key
from smart_kit.mailbox import Mailbox
from smart_kit.redis import Redis
from smart_kit.testing.concurrent_calls import require_concurrent_calls
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.access import AccessControl
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import enqueue_to_telegram
from tg_bot.tests.queue_messages import make_notice, make_past_effect, make_reminder, make_reply
from tg_bot.tests.services.delivery import (
    LONG_TEXT,
    TELEGRAM_QUEUE,
    deliver,
    read_run_states,
)


async def test_reply_is_sent_formatted_with_its_receipts(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run_bot, redis, make_reply("**Done**", receipts=(make_past_effect(),)))

    (sent,) = telegram.sent
    assert sent.text.startswith("Done\n\n✓ Reminder: Fri 27 Nov 2020 09:00 Europe/Berlin")
    assert sent.parameters["entities"] == [{"type": "bold", "offset": 0, "length": 4}]
    assert sent.parameters["link_preview_options"] == {"is_disabled": True}
    assert "disable_notification" not in sent.parameters
    assert "parse_mode" not in sent.parameters


async def test_recipient_and_journal_are_read_in_one_round_trip(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = ((AccessControl, "get_recipient"), (Mailbox, "load_journal"))
    require_concurrent_calls(monkeypatch, *reads)
    await deliver(run_bot, redis, make_reply("Done"))

    assert [sent.text for sent in telegram.sent] == ["Done"]


async def test_reply_is_sent_after_a_lost_wake_up(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await enqueue_to_telegram(redis, make_reply("Done"))
    await redis.delete(TELEGRAM_QUEUE, f"{TELEGRAM_QUEUE}:active")
    async with run_bot():
        await telegram.wait_until(lambda: bool(telegram.sent))


async def test_low_priority_message_is_silent(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run_bot, redis, make_reply("hush", priority="low"))
    assert telegram.sent[0].parameters["disable_notification"] is True


@pytest.mark.parametrize(
    ("facts", "code", "word"),
    [
        ({"language": "ru"}, "en", "Такой"),
        ({"language": "en"}, "ru", "I don't"),
        ({}, "ru-RU", "Такой"),
        (None, "ru", "Такой"),
        (None, None, "I don't"),
    ],
)
async def test_notice_uses_the_language_of_the_user(
    run_bot: RunBot,
    redis: Redis,
    telegram: FakeTelegram,
    rest: FakeRestService,
    facts: dict[str, Any] | None,
    code: str | None,
    word: str,
) -> None:
    if facts is not None:
        await rest.add_user(7, **facts)
    await deliver(run_bot, redis, make_notice("unknown_command", language_code=code))
    assert telegram.sent_texts(7)[0].startswith(word)


async def test_messages_of_a_chat_are_sent_in_order(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run_bot, redis, *(make_reply(str(n), n, chat_id=1 + n % 3) for n in range(60)))
    for chat_id in (1, 2, 3):
        assert telegram.sent_texts(chat_id) == [str(n) for n in range(chat_id - 1, 60, 3)]


async def test_long_reply_is_sent_completely_with_one_sound(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run_bot, redis, make_reply(LONG_TEXT))

    assert len(telegram.sent) == 5
    assert "\n".join(telegram.sent_texts(7)) == LONG_TEXT
    silent = [call.parameters.get("disable_notification", False) for call in telegram.sent]
    assert silent == [False, True, True, True, True]
    assert not await redis.exists(journal_key("reply:tg:424242:1"))


class TestReminder:
    async def test_sent_reminder_is_archived_as_done(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        message = make_reminder("stretch")
        await deliver(run_bot, redis, message)

        assert telegram.sent_texts(7) == ["⏰ stretch"]
        assert await read_run_states(redis) == ["done"]

    async def test_duplicate_reminder_is_not_sent(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        message = make_reminder("stretch")
        await deliver(run_bot, redis, message, message)
        await deliver(run_bot, redis, message)
        assert telegram.sent_texts(7) == ["⏰ stretch"]


async def test_rate_limits_hold_for_each_chat_and_overall(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
) -> None:
    paced = settings.model_copy(update={"telegram_rate_per_chat": 2.0})
    started = time.monotonic()
    await deliver(run_bot, redis, *(make_reply(str(n), n) for n in range(6)), given=paced)
    assert time.monotonic() - started > 1.4, "three at once, then two a second"
    assert telegram.sent_texts(7) == list("012345")
