"""Buttons under a message, one in a row."""

from dataclasses import dataclass
from typing import Any

from .formatted import is_blank

MOST_BUTTONS = 100
"""Telegram takes no more under a message."""

LONGEST_LABEL = 32
"""Characters; what is longer Telegram's apps cut off without a sign."""


@dataclass(frozen=True)
class Button:
    """`data` comes back when it is pressed: at most 64 bytes."""

    label: str
    data: str

    def as_json(self) -> dict[str, Any]:
        """As the Bot API takes it."""
        return {"text": shortened(self.label), "callback_data": self.data}


def shortened(label: str) -> str:
    """In one line, and as long as is shown: without its middle, because names differ at the end."""
    line = " ".join(label.split())
    if is_blank(line):  # Telegram would refuse the message
        return "…"
    if len(line) <= LONGEST_LABEL:
        return line
    half = LONGEST_LABEL // 2
    return f"{line[:half].rstrip()}…{line[1 - half :].lstrip()}"
