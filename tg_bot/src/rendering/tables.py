"""Replaces Markdown tables for text messages, which cannot show tables.

A table that fits on a phone becomes a monospaced code block. A wider one becomes a list with an
item per row that names the columns.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from .markdown_source import Edit, Node, apply_edits, parse_tree, walk

PHONE_LINE_LENGTH = 34
"""Monospaced characters that fit on one line of a message on a phone."""

_PLAIN_KINDS = ("Text", "Code", "Strong", "Emphasis", "Strikethrough")


@dataclass(frozen=True)
class _Cell:
    """A cell's Markdown and plain text. `is_plain`: the text loses nothing but style."""

    source: str
    text: str
    is_plain: bool


_Rows = list[list[_Cell]]
"""All rows have the same number of cells."""


def replace_tables(markdown: str) -> str:
    """Return the Markdown with tables replaced by code blocks or lists."""
    if "|" not in markdown:
        return markdown
    source = markdown.encode()
    tables = (node for node in walk(parse_tree(markdown)) if node.kind == "Table")
    return apply_edits(markdown, (_build_edit(table, source) for table in tables))


def _parse_cell(node: Node, source: bytes) -> _Cell:
    nodes = [*walk(node.children)]
    return _Cell(
        source[node.start : node.end].decode().strip(),
        "".join(inner.value for inner in nodes if inner.kind in ("Text", "Code")),
        all(inner.kind in _PLAIN_KINDS for inner in nodes),  # not a link's address or a formula
    )


def _build_edit(table: Node, source: bytes) -> Edit:
    rows = [[_parse_cell(cell, source) for cell in row.children] for row in table.children]
    widths = [max(_display_width(cell.text) for cell in cells) for cells in zip(*rows, strict=True)]
    is_plain = all(cell.is_plain for row in rows for cell in row)
    is_narrow = sum(widths) + 3 * (len(widths) - 1) <= PHONE_LINE_LENGTH
    lines = _render_monospaced(rows, widths) if is_plain and is_narrow else _render_list(rows)
    indent = _line_prefix(source, table.start)
    text = f"\n{indent}".join([*lines, ""])
    return table.start, table.end, f"{text}\n{indent}".encode()


def _line_prefix(source: bytes, start: int) -> str:
    """Return the prefix that keeps a line inside the table's list item or quotation."""
    before = source[source.rfind(b"\n", 0, start) + 1 : start].decode()
    return "".join(char if char in "> \t" else " " for char in before)


def _render_monospaced(rows: _Rows, widths: list[int]) -> Iterator[str]:
    fence = "`" * (3 + max(cell.text.count("`") for row in rows for cell in row))
    yield fence
    for number, row in enumerate(rows):
        padded = (
            cell.text + " " * (width - _display_width(cell.text))
            for cell, width in zip(row, widths, strict=True)
        )
        yield " | ".join(padded).rstrip()
        if number == 0 and len(rows) > 1:
            yield "-+-".join("-" * width for width in widths)
    yield fence


def _render_list(rows: _Rows) -> Iterator[str]:
    names, *others = rows
    if not others:
        yield " · ".join(cell.source for cell in names if cell.source)
    for row in others:
        mark = "- "
        for name, cell in zip(names, row, strict=True):
            if cell.source:
                yield mark + ": ".join(filter(None, (_unescape(name), _unescape(cell))))
                mark = "  - "


def _unescape(cell: _Cell) -> str:
    return cell.source.replace("\\|", "|")


def _display_width(text: str) -> int:
    """Return the width in monospaced columns: East Asian characters and emoji take two."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
