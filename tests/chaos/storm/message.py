"""The messages of a storm.

Every user message contains a unique number of seven digits. Every answer to it contains that number
and no other, which is how the verifier assigns answers to messages.
"""

import re
from dataclasses import dataclass
from typing import Literal

from tg_bot.src.texts.notices import NOTICES

MessageKind = Literal["sum", "task", "reminder", "alarm"]
"""What the user asks for: a sum (no effect), a task, a reminder after the storm, one during it."""

MUTATING_KINDS: tuple[MessageKind, ...] = ("task", "reminder", "alarm")
"""Kinds that create a record, which must happen exactly once."""

FIRST_NUMBER = 1_000_000
ALARM_DELAY_SECONDS = 10
"""Seconds until an alarm is due."""

_TEXTS: dict[MessageKind, str] = {
    "sum": "{number} - 0",
    "task": "Add a task: item {number}",
    "reminder": "Remind me in 30 days to check item {number}",
    "alarm": f"Remind me in {ALARM_DELAY_SECONDS} seconds to check item {{number}}",
}
_NUMBER = re.compile(r"(?<!\d)1\d{6}(?!\d)")
_ALARM_PREFIX = "⏰"
_RECEIPT_MARK = "✓"
_FAILURE_PREFIXES = (
    *(NOTICES[name][0] for name in ("turn_failed", "model_unavailable", "try_again_later")),
    "That did not work. The tool says:",
)
"""The first words of replies that report a failure; the last one is the demo model's own."""


@dataclass(frozen=True)
class UserMessage:
    """A message of a user."""

    number: int
    chat_id: int
    kind: MessageKind
    sent_at: float
    """Unix time."""


@dataclass(frozen=True)
class BotMessage:
    """A message of the bot."""

    message_id: int
    """Rises with time."""
    chat_id: int
    sent_at: int
    """Unix time in whole seconds."""
    text: str

    @property
    def number(self) -> int | None:
        """The number of the user message; None if the text has no number or several."""
        numbers = {int(digits) for digits in _NUMBER.findall(self.text)}
        return numbers.pop() if len(numbers) == 1 else None

    @property
    def is_alarm(self) -> bool:
        """Whether this is a due reminder rather than an answer."""
        return self.text.startswith(_ALARM_PREFIX)

    @property
    def is_anonymous_failure(self) -> bool:
        """Whether this is a failure reply without a number."""
        return self.number is None and self.is_failure_reply

    @property
    def is_failure_reply(self) -> bool:
        """Whether this reports a failure; a receipt below it may contain a number."""
        return self.text.startswith(_FAILURE_PREFIXES)

    @property
    def has_receipt(self) -> bool:
        """Whether this confirms that a record was created."""
        return _RECEIPT_MARK in self.text


def build_text(kind: MessageKind, number: int) -> str:
    """Build the text of a user message."""
    return _TEXTS[kind].format(number=number)


def parse_number(text: str) -> int | None:
    """Return the first number in the text, if any."""
    match = _NUMBER.search(text)
    return int(match[0]) if match else None
