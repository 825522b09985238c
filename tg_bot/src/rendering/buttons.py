"""Buttons under a message, one in a row."""

from dataclasses import dataclass
from typing import Any

from .formatted_text import is_blank

MAX_BUTTONS = 100
"""Telegram takes no more under a message."""

MAX_LABEL_LENGTH = 32
"""Characters; what is longer Telegram's apps cut off without a sign."""


@dataclass(frozen=True)
class Button:
    """`data` comes back when it is pressed: at most 64 bytes."""

    label: str
    data: str

    def to_json(self) -> dict[str, Any]:
        """As the Bot API takes it."""
        return {"text": truncate_label(self.label), "callback_data": self.data}


def truncate_label(label: str) -> str:
    """In one line, and as long as is shown: without its middle, because names differ at the end."""
    line = " ".join(label.split())
    if is_blank(line):  # Telegram would refuse the message
        return "…"
    if len(line) <= MAX_LABEL_LENGTH:
        return line
    half = MAX_LABEL_LENGTH // 2
    return f"{line[:half].rstrip()}…{line[1 - half :].lstrip()}"
