"""Aligned table columns for a terminal."""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import zip_longest

MAX_COLUMN_WIDTH = 40
"""Columns; a wider cell does not widen its column and only shifts its own row."""

TextCell = tuple[str, str]
"""A text of one line, and `left`, `center` or `right`."""

_ZERO_WIDTH_JOINER, _EMOJI_VARIATION_SELECTOR = "\u200d", "\ufe0f"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_INVISIBLE_CATEGORIES = ("Mn", "Me", "Cf", "Cc")


def align_rows(rows: Sequence[Sequence[TextCell]]) -> list[str]:
    """Return a line for each row."""
    columns = zip_longest(*rows, fillvalue=("", "left"))
    widths = [_get_column_width(text for text, _ in column) for column in columns]
    return [
        " | ".join(_pad(*cell, width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def display_width(text: str) -> int:
    """Return the width in a terminal: East Asian characters and emoji take two columns."""
    total = last = 0
    before = ""
    for character in text:
        if character == _EMOJI_VARIATION_SELECTOR and last == 1:
            total, last = total + 1, 2
        elif not _is_combining(character, before, last):
            last = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            total += last
        before = character
    return total


def _is_combining(character: str, before: str, last: int) -> bool:
    """Return whether a character modifies the one before it and takes no column."""
    return (
        (ord(character) in _SKIN_TONES and last > 1)
        or before == _ZERO_WIDTH_JOINER
        or unicodedata.category(character) in _INVISIBLE_CATEGORIES
    )


def _get_column_width(column: Iterable[str]) -> int:
    widths = map(display_width, column)
    return max((width for width in widths if width <= MAX_COLUMN_WIDTH), default=0)


def _pad(text: str, align: str, width: int) -> str:
    missing = max(0, width - display_width(text))
    before = {"right": missing, "center": missing // 2}.get(align, 0)
    return " " * before + text + " " * (missing - before)
