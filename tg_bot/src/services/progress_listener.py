"""Shows in a chat that a turn of it runs, and how far it is."""

import asyncio

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.aio import sleep_until_stopped
from smart_kit.backoff import Backoff
from smart_kit.contracts.keys import live_channel
from smart_kit.contracts.queue import LiveFrame, reply_id
from smart_kit.redis import MAX_BLOCK_SECONDS, Redis

from ..client.telegram import TelegramClient
from .draft_sender import DEFAULT_DRAFT_TIMINGS, DraftSender, DraftTimings
from .rate_limiter import TelegramRateLimiter
from .turn_display import TurnDisplay

IDLE_TIMEOUT_SECONDS = 100.0
"""Without a word about the turn: it has 90 s, and the word that it ended may be lost."""

FIRST_SEQ = 1
MAX_FINISHED_TURNS = 1_000
"""So many turns that are over are remembered; frames come late by moments."""

log = structlog.stdlib.get_logger()


class ProgressListener:
    """Follows the frames of one bot's turns."""

    def __init__(
        self,
        client: TelegramClient,
        rate_limiter: TelegramRateLimiter,
        blocking: Redis,
        bot_id: int,
        *,
        draft_timings: DraftTimings = DEFAULT_DRAFT_TIMINGS,
        idle_timeout_seconds: float = IDLE_TIMEOUT_SECONDS,
    ) -> None:
        self._client = client
        self._rate_limiter = rate_limiter
        self._blocking = blocking
        self._channel = live_channel(bot_id)
        self._draft_timings = draft_timings
        self._idle_timeout_seconds = idle_timeout_seconds
        self._displays: dict[str, TurnDisplay] = {}
        """By the id of the answer, until nothing of them is on its way."""
        self._finished_turns: dict[str, bool] = {}
        """The newest turns that are over, in the same way: whether they are answered."""

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop`."""
        backoff = Backoff(max_seconds=5.0)
        while not stop.is_set():
            try:
                await self._listen(stop, backoff)
            except RedisError as error:
                log.info("progress subscription lost", reason=str(error))
                await sleep_until_stopped(stop, backoff.next_delay())
        await asyncio.gather(*(show.finish_and_wait() for show in list(self._displays.values())))

    async def finish_turn(self, answer_id: str) -> None:
        """Before an answer is sent: nothing of its turn is shown any more, nor on its way."""
        self._mark_finished(answer_id, is_answered=True)
        if (display := self._displays.get(answer_id)) is not None:
            await display.finish_and_wait()

    async def _listen(self, stop: asyncio.Event, backoff: Backoff) -> None:
        async with self._blocking.pubsub(ignore_subscribe_messages=True) as frames:
            await frames.subscribe(self._channel)
            while not stop.is_set():
                frame = await frames.get_message(timeout=MAX_BLOCK_SECONDS)
                backoff.reset()
                if frame is not None:
                    self._handle_frame(frame["data"])

    def _handle_frame(self, data: str) -> None:
        try:
            frame = LiveFrame.model_validate_json(data)
        except ValidationError:
            log.warning("progress frame unreadable")
            return
        answer_id = reply_id(frame.message_id)
        display = self._displays.get(answer_id)
        if self._is_stale(frame, answer_id, display):
            return
        if frame.kind == "end":
            self._mark_finished(answer_id)
            return
        if display is None or display.finished.is_set():
            display = self._start_display(frame, answer_id)
        display.seq = frame.seq
        display.update_text(frame.text)
        display.expires_at = asyncio.get_running_loop().time() + self._idle_timeout_seconds

    def _is_stale(self, frame: LiveFrame, answer_id: str, display: TurnDisplay | None) -> bool:
        """Whether more is known already; a turn that is tried again counts from the beginning."""
        if frame.kind == "begin" and frame.seq == FIRST_SEQ:
            return self._finished_turns.get(answer_id, False)
        return answer_id in self._finished_turns or (
            display is not None and frame.seq <= display.seq
        )

    def _start_display(self, frame: LiveFrame, answer_id: str) -> TurnDisplay:
        """What was shown in the chat before is over, and this waits until nothing of it comes."""
        self._finished_turns.pop(answer_id, None)
        others = {name: one for name, one in self._displays.items() if one.chat_id == frame.chat_id}
        for other in others:
            if other != answer_id:
                self._mark_finished(other)
        draft_sender = DraftSender(
            self._client, self._rate_limiter, frame.chat_id, frame.message_id, self._draft_timings
        )
        display = self._displays[answer_id] = TurnDisplay(
            frame.chat_id, draft_sender, self._draft_timings.initial_delay_seconds
        )
        display.task = asyncio.create_task(
            self._run_display(answer_id, display, tuple(others.values()))
        )
        return display

    async def _run_display(
        self, answer_id: str, display: TurnDisplay, before: tuple[TurnDisplay, ...]
    ) -> None:
        try:
            for other in before:
                await other.finish_and_wait()
            await display.run()
        except Exception:  # the answer itself comes all the same
            log.exception("progress display failed", chat_id=display.chat_id)
        finally:
            if self._displays.get(answer_id) is display:
                del self._displays[answer_id]

    def _mark_finished(self, answer_id: str, *, is_answered: bool = False) -> None:
        if (display := self._displays.get(answer_id)) is not None:
            display.finish()
        self._finished_turns[answer_id] = is_answered or self._finished_turns.pop(answer_id, False)
        if len(self._finished_turns) > MAX_FINISHED_TURNS:
            del self._finished_turns[next(iter(self._finished_turns))]
