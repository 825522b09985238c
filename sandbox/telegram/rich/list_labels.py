"""Labels of list items."""

from typing import Any

_ROMAN_VALUES = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
_ROMAN_NUMERALS = "m cm d cd c xc l xl x ix v iv i"
LABEL_KINDS = ("1", "a", "A", "i", "I")


def is_ordered(item: dict[str, Any]) -> bool:
    """Return whether a list item has a number."""
    return "value" in item or "type" in item


def format_label(number: int, kind: str) -> str:
    """Return a label such as `3.`, `c.` or `III.`; digits if letters cannot express it."""
    label = str(number)
    if number > 0 and kind in ("a", "A"):
        label = _to_letters(number)
    elif 0 < number < 4000 and kind in ("i", "I"):
        label = _to_roman(number)
    return f"{label.upper() if kind.isupper() else label}."


def _to_letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def _to_roman(number: int) -> str:
    numeral = ""
    for value, letters in zip(_ROMAN_VALUES, _ROMAN_NUMERALS.split(), strict=True):
        count, number = divmod(number, value)
        numeral += letters * count
    return numeral
