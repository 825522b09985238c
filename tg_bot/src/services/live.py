"""Shows in a chat that a turn of it runs, and how far it is."""

import asyncio

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.contracts.keys import live_channel
from smart_kit.contracts.queue import LiveFrame, reply_id
from smart_kit.redis import BLOCK_SECONDS, Redis

from ..client.telegram import TelegramClient
from .backoff import Backoff, pause
from .pace import Pace
from .show import Show
from .sketch import RHYTHM, Rhythm, Sketch

LONGEST_SECONDS = 100.0
"""Without a word about the turn: it has 90 s, and the word that it ended may be lost."""

FIRST_SEQ = 1
MOST_OVER = 1_000
"""So many turns that are over are remembered; frames come late by moments."""

log = structlog.stdlib.get_logger()


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
        self._shows: dict[str, Show] = {}
        """By the id of the answer, until nothing of them is on its way."""
        self._over: dict[str, bool] = {}
        """The newest turns that are over, in the same way: whether they are answered."""

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop`."""
        backoff = Backoff(longest=5.0)
        while not stop.is_set():
            try:
                await self._listen(stop, backoff)
            except RedisError as error:
                log.info("no frames for a while", reason=str(error))
                await pause(stop, backoff.next_seconds())
        await asyncio.gather(*(show.ended() for show in list(self._shows.values())))

    async def end(self, answer_id: str) -> None:
        """Before an answer is sent: nothing of its turn is shown any more, nor on its way."""
        self._note_end(answer_id, is_answered=True)
        if (show := self._shows.get(answer_id)) is not None:
            await show.ended()

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
        answer_id = reply_id(frame.message_id)
        show = self._shows.get(answer_id)
        if self._is_late(frame, answer_id, show):
            return
        if frame.kind == "end":
            self._note_end(answer_id)
            return
        if show is None or show.over.is_set():
            show = self._begin(frame, answer_id)
        show.seq = frame.seq
        show.write(frame.text)
        show.ends_at = asyncio.get_running_loop().time() + self._longest_seconds

    def _is_late(self, frame: LiveFrame, answer_id: str, show: Show | None) -> bool:
        """Whether more is known already; a turn that is tried again counts from the beginning."""
        if frame.kind == "begin" and frame.seq == FIRST_SEQ:
            return self._over.get(answer_id, False)
        return answer_id in self._over or (show is not None and frame.seq <= show.seq)

    def _begin(self, frame: LiveFrame, answer_id: str) -> Show:
        """What was shown in the chat before is over, and this waits until nothing of it comes."""
        self._over.pop(answer_id, None)
        others = {name: one for name, one in self._shows.items() if one.chat_id == frame.chat_id}
        for other in others:
            if other != answer_id:
                self._note_end(other)
        sketch = Sketch(self._client, self._pace, frame.chat_id, frame.message_id, self._rhythm)
        show = self._shows[answer_id] = Show(frame.chat_id, sketch, self._rhythm.grace)
        show.task = asyncio.create_task(self._draw(answer_id, show, tuple(others.values())))
        return show

    async def _draw(self, answer_id: str, show: Show, before: tuple[Show, ...]) -> None:
        try:
            for other in before:
                await other.ended()
            await show.draw()
        except Exception:  # the answer itself comes all the same
            log.exception("a growing answer could not be shown", chat_id=show.chat_id)
        finally:
            if self._shows.get(answer_id) is show:
                del self._shows[answer_id]

    def _note_end(self, answer_id: str, *, is_answered: bool = False) -> None:
        if (show := self._shows.get(answer_id)) is not None:
            show.end()
        self._over[answer_id] = is_answered or self._over.pop(answer_id, False)
        if len(self._over) > MOST_OVER:
            del self._over[next(iter(self._over))]
