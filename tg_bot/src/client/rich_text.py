"""A rich message as plain text (Bot API 10.1: `RichMessage`, `RichBlock`, `RichText`).

People with Telegram Premium can send one, and a reply quotes ours. There is no `text` beside it.
"""

from collections.abc import Iterator
from typing import Any


def flatten(rich_message: Any) -> str:
    """The text, a line for each block, item and row; empty for what is no rich message."""
    if not isinstance(rich_message, dict):
        return ""
    return "\n".join(filter(None, _lines(rich_message.get("blocks"))))


def _lines(value: Any) -> Iterator[str]:
    """Blocks, one or several."""
    if isinstance(value, list):
        for block in value:
            yield from _lines(block)
    elif isinstance(value, dict):
        yield _inline(value.get("summary"))
        yield _inline(value.get("text", value.get("expression")))
        yield from _lines(value.get("blocks"))
        yield from _items(value.get("items"))
        yield from _rows(value.get("cells"))
        yield from _lines(value.get("caption"))


def _items(items: Any) -> Iterator[str]:
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        label, lines = _inline(item.get("label")), [*filter(None, _lines(item))]
        yield " ".join(filter(None, (label, *lines[:1])))
        yield from lines[1:]


def _rows(rows: Any) -> Iterator[str]:
    for row in rows if isinstance(rows, list) else ():
        cells = row if isinstance(row, list) else ()
        texts = (_inline(cell.get("text")) for cell in cells if isinstance(cell, dict))
        yield " | ".join(texts)


def _inline(value: Any) -> str:
    """Text is a string, a list, or an object around more text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_inline(part) for part in value)
    if isinstance(value, dict):
        return _inline(value.get("text", value.get("expression")))
    return ""
