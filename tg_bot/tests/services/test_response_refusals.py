"""Messages that Telegram refuses are sent in another form or become dead letters."""

import pytest

from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.tests import updates
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import enqueue_to_telegram, read_dead_letters
from tg_bot.tests.queue_messages import make_reminder, make_reply
from tg_bot.tests.services.delivery import (
    LONG_TEXT,
    TELEGRAM_QUEUE,
    deliver,
    read_run_states,
    wait_until_sent,
)


class TestRefusedFormatting:
    async def test_text_is_repeated_without_formatting(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses(
            "sendMessage", make_api_error(400, "Bad Request: can't parse MessageEntity: x")
        )
        await deliver(run_bot, redis, make_reply("**bold** words"))

        assert telegram.sent_texts(7) == ["bold words"]
        assert [bool(call.parameters.get("entities")) for call in telegram.calls_to("sendMessage")]
        first, second = telegram.calls_to("sendMessage")
        assert first.parameters["entities"]
        assert "entities" not in second.parameters
        assert first.text == second.text

    async def test_text_refused_without_formatting_is_dead_lettered(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        wrong = make_api_error(400, "Bad Request: can't parse entities: no")
        telegram.script_responses("sendMessage", wrong, wrong)
        await deliver(run_bot, redis, make_reply("**bold**"), make_reply("next", 2))

        assert telegram.sent_texts(7) == ["next"]
        (letter,) = await read_dead_letters(redis, TELEGRAM_QUEUE)
        assert "can't parse entities" in letter.reason

    async def test_only_the_refused_part_loses_its_formatting(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses(
            "sendMessage",
            ScriptedApiResponse(),
            make_api_error(400, "Bad Request: entity beginning"),
        )
        text = "\n".join(f"**line** {n}" for n in range(1000))
        await deliver(run_bot, redis, make_reply(text))

        shown = [bool(call.parameters.get("entities")) for call in telegram.sent]
        assert shown == [True, False, True]
        assert "\n".join(telegram.sent_texts(7)) == text.replace("**", "")


async def test_too_long_message_is_split_again(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses(
        "sendMessage",
        *[ScriptedApiResponse()] * 2,
        make_api_error(400, "Bad Request: message is too long"),
    )
    await deliver(run_bot, redis, make_reply(LONG_TEXT))
    assert len(telegram.sent) == 6
    assert "\n".join(telegram.sent_texts(7)) == LONG_TEXT


async def test_split_first_part_sounds_once(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses(
        "sendMessage", make_api_error(400, "Bad Request: message is too long")
    )
    await deliver(run_bot, redis, make_reply("word " * 200))
    silent = [call.parameters.get("disable_notification", False) for call in telegram.sent]
    assert silent == [False, True]


async def test_short_message_refused_as_too_long_is_dead_lettered(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses(
        "sendMessage", make_api_error(400, "Bad Request: message is too long")
    )
    await deliver(run_bot, redis, make_reply("short"))
    assert len(await read_dead_letters(redis, TELEGRAM_QUEUE)) == 1


class TestRefused:
    @pytest.mark.parametrize(
        "description", ["Bad Request: chat not found", "Bad Request: BUTTON_DATA_INVALID"]
    )
    async def test_refused_request_does_not_stop_the_next_message(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram, description: str
    ) -> None:
        telegram.script_responses("sendMessage", make_api_error(400, description))
        await deliver(run_bot, redis, make_reply("one"), make_reply("two", 2))

        assert telegram.sent_texts(7) == ["two"]
        assert len(telegram.calls_to("sendMessage")) == 2
        (letter,) = await read_dead_letters(redis, TELEGRAM_QUEUE)
        assert letter.reason == f"Telegram refuses it: {description}"

    async def test_user_who_blocked_the_bot_gets_no_messages(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        blocked = make_api_error(403, "Forbidden: bot was blocked by the user")
        telegram.script_responses("sendMessage", blocked)
        await deliver(run_bot, redis, make_reminder("stretch"))

        assert len(telegram.calls_to("sendMessage")) == 1
        assert await read_dead_letters(redis, TELEGRAM_QUEUE) == []
        assert await read_run_states(redis) == ["failed"]

    async def test_blocked_chat_is_skipped_until_the_user_writes(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses(
            "sendMessage", make_api_error(403, "Forbidden: bot was blocked by the user")
        )
        async with run_bot():
            await enqueue_to_telegram(redis, make_reminder("one"), make_reminder("two"))
            await wait_until_sent(redis)
            await enqueue_to_telegram(redis, make_reminder("elsewhere", chat_id=8))
            await wait_until_sent(redis)
            assert [call.chat_id for call in telegram.calls_to("sendMessage")] == [7, 8]
            assert telegram.sent_texts(8) == ["⏰ elsewhere"]
            assert await read_run_states(redis) == ["failed", "failed", "done"]

            telegram.push(updates.message("/help"))
            await telegram.wait_until(lambda: len(telegram.sent_texts(7)) == 1)
            await enqueue_to_telegram(redis, make_reminder("three"))
            await telegram.wait_until(lambda: telegram.sent_texts(7)[1:] == ["⏰ three"])

    async def test_unblocked_chat_receives_messages_again(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses(
            "sendMessage", make_api_error(403, "Forbidden: bot was blocked by the user")
        )
        async with run_bot():
            await enqueue_to_telegram(redis, make_reminder("one"))
            await wait_until_sent(redis)
            (mark,) = [key async for key in redis.scan_iter("tg_bot:*:bot_blocked:*")]
            assert 86_000 < await redis.ttl(mark) <= 86_400, "and in any case after a day"

            chat, member = {"id": 7, "type": "private"}, {"status": "member"}
            change = {"chat": chat, "new_chat_member": member}
            telegram.push(updates.update("my_chat_member", change))
            await telegram.wait_until(lambda: telegram.updates == [])
            await enqueue_to_telegram(redis, make_reminder("two"))
            await telegram.wait_until(lambda: telegram.sent_texts(7) == ["⏰ two"])

    async def test_blocked_user_gets_no_messages(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
    ) -> None:
        await rest.add_user(7, status="blocked")
        await deliver(run_bot, redis, make_reminder("stretch"))
        assert telegram.calls_to("sendMessage") == []
        assert await read_run_states(redis) == ["failed"]

    async def test_message_of_another_bot_is_dead_lettered(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        left = make_reply("from before", conversation="tg:1:7")
        await deliver(run_bot, redis, left, make_reply("from now", 2))

        assert telegram.sent_texts(7) == ["from now"]
        (letter,) = await read_dead_letters(redis, TELEGRAM_QUEUE)
        assert letter.reason == (
            "It belongs to another bot: its conversation is tg:1:7, not tg:424242:7"
        )

    async def test_unreadable_message_is_dead_lettered(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        broken = make_reply("one").model_copy(update={"kind": "telegram_from_the_future"})
        await deliver(run_bot, redis, broken, make_reply("two", 2))
        assert telegram.sent_texts(7) == ["two"]
        assert len(await read_dead_letters(redis, TELEGRAM_QUEUE)) == 1
