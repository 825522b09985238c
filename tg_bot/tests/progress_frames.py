"""Publishes frames of running turns, and reads the drafts that a chat was shown."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Literal

from smart_kit.contracts.keys import progress_channel
from smart_kit.contracts.queue import ProgressFrame, reply_id
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.services.progress_listener import ProgressListener
from tg_bot.src.services.turn_draft import DraftTimings
from tg_bot.tests.queue_contents import enqueue_to_telegram
from tg_bot.tests.queue_messages import BOT_ID, make_reply

MakeProgressListener = Callable[..., ProgressListener]

REPEAT_SECONDS = 0.1
FAST_TIMINGS = DraftTimings(
    initial_delay_seconds=0.05,
    min_interval_seconds=0.05,
    typing_refresh_seconds=REPEAT_SECONDS,
    draft_refresh_seconds=REPEAT_SECONDS,
    send_timeout_seconds=30.0,
)
"""Every draft is refreshed repeatedly."""

DRAW_ONCE_TIMINGS = DraftTimings(
    initial_delay_seconds=0.05,
    min_interval_seconds=0.05,
    typing_refresh_seconds=60.0,
    draft_refresh_seconds=60.0,
    send_timeout_seconds=30.0,
)
"""A draft that does not change is sent once."""

QUIET_SECONDS = 0.3
"""Seconds in which nothing may happen. A slow machine cannot make such a check fail."""

_NUMBERS = itertools.count(2)
"""Sequence numbers of frames; number 1 begins a turn."""

_OTHER_CHAT = 900


def reply_id_for(number: int = 1) -> str:
    """Return the id of the answer to the message with this number."""
    return reply_id(f"tg:{BOT_ID}:{number}")


async def publish_frame(
    redis: Redis,
    kind: Literal["begin", "delta", "tool", "end"],
    chat_id: int = 7,
    number: int = 1,
    text: str = "",
    seq: int = 0,
) -> None:
    """Publish a frame once there is a subscriber. `seq` 0 is the next number."""
    frame = ProgressFrame(
        conversation=f"tg:{BOT_ID}:{chat_id}",
        chat_id=chat_id,
        message_id=f"tg:{BOT_ID}:{number}",
        seq=seq or next(_NUMBERS),
        kind=kind,
        text=text,
    )
    await publish_raw(redis, frame.model_dump_json())


async def publish_raw(redis: Redis, frame: str) -> None:
    """Publish any text once there is a subscriber."""
    async with asyncio.timeout(60):
        while not await redis.publish(progress_channel(BOT_ID), frame):
            await asyncio.sleep(0.01)


async def wait_until_shown(redis: Redis, telegram: FakeTelegram) -> None:
    """Wait until all frames so far were received: a later one is shown in another chat."""
    before = count_typing(telegram, _OTHER_CHAT)
    await publish_frame(redis, "begin", _OTHER_CHAT, number=1_000 + next(_NUMBERS))
    await telegram.wait_until(lambda: count_typing(telegram, _OTHER_CHAT) > before)


async def wait_for_another_turn(redis: Redis, telegram: FakeTelegram, chat_id: int) -> None:
    """Wait until a complete bot has shown a turn in this chat and answered it."""
    number = next(_NUMBERS)
    await publish_frame(redis, "begin", chat_id, number)
    await telegram.wait_until(lambda: count_typing(telegram, chat_id) >= 3)
    await enqueue_to_telegram(redis, make_reply("elsewhere", number, chat_id))
    await telegram.wait_until(lambda: telegram.sent_texts(chat_id) == ["elsewhere"])


async def wait_until_finished(listener: ProgressListener, number: int = 1) -> None:
    """Wait until a turn has finished and none of its requests is in flight."""
    async with asyncio.timeout(60):
        while (
            reply_id_for(number) in listener._drafts
            or reply_id_for(number) not in listener._finished_turns
        ):
            await asyncio.sleep(0.01)


def count_typing(telegram: FakeTelegram, chat_id: int = 7) -> int:
    """Return how often *typing* was shown in a chat."""
    return sum(call.chat_id == chat_id for call in telegram.calls_to("sendChatAction"))


def draft_texts(telegram: FakeTelegram) -> list[str]:
    """Return the texts of all drafts, in all chats."""
    return [call.text for call in telegram.calls_to("sendMessageDraft")]
