"""Shows in a chat that a turn of it runs, and how far it is."""

import asyncio
import time
from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.contracts.keys import live_channel
from smart_kit.contracts.queue import LiveFrame, reply_id
from smart_kit.redis import BLOCK_SECONDS, Redis

from ..client.telegram import TelegramClient
from .backoff import Backoff, pause
from .pace import Pace
from .sketch import RHYTHM, Rhythm, Sketch

LONGEST_SECONDS = 100.0
"""Without a word about the turn: it has 90 s, and the word that it ended may be lost."""

GRACE_SECONDS = 0.2
"""An answer that comes sooner needs no announcement, which would be shown after it."""

log = structlog.stdlib.get_logger()


@dataclass
class _Show:
    """A turn that is shown in its chat."""

    message_id: str
    sketch: Sketch
    ends_at: float = 0.0
    text: str = ""
    """The answer as far as it is known."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """There is more text, or it is over."""
    task: asyncio.Task[None] | None = None

    def write(self, text: str) -> None:
        """What a frame brings; one without text takes nothing back."""
        if text and text != self.text:
            self.text = text
            self.news.set()

    def end(self) -> None:
        """Nothing more is drawn."""
        self.over.set()
        self.news.set()


class Live:
    """Follows the frames of one bot's turns."""

    def __init__(
        self,
        client: TelegramClient,
        pace: Pace,
        blocking: Redis,
        bot_id: int,
        *,
        rhythm: Rhythm = RHYTHM,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._client = client
        self._pace = pace
        self._blocking = blocking
        self._channel = live_channel(bot_id)
        self._rhythm = rhythm
        self._longest_seconds = longest_seconds
        self._shows: dict[int, _Show] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop`."""
        backoff = Backoff(longest=5.0)
        while not stop.is_set():
            try:
                await self._listen(stop, backoff)
            except RedisError as error:
                log.info("no frames for a while", reason=str(error))
                await pause(stop, backoff.next_seconds())
        await asyncio.gather(*(self._end(chat_id) for chat_id in list(self._shows)))

    async def end(self, chat_id: int, answer_id: str) -> None:
        """Before an answer is sent: nothing of its turn is shown any more, nor on its way."""
        show = self._shows.get(chat_id)
        if show is not None and reply_id(show.message_id) == answer_id:
            await self._end(chat_id)

    async def _listen(self, stop: asyncio.Event, backoff: Backoff) -> None:
        async with self._blocking.pubsub(ignore_subscribe_messages=True) as frames:
            await frames.subscribe(self._channel)
            while not stop.is_set():
                frame = await frames.get_message(timeout=BLOCK_SECONDS)
                backoff.reset()
                if frame is not None:
                    self._note(frame["data"])

    def _note(self, data: str) -> None:
        try:
            frame = LiveFrame.model_validate_json(data)
        except ValidationError:
            log.warning("frame cannot be read")
            return
        show = self._shows.get(frame.chat_id)
        if show is not None and show.message_id != frame.message_id:
            if frame.kind != "end":
                show.end()
            show = None
        if frame.kind == "end":
            if show is not None:
                show.end()
            return
        show = show or self._begin(frame)
        show.write(frame.text)
        show.ends_at = time.monotonic() + self._longest_seconds

    def _begin(self, frame: LiveFrame) -> _Show:
        sketch = Sketch(self._client, self._pace, frame.chat_id, frame.message_id, self._rhythm)
        show = _Show(frame.message_id, sketch)
        self._shows[frame.chat_id] = show
        show.task = asyncio.create_task(self._draw(frame.chat_id, show))
        return show

    async def _draw(self, chat_id: int, show: _Show) -> None:
        """What is new as soon as it may be, and what fades in time."""
        await pause(show.over, GRACE_SECONDS)
        while not show.over.is_set() and time.monotonic() < show.ends_at:
            show.news.clear()
            drawn = await show.sketch.draw(show.text)
            await pause(show.over, drawn.rest)
            await pause(show.news, drawn.lasts - drawn.rest)
        if self._shows.get(chat_id) is show:
            del self._shows[chat_id]

    async def _end(self, chat_id: int) -> None:
        show = self._shows.get(chat_id)
        if show is not None and show.task is not None:
            show.end()
            await asyncio.wait({show.task})
