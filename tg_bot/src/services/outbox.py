"""Sends a text in as many messages as it takes, each of them once as far as that can be known.

A message of several parts is resumed at the first missing one: each part that has been sent is in
the journal. Telegram's sendMessage has no idempotency key, so a part whose answer was lost is sent
again at most twice, and each of these is counted.
"""

from dataclasses import dataclass

import structlog

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Mailbox, until_redis

from ..client.errors import FormattingRefused, MessageTooLong, TelegramUncertain
from ..client.telegram import TelegramClient
from ..metrics import SENDS
from ..rendering.formatted import Formatted
from ..rendering.splitting import split
from .pace import Pace

MAX_UNCERTAIN = 3
UNCERTAIN_SECONDS = (2.0, 10.0)
"""Before the second and the third time."""

SHORTEST_LIMIT = 256
"""What is refused as too long although it is shorter than this has another fault."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Consignment:
    """A text on its way to a chat."""

    delivery: Delivery
    message_id: str
    chat_id: int
    text: Formatted
    is_silent: bool


class Outbox:
    """One bot's."""

    def __init__(self, client: TelegramClient, mailbox: Mailbox, pace: Pace) -> None:
        self._client = client
        self._mailbox = mailbox
        self._pace = pace

    async def send(self, consignment: Consignment) -> None:
        """Send all of it. Raises a TelegramError, RetryMessage, RejectMessage, Superseded."""
        steps = await self._mailbox.steps(consignment.message_id)
        await _Sending(self._client, self._mailbox, self._pace, consignment, steps).send()


@dataclass
class _Sending:
    """One attempt at a consignment; `steps` is what earlier ones have left in the journal."""

    client: TelegramClient
    mailbox: Mailbox
    pace: Pace
    consignment: Consignment
    steps: dict[str, str]

    async def send(self) -> None:
        parts = split(self.consignment.text)
        for index, part in enumerate(parts):
            await self._send_part(str(index), part, is_last=index == len(parts) - 1)

    async def _send_part(self, step: str, part: Formatted, *, is_last: bool) -> None:
        if step in self.steps:
            return
        try:
            sent_id = await self._send_once(step, part)
        except MessageTooLong:
            if part.length < SHORTEST_LIMIT:
                raise
            log.warning("telegram finds it too long", length=part.length)
            pieces = split(part, part.length * 2 // 3)
            for index, piece in enumerate(pieces):
                last = is_last and index == len(pieces) - 1
                await self._send_part(f"{step}.{index}", piece, is_last=last)
            return
        if not is_last:  # the last one's end is the message's end
            await self._keep(step, str(sent_id))

    async def _send_once(self, step: str, part: Formatted) -> int:
        """As it is; where Telegram refuses the formatting, which it did not send, without."""
        try:
            return await self._call(step, part)
        except FormattingRefused as error:
            if not part.entities:
                raise
            SENDS.labels("formatting_refused").inc()
            log.warning("telegram refuses the formatting", reason=error.message)
            return await self._call(step, part.plain())

    async def _call(self, step: str, part: Formatted) -> int:
        to = self.consignment
        await self.pace.wait(to.chat_id)
        try:
            sent_id = await self.client.send_message(
                to.chat_id,
                part.text,
                entities=part.entities_json(),
                is_silent=to.is_silent or not _is_first(step),  # one answer, one sound
            )
        except TelegramUncertain as error:
            raise await self._doubt(step, error) from None
        SENDS.labels("sent").inc()
        log.info("sent", chat_id=to.chat_id, part=step, telegram_message_id=sent_id)
        return sent_id

    async def _doubt(self, step: str, error: TelegramUncertain) -> Exception:
        """What to raise where nobody knows whether the message has arrived."""
        SENDS.labels("uncertain").inc()
        counter = f"uncertain:{step}"
        times = int(self.steps.get(counter, 0)) + 1
        if times >= MAX_UNCERTAIN:
            return RejectMessage(f"Sent {times} times without an answer: {error.message}")
        await self._keep(counter, str(times))
        return RetryMessage(UNCERTAIN_SECONDS[times - 1], error.message)

    async def _keep(self, step: str, value: str) -> None:
        """However long Redis is away: what is not in the journal would be sent again."""
        to = self.consignment
        await until_redis(lambda: self.mailbox.journal(to.delivery, to.message_id, step, value))


def _is_first(step: str) -> bool:
    """Whether it is the beginning of the text: `0`, or `0.0` where Telegram found that too long."""
    return set(step) <= set("0.")
