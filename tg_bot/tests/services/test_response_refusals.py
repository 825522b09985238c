"""Messages that Telegram refuses: they are sent in another form, or become dead letters."""

import pytest

from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, Scripted, refusal
from tg_bot.tests import updates
from tg_bot.tests.conftest import Run
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import dead_letters, send
from tg_bot.tests.queue_messages import reminder, reply
from tg_bot.tests.services.delivery_helpers import (
    LONG_TEXT,
    QUEUE,
    deliver,
    run_states,
    wait_until_sent,
)


class TestRefusedFormatting:
    async def test_the_same_text_goes_once_more_without(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", refusal(400, "Bad Request: can't parse MessageEntity: x"))
        await deliver(run, redis, reply("**bold** words"))

        assert telegram.texts(7) == ["bold words"]
        assert [bool(one.parameters.get("entities")) for one in telegram.calls_of("sendMessage")]
        first, second = telegram.calls_of("sendMessage")
        assert first.parameters["entities"]
        assert "entities" not in second.parameters
        assert first.text == second.text

    async def test_what_is_refused_without_as_well_is_dead(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        wrong = refusal(400, "Bad Request: can't parse entities: no")
        telegram.script("sendMessage", wrong, wrong)
        await deliver(run, redis, reply("**bold**"), reply("next", 2))

        assert telegram.texts(7) == ["next"]
        (letter,) = await dead_letters(redis, QUEUE)
        assert "can't parse entities" in letter.reason

    async def test_only_the_refused_part_goes_without(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", Scripted(), refusal(400, "Bad Request: entity beginning"))
        text = "\n".join(f"**line** {n}" for n in range(1000))
        await deliver(run, redis, reply(text))

        shown = [bool(one.parameters.get("entities")) for one in telegram.sent]
        assert shown == [True, False, True]
        assert "\n".join(telegram.texts(7)) == text.replace("**", "")


async def test_what_telegram_finds_too_long_is_split_again(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script(
        "sendMessage", *[Scripted()] * 2, refusal(400, "Bad Request: message is too long")
    )
    await deliver(run, redis, reply(LONG_TEXT))
    assert len(telegram.sent) == 6
    assert "\n".join(telegram.texts(7)) == LONG_TEXT


async def test_a_beginning_that_was_split_again_sounds_once(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendMessage", refusal(400, "Bad Request: message is too long"))
    await deliver(run, redis, reply("word " * 200))
    silent = [one.parameters.get("disable_notification", False) for one in telegram.sent]
    assert silent == [False, True]


async def test_what_is_short_and_too_long_is_dead(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendMessage", refusal(400, "Bad Request: message is too long"))
    await deliver(run, redis, reply("short"))
    assert len(await dead_letters(redis, QUEUE)) == 1


class TestRefused:
    @pytest.mark.parametrize(
        "description", ["Bad Request: chat not found", "Bad Request: BUTTON_DATA_INVALID"]
    )
    async def test_a_wrong_request_is_dead_and_the_next_goes_on(
        self, run: Run, redis: Redis, telegram: FakeTelegram, description: str
    ) -> None:
        telegram.script("sendMessage", refusal(400, description))
        await deliver(run, redis, reply("one"), reply("two", 2))

        assert telegram.texts(7) == ["two"]
        assert len(telegram.calls_of("sendMessage")) == 2
        (letter,) = await dead_letters(redis, QUEUE)
        assert letter.reason == f"Telegram refuses it: {description}"

    async def test_who_has_blocked_the_bot_is_left_in_peace(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        blocked = refusal(403, "Forbidden: bot was blocked by the user")
        telegram.script("sendMessage", blocked)
        await deliver(run, redis, reminder("stretch"))

        assert len(telegram.calls_of("sendMessage")) == 1
        assert await dead_letters(redis, QUEUE) == []
        assert await run_states(redis) == ["failed"]

    async def test_nothing_more_is_tried_until_they_write_again(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", refusal(403, "Forbidden: bot was blocked by the user"))
        async with run():
            await send(redis, reminder("one"), reminder("two"))
            await wait_until_sent(redis)
            await send(redis, reminder("elsewhere", chat_id=8))
            await wait_until_sent(redis)
            assert [call.chat_id for call in telegram.calls_of("sendMessage")] == [7, 8]
            assert telegram.texts(8) == ["⏰ elsewhere"]
            assert await run_states(redis) == ["failed", "failed", "done"]

            telegram.push(updates.message("/help"))
            await telegram.until(lambda: len(telegram.texts(7)) == 1)
            await send(redis, reminder("three"))
            await telegram.until(lambda: telegram.texts(7)[1:] == ["⏰ three"])

    async def test_who_lets_the_bot_in_again_without_a_word_is_tried_again(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", refusal(403, "Forbidden: bot was blocked by the user"))
        async with run():
            await send(redis, reminder("one"))
            await wait_until_sent(redis)
            (mark,) = [key async for key in redis.scan_iter("tg_bot:*:turned_away:*")]
            assert 86_000 < await redis.ttl(mark) <= 86_400, "and in any case after a day"

            chat, member = {"id": 7, "type": "private"}, {"status": "member"}
            change = {"chat": chat, "new_chat_member": member}
            telegram.push(updates.update("my_chat_member", change))
            await telegram.until(lambda: telegram.updates == [])
            await send(redis, reminder("two"))
            await telegram.until(lambda: telegram.texts(7) == ["⏰ two"])

    async def test_whom_we_have_blocked_is_not_written_to(
        self, run: Run, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
    ) -> None:
        await rest.add(7, status="blocked")
        await deliver(run, redis, reminder("stretch"))
        assert telegram.calls_of("sendMessage") == []
        assert await run_states(redis) == ["failed"]

    async def test_what_another_bot_has_left_is_dead(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        left = reply("from before", conversation="tg:1:7")
        await deliver(run, redis, left, reply("from now", 2))

        assert telegram.texts(7) == ["from now"]
        (letter,) = await dead_letters(redis, QUEUE)
        assert letter.reason == (
            "It is another bot's: its conversation is tg:1:7, here it is tg:424242:7"
        )

    async def test_what_cannot_be_read_is_dead(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        broken = reply("one").model_copy(update={"kind": "telegram_from_the_future"})
        await deliver(run, redis, broken, reply("two", 2))
        assert telegram.texts(7) == ["two"]
        assert len(await dead_letters(redis, QUEUE)) == 1
