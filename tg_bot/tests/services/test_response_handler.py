"""From the queue to a person's chat: each message once, in order, whatever Telegram says."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from structlog.typing import EventDict

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import TURNS_STREAM, journal_key
from smart_kit.contracts.queue import ToTelegram
from smart_kit.contracts.threads import ARCHIVE_RECORD, RunRecord
from smart_kit.redis import Redis, answer, connect
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.fake_telegram import FakeTelegram, Scripted, refusal
from smart_kit.testing.ports import free_port
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.tests import updates
from tg_bot.tests.conftest import Run
from tg_bot.tests.fake_rest import FakeRest
from tg_bot.tests.queue_contents import dead_letters, send, to_telegram
from tg_bot.tests.queue_messages import effect, notice, reminder, reply

QUEUE = "queue:to_telegram"
LONG = "\n".join(f"line {n}" for n in range(2000))
"""Five messages."""


async def empty(redis: Redis) -> None:
    """Wait until nothing is left to send."""
    async with asyncio.timeout(15):
        while await answer(redis.hlen(f"{QUEUE}:active")):
            await asyncio.sleep(0.02)


async def delivered(run: Run, redis: Redis, *messages: ToTelegram, **changes: Any) -> None:
    await send(redis, *messages)
    async with run(**changes):
        await empty(redis)


async def test_an_answer_arrives_formatted_with_its_receipts(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    await delivered(run, redis, reply("**Done**", receipts=(effect(),)))

    (sent,) = telegram.sent
    assert sent.text.startswith("Done\n\n✓ Reminder: Fri 27 Nov 09:00 Europe/Berlin")
    assert sent.parameters["entities"] == [{"type": "bold", "offset": 0, "length": 4}]
    assert sent.parameters["link_preview_options"] == {"is_disabled": True}
    assert "disable_notification" not in sent.parameters
    assert "parse_mode" not in sent.parameters


async def test_a_silent_message_makes_no_sound(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    await delivered(run, redis, reply("hush", silent=True))
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
    run: Run,
    redis: Redis,
    telegram: FakeTelegram,
    rest: FakeRest,
    facts: dict[str, Any] | None,
    code: str | None,
    word: str,
) -> None:
    if facts is not None:
        await rest.add(7, **facts)
    await delivered(run, redis, notice("unknown_command", language_code=code))
    assert telegram.texts(7)[0].startswith(word)


async def test_a_chats_messages_come_in_order(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    await delivered(run, redis, *(reply(str(n), n, chat_id=1 + n % 3) for n in range(60)))
    for chat_id in (1, 2, 3):
        assert telegram.texts(chat_id) == [str(n) for n in range(chat_id - 1, 60, 3)]


async def test_a_long_answer_comes_whole_and_sounds_once(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    await delivered(run, redis, reply(LONG))

    assert len(telegram.sent) == 5
    assert "\n".join(telegram.texts(7)) == LONG
    silent = [one.parameters.get("disable_notification", False) for one in telegram.sent]
    assert silent == [False, True, True, True, True]
    assert not await redis.exists(journal_key("reply:tg:424242:1"))


class TestRefusedFormatting:
    async def test_the_same_text_goes_once_more_without(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", refusal(400, "Bad Request: can't parse MessageEntity: x"))
        await delivered(run, redis, reply("**bold** words"))

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
        await delivered(run, redis, reply("**bold**"), reply("next", 2))

        assert telegram.texts(7) == ["next"]
        (letter,) = await dead_letters(redis, QUEUE)
        assert "can't parse entities" in letter.reason

    async def test_only_the_refused_part_goes_without(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", Scripted(), refusal(400, "Bad Request: entity beginning"))
        text = "\n".join(f"**line** {n}" for n in range(1000))
        await delivered(run, redis, reply(text))

        shown = [bool(one.parameters.get("entities")) for one in telegram.sent]
        assert shown == [True, False, True]
        assert "\n".join(telegram.texts(7)) == text.replace("**", "")


async def test_what_telegram_finds_too_long_is_split_again(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script(
        "sendMessage", *[Scripted()] * 2, refusal(400, "Bad Request: message is too long")
    )
    await delivered(run, redis, reply(LONG))
    assert len(telegram.sent) == 6
    assert "\n".join(telegram.texts(7)) == LONG


async def test_a_beginning_that_was_split_again_sounds_once(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendMessage", refusal(400, "Bad Request: message is too long"))
    await delivered(run, redis, reply("word " * 200))
    silent = [one.parameters.get("disable_notification", False) for one in telegram.sent]
    assert silent == [False, True]


async def test_what_is_short_and_too_long_is_dead(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendMessage", refusal(400, "Bad Request: message is too long"))
    await delivered(run, redis, reply("short"))
    assert len(await dead_letters(redis, QUEUE)) == 1


class TestRefused:
    @pytest.mark.parametrize(
        "description", ["Bad Request: chat not found", "Bad Request: BUTTON_DATA_INVALID"]
    )
    async def test_a_wrong_request_is_dead_and_the_next_goes_on(
        self, run: Run, redis: Redis, telegram: FakeTelegram, description: str
    ) -> None:
        telegram.script("sendMessage", refusal(400, description))
        await delivered(run, redis, reply("one"), reply("two", 2))

        assert telegram.texts(7) == ["two"]
        assert len(telegram.calls_of("sendMessage")) == 2
        (letter,) = await dead_letters(redis, QUEUE)
        assert letter.reason == f"Telegram refuses it: {description}"

    async def test_who_has_blocked_the_bot_is_left_in_peace(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        blocked = refusal(403, "Forbidden: bot was blocked by the user")
        telegram.script("sendMessage", blocked)
        await delivered(run, redis, reminder("stretch"))

        assert len(telegram.calls_of("sendMessage")) == 1
        assert await dead_letters(redis, QUEUE) == []
        assert await _run_states(redis) == ["failed"]

    async def test_nothing_more_is_tried_until_they_write_again(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", refusal(403, "Forbidden: bot was blocked by the user"))
        async with run():
            await send(redis, reminder("one"), reminder("two"))
            await empty(redis)
            await send(redis, reminder("elsewhere", chat_id=8))
            await empty(redis)
            assert [call.chat_id for call in telegram.calls_of("sendMessage")] == [7, 8]
            assert telegram.texts(8) == ["⏰ elsewhere"]
            assert await _run_states(redis) == ["failed", "failed", "done"]

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
            await empty(redis)
            (mark,) = [key async for key in redis.scan_iter("tg_bot:*:turned_away:*")]
            assert 86_000 < await redis.ttl(mark) <= 86_400, "and in any case after a day"

            chat, member = {"id": 7, "type": "private"}, {"status": "member"}
            change = {"chat": chat, "new_chat_member": member}
            telegram.push(updates.update("my_chat_member", change))
            await telegram.until(lambda: telegram.updates == [])
            await send(redis, reminder("two"))
            await telegram.until(lambda: telegram.texts(7) == ["⏰ two"])

    async def test_whom_we_have_blocked_is_not_written_to(
        self, run: Run, redis: Redis, telegram: FakeTelegram, rest: FakeRest
    ) -> None:
        await rest.add(7, status="blocked")
        await delivered(run, redis, reminder("stretch"))
        assert telegram.calls_of("sendMessage") == []
        assert await _run_states(redis) == ["failed"]

    async def test_what_another_bot_has_left_is_dead(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        left = reply("from before", conversation="tg:1:7")
        await delivered(run, redis, left, reply("from now", 2))

        assert telegram.texts(7) == ["from now"]
        (letter,) = await dead_letters(redis, QUEUE)
        assert letter.reason == (
            "It is another bot's: its conversation is tg:1:7, here it is tg:424242:7"
        )

    async def test_what_cannot_be_read_is_dead(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        broken = reply("one").model_copy(update={"kind": "telegram_from_the_future"})
        await delivered(run, redis, broken, reply("two", 2))
        assert telegram.texts(7) == ["two"]
        assert len(await dead_letters(redis, QUEUE)) == 1


async def test_a_429_makes_one_chat_wait_and_no_other(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendMessage", refusal(429, "Too Many Requests", retry_after=2))
    await send(redis, reply("waits", chat_id=1))
    async with run():
        await telegram.until(lambda: bool(telegram.calls_of("sendMessage")))
        refused_at = time.monotonic()
        await send(redis, reply("behind", 2, chat_id=1), reply("elsewhere", 3, chat_id=2))
        await telegram.until(lambda: telegram.texts(2) == ["elsewhere"])
        assert telegram.texts(1) == []
        await telegram.until(lambda: len(telegram.texts(1)) == 2)
        assert time.monotonic() - refused_at >= 1.95
    assert telegram.texts(1) == ["waits", "behind"]


@pytest.mark.parametrize(
    "trouble",
    [
        refusal(500, "Internal Server Error"),
        Scripted(502, "<html>Bad Gateway</html>"),
        refusal(401, "Unauthorized"),
    ],
    ids=["500", "502", "401"],
)
async def test_what_was_not_sent_is_sent_later_however_often(
    run: Run, redis: Redis, telegram: FakeTelegram, trouble: Scripted
) -> None:
    telegram.script("sendMessage", *[trouble] * 3)
    await delivered(run, redis, reply("at last"))
    assert telegram.texts(7) == ["at last"]
    assert await dead_letters(redis, QUEUE) == []


@pytest.mark.parametrize(
    "trouble",
    [
        refusal(500, "Internal Server Error"),
        refusal(401, "Unauthorized"),
        refusal(429, "Too Many Requests", retry_after=0),
    ],
    ids=["500", "401", "429"],
)
async def test_after_a_day_it_is_given_up(
    run: Run, redis: Redis, telegram: FakeTelegram, trouble: Scripted
) -> None:
    telegram.script("sendMessage", *[trouble] * 2)
    old = reply("old news", created_at=utc_now() - timedelta(hours=25))
    await delivered(run, redis, old)
    (letter,) = await dead_letters(redis, QUEUE)
    assert "for a day" in letter.reason
    assert len(telegram.calls_of("sendMessage")) == 1


async def test_what_found_no_connection_waits_and_is_in_no_doubt(
    run: Run, redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
) -> None:
    before = sends("uncertain"), sends("unavailable")
    nowhere = settings.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{free_port()}"})
    await send(redis, reply("at last"))
    async with run(nowhere):
        await _until_tried(redis, times=3)
    assert sends("uncertain") == before[0]
    assert sends("unavailable") >= before[1] + 3

    async with run():
        await empty(redis)
    assert telegram.texts(7) == ["at last"]


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(0.05, 1.5), (0.5, 15.0), (60, 30.0), (1400, 30.0)]
)
async def test_the_longer_a_message_has_waited_the_longer_it_waits(
    run: Run, redis: Redis, telegram: FakeTelegram, minutes: float, seconds: float
) -> None:
    """So an outage of hours costs two attempts a minute and chat."""
    telegram.script("sendMessage", Scripted(502, "<html>Bad Gateway</html>"))
    await send(redis, reply("patience", created_at=utc_now() - timedelta(minutes=minutes)))
    async with run():
        await _until_tried(redis, times=1)
        ((_, due_ms),) = await redis.zrange(f"{QUEUE}:delayed", 0, -1, withscores=True)
    assert due_ms / 1000 - time.time() == pytest.approx(seconds, abs=1.5)


async def _until_tried(redis: Redis, times: int) -> None:
    """Wait until the message has been given back so often."""
    seen: set[float] = set()
    async with asyncio.timeout(15):
        while len(seen) < times:
            entries = await redis.zrange(f"{QUEUE}:delayed", 0, -1, withscores=True)
            seen |= {due for _, due in entries}
            await asyncio.sleep(0.01)


def sends(outcome: str) -> float:
    """What `/metrics` counts."""
    return REGISTRY.get_sample_value("tg_bot_sends_total", {"outcome": outcome}) or 0.0


class TestUncertain:
    """The request went out, and its answer never came."""

    async def test_it_is_sent_again_in_the_same_format(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", Scripted(cut="before"))
        await delivered(run, redis, reply("**bold**"))

        first, second = telegram.calls_of("sendMessage")
        assert first.parameters == second.parameters
        assert telegram.texts(7) == ["bold"]

    async def test_three_times_at_most(
        self, run: Run, redis: Redis, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tg_bot.src.services.consignment.UNCERTAIN_SECONDS", (0.1, 0.1))
        before = sends("uncertain")
        telegram.script("sendMessage", *[Scripted(cut="after")] * 5)
        await delivered(run, redis, reply("echo"))
        assert sends("uncertain") == before + 3

        assert telegram.texts(7) == ["echo"] * 3
        (letter,) = await dead_letters(redis, QUEUE)
        assert "3 times without an answer" in letter.reason

    async def test_the_count_survives_the_sender(
        self, run: Run, redis: Redis, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tg_bot.src.services.consignment.UNCERTAIN_SECONDS", (0.1, 0.1))
        telegram.script("sendMessage", *[Scripted(cut="after")] * 5)
        await send(redis, reply("echo"))
        for times in (1, 2, 3):
            async with run():
                await telegram.until(lambda times=times: len(telegram.sent) == times)
                async with asyncio.timeout(5):
                    while await answer(
                        redis.hget(f"{QUEUE}:active", "tg:424242:7")
                    ) != "delayed" and await to_telegram(redis):
                        await asyncio.sleep(0.01)
        assert await to_telegram(redis) == []
        assert len(telegram.sent) == 3


class TestParts:
    @pytest.mark.parametrize(
        "trouble",
        [
            refusal(429, "Too Many Requests", retry_after=0),
            refusal(502, "Bad Gateway"),
            Scripted(cut="before"),
        ],
        ids=["429", "502", "cut"],
    )
    async def test_a_failure_in_the_middle_repeats_no_part(
        self, run: Run, redis: Redis, telegram: FakeTelegram, trouble: Scripted
    ) -> None:
        telegram.script("sendMessage", Scripted(), Scripted(), trouble)
        await delivered(run, redis, reply(LONG))
        assert "\n".join(telegram.texts(7)) == LONG

    async def test_a_sender_that_died_between_parts_is_followed_by_one_that_goes_on(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", Scripted(), Scripted(), Scripted(seconds=60))
        await send(redis, reply(LONG), reply("after it", 2))
        async with run():
            await telegram.until(lambda: len(telegram.calls_of("sendMessage")) == 3)
        assert len(telegram.sent) == 2

        async with run():
            await empty(redis)
        assert "\n".join(telegram.texts(7)) == f"{LONG}\nafter it"

    async def test_only_a_message_of_several_parts_writes_a_journal(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        await redis.config_set("notify-keyspace-events", "Kh")
        async with redis.pubsub(ignore_subscribe_messages=True) as changes:
            await changes.psubscribe("__keyspace@*__:journal:*")
            await delivered(run, redis, reply("short"), reply(LONG, 2))
            seen = [await changes.get_message(timeout=0.2) for _ in range(8)]
        written = [change["channel"].rpartition(":")[2] for change in seen if change]
        assert written == ["2"] * 4, "each part but the last, whose end is the message's"

    async def test_a_part_that_telegram_has_taken_is_not_sent_again_where_redis_goes_away_just_then(
        self,
        run: Run,
        settings: TgBotSettings,
        telegram: FakeTelegram,
        durable_valkey: DurableValkey,
    ) -> None:
        durable = durable_valkey.settings.model_dump()
        telegram.script("sendMessage", Scripted(), Scripted(seconds=0.3))
        async with AsyncExitStack() as stack:
            redis = await stack.enter_async_context(connect(durable_valkey.settings))
            await send(redis, reply(LONG))
            await stack.enter_async_context(run(settings.model_copy(update=durable)))
            with capture_logs() as lines:
                await telegram.until(lambda: len(telegram.calls_of("sendMessage")) == 2)
                durable_valkey.kill()
                await telegram.until(lambda: len(telegram.sent) == 2)
                await _until_a_write_failed(lines)
            durable_valkey.start()
            await empty(redis)
        assert "\n".join(telegram.texts(7)) == LONG


async def _run_states(redis: Redis) -> list[str]:
    """What rest_service is told of runs."""
    records = [
        ARCHIVE_RECORD.validate_json(fields["record"])
        for _, fields in await redis.xrange(TURNS_STREAM)
    ]
    return [record.state for record in records if isinstance(record, RunRecord)]


async def _until_a_write_failed(lines: list[EventDict]) -> None:
    """`until_redis` says so; a consumer that only waits names its queue in the line."""
    async with asyncio.timeout(10):
        while not any(one["event"] == "redis is away" and "queue" not in one for one in lines):
            await asyncio.sleep(0.02)


class TestReminder:
    async def test_its_end_says_that_it_was_delivered(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        message = reminder("stretch")
        await delivered(run, redis, message)

        assert telegram.texts(7) == ["⏰ stretch"]
        assert await _run_states(redis) == ["done"]

    async def test_a_double_is_not_sent(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        message = reminder("stretch")
        await delivered(run, redis, message, message)
        await delivered(run, redis, message)
        assert telegram.texts(7) == ["⏰ stretch"]


async def test_no_chat_and_no_whole_is_sent_faster_than_allowed(
    run: Run, redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
) -> None:
    paced = settings.model_copy(update={"telegram_rate_per_chat": 2.0})
    begun = time.monotonic()
    await delivered(run, redis, *(reply(str(n), n) for n in range(6)), given=paced)
    assert time.monotonic() - begun > 1.4, "three at once, then two a second"
    assert telegram.texts(7) == list("012345")
