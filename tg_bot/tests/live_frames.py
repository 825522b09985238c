"""Publishes frames of running turns, and reads what a chat was shown of them."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Literal

from smart_kit.contracts.keys import live_channel
from smart_kit.contracts.queue import LiveFrame, reply_id
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.services.live import Live
from tg_bot.src.services.sketch import Rhythm
from tg_bot.tests.queue_contents import send
from tg_bot.tests.queue_messages import BOT_ID, reply

MakeLive = Callable[..., Live]

REPEAT = 0.1
QUICK = Rhythm(grace=0.05, shortest=0.05, typing=REPEAT, draft=REPEAT, drawing=30.0)
"""Everything is drawn again and again."""

ONCE = Rhythm(grace=0.05, shortest=0.05, typing=60.0, draft=60.0, drawing=30.0)
"""What does not change is drawn once."""

QUIET_SECONDS = 0.3
"""Seconds in which nothing is to happen: whoever is too slow for them does not fail."""

_NUMBERS = itertools.count(2)
"""Of frames; the first is a turn's own."""

_OTHER_CHAT = 900


def answer_id(number: int = 1) -> str:
    """Of the answer to the message of that number."""
    return reply_id(f"tg:{BOT_ID}:{number}")


async def publish_frame(
    redis: Redis,
    kind: Literal["begin", "delta", "tool", "end"],
    chat_id: int = 7,
    number: int = 1,
    text: str = "",
    seq: int = 0,
) -> None:
    """Publish a frame, once somebody listens; 0: the next one."""
    frame = LiveFrame(
        conversation=f"tg:{BOT_ID}:{chat_id}",
        chat_id=chat_id,
        message_id=f"tg:{BOT_ID}:{number}",
        seq=seq or next(_NUMBERS),
        kind=kind,
        text=text,
    )
    await publish_text(redis, frame.model_dump_json())


async def publish_text(redis: Redis, frame: str) -> None:
    """Publish any text, once somebody listens."""
    async with asyncio.timeout(60):
        while not await redis.publish(live_channel(BOT_ID), frame):
            await asyncio.sleep(0.01)


async def wait_until_shown(redis: Redis, telegram: FakeTelegram) -> None:
    """Wait until every frame so far has come: one behind them is shown in another chat."""
    before = typing_count(telegram, _OTHER_CHAT)
    await publish_frame(redis, "begin", _OTHER_CHAT, number=1_000 + next(_NUMBERS))
    await telegram.until(lambda: typing_count(telegram, _OTHER_CHAT) > before)


async def wait_for_another_turn(redis: Redis, telegram: FakeTelegram, chat_id: int) -> None:
    """Wait while a whole bot shows a turn in that chat several times, and answers it."""
    number = next(_NUMBERS)
    await publish_frame(redis, "begin", chat_id, number)
    await telegram.until(lambda: typing_count(telegram, chat_id) >= 3)
    await send(redis, reply("elsewhere", number, chat_id))
    await telegram.until(lambda: telegram.texts(chat_id) == ["elsewhere"])


async def wait_until_over(live: Live, number: int = 1) -> None:
    """Wait until a turn has ended and nothing of it is on its way."""
    async with asyncio.timeout(60):
        while answer_id(number) in live._shows or answer_id(number) not in live._over:
            await asyncio.sleep(0.01)


def typing_count(telegram: FakeTelegram, chat_id: int = 7) -> int:
    """How often *typing* was shown in a chat."""
    return sum(call.chat_id == chat_id for call in telegram.calls_of("sendChatAction"))


def drafts(telegram: FakeTelegram) -> list[str]:
    """The growing answers, in all chats."""
    return [call.text for call in telegram.calls_of("sendMessageDraft")]
