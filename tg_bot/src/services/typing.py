"""Shows *typing* in a chat while a turn of it runs."""

import asyncio
import time
from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.contracts.keys import live_channel
from smart_kit.contracts.queue import LiveFrame, reply_id
from smart_kit.redis import BLOCK_SECONDS, Redis

from ..client.errors import TELEGRAM_ERRORS, TelegramRetryAfter
from ..client.telegram import TelegramClient
from .backoff import Backoff, pause

REPEAT_SECONDS = 4.5
"""Telegram shows an action for five seconds."""

LONGEST_SECONDS = 100.0
"""Without a word about the turn: it has 90 s, and the word that it ended may be lost."""

GRACE_SECONDS = 0.2
"""An answer that comes sooner needs no announcement, which would be shown after it."""

ACTION_SECONDS = 3.0
"""An answer waits no longer than this for an action that is on its way."""

log = structlog.stdlib.get_logger()


@dataclass
class _Show:
    """A turn that is shown in its chat."""

    message_id: str
    ends_at: float
    over: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Typing:
    """Follows the frames of one bot's turns."""

    def __init__(
        self,
        client: TelegramClient,
        blocking: Redis,
        bot_id: int,
        *,
        repeat_seconds: float = REPEAT_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._client = client
        self._blocking = blocking
        self._channel = live_channel(bot_id)
        self._repeat_seconds = repeat_seconds
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
        is_known = show is not None and show.message_id == frame.message_id
        if frame.kind == "end":
            if show is not None and is_known:
                show.over.set()
            return
        if show is None or not is_known:
            if show is not None:
                show.over.set()
            show = _Show(frame.message_id, 0.0)
            self._shows[frame.chat_id] = show
            show.task = asyncio.create_task(self._type(frame.chat_id, show))
        show.ends_at = time.monotonic() + self._longest_seconds

    async def _type(self, chat_id: int, show: _Show) -> None:
        await pause(show.over, GRACE_SECONDS)
        while not show.over.is_set() and time.monotonic() < show.ends_at:
            await pause(show.over, await self._act(chat_id))
        if self._shows.get(chat_id) is show:
            del self._shows[chat_id]

    async def _act(self, chat_id: int) -> float:
        """Returns the seconds until the next time. It is decoration: every failure is swallowed."""
        try:
            async with asyncio.timeout(ACTION_SECONDS):
                await self._client.send_chat_action(chat_id)
        except TelegramRetryAfter as error:
            return max(error.seconds, self._repeat_seconds)
        except (TimeoutError, *TELEGRAM_ERRORS) as error:
            log.debug("typing not shown", reason=str(error))
        return self._repeat_seconds

    async def _end(self, chat_id: int) -> None:
        show = self._shows.get(chat_id)
        if show is not None and show.task is not None:
            show.over.set()
            await asyncio.wait({show.task})
