"""Publishes the progress of a turn: tg_bot shows it as *typing* and as a draft of the answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Literal

import structlog
from redis.exceptions import RedisError

from smart_kit.aio import is_cancelled
from smart_kit.contracts.keys import parse_bot_id, progress_channel
from smart_kit.contracts.queue import ProgressFrame, QueueMessage
from smart_kit.redis import Redis

HEARTBEAT_SECONDS = 4.0
"""Seconds between two frames; Telegram shows *typing* for five."""
MIN_TEXT_INTERVAL_SECONDS = 1.0
"""Seconds between two frames with the growing text."""

FrameKind = Literal["begin", "delta", "tool", "end"]

log = structlog.stdlib.get_logger()


class TurnProgress:
    """Publishes the frames of one turn; a frame that cannot be published is dropped."""

    def __init__(self, redis: Redis, message: QueueMessage) -> None:
        self._redis = redis
        self._message = message
        bot_id = parse_bot_id(message.conversation)
        self._channel = None if bot_id is None else progress_channel(bot_id)
        self._seq = 0
        self.kind: FrameKind = "begin"
        """What the heartbeat shows: a model call, running tools, or the growing text."""
        self._text = ""
        self._next_text_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the growing text may be published again."""
        return asyncio.get_running_loop().time() >= self._next_text_at

    async def on_text(self, text: str) -> None:
        """Publish the answer so far, which has to be valid Unicode."""
        if text.strip():
            self._next_text_at = asyncio.get_running_loop().time() + MIN_TEXT_INTERVAL_SECONDS
            self.kind, self._text = "delta", text
            await self.publish("delta")

    async def run_heartbeat(self) -> None:
        """Repeat the current frame until cancelled."""
        while not is_cancelled():
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.publish(self.kind)

    async def publish(self, kind: FrameKind) -> None:
        """Publish a frame."""
        if self._channel is None:
            return
        self._seq += 1
        frame = ProgressFrame(
            conversation=self._message.conversation,
            chat_id=self._message.chat_id,
            message_id=self._message.id,
            seq=self._seq,
            kind=kind,
            text=self._text if kind == "delta" else "",
        )
        try:
            await self._redis.publish(self._channel, frame.model_dump_json())
        except (RedisError, OSError) as error:
            log.debug("progress frame dropped", reason=str(error))


@contextlib.asynccontextmanager
async def publishing_progress(redis: Redis, message: QueueMessage) -> AsyncIterator[TurnProgress]:
    """Publish the progress of the message's turn as long as the block runs."""
    progress = TurnProgress(redis, message)
    await progress.publish("begin")
    heartbeat = asyncio.create_task(progress.run_heartbeat())
    try:
        yield progress
    finally:
        heartbeat.cancel()
        await progress.publish("end")
