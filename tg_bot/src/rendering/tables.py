"""Replaces Markdown tables for text messages, which cannot show tables.

A table that fits on a phone becomes a monospaced code block. A wider one becomes a list with an
item per row that names the columns.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from .source import Edit, Event, apply_edits, get_start_tag, is_end, parse_events

PHONE_LINE_LENGTH = 34
"""Monospaced characters that fit on one line of a message on a phone."""

_STYLE_TAGS = ("Strong", "Emphasis", "Strikethrough")


@dataclass
class Cell:
    """A cell's Markdown and plain text. `is_plain`: the text loses nothing but style."""

    source: str
    text: str = ""
    is_plain: bool = True


@dataclass
class Table:
    """A table and its place in the source. All rows have the same number of cells."""

    start: int
    end: int
    rows: list[list[Cell]] = field(default_factory=list)


def replace_tables(markdown: str) -> str:
    """Return the Markdown with tables replaced by code blocks or lists."""
    if "|" not in markdown:
        return markdown
    source = markdown.encode()
    return apply_edits(
        markdown, (_build_edit(table, source) for table in find_tables(markdown, source))
    )


def find_tables(markdown: str, source: bytes) -> Iterator[Table]:
    """Yield the tables of a document. Markdown tables cannot be nested."""
    table: Table | None = None
    for event in parse_events(markdown):
        payload, start, end = event
        match get_start_tag(payload)[0]:
            case "Table":
                table = Table(start, end)
            case "TableHead" | "TableRow" if table is not None:
                table.rows.append([])
            case "TableCell" if table is not None:
                table.rows[-1].append(Cell(source[start:end].decode().strip()))
            case _ if table is not None and table.rows and table.rows[-1]:
                _add_to_cell(event, table.rows[-1][-1])
        if table is not None and payload == {"End": "Table"}:
            yield table
            table = None


def _add_to_cell(event: Event, cell: Cell) -> None:
    payload = event[0]
    if is_end(payload) or not isinstance(payload, dict):
        return
    if "Text" in payload or "Code" in payload:
        cell.text += payload.get("Text") or payload.get("Code") or ""
    elif get_start_tag(payload)[0] not in _STYLE_TAGS:  # a link's address, a formula
        cell.is_plain = False


def _build_edit(table: Table, source: bytes) -> Edit:
    widths = [max(map(_display_width, column)) for column in zip(*_cell_texts(table), strict=True)]
    is_plain = all(cell.is_plain for row in table.rows for cell in row)
    is_narrow = sum(widths) + 3 * (len(widths) - 1) <= PHONE_LINE_LENGTH
    lines = _render_monospaced(table, widths) if is_plain and is_narrow else _render_list(table)
    indent = _line_prefix(source, table.start)
    text = f"\n{indent}".join([*lines, ""])
    return table.start, table.end, f"{text}\n{indent}".encode()


def _line_prefix(source: bytes, start: int) -> str:
    """Return the prefix that keeps a line inside the table's list item or quotation."""
    before = source[source.rfind(b"\n", 0, start) + 1 : start].decode()
    return "".join(one if one in "> \t" else " " for one in before)


def _cell_texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def _render_monospaced(table: Table, widths: list[int]) -> Iterator[str]:
    rows = _cell_texts(table)
    fence = "`" * (3 + max(text.count("`") for row in rows for text in row))
    yield fence
    for number, row in enumerate(rows):
        padded = (
            text + " " * (width - _display_width(text))
            for text, width in zip(row, widths, strict=True)
        )
        yield " | ".join(padded).rstrip()
        if number == 0 and len(rows) > 1:
            yield "-+-".join("-" * width for width in widths)
    yield fence


def _render_list(table: Table) -> Iterator[str]:
    names, *rows = table.rows
    if not rows:
        yield " · ".join(cell.source for cell in names if cell.source)
    for row in rows:
        mark = "- "
        for name, cell in zip(names, row, strict=True):
            if cell.source:
                yield mark + ": ".join(filter(None, (_unescape(name), _unescape(cell))))
                mark = "  - "


def _unescape(cell: Cell) -> str:
    return cell.source.replace("\\|", "|")


def _display_width(text: str) -> int:
    """Return the width in monospaced columns: East Asian characters and emoji take two."""
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return len(text) + wide - sum(unicodedata.combining(one) > 0 for one in text)
