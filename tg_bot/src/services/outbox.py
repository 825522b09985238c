"""Sends a letter in as many messages as it takes, each of them once as far as that can be known.

A letter of several parts is resumed at the first missing one. What Telegram refuses as a rich
message, and so has not sent, goes as text with formatting, and that as text without. Whether a
letter goes as rich messages or as text is decided once: its steps in the journal tell.
"""

from dataclasses import dataclass

import structlog

from smart_kit.errors import RejectMessage
from smart_kit.mailbox import Mailbox

from ..client.errors import FormattingRefused, MessageTooLong, MethodUnknown, TelegramBadRequest
from ..client.telegram import TelegramClient
from ..metrics import SENDS
from ..rendering.formatted import Formatted
from ..rendering.rich import Piece
from ..rendering.splitting import split
from .consignment import RICH, Attempt, Consignment
from .pace import Pace

SHORTEST_LIMIT = 256
"""What is refused as too long although it is shorter than this has another fault."""

_GIVEN_UP = f"{RICH}given up"
"""The step that says why, as long as what stands under the answer has not been sent."""

log = structlog.stdlib.get_logger()


class Outbox:
    """One bot's."""

    def __init__(self, client: TelegramClient, mailbox: Mailbox, pace: Pace) -> None:
        self.client = client
        self.knows_rich = True
        """Until the server says that it does not."""
        self._mailbox = mailbox
        self._pace = pace

    async def send(self, consignment: Consignment) -> None:
        """Send all of it. Raises a TelegramError, RetryMessage, RejectMessage, Superseded."""
        steps = await self._mailbox.steps(consignment.message_id)
        attempt = Attempt(self._mailbox, self._pace, consignment, steps)
        await _Sending(self, attempt).send()


@dataclass
class _Sending:
    """One attempt at a consignment."""

    outbox: Outbox
    attempt: Attempt

    async def send(self) -> None:
        letter = self.attempt.consignment.letter
        if self._is_rich():
            await self._send_rich(letter.rich)
        else:
            await self._send_text("", letter.text, is_last=True)

    def _is_rich(self) -> bool:
        """As it was begun; at first, as its reader wants it and the server can."""
        consignment = self.attempt.consignment
        if not consignment.letter.rich or self.attempt.begun():
            return self.attempt.begun(RICH)
        return consignment.is_rich and self.outbox.knows_rich

    async def _send_rich(self, pieces: tuple[Piece, ...]) -> None:
        if reason := self.attempt.steps.get(_GIVEN_UP):
            await self._send_receipts(pieces, reason)
            raise RejectMessage(reason)
        for index, piece in enumerate(pieces):
            is_last = index == len(pieces) - 1
            try:
                await self._send_piece(f"{RICH}{index}", piece, is_last=is_last)
            except (RejectMessage, TelegramBadRequest) as error:
                if not is_last:
                    await self._send_receipts(pieces, error.message)
                raise

    async def _send_receipts(self, pieces: tuple[Piece, ...], reason: str) -> None:
        """An answer that is given up does not take what was done with it."""
        last = pieces[-1]
        if last.blocks:
            return
        await self.attempt.keep(_GIVEN_UP, reason)
        await self._send_piece(f"{RICH}{len(pieces) - 1}", last, is_last=False)
        await self.attempt.keep(_GIVEN_UP, "")

    async def _send_piece(self, step: str, piece: Piece, *, is_last: bool) -> None:
        """As text where it is none, where an earlier attempt has begun so, and where refused."""
        if step in self.attempt.steps:
            return
        is_rich = piece.blocks and not self.attempt.begun(f"{step}.")
        if is_rich and await self._send_blocks(step, piece, is_last=is_last):
            return
        await self._send_text(f"{step}.", piece.text, is_last=is_last)

    async def _send_blocks(self, step: str, piece: Piece, *, is_last: bool) -> bool:
        """Whether they were sent; False where they were refused, so that nobody has them."""
        to, client = self.attempt.consignment.chat_id, self.outbox.client
        is_silent = self.attempt.is_silent(step)
        try:
            sent_id = await self.attempt.send(
                step, lambda: client.send_rich_message(to, piece.blocks, is_silent=is_silent)
            )
        except TelegramBadRequest as error:
            SENDS.labels("rich_refused").inc()
            log.warning("telegram refuses the rich message", reason=error.message)
            return False
        except MethodUnknown:
            SENDS.labels("rich_unknown").inc()
            log.warning("the server knows no rich messages: none until the next start")
            self.outbox.knows_rich = False
            return False
        await self._end(step, sent_id, is_last=is_last)
        return True

    async def _send_text(self, prefix: str, text: Formatted, *, is_last: bool) -> None:
        parts = split(text)
        for index, part in enumerate(parts):
            last = is_last and index == len(parts) - 1
            await self._send_part(f"{prefix}{index}", part, is_last=last)

    async def _send_part(self, step: str, part: Formatted, *, is_last: bool) -> None:
        if step in self.attempt.steps:
            return
        try:
            sent_id = await self._send_once(step, part, is_last=is_last)
        except MessageTooLong:
            if part.length < SHORTEST_LIMIT:
                raise
            log.warning("telegram finds it too long", length=part.length)
            pieces = split(part, part.length * 2 // 3)
            for index, piece in enumerate(pieces):
                last = is_last and index == len(pieces) - 1
                await self._send_part(f"{step}.{index}", piece, is_last=last)
            return
        await self._end(step, sent_id, is_last=is_last)

    async def _send_once(self, step: str, part: Formatted, *, is_last: bool) -> int:
        """As it is; where Telegram refuses the formatting, which it did not send, without."""
        try:
            return await self._send_message(step, part, is_last=is_last)
        except FormattingRefused as error:
            if not part.entities:
                raise
            SENDS.labels("formatting_refused").inc()
            log.warning("telegram refuses the formatting", reason=error.message)
            return await self._send_message(step, part.plain(), is_last=is_last)

    async def _send_message(self, step: str, part: Formatted, *, is_last: bool) -> int:
        to, client = self.attempt.consignment.chat_id, self.outbox.client
        buttons = self.attempt.consignment.letter.buttons if is_last else ()
        return await self.attempt.send(
            step,
            lambda: client.send_message(
                to,
                part.text,
                entities=part.entities_json(),
                buttons=[[button.as_json()] for button in buttons],
                is_silent=self.attempt.is_silent(step),
            ),
        )

    async def _end(self, step: str, sent_id: int, *, is_last: bool) -> None:
        """The last one's end is the letter's end."""
        if not is_last:
            await self.attempt.keep(step, str(sent_id))
