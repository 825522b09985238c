"""Messages that are sent again: after a pause, after an outage, and where no answer came."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from smart_kit.contracts.base import utc_now
from smart_kit.redis import Redis, answer, connect
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.fake_telegram import FakeTelegram, Scripted, refusal
from smart_kit.testing.ports import free_port
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.tests.conftest import Run
from tg_bot.tests.queue_contents import dead_letters, send, to_telegram
from tg_bot.tests.queue_messages import reply
from tg_bot.tests.services.delivery_helpers import (
    LONG_TEXT,
    QUEUE,
    deliver,
    sends_counted,
    wait_until_sent,
)


async def test_a_429_makes_one_chat_wait_and_no_other(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendMessage", refusal(429, "Too Many Requests", retry_after=3600))
    begun = time.time()
    await send(redis, reply("waits", chat_id=1))
    async with run():
        (due,) = await wait_until_tried(redis, times=1)
        assert begun + 3600 - 0.01 <= due <= time.time() + 3600 + 0.01
        await send(redis, reply("behind", 2, chat_id=1), reply("elsewhere", 3, chat_id=2))
        await telegram.until(lambda: telegram.texts(2) == ["elsewhere"])
        assert telegram.texts(1) == []
        await redis.zadd(f"{QUEUE}:delayed", {"tg:424242:1": 0})  # the pause is over
        await telegram.until(lambda: len(telegram.texts(1)) == 2)
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
    await deliver(run, redis, reply("at last"))
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
    await deliver(run, redis, old)
    (letter,) = await dead_letters(redis, QUEUE)
    assert "for a day" in letter.reason
    assert len(telegram.calls_of("sendMessage")) == 1


async def test_what_found_no_connection_waits_and_is_in_no_doubt(
    run: Run, redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
) -> None:
    before = sends_counted("uncertain"), sends_counted("unavailable")
    nowhere = settings.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{free_port()}"})
    await send(redis, reply("at last"))
    async with run(nowhere):
        await wait_until_tried(redis, times=3)
    assert sends_counted("uncertain") == before[0]
    assert sends_counted("unavailable") >= before[1] + 3

    async with run():
        await wait_until_sent(redis)
    assert telegram.texts(7) == ["at last"]


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(0.05, 1.5), (0.5, 15.0), (60, 30.0), (1400, 30.0)]
)
async def test_the_longer_a_message_has_waited_the_longer_it_waits(
    run: Run, redis: Redis, telegram: FakeTelegram, minutes: float, seconds: float
) -> None:
    """So an outage of hours costs two attempts a minute and chat."""
    telegram.script("sendMessage", *[Scripted(502, "<html>Bad Gateway</html>")] * 100)
    begun = time.time()
    await send(redis, reply("patience", created_at=utc_now() - timedelta(minutes=minutes)))
    async with run():
        (due,) = await wait_until_tried(redis, times=1)
    ended = time.time()
    longest = min(seconds + (ended - begun) / 2, 30.0)
    assert begun + seconds - 0.01 <= due <= ended + longest + 0.01


async def wait_until_tried(redis: Redis, times: int) -> set[float]:
    """Wait until the message has been given back so often; returns when it was due each time."""
    seen: set[float] = set()
    async with asyncio.timeout(60):
        while len(seen) < times:
            entries = await redis.zrange(f"{QUEUE}:delayed", 0, -1, withscores=True)
            seen |= {due_ms / 1000 for _, due_ms in entries}
            await asyncio.sleep(0.01)
    return seen


class TestUncertain:
    """The request went out, and its answer never came."""

    async def test_it_is_sent_again_in_the_same_format(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", Scripted(cut="before"))
        await deliver(run, redis, reply("**bold**"))

        first, second = telegram.calls_of("sendMessage")
        assert first.parameters == second.parameters
        assert telegram.texts(7) == ["bold"]

    async def test_three_times_at_most(
        self, run: Run, redis: Redis, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tg_bot.src.services.consignment.UNCERTAIN_SECONDS", (0.1, 0.1))
        before = sends_counted("uncertain")
        telegram.script("sendMessage", *[Scripted(cut="after")] * 5)
        await deliver(run, redis, reply("echo"))
        assert sends_counted("uncertain") == before + 3

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
                async with asyncio.timeout(60):
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
        await deliver(run, redis, reply(LONG_TEXT))
        assert "\n".join(telegram.texts(7)) == LONG_TEXT

    async def test_a_sender_that_died_between_parts_is_followed_by_one_that_goes_on(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", Scripted(), Scripted(), Scripted(seconds=60))
        await send(redis, reply(LONG_TEXT), reply("after it", 2))
        async with run():
            await telegram.until(lambda: len(telegram.calls_of("sendMessage")) == 3)
        assert len(telegram.sent) == 2

        async with run():
            await wait_until_sent(redis)
        assert "\n".join(telegram.texts(7)) == f"{LONG_TEXT}\nafter it"

    async def test_only_a_message_of_several_parts_writes_a_journal(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        await redis.config_set("notify-keyspace-events", "Kh")
        async with redis.pubsub(ignore_subscribe_messages=True) as changes:
            await changes.psubscribe("__keyspace@*__:journal:*")
            await deliver(run, redis, reply("short"), reply(LONG_TEXT, 2))
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
            await send(redis, reply(LONG_TEXT))
            await stack.enter_async_context(run(settings.model_copy(update=durable)))
            with capture_logs() as lines:
                await telegram.until(lambda: len(telegram.calls_of("sendMessage")) == 2)
                durable_valkey.kill()
                await telegram.until(lambda: len(telegram.sent) == 2)
                await wait_until_a_write_failed(lines)
            durable_valkey.start()
            await wait_until_sent(redis)
        assert "\n".join(telegram.texts(7)) == LONG_TEXT


async def wait_until_a_write_failed(lines: list[EventDict]) -> None:
    """`until_redis` says so; a consumer that only waits names its queue in the line."""
    async with asyncio.timeout(60):
        while not any(one["event"] == "redis is away" and "queue" not in one for one in lines):
            await asyncio.sleep(0.02)
