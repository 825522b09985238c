"""What people write in a storm, and how what the bot says is known to belong to it.

Every message bears a number of seven digits; every answer to it repeats that number and no other.
"""

import re
from dataclasses import dataclass
from typing import Literal

from tg_bot.src.texts.notices import NOTICES

MessageKind = Literal["sum", "task", "reminder", "alarm"]
"""What a message asks for: nothing but words, a task, a reminder far off, one that comes soon."""

MUTATING_KINDS: tuple[MessageKind, ...] = ("task", "reminder", "alarm")
"""Kinds that change something, exactly once."""

FIRST_NUMBER = 1_000_000
ALARM_DELAY_SECONDS = 10

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
"""How an answer begins that says that there is none; the last one is the demo model's own."""


@dataclass(frozen=True)
class UserMessage:
    """A message that a person has written; `at` is Unix time."""

    number: int
    chat_id: int
    kind: MessageKind
    sent_at: float


@dataclass(frozen=True)
class BotMessage:
    """A message of the bot's; `message_id` rises with time, `at` is Unix time in whole seconds."""

    message_id: int
    chat_id: int
    sent_at: int
    text: str

    @property
    def number(self) -> int | None:
        """Of the message that it belongs to; None where it names none, or several."""
        found = {int(one) for one in _NUMBER.findall(self.text)}
        return found.pop() if len(found) == 1 else None

    @property
    def is_alarm(self) -> bool:
        """A reminder at its time, and no answer."""
        return self.text.startswith(_ALARM_PREFIX)

    @property
    def is_anonymous_failure(self) -> bool:
        """It says that there is no answer, without a number."""
        return self.number is None and self.is_failure_reply

    @property
    def is_failure_reply(self) -> bool:
        """It says that there is no answer; a number can stand in a receipt below."""
        return self.text.startswith(_FAILURE_PREFIXES)

    @property
    def has_receipt(self) -> bool:
        """It says what was done."""
        return _RECEIPT_MARK in self.text


def build_text(kind: MessageKind, number: int) -> str:
    """What the person writes."""
    return _TEXTS[kind].format(number=number)


def parse_number(text: str) -> int | None:
    """The number in something that was made for a message."""
    found = _NUMBER.search(text)
    return int(found[0]) if found else None
