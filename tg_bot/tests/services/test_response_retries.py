"""Messages that are sent again: after a pause, an outage, or a missing response."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from smart_kit.contracts.base import utc_now
from smart_kit.redis import Redis, await_result, connect
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from smart_kit.testing.ports import free_port
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.services import message_sender
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.queue_contents import enqueue_to_telegram, read_dead_letters, read_telegram_queue
from tg_bot.tests.queue_messages import make_reply
from tg_bot.tests.services.delivery import (
    LONG_TEXT,
    TELEGRAM_QUEUE,
    count_sends,
    deliver,
    wait_until_sent,
)


async def test_retry_after_delays_one_chat_only(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script_responses(
        "sendMessage", make_api_error(429, "Too Many Requests", retry_after=3600)
    )
    started = time.time()
    await enqueue_to_telegram(redis, make_reply("waits", chat_id=1))
    async with run_bot():
        (due,) = await wait_until_tried(redis, times=1)
        assert started + 3600 - 0.01 <= due <= time.time() + 3600 + 0.01
        await enqueue_to_telegram(
            redis, make_reply("behind", 2, chat_id=1), make_reply("elsewhere", 3, chat_id=2)
        )
        await telegram.wait_until(lambda: telegram.sent_texts(2) == ["elsewhere"])
        assert telegram.sent_texts(1) == []
        await redis.zadd(f"{TELEGRAM_QUEUE}:delayed", {"tg:424242:1": 0})  # the pause is over
        await telegram.wait_until(lambda: len(telegram.sent_texts(1)) == 2)
    assert telegram.sent_texts(1) == ["waits", "behind"]


@pytest.mark.parametrize(
    "failure",
    [
        make_api_error(500, "Internal Server Error"),
        ScriptedApiResponse(502, "<html>Bad Gateway</html>"),
        make_api_error(401, "Unauthorized"),
    ],
    ids=["500", "502", "401"],
)
async def test_unsent_message_is_retried_after_every_failure(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, failure: ScriptedApiResponse
) -> None:
    telegram.script_responses("sendMessage", *[failure] * 3)
    await deliver(run_bot, redis, make_reply("at last"))
    assert telegram.sent_texts(7) == ["at last"]
    assert await read_dead_letters(redis, TELEGRAM_QUEUE) == []


@pytest.mark.parametrize(
    "failure",
    [
        make_api_error(500, "Internal Server Error"),
        make_api_error(401, "Unauthorized"),
        make_api_error(429, "Too Many Requests", retry_after=0),
    ],
    ids=["500", "401", "429"],
)
async def test_message_is_dead_lettered_after_a_day(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, failure: ScriptedApiResponse
) -> None:
    telegram.script_responses("sendMessage", *[failure] * 2)
    old = make_reply("old news", created_at=utc_now() - timedelta(hours=25))
    await deliver(run_bot, redis, old)
    (letter,) = await read_dead_letters(redis, TELEGRAM_QUEUE)
    assert "for a day" in letter.reason
    assert len(telegram.calls_to("sendMessage")) == 1


async def test_refused_connection_does_not_count_as_an_uncertain_attempt(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
) -> None:
    before = count_sends("uncertain"), count_sends("unavailable")
    nowhere = settings.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{free_port()}"})
    await enqueue_to_telegram(redis, make_reply("at last"))
    async with run_bot(nowhere):
        await wait_until_tried(redis, times=3)
    assert count_sends("uncertain") == before[0]
    assert count_sends("unavailable") >= before[1] + 3

    async with run_bot():
        await wait_until_sent(redis)
    assert telegram.sent_texts(7) == ["at last"]


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(0.05, 1.5), (0.5, 15.0), (60, 30.0), (1400, 30.0)]
)
async def test_retry_delay_grows_with_the_message_age(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, minutes: float, seconds: float
) -> None:
    """During a long outage there are two attempts per minute and chat."""
    telegram.script_responses(
        "sendMessage", *[ScriptedApiResponse(502, "<html>Bad Gateway</html>")] * 100
    )
    started = time.time()
    await enqueue_to_telegram(
        redis, make_reply("patience", created_at=utc_now() - timedelta(minutes=minutes))
    )
    async with run_bot():
        (due,) = await wait_until_tried(redis, times=1)
    ended = time.time()
    longest = min(seconds + (ended - started) / 2, 30.0)
    assert started + seconds - 0.01 <= due <= ended + longest + 0.01


async def wait_until_tried(redis: Redis, times: int) -> set[float]:
    """Wait until the message was delayed this often; returns the due time of each delay."""
    seen: set[float] = set()
    async with asyncio.timeout(60):
        while len(seen) < times:
            entries = await redis.zrange(f"{TELEGRAM_QUEUE}:delayed", 0, -1, withscores=True)
            seen |= {due_ms / 1000 for _, due_ms in entries}
            await asyncio.sleep(0.01)
    return seen


class TestUncertain:
    """The request was sent, and there was no response."""

    async def test_unanswered_request_is_repeated_in_the_same_format(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendMessage", ScriptedApiResponse(disconnect="before"))
        await deliver(run_bot, redis, make_reply("**bold**"))

        first, second = telegram.calls_to("sendMessage")
        assert first.parameters == second.parameters
        assert telegram.sent_texts(7) == ["bold"]

    async def test_unanswered_message_is_sent_three_times_at_most(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(message_sender, "UNCERTAIN_RETRY_SECONDS", (0.1, 0.1))
        before = count_sends("uncertain")
        telegram.script_responses("sendMessage", *[ScriptedApiResponse(disconnect="after")] * 5)
        await deliver(run_bot, redis, make_reply("echo"))
        assert count_sends("uncertain") == before + 3

        assert telegram.sent_texts(7) == ["echo"] * 3
        (letter,) = await read_dead_letters(redis, TELEGRAM_QUEUE)
        assert "3 times without an answer" in letter.reason

    async def test_attempt_count_survives_a_restart(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(message_sender, "UNCERTAIN_RETRY_SECONDS", (0.1, 0.1))
        telegram.script_responses("sendMessage", *[ScriptedApiResponse(disconnect="after")] * 5)
        await enqueue_to_telegram(redis, make_reply("echo"))
        for times in (1, 2, 3):
            async with run_bot():
                await telegram.wait_until(lambda times=times: len(telegram.sent) == times)
                async with asyncio.timeout(60):
                    while await await_result(
                        redis.hget(f"{TELEGRAM_QUEUE}:active", "tg:424242:7")
                    ) != "delayed" and await read_telegram_queue(redis):
                        await asyncio.sleep(0.01)
        assert await read_telegram_queue(redis) == []
        assert len(telegram.sent) == 3


class TestParts:
    @pytest.mark.parametrize(
        "failure",
        [
            make_api_error(429, "Too Many Requests", retry_after=0),
            make_api_error(502, "Bad Gateway"),
            ScriptedApiResponse(disconnect="before"),
        ],
        ids=["429", "502", "cut"],
    )
    async def test_failure_between_parts_repeats_no_part(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram, failure: ScriptedApiResponse
    ) -> None:
        telegram.script_responses(
            "sendMessage", ScriptedApiResponse(), ScriptedApiResponse(), failure
        )
        await deliver(run_bot, redis, make_reply(LONG_TEXT))
        assert "\n".join(telegram.sent_texts(7)) == LONG_TEXT

    async def test_next_process_continues_after_the_last_sent_part(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses(
            "sendMessage",
            ScriptedApiResponse(),
            ScriptedApiResponse(),
            ScriptedApiResponse(delay_seconds=60),
        )
        await enqueue_to_telegram(redis, make_reply(LONG_TEXT), make_reply("after it", 2))
        async with run_bot():
            await telegram.wait_until(lambda: len(telegram.calls_to("sendMessage")) == 3)
        assert len(telegram.sent) == 2

        async with run_bot():
            await wait_until_sent(redis)
        assert "\n".join(telegram.sent_texts(7)) == f"{LONG_TEXT}\nafter it"

    async def test_single_part_message_writes_no_journal(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        await redis.config_set("notify-keyspace-events", "Kh")
        async with redis.pubsub(ignore_subscribe_messages=True) as changes:
            await changes.psubscribe("__keyspace@*__:journal:*")
            await deliver(run_bot, redis, make_reply("short"), make_reply(LONG_TEXT, 2))
            seen = [await changes.get_message(timeout=0.2) for _ in range(8)]
        written = [change["channel"].rpartition(":")[2] for change in seen if change]
        assert written == ["2"] * 4, "each part but the last, whose end is the message's"

    async def test_sent_part_is_not_repeated_after_a_redis_outage(
        self,
        run_bot: RunBot,
        settings: TgBotSettings,
        telegram: FakeTelegram,
        durable_valkey: DurableValkey,
    ) -> None:
        durable = durable_valkey.settings.model_dump()
        telegram.script_responses(
            "sendMessage", ScriptedApiResponse(), ScriptedApiResponse(delay_seconds=0.3)
        )
        async with AsyncExitStack() as stack:
            redis = await stack.enter_async_context(connect(durable_valkey.settings))
            await enqueue_to_telegram(redis, make_reply(LONG_TEXT))
            await stack.enter_async_context(run_bot(settings.model_copy(update=durable)))
            with capture_logs() as lines:
                await telegram.wait_until(lambda: len(telegram.calls_to("sendMessage")) == 2)
                durable_valkey.kill()
                await telegram.wait_until(lambda: len(telegram.sent) == 2)
                await wait_until_a_write_failed(lines)
            durable_valkey.start()
            await wait_until_sent(redis)
        assert "\n".join(telegram.sent_texts(7)) == LONG_TEXT


async def wait_until_a_write_failed(lines: list[EventDict]) -> None:
    """`retry_until_redis` logs it; the line of a waiting consumer names its queue."""
    async with asyncio.timeout(60):
        while not any(
            line["event"] == "redis unavailable" and "queue" not in line for line in lines
        ):
            await asyncio.sleep(0.02)
