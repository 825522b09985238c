"""Converts Markdown to the blocks of a rich message (Bot API 10.2, `InputRichBlock`).

Blocks are used instead of Telegram's HTML or Markdown because Telegram does not parse them again:
no price becomes a formula, and no line a heading. Empty blocks are left out: Telegram refuses a
message that contains one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from telegramify_markdown.entity import utf16_len

from .formatted_text import is_blank
from .inlines import RichText, to_rich_text
from .markdown_source import Node, walk

# the limits of a rich message (Bot API 10.3), in their strictest reading
MAX_TEXT_LENGTH = 32_768
MAX_BLOCKS = 500
"""Nested blocks, list items and table rows included."""
MAX_DEPTH = 16
MAX_COLUMNS = 20

Block = dict[str, Any]

_ALIGNS = {"Center": "center", "Right": "right"}


@dataclass
class RichMessageSize:
    """The size of a message. Text counts as UTF-16 code units, never fewer than characters."""

    text: int = 0
    blocks: int = 0
    depth: int = 0
    columns: int = 0

    @property
    def is_within_limits(self) -> bool:
        """Whether one message can hold it."""
        return (
            self.text <= MAX_TEXT_LENGTH
            and self.blocks <= MAX_BLOCKS
            and self.depth <= MAX_DEPTH
            and self.columns <= MAX_COLUMNS
        )

    def combine(self, other: "RichMessageSize") -> "RichMessageSize":
        """Return the size of both together."""
        return RichMessageSize(
            self.text + other.text,
            self.blocks + other.blocks,
            max(self.depth, other.depth),
            max(self.columns, other.columns),
        )


def measure(blocks: Iterable[Block]) -> RichMessageSize:
    """Return the size of these blocks together."""
    size = RichMessageSize()
    for block in blocks:
        _add_block_size(block, size, 1)
    return size


def to_blocks(nodes: Sequence[Node]) -> Iterator[Block]:
    """Yield the blocks. Text between block elements becomes paragraphs."""
    for convert, group in groupby(nodes, key=lambda node: _CONVERTERS.get(node.kind)):
        if convert is None:
            yield from _to_paragraphs([*group])
            continue
        for node in group:
            yield from convert(node)


def needs_rich_blocks(nodes: Sequence[Node]) -> bool:
    """Return whether there is a table or a formula, which entities cannot show."""
    return any(
        node.kind in ("Table", "InlineMath", "DisplayMath") or _is_formula_code(node)
        for node in walk(nodes)
    )


def _to_paragraphs(nodes: Sequence[Node]) -> Iterator[Block]:
    """Yield paragraphs, split at display formulas, which are blocks."""
    for is_formula, group in groupby(nodes, key=lambda node: node.kind == "DisplayMath"):
        if is_formula:
            yield from (_build_formula(node.value) for node in group)
            continue
        if text := to_rich_text([*group]):
            yield {"type": "paragraph", "text": text}


def _build_formula(expression: str) -> Block:
    return {"type": "mathematical_expression", "expression": expression.strip()}


def _convert_heading(node: Node) -> Iterator[Block]:
    if text := to_rich_text(node.children):
        yield {"type": "heading", "text": text, "size": int(node.value["level"][1])}


def _convert_code_block(node: Node) -> Iterator[Block]:
    text = _get_code_text(node)
    if is_blank(text):
        return
    if _is_formula_code(node):
        yield _build_formula(text)
        return
    language = _get_code_language(node)
    yield {"type": "pre", "text": text} | ({"language": language} if language else {})


def _get_code_text(node: Node) -> str:
    return "".join(str(child.value) for child in node.children).removesuffix("\n")


def _get_code_language(node: Node) -> str:
    fenced = node.value.get("Fenced", "") if isinstance(node.value, dict) else ""
    return str(fenced).partition(",")[0].partition(" ")[0].strip()


def _is_formula_code(node: Node) -> bool:
    return node.kind == "CodeBlock" and _get_code_language(node).lower() == "math"


def _convert_block_quote(node: Node) -> Iterator[Block]:
    if blocks := [*to_blocks(node.children)]:
        yield {"type": "blockquote", "blocks": blocks}


def _convert_list(node: Node) -> Iterator[Block]:
    items = []
    for number, child in enumerate(node.children):
        if item := _convert_list_item(child):
            order = {} if node.value is None else {"value": node.value + number, "type": "1"}
            items.append(item | order)
    if items:
        yield {"type": "list", "items": items}


def _convert_list_item(node: Node) -> Block:
    """Return a list item; empty if it has no content."""
    blocks = [*to_blocks(node.children)]
    # in a loose list the paragraph contains the checkbox
    marks = [mark for mark in islice(walk(node.children), 2) if mark.kind == "TaskListMarker"]
    if not blocks or not marks:
        return {"blocks": blocks} if blocks else {}
    checked = {"is_checked": True} if marks[0].value else {}
    return {"blocks": blocks, "has_checkbox": True} | checked


def _convert_table(node: Node) -> Iterator[Block]:
    aligns = [_ALIGNS.get(align, "left") for align in node.value]
    rows = [[*_convert_cells(row, aligns)] for row in node.children]
    cells = [row for row in rows if any("text" in cell for cell in row)]
    if cells:
        yield {"type": "table", "cells": cells, "is_bordered": True}


def _convert_cells(row: Node, aligns: Sequence[str]) -> Iterator[Block]:
    for align, child in zip(aligns, row.children, strict=False):
        cell: Block = {"align": align, "valign": "middle"}
        if text := to_rich_text(child.children):
            cell["text"] = text
        if row.kind == "TableHead":
            cell["is_header"] = True
        yield cell


_CONVERTERS: dict[str, Callable[[Node], Iterator[Block]]] = {
    "Paragraph": lambda node: _to_paragraphs(node.children),
    "Heading": _convert_heading,
    "CodeBlock": _convert_code_block,
    "BlockQuote": _convert_block_quote,
    "List": _convert_list,
    "Table": _convert_table,
    "Rule": lambda _: iter([{"type": "divider"}]),
    "HtmlBlock": lambda node: _to_paragraphs(node.children),
}


def _add_block_size(block: Block, size: RichMessageSize, depth: int) -> None:
    """Add a block or a list item."""
    size.blocks += 1
    size.depth = max(size.depth, depth)
    _add_text_size(block.get("text", ""), size, depth)
    _add_text_size(block.get("expression", ""), size, depth)
    for inner in (*block.get("blocks", ()), *block.get("items", ())):
        _add_block_size(inner, size, depth + 1)
    for row in block.get("cells", ()):
        size.blocks += 1
        size.columns = max(size.columns, len(row))
        for cell in row:
            _add_text_size(cell.get("text", ""), size, depth + 1)


def _add_text_size(text: RichText, size: RichMessageSize, depth: int) -> None:
    if isinstance(text, str):
        size.text += utf16_len(text)
    elif isinstance(text, list):
        for part in text:
            _add_text_size(part, size, depth)
    else:
        size.depth = max(size.depth, depth + 1)
        _add_text_size(text.get("text", text.get("expression", "")), size, depth + 1)
