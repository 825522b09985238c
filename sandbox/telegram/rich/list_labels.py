"""Labels of list items."""

from typing import Any

_ROMAN_NUMERALS = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)
LABEL_KINDS = ("1", "a", "A", "i", "I")


def is_ordered(item: dict[str, Any]) -> bool:
    """Return whether a list item has a number."""
    return "value" in item or "type" in item


def format_label(number: int, kind: str) -> str:
    """Return a label such as `3.`, `c.` or `III.`; digits where letters cannot express it."""
    label_text = str(number)
    if number > 0 and kind in ("a", "A"):
        label_text = _to_letters(number)
    elif 0 < number < 4000 and kind in ("i", "I"):
        label_text = _to_roman(number)
    return f"{label_text.upper() if kind.isupper() else label_text}."


def _to_letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def _to_roman(number: int) -> str:
    numeral = ""
    for value, letters in _ROMAN_NUMERALS:
        count, number = divmod(number, value)
        numeral += letters * count
    return numeral
