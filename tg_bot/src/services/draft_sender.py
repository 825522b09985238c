"""What a chat shows of a turn that runs: *typing*, and the answer as far as it is written.

All of it is decoration: a failure is told to the log, and never to the turn.
"""

import asyncio
import zlib
from dataclasses import dataclass

import structlog

from ..client.errors import (
    TELEGRAM_ERRORS,
    EntityParseError,
    MethodNotFound,
    TelegramBadRequest,
    TelegramRetryAfter,
)
from ..client.telegram import TelegramClient
from ..rendering.markdown import render_markdown
from ..rendering.splitting import split
from .rate_limiter import TelegramRateLimiter

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class DraftTimings:
    """Seconds."""

    initial_delay_seconds: float = 0.2
    """An answer that comes sooner needs no announcement, which would be shown after it."""
    min_interval_seconds: float = 1.1
    """Between two drawings in a chat: Telegram limits actions and drafts together."""
    typing_refresh_seconds: float = 4.5
    """Telegram shows an action for five seconds."""
    draft_refresh_seconds: float = 20.0
    """Telegram shows a draft for thirty."""
    send_timeout_seconds: float = 3.0
    """An answer waits no longer than this for a drawing that is on its way."""


DEFAULT_DRAFT_TIMINGS = DraftTimings()


@dataclass(frozen=True)
class DraftSchedule:
    """Seconds, from now on."""

    cooldown_seconds: float
    """In which nothing is to be drawn."""
    refresh_seconds: float
    """After which it has to be drawn again."""


class DraftSender:
    """Of one turn."""

    def __init__(
        self,
        client: TelegramClient,
        rate_limiter: TelegramRateLimiter,
        chat_id: int,
        message_id: str,
        timings: DraftTimings,
    ) -> None:
        self._client = client
        self._rate_limiter = rate_limiter
        self._chat_id = chat_id
        self._draft_id = draft_id_for(message_id)
        self._timings = timings
        self._can_draft = chat_id > 0
        """Only private chats have drafts."""

    async def send(self, text: str) -> DraftSchedule:
        """Show the Markdown that is there so far; later where messages take all of the pace."""
        is_draft = bool(text) and self._can_draft
        if is_draft and not await self._rate_limiter.try_acquire():
            return DraftSchedule(
                self._timings.min_interval_seconds, self._timings.min_interval_seconds
            )
        seconds = (
            self._timings.draft_refresh_seconds
            if is_draft
            else self._timings.typing_refresh_seconds
        )
        try:
            async with asyncio.timeout(self._timings.send_timeout_seconds):
                if is_draft:
                    await self._send_draft(text)
                else:
                    await self._client.send_chat_action(self._chat_id)
        except TelegramRetryAfter as error:
            seconds = max(error.seconds, self._timings.typing_refresh_seconds)
            return DraftSchedule(seconds, seconds)
        except (TimeoutError, *TELEGRAM_ERRORS) as error:
            log.debug("draft not sent", is_draft=is_draft, reason=str(error))
            self._can_draft = self._can_draft and not (is_draft and _is_permanent(error))
            seconds = self._timings.typing_refresh_seconds
        return DraftSchedule(min(self._timings.min_interval_seconds, seconds), seconds)

    async def _send_draft(self, text: str) -> None:
        """Of a long one the part that grows."""
        part = split(render_markdown(text))[-1:]
        if part:
            await self._client.send_message_draft(
                self._chat_id, self._draft_id, part[0].text, entities=part[0].entities_to_json()
            )


def draft_id_for(message_id: str) -> int:
    """Telegram takes any whole number but zero; frames with the same one replace each other."""
    return zlib.crc32(message_id.encode()) >> 1 or 1


def _is_permanent(error: Exception) -> bool:
    """Whether the next frame of this turn would be refused as well."""
    if isinstance(error, EntityParseError):
        return False
    return isinstance(error, TelegramBadRequest | MethodNotFound)
