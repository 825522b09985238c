"""What receipts have in common."""

from dataclasses import dataclass
from datetime import datetime

from smart_kit.settings import Language

from ..translations import Translation

_MAX_TEXT_LENGTH = 80


@dataclass(frozen=True)
class ReceiptContext:
    """The user's translations, language and IANA time zone, and the current time."""

    translation: Translation
    language: Language
    timezone: str
    now: datetime


def truncate(text: str) -> str:
    """Return the text in one line of limited length."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT_LENGTH else f"{line[: _MAX_TEXT_LENGTH - 1].rstrip()}…"
