"""What a chat shows of one running turn: *typing*, then the answer as far as it is written.

All of this is decoration: an error is logged and never reaches the turn.
"""

import asyncio
import zlib
from dataclasses import dataclass

import structlog

from smart_kit.aio import sleep_until_stopped

from ..client.errors import (
    TELEGRAM_ERRORS,
    EntityParseError,
    MethodNotFound,
    TelegramBadRequest,
    TelegramRetryAfter,
)
from ..client.telegram import TelegramClient
from ..rendering.formatted_text import split
from ..rendering.markdown import render_markdown
from .rate_limiter import TelegramRateLimiter

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class DraftTimings:
    """When a draft is sent. All values are seconds."""

    initial_delay_seconds: float = 0.1
    """An answer that is ready sooner is not announced: *typing* would appear after it. The
    assistant publishes the first frame half a second after the turn began."""
    min_interval_seconds: float = 1.1
    """Between two requests for a chat: Telegram limits chat actions and drafts together."""
    typing_refresh_seconds: float = 4.5
    """Telegram shows a chat action for five seconds."""
    draft_refresh_seconds: float = 20.0
    """Telegram shows a draft for thirty seconds."""
    send_timeout_seconds: float = 3.0
    """The answer waits no longer than this for a draft request that is in flight."""


DEFAULT_DRAFT_TIMINGS = DraftTimings()


class TurnDraft:
    """The draft of one turn. `run` sends it repeatedly until the turn is finished or expires."""

    def __init__(
        self,
        client: TelegramClient,
        rate_limiter: TelegramRateLimiter,
        chat_id: int,
        message_id: str,
        timings: DraftTimings,
    ) -> None:
        self.chat_id = chat_id
        self.seq = 0
        """Sequence number of the newest frame."""
        self.expires_at = 0.0
        """Event loop time after which the turn counts as finished."""
        self.task: asyncio.Task[None] | None = None
        """The task that awaits `run`."""
        self._client = client
        self._rate_limiter = rate_limiter
        self._draft_id = draft_id_for(message_id)
        self._timings = timings
        self._can_draft = chat_id > 0  # only private chats have drafts
        self._text = ""
        self._finished = asyncio.Event()
        self._changed = asyncio.Event()
        """Set when there is more text, and at the end."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is sent, except a request that is in flight."""
        return self._finished.is_set()

    def update_text(self, text: str) -> None:
        """Show this Markdown. Empty text keeps what is shown."""
        if text and text != self._text:
            self._text = text
            self._changed.set()

    def finish(self) -> None:
        """Start no further request."""
        self._finished.set()
        self._changed.set()

    async def finish_and_wait(self) -> None:
        """Start no further request, and wait for the one in flight."""
        self.finish()
        if self.task is not None:
            await asyncio.wait({self.task})

    async def run(self) -> None:
        """Send new text as soon as allowed, and the same again before Telegram hides it."""
        now = asyncio.get_running_loop().time
        await sleep_until_stopped(self._finished, self._timings.initial_delay_seconds)
        while not self.is_finished and now() < self.expires_at:
            self._changed.clear()
            cooldown_seconds, refresh_seconds = await self._send()
            await sleep_until_stopped(self._finished, cooldown_seconds)
            await sleep_until_stopped(self._changed, refresh_seconds - cooldown_seconds)

    async def _send(self) -> tuple[float, float]:
        """Send the draft or *typing*; return the seconds until it may and must be sent again."""
        timings = self._timings
        is_draft = bool(self._text) and self._can_draft
        if is_draft and not await self._rate_limiter.try_acquire():
            return timings.min_interval_seconds, timings.min_interval_seconds
        refresh_seconds = timings.typing_refresh_seconds
        try:
            async with asyncio.timeout(timings.send_timeout_seconds):
                if is_draft:
                    await self._send_draft()
                    refresh_seconds = timings.draft_refresh_seconds
                else:
                    await self._client.send_typing(self.chat_id)
        except TelegramRetryAfter as error:
            pause_seconds = max(error.seconds, timings.typing_refresh_seconds)
            return pause_seconds, pause_seconds
        except (TimeoutError, *TELEGRAM_ERRORS) as error:
            log.debug("draft not sent", is_draft=is_draft, reason=str(error))
            if is_draft and isinstance(error, TelegramBadRequest | MethodNotFound):
                self._can_draft = isinstance(error, EntityParseError)  # the next text may be fine
        return min(timings.min_interval_seconds, refresh_seconds), refresh_seconds

    async def _send_draft(self) -> None:
        """Send the text; of a long one, its last part, which is the one that grows."""
        part = split(render_markdown(self._text))[-1:]
        if part:
            await self._client.send_message_draft(
                self.chat_id, self._draft_id, part[0].text, entities=part[0].entities_to_json()
            )


def draft_id_for(message_id: str) -> int:
    """Return the id of a turn's draft, never 0. A draft replaces the one with the same id."""
    return zlib.crc32(message_id.encode()) >> 1 or 1
