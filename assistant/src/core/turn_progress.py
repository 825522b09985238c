"""Publishes the progress of a turn: tg_bot shows it as *typing* and as a draft of the answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Literal

import structlog
from redis.exceptions import RedisError

from smart_kit.contracts.keys import parse_bot_id, progress_channel
from smart_kit.contracts.queue import ProgressFrame, QueueMessage, ScheduledPrompt
from smart_kit.redis import Redis

QUICK_TURN_SECONDS = 0.5
"""A turn that ends sooner publishes no frame."""
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
        """What the timer publishes: a model call, running tools, or the growing text."""
        self._text = ""
        self._next_text_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._publishing: asyncio.Task[None] | None = None
        """The newest frame of the timer; None: the turn may still be quick."""

    @property
    def can_show_text(self) -> bool:
        """Whether a user can see the answer grow: only private chats have drafts, and nobody waits
        for the answer to a scheduled prompt."""
        is_private = self._channel is not None and self._message.chat_id > 0
        return is_private and not isinstance(self._message, ScheduledPrompt)

    @property
    def is_due(self) -> bool:
        """Whether the growing text may be published now."""
        is_shown = self._publishing is not None
        return is_shown and asyncio.get_running_loop().time() >= self._next_text_at

    def start(self) -> None:
        """Publish frames if the turn does not end soon."""
        if self._channel is not None:
            self._set_timer(QUICK_TURN_SECONDS)

    async def finish(self) -> None:
        """Publish the last frame, if there were others and after them."""
        if self._timer is not None:
            self._timer.cancel()
        if self._publishing is not None:
            await asyncio.wait({self._publishing})
            await self.publish("end")

    async def on_text(self, text: str) -> None:
        """Publish the answer so far, which has to be valid Unicode."""
        if text.strip():
            self._next_text_at = asyncio.get_running_loop().time() + MIN_TEXT_INTERVAL_SECONDS
            self.kind, self._text = "delta", text
            await self.publish("delta")

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

    def _set_timer(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._publish_current_frame)

    def _publish_current_frame(self) -> None:
        """Publish the current frame, now and at intervals."""
        self._publishing = asyncio.create_task(self.publish(self.kind))
        self._set_timer(HEARTBEAT_SECONDS)


@contextlib.asynccontextmanager
async def publishing_progress(redis: Redis, message: QueueMessage) -> AsyncIterator[TurnProgress]:
    """Publish the progress of the message's turn as long as the block runs."""
    progress = TurnProgress(redis, message)
    progress.start()
    try:
        yield progress
    finally:
        await progress.finish()
