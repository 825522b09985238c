"""For whom a receipt is written."""

from dataclasses import dataclass
from datetime import datetime

from smart_kit.settings import Language

from ..translations import Translation

_MAX_TEXT_LENGTH = 80


@dataclass(frozen=True)
class ReceiptContext:
    """Their words, the IANA zone they live in, and what time it is."""

    translation: Translation
    language: Language
    timezone: str
    now: datetime


def truncate(text: str) -> str:
    """One line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT_LENGTH else f"{line[: _MAX_TEXT_LENGTH - 1].rstrip()}…"
