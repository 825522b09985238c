"""For whom a receipt is written."""

from dataclasses import dataclass
from datetime import datetime

from smart_kit.settings import Language

from ..translations import Translation

_LONGEST_TEXT = 80


@dataclass(frozen=True)
class Reader:
    """Their words, the IANA zone they live in, and what time it is."""

    words: Translation
    language: Language
    timezone: str
    now: datetime


def shorten(text: str) -> str:
    """One line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[: _LONGEST_TEXT - 1].rstrip()}…"
