"""Sends a letter in as many messages as it takes, each of them once as far as that can be known.

A letter of several parts is resumed at the first missing one. What Telegram refuses as a rich
message, and so has not sent, goes as text with formatting, and that as text without. Whether a
letter goes as rich messages or as text is decided once: its steps in the journal tell.
"""

from dataclasses import dataclass

import structlog

from smart_kit.errors import RejectMessage
from smart_kit.mailbox import Mailbox

from ..client.errors import EntityParseError, MessageTooLong, MethodNotFound, TelegramBadRequest
from ..client.telegram import TelegramClient
from ..metrics import SENDS
from ..rendering.formatted_text import FormattedText
from ..rendering.rendered_message import MessagePart
from ..rendering.splitting import split
from .outgoing_message import RICH_STEP_PREFIX, OutgoingMessage, SendAttempt
from .rate_limiter import TelegramRateLimiter

MIN_SPLIT_LENGTH = 256
"""What is refused as too long although it is shorter than this has another fault."""

_GIVEN_UP_STEP = f"{RICH_STEP_PREFIX}given up"
"""The step that says why, as long as what stands under the answer has not been sent."""

log = structlog.stdlib.get_logger()


class MessageSender:
    """One bot's."""

    def __init__(
        self, client: TelegramClient, mailbox: Mailbox, rate_limiter: TelegramRateLimiter
    ) -> None:
        self.client = client
        self.is_rich_supported = True
        """Until the server says that it does not."""
        self._mailbox = mailbox
        self._rate_limiter = rate_limiter

    async def send(self, outgoing: OutgoingMessage) -> None:
        """Send all of it. Raises a TelegramError, RetryMessage, RejectMessage, Superseded."""
        steps = await self._mailbox.load_journal(outgoing.message_id)
        attempt = SendAttempt(self._mailbox, self._rate_limiter, outgoing, steps)
        await _SendOperation(self, attempt).send()


@dataclass
class _SendOperation:
    """One attempt at a consignment."""

    message_sender: MessageSender
    attempt: SendAttempt

    async def send(self) -> None:
        rendered = self.attempt.outgoing.rendered
        if self._is_rich():
            await self._send_rich(rendered.rich_parts)
        else:
            await self._send_text("", rendered.text, is_last=True)

    def _is_rich(self) -> bool:
        """As it was begun; at first, as its reader wants it and the server can."""
        outgoing = self.attempt.outgoing
        if not outgoing.rendered.rich_parts or self.attempt.is_started():
            return self.attempt.is_started(RICH_STEP_PREFIX)
        return outgoing.is_rich and self.message_sender.is_rich_supported

    async def _send_rich(self, parts: tuple[MessagePart, ...]) -> None:
        if reason := self.attempt.steps.get(_GIVEN_UP_STEP):
            await self._send_receipts(parts, reason)
            raise RejectMessage(reason)
        for index, part in enumerate(parts):
            is_last = index == len(parts) - 1
            try:
                await self._send_message_part(f"{RICH_STEP_PREFIX}{index}", part, is_last=is_last)
            except (RejectMessage, TelegramBadRequest) as error:
                if not is_last:
                    await self._send_receipts(parts, error.message)
                raise

    async def _send_receipts(self, parts: tuple[MessagePart, ...], reason: str) -> None:
        """An answer that is given up does not take what was done with it."""
        last = parts[-1]
        if last.blocks:
            return
        await self.attempt.record_step(_GIVEN_UP_STEP, reason)
        await self._send_message_part(f"{RICH_STEP_PREFIX}{len(parts) - 1}", last, is_last=False)
        await self.attempt.record_step(_GIVEN_UP_STEP, "")

    async def _send_message_part(self, step: str, part: MessagePart, *, is_last: bool) -> None:
        """As text where it is none, where an earlier attempt has begun so, and where refused."""
        if step in self.attempt.steps:
            return
        is_rich = part.blocks and not self.attempt.is_started(f"{step}.")
        if is_rich and await self._send_blocks(step, part, is_last=is_last):
            return
        await self._send_text(f"{step}.", part.text, is_last=is_last)

    async def _send_blocks(self, step: str, part: MessagePart, *, is_last: bool) -> bool:
        """Whether they were sent; False where they were refused, so that nobody has them."""
        chat_id, client = self.attempt.outgoing.chat_id, self.message_sender.client
        is_silent = self.attempt.is_silent(step)
        try:
            sent_id = await self.attempt.send(
                step, lambda: client.send_rich_message(chat_id, part.blocks, is_silent=is_silent)
            )
        except TelegramBadRequest as error:
            SENDS.labels("rich_refused").inc()
            log.warning("rich message rejected, sending text", reason=error.message)
            return False
        except MethodNotFound:
            SENDS.labels("rich_unknown").inc()
            log.warning("rich messages unsupported by the server, disabled until restart")
            self.message_sender.is_rich_supported = False
            return False
        await self._record_unless_last(step, sent_id, is_last=is_last)
        return True

    async def _send_text(self, prefix: str, text: FormattedText, *, is_last: bool) -> None:
        parts = split(text)
        for index, part in enumerate(parts):
            last = is_last and index == len(parts) - 1
            await self._send_text_part(f"{prefix}{index}", part, is_last=last)

    async def _send_text_part(self, step: str, part: FormattedText, *, is_last: bool) -> None:
        if step in self.attempt.steps:
            return
        try:
            sent_id = await self._send_with_plain_fallback(step, part, is_last=is_last)
        except MessageTooLong:
            if part.length < MIN_SPLIT_LENGTH:
                raise
            log.warning("message too long, splitting further", length=part.length)
            smaller_parts = split(part, part.length * 2 // 3)
            for index, smaller_part in enumerate(smaller_parts):
                last = is_last and index == len(smaller_parts) - 1
                await self._send_text_part(f"{step}.{index}", smaller_part, is_last=last)
            return
        await self._record_unless_last(step, sent_id, is_last=is_last)

    async def _send_with_plain_fallback(
        self, step: str, part: FormattedText, *, is_last: bool
    ) -> int:
        """As it is; where Telegram refuses the formatting, which it did not send, without."""
        try:
            return await self._send_message(step, part, is_last=is_last)
        except EntityParseError as error:
            if not part.entities:
                raise
            SENDS.labels("formatting_refused").inc()
            log.warning("formatting rejected, sending plain text", reason=error.message)
            return await self._send_message(step, part.to_plain(), is_last=is_last)

    async def _send_message(self, step: str, part: FormattedText, *, is_last: bool) -> int:
        chat_id, client = self.attempt.outgoing.chat_id, self.message_sender.client
        buttons = self.attempt.outgoing.rendered.buttons if is_last else ()
        return await self.attempt.send(
            step,
            lambda: client.send_message(
                chat_id,
                part.text,
                entities=part.entities_to_json(),
                buttons=[[button.to_json()] for button in buttons],
                is_silent=self.attempt.is_silent(step),
            ),
        )

    async def _record_unless_last(self, step: str, sent_id: int, *, is_last: bool) -> None:
        """The last one's end is the letter's end."""
        if not is_last:
            await self.attempt.record_step(step, str(sent_id))
