"""Converts a received rich message to plain text (Bot API 10.1: `RichMessage`, `RichText`).

Users with Telegram Premium can send rich messages. Such a message has no `text`.
"""

from collections.abc import Iterator
from typing import Any


def flatten_rich_message(rich_message: Any) -> str:
    """Return the text, one line for each block, item and row; empty if it is no rich message."""
    if not isinstance(rich_message, dict):
        return ""
    return "\n".join(filter(None, _iter_lines(rich_message.get("blocks"))))


def _iter_lines(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for block in value:
            yield from _iter_lines(block)
    elif isinstance(value, dict):
        yield _flatten_inline(value.get("summary"))
        yield _flatten_inline(value.get("text", value.get("expression")))
        yield from _iter_lines(value.get("blocks"))
        yield from _iter_item_lines(value.get("items"))
        yield from _iter_row_lines(value.get("cells"))
        yield from _iter_lines(value.get("caption"))


def _iter_item_lines(items: Any) -> Iterator[str]:
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        label, lines = _flatten_inline(item.get("label")), [*filter(None, _iter_lines(item))]
        yield " ".join(filter(None, (label, *lines[:1])))
        yield from lines[1:]


def _iter_row_lines(rows: Any) -> Iterator[str]:
    for row in rows if isinstance(rows, list) else ():
        cells = row if isinstance(row, list) else ()
        texts = (_flatten_inline(cell.get("text")) for cell in cells if isinstance(cell, dict))
        yield " | ".join(texts)


def _flatten_inline(value: Any) -> str:
    """Return the text of a `RichText`: a string, a list, or an object that contains more text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_flatten_inline(part) for part in value)
    if isinstance(value, dict):
        return _flatten_inline(value.get("text", value.get("expression")))
    return ""
