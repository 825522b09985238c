"""*typing* while a turn runs, and never after its answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Literal

import pytest

from smart_kit.contracts.keys import live_channel
from smart_kit.contracts.queue import LiveFrame
from smart_kit.redis import Redis, connect_blocking
from smart_kit.settings import RedisSettings
from smart_kit.testing.telegram import FakeTelegram, Scripted, refusal
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.services.typing import GRACE_SECONDS, Typing
from tg_bot.tests.conftest import Run
from tg_bot.tests.messages import BOT_ID, reply
from tg_bot.tests.queues import send

REPEAT = 0.1

Make = Callable[..., Typing]


@pytest.fixture
async def make(
    client: TelegramClient, redis_settings: RedisSettings, redis: Redis
) -> AsyncIterator[Make]:
    """A running Typing, for given seconds."""
    blocking = connect_blocking(redis_settings)
    stop = asyncio.Event()
    tasks = []

    def make(longest: float = 100.0) -> Typing:
        typing = Typing(client, blocking, BOT_ID, repeat_seconds=REPEAT, longest_seconds=longest)
        tasks.append(asyncio.create_task(typing.run(stop)))
        return typing

    yield make
    stop.set()
    await asyncio.gather(*tasks)
    await blocking.aclose()


async def show(
    redis: Redis, kind: Literal["begin", "delta", "tool", "end"], chat_id: int = 7, number: int = 1
) -> None:
    """Publish a frame, once somebody listens."""
    frame = LiveFrame(
        conversation=f"tg:{BOT_ID}:{chat_id}",
        chat_id=chat_id,
        message_id=f"tg:{BOT_ID}:{number}",
        seq=1,
        kind=kind,
    )
    async with asyncio.timeout(5):
        while not await redis.publish(live_channel(BOT_ID), frame.model_dump_json()):
            await asyncio.sleep(0.01)


def acted(telegram: FakeTelegram, chat_id: int = 7) -> int:
    return sum(call.chat_id == chat_id for call in telegram.calls_of("sendChatAction"))


async def test_it_is_shown_again_and_again_until_the_turn_ends(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) == 4)
    await show(redis, "end")
    await asyncio.sleep(REPEAT)
    count = acted(telegram)
    await asyncio.sleep(3 * REPEAT)

    assert acted(telegram) == count
    assert telegram.calls[0].parameters == {"chat_id": 7, "action": "typing"}


async def test_a_turn_quicker_than_a_glance_is_not_announced(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    await show(redis, "begin")
    await show(redis, "end")
    await asyncio.sleep(2 * GRACE_SECONDS)
    assert acted(telegram) == 0


async def test_whoever_missed_the_beginning_shows_the_rest(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    await show(redis, "tool")
    await telegram.until(lambda: acted(telegram) == 1)


async def test_it_ends_by_itself_where_the_end_was_lost(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    typing = make(longest=0.5)
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) >= 2)
    async with asyncio.timeout(3):
        while typing._shows:
            await asyncio.sleep(0.05)
    count = acted(telegram)
    await asyncio.sleep(3 * REPEAT)
    assert acted(telegram) == count


async def test_an_answer_waits_for_the_action_on_its_way_and_no_other_follows(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    typing = make()
    telegram.script("sendChatAction", Scripted(seconds=0.4))
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) == 1)

    loop = asyncio.get_running_loop()
    begun = loop.time()
    await typing.end(7, f"reply:tg:{BOT_ID}:1")
    assert loop.time() - begun > 0.2
    await asyncio.sleep(3 * REPEAT)
    assert acted(telegram) == 1


async def test_the_answer_to_another_message_does_not_end_it(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    typing = make()
    await show(redis, "begin", number=2)
    await telegram.until(lambda: acted(telegram) == 1)
    await typing.end(7, f"reply:tg:{BOT_ID}:1")
    await telegram.until(lambda: acted(telegram) == 3)


async def test_the_next_turn_of_a_chat_takes_over(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    await show(redis, "begin", number=1)
    await telegram.until(lambda: acted(telegram) == 1)
    await show(redis, "begin", number=2)
    await show(redis, "end", number=1)
    await telegram.until(lambda: acted(telegram) >= 4)
    await show(redis, "end", number=2)


@pytest.mark.parametrize(
    "trouble", [refusal(500, "no"), Scripted(cut="before"), refusal(403, "blocked")]
)
async def test_its_failures_are_nobodys_business(
    make: Make, redis: Redis, telegram: FakeTelegram, trouble: Scripted
) -> None:
    make()
    telegram.script("sendChatAction", trouble)
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) == 3)


async def test_a_429_pauses_it_in_that_chat_only(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    telegram.script("sendChatAction", refusal(429, "Too Many Requests", retry_after=30))
    await show(redis, "begin", chat_id=1)
    await telegram.until(lambda: acted(telegram, 1) == 1)
    await show(redis, "begin", chat_id=2)
    await telegram.until(lambda: acted(telegram, 2) == 5)
    assert acted(telegram, 1) == 1


async def test_a_broken_frame_is_left_out(make: Make, redis: Redis, telegram: FakeTelegram) -> None:
    make()
    while not await redis.publish(live_channel(BOT_ID), "{}"):
        await asyncio.sleep(0.01)
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) == 1)


async def test_a_person_sees_typing_and_then_the_answer(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendChatAction", Scripted(seconds=0.6))
    async with run():
        await show(redis, "begin", number=1)
        await telegram.until(lambda: acted(telegram) == 1)
        begun = asyncio.get_running_loop().time()
        await send(redis, reply("here it is", number=1))
        await telegram.until(lambda: telegram.texts(7) == ["here it is"])
        assert asyncio.get_running_loop().time() - begun > 0.5, "the action was still on its way"
    assert acted(telegram) == 1
