"""Listens for the progress of running turns and shows it in their chats."""

import asyncio

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.aio import sleep_until_stopped
from smart_kit.backoff import Backoff
from smart_kit.contracts.keys import progress_channel
from smart_kit.contracts.queue import ProgressFrame, reply_id
from smart_kit.redis import MAX_BLOCK_SECONDS, Redis

from ..client.telegram import TelegramClient
from .rate_limiter import TelegramRateLimiter
from .turn_draft import DEFAULT_DRAFT_TIMINGS, DraftTimings, TurnDraft

IDLE_TIMEOUT_SECONDS = 100.0
"""A turn without frames for this long counts as finished: it runs for 90 s at most, and its last
frame may have been lost."""

MAX_FINISHED_TURNS = 1_000
"""How many finished turns are remembered. Late frames arrive within moments."""

log = structlog.stdlib.get_logger()


class ProgressListener:
    """Receives the frames of one bot's turns and keeps one TurnDraft for each running turn."""

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
        self._channel = progress_channel(bot_id)
        self._draft_timings = draft_timings
        self._idle_timeout_seconds = idle_timeout_seconds
        self._drafts: dict[str, TurnDraft] = {}
        """By the id of the reply, until the last request of the draft has ended."""
        self._finished_turns: dict[str, bool] = {}
        """The newest finished turns, by the id of the reply: whether the reply is being sent."""

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop`."""
        backoff = Backoff(max_seconds=5.0)
        while not stop.is_set():
            try:
                await self._listen(stop, backoff)
            except RedisError as error:
                log.info("progress subscription lost", reason=str(error))
                await sleep_until_stopped(stop, backoff.next_delay())
        await asyncio.gather(*(draft.finish_and_wait() for draft in list(self._drafts.values())))

    async def finish_turn(self, answer_id: str) -> None:
        """Stop a reply's draft and wait for its request in flight, so that none follows it."""
        self._mark_finished(answer_id, is_answered=True)
        if (draft := self._drafts.get(answer_id)) is not None:
            await draft.finish_and_wait()

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
            frame = ProgressFrame.model_validate_json(data)
        except ValidationError:
            log.warning("progress frame unreadable")
            return
        answer_id = reply_id(frame.message_id)
        draft = self._drafts.get(answer_id)
        if self._is_stale(frame, answer_id, draft):
            return
        if frame.kind == "end":
            self._mark_finished(answer_id)
            return
        if draft is None or draft.is_finished:
            draft = self._start_draft(frame, answer_id)
        draft.seq = frame.seq
        draft.update_text(frame.text)
        draft.expires_at = asyncio.get_running_loop().time() + self._idle_timeout_seconds

    def _is_stale(self, frame: ProgressFrame, answer_id: str, draft: TurnDraft | None) -> bool:
        """Return whether a newer frame was seen. A retried turn counts from 1 again."""
        if frame.seq == 1:
            return self._finished_turns.get(answer_id, False)
        return answer_id in self._finished_turns or (draft is not None and frame.seq <= draft.seq)

    def _start_draft(self, frame: ProgressFrame, answer_id: str) -> TurnDraft:
        """Start a draft that replaces the chat's earlier ones."""
        self._finished_turns.pop(answer_id, None)
        earlier = {
            name: draft for name, draft in self._drafts.items() if draft.chat_id == frame.chat_id
        }
        for name in earlier:
            if name != answer_id:
                self._mark_finished(name)
        draft = self._drafts[answer_id] = TurnDraft(
            self._client, self._rate_limiter, frame.chat_id, frame.message_id, self._draft_timings
        )
        draft.task = asyncio.create_task(self._run_draft(answer_id, draft, tuple(earlier.values())))
        return draft

    async def _run_draft(
        self, answer_id: str, draft: TurnDraft, earlier: tuple[TurnDraft, ...]
    ) -> None:
        try:
            for other in earlier:  # its request in flight would be shown after ours
                await other.finish_and_wait()
            await draft.run()
        except Exception:  # the reply itself is sent all the same
            log.exception("progress display failed", chat_id=draft.chat_id)
        finally:
            if self._drafts.get(answer_id) is draft:
                del self._drafts[answer_id]

    def _mark_finished(self, answer_id: str, *, is_answered: bool = False) -> None:
        if (draft := self._drafts.get(answer_id)) is not None:
            draft.finish()
        self._finished_turns[answer_id] = is_answered or self._finished_turns.pop(answer_id, False)
        if len(self._finished_turns) > MAX_FINISHED_TURNS:
            del self._finished_turns[next(iter(self._finished_turns))]
