"""Inline buttons, one per row."""

from dataclasses import dataclass
from typing import Any

from .formatted_text import is_blank

MAX_BUTTONS = 100
"""Telegram's limit for one message."""

MAX_LABEL_LENGTH = 32
"""Characters. Telegram's apps cut off longer labels without an ellipsis."""


@dataclass(frozen=True)
class Button:
    """`data` is the callback data, at most 64 bytes."""

    label: str
    data: str

    def to_json(self) -> dict[str, Any]:
        """Return the Bot API's `InlineKeyboardButton`."""
        return {"text": truncate_label(self.label), "callback_data": self.data}


def truncate_label(label: str) -> str:
    """Return the label in one line, shortened in the middle: names often differ at the end."""
    line = " ".join(label.split())
    if is_blank(line):  # Telegram would refuse the message
        return "…"
    if len(line) <= MAX_LABEL_LENGTH:
        return line
    half = MAX_LABEL_LENGTH // 2
    return f"{line[:half].rstrip()}…{line[1 - half :].lstrip()}"
