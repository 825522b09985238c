"""A table's cells below each other, in columns as a terminal shows them."""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import zip_longest

MAX_COLUMN_WIDTH = 40
"""A longer cell widens no column: it moves its own row only."""

TextCell = tuple[str, str]
"""A text of one line, and `left`, `center` or `right`."""

_ZERO_WIDTH_JOINER, _EMOJI_VARIATION_SELECTOR = "\u200d", "\ufe0f"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_INVISIBLE_CATEGORIES = ("Mn", "Me", "Cf", "Cc")


def align_rows(rows: Sequence[Sequence[TextCell]]) -> list[str]:
    """A line for each row."""
    columns = zip_longest(*rows, fillvalue=("", "left"))
    widths = [_get_column_width(text for text, _ in column) for column in columns]
    return [
        " | ".join(_pad(*cell, wanted) for cell, wanted in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def display_width(text: str) -> int:
    """How many columns it takes: East Asian characters and emoji two, accents none."""
    total = last = 0
    before = ""
    for sign in text:
        if sign == _EMOJI_VARIATION_SELECTOR and last == 1:
            total, last = total + 1, 2
        elif not _is_combining(sign, before, last):
            last = 2 if unicodedata.east_asian_width(sign) in "WF" else 1
            total += last
        before = sign
    return total


def _is_combining(sign: str, before: str, last: int) -> bool:
    """Whether it changes the sign before it, and takes no column of its own."""
    is_tone = ord(sign) in _SKIN_TONES and last > 1
    return (
        is_tone
        or before == _ZERO_WIDTH_JOINER
        or unicodedata.category(sign) in _INVISIBLE_CATEGORIES
    )


def _get_column_width(column: Iterable[str]) -> int:
    return max(
        (taken for text in column if (taken := display_width(text)) <= MAX_COLUMN_WIDTH), default=0
    )


def _pad(text: str, align: str, wanted: int) -> str:
    missing = max(0, wanted - display_width(text))
    before = {"right": missing, "center": missing // 2}.get(align, 0)
    return " " * before + text + " " * (missing - before)
