"""From the queue to a person's chat: each message once, in order, whatever Telegram says."""

import time
from typing import Any

import pytest

from smart_kit.contracts.keys import journal_key
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram
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


async def test_an_answer_arrives_formatted_with_its_receipts(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run_bot, redis, make_reply("**Done**", receipts=(make_past_effect(),)))

    (sent,) = telegram.sent
    assert sent.text.startswith("Done\n\n✓ Reminder: Fri 27 Nov 2020 09:00 Europe/Berlin")
    assert sent.parameters["entities"] == [{"type": "bold", "offset": 0, "length": 4}]
    assert sent.parameters["link_preview_options"] == {"is_disabled": True}
    assert "disable_notification" not in sent.parameters
    assert "parse_mode" not in sent.parameters


async def test_an_answer_whose_wake_up_was_lost_is_sent_all_the_same(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await enqueue_to_telegram(redis, make_reply("Done"))
    await redis.delete(TELEGRAM_QUEUE, f"{TELEGRAM_QUEUE}:active")
    async with run_bot():
        await telegram.wait_until(lambda: bool(telegram.sent))


async def test_a_silent_message_makes_no_sound(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run_bot, redis, make_reply("hush", priority="low"))
    assert telegram.sent[0].parameters["disable_notification"] is True


@pytest.mark.parametrize(
    ("facts", "code", "word"),
    [
        ({"language": "ru"}, "en", "Такой"),
        ({"language": "en"}, "ru", "I do not"),
        ({}, "ru-RU", "Такой"),
        (None, "ru", "Такой"),
        (None, None, "I do not"),
    ],
)
async def test_the_person_is_spoken_to_in_their_language(
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


async def test_a_chats_messages_come_in_order(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run_bot, redis, *(make_reply(str(n), n, chat_id=1 + n % 3) for n in range(60)))
    for chat_id in (1, 2, 3):
        assert telegram.sent_texts(chat_id) == [str(n) for n in range(chat_id - 1, 60, 3)]


async def test_a_long_answer_comes_whole_and_sounds_once(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    await deliver(run_bot, redis, make_reply(LONG_TEXT))

    assert len(telegram.sent) == 5
    assert "\n".join(telegram.sent_texts(7)) == LONG_TEXT
    silent = [one.parameters.get("disable_notification", False) for one in telegram.sent]
    assert silent == [False, True, True, True, True]
    assert not await redis.exists(journal_key("reply:tg:424242:1"))


class TestReminder:
    async def test_its_end_says_that_it_was_delivered(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        message = make_reminder("stretch")
        await deliver(run_bot, redis, message)

        assert telegram.sent_texts(7) == ["⏰ stretch"]
        assert await read_run_states(redis) == ["done"]

    async def test_a_double_is_not_sent(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        message = make_reminder("stretch")
        await deliver(run_bot, redis, message, message)
        await deliver(run_bot, redis, message)
        assert telegram.sent_texts(7) == ["⏰ stretch"]


async def test_no_chat_and_no_whole_is_sent_faster_than_allowed(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
) -> None:
    paced = settings.model_copy(update={"telegram_rate_per_chat": 2.0})
    begun = time.monotonic()
    await deliver(run_bot, redis, *(make_reply(str(n), n) for n in range(6)), given=paced)
    assert time.monotonic() - begun > 1.4, "three at once, then two a second"
    assert telegram.sent_texts(7) == list("012345")
