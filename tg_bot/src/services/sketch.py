"""What a chat shows of a turn that runs: *typing*, and the answer as far as it is written.

All of it is decoration: a failure is told to the log, and never to the turn.
"""

import asyncio
import zlib
from dataclasses import dataclass

import structlog

from ..client.errors import (
    TELEGRAM_ERRORS,
    FormattingRefused,
    MethodUnknown,
    TelegramBadRequest,
    TelegramRetryAfter,
)
from ..client.telegram import TelegramClient
from ..rendering.markdown import render
from ..rendering.splitting import split
from .pace import Pace

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Rhythm:
    """Seconds."""

    grace: float = 0.2
    """An answer that comes sooner needs no announcement, which would be shown after it."""
    shortest: float = 1.1
    """Between two drawings in a chat: Telegram limits actions and drafts together."""
    typing: float = 4.5
    """Telegram shows an action for five seconds."""
    draft: float = 20.0
    """Telegram shows a draft for thirty."""
    drawing: float = 3.0
    """An answer waits no longer than this for a drawing that is on its way."""


RHYTHM = Rhythm()


@dataclass(frozen=True)
class Drawn:
    """Seconds, from now on."""

    rest: float
    """In which nothing is to be drawn."""
    lasts: float
    """After which it has to be drawn again."""


class Sketch:
    """Of one turn."""

    def __init__(
        self, client: TelegramClient, pace: Pace, chat_id: int, message_id: str, rhythm: Rhythm
    ) -> None:
        self._client = client
        self._pace = pace
        self._chat_id = chat_id
        self._draft_id = draft_id_of(message_id)
        self._rhythm = rhythm
        self._is_drafted = chat_id > 0
        """Only private chats have drafts."""

    async def draw(self, text: str) -> Drawn:
        """Show the Markdown that is there so far; later where messages take all of the pace."""
        is_draft = bool(text) and self._is_drafted
        if is_draft and not await self._pace.has_room():
            return Drawn(self._rhythm.shortest, self._rhythm.shortest)
        seconds = self._rhythm.draft if is_draft else self._rhythm.typing
        try:
            async with asyncio.timeout(self._rhythm.drawing):
                if is_draft:
                    await self._draft(text)
                else:
                    await self._client.send_chat_action(self._chat_id)
        except TelegramRetryAfter as error:
            seconds = max(error.seconds, self._rhythm.typing)
            return Drawn(seconds, seconds)
        except (TimeoutError, *TELEGRAM_ERRORS) as error:
            log.debug("not shown", is_draft=is_draft, reason=str(error))
            self._is_drafted = self._is_drafted and not (is_draft and _is_for_good(error))
            seconds = self._rhythm.typing
        return Drawn(min(self._rhythm.shortest, seconds), seconds)

    async def _draft(self, text: str) -> None:
        """Of a long one the part that grows."""
        part = split(render(text))[-1:]
        if part:
            await self._client.send_message_draft(
                self._chat_id, self._draft_id, part[0].text, entities=part[0].entities_json()
            )


def draft_id_of(message_id: str) -> int:
    """Telegram takes any whole number but zero; frames with the same one replace each other."""
    return zlib.crc32(message_id.encode()) >> 1 or 1


def _is_for_good(error: Exception) -> bool:
    """Whether the next frame of this turn would be refused as well."""
    if isinstance(error, FormattingRefused):
        return False
    return isinstance(error, TelegramBadRequest | MethodUnknown)
