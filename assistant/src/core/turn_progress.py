"""Publishes the progress of a turn: tg_bot shows it as *typing* and as a draft of the answer."""

import asyncio
import contextlib
from collections.abc import Iterator
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
    """Publishes the frames of one turn, in the background and in order.

    A frame that cannot be published is dropped.
    """

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
        self._timer: asyncio.Handle | None = None
        self._publishing: asyncio.Task[None] | None = None
        """The newest frame; None: the turn may still be quick."""

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

    def finish(self) -> None:
        """Publish the last frame if there were others. The turn does not wait for it."""
        if self._timer is not None:
            self._timer.cancel()
        if self._publishing is not None:
            self._publish("end")

    def on_text(self, text: str) -> None:
        """Publish the answer so far, which has to be valid Unicode, unless it ends at once."""
        if text.strip():
            loop = asyncio.get_running_loop()
            self._next_text_at = loop.time() + MIN_TEXT_INTERVAL_SECONDS
            self.kind, self._text = "delta", text
            if self._timer is not None:
                self._timer.cancel()
            # the rest of the answer may have arrived, too; then `finish` cancels this
            self._timer = loop.call_soon(self._publish_current_frame)

    def _set_timer(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._publish_current_frame)

    def _publish_current_frame(self) -> None:
        """Publish the current frame, now and at intervals, unless Redis is stalled."""
        if self._publishing is None or self._publishing.done():
            self._publish(self.kind)
        self._set_timer(HEARTBEAT_SECONDS)

    def _publish(self, kind: FrameKind) -> None:
        assert self._channel is not None, "without a channel nothing starts"
        self._seq += 1
        frame = ProgressFrame(
            conversation=self._message.conversation,
            chat_id=self._message.chat_id,
            message_id=self._message.id,
            seq=self._seq,
            kind=kind,
            text=self._text if kind == "delta" else "",
        )
        sending = self._send(self._channel, frame, self._publishing)
        self._publishing = asyncio.create_task(sending)

    async def _send(
        self, channel: str, frame: ProgressFrame, previous: asyncio.Task[None] | None
    ) -> None:
        """Send a frame after the previous one, which may wait for a new connection."""
        if previous is not None and not previous.done():
            await asyncio.wait({previous})
        try:
            await self._redis.publish(channel, frame.model_dump_json())
        except (RedisError, OSError) as error:
            log.debug("progress frame dropped", reason=str(error))


@contextlib.contextmanager
def publishing_progress(redis: Redis, message: QueueMessage) -> Iterator[TurnProgress]:
    """Publish the progress of the message's turn as long as the block runs."""
    progress = TurnProgress(redis, message)
    progress.start()
    try:
        yield progress
    finally:
        progress.finish()
