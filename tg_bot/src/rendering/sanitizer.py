"""Repairs a model's Markdown, so that both forms of a message show what was meant.

Raw HTML, which Telegram would drop, is shown literally. An image becomes a link, because Telegram
would fetch a URL that the model chose. Prices are no formulas, `~5` strikes nothing out, and an
empty table cell (`||`) starts no spoiler.
"""

import re

from .formulas import find_currency_edits, normalize_math_delimiters
from .source import Edit, Event, apply_edits, get_start_tag, parse_events

_MAX_PASSES = 10
"""Escaping HTML in one pass may reveal more HTML to the next."""

_EMPTY_IMAGE = b"![]"
_BLANK = re.compile(rb"[ \t]*")
_EMPTY_CELL = re.compile(rb"(?<=\|)(?=\|)")


def sanitize_markdown(markdown: str) -> str:
    """Return the repaired source. Raises ValueError if HTML is nested too deeply."""
    markdown = normalize_math_delimiters(markdown)
    for _ in range(_MAX_PASSES):
        source = markdown.encode()
        edits = [edit for event in parse_events(markdown) for edit in _find_edits(event, source)]
        if not edits:
            return markdown
        markdown = apply_edits(markdown, edits)
    raise ValueError("too deeply nested HTML")


def _find_edits(event: Event, source: bytes) -> list[Edit]:
    payload, start, end = event
    if not isinstance(payload, dict):
        return []
    if "Html" in payload or "InlineHtml" in payload:  # a line of an HTML block may be indented
        at = start + len(_BLANK.match(source, start)[0])  # type: ignore[index] # matches anywhere
        return [(at, at, b"\\")] if source.startswith(b"<", at) else []
    match get_start_tag(payload)[0]:
        case "Image":
            return [_image_to_link_edit(source, start)]
        case "Strikethrough" if source[start + 1 : start + 2] != b"~":
            return [(at, at, b"\\") for at in (start, end - 1)]
        case "Table":
            cells = _EMPTY_CELL.finditer(source, start, end)
            return [(cell.start(), cell.start(), b" ") for cell in cells]
    return find_currency_edits(event, source)


def _image_to_link_edit(source: bytes, start: int) -> Edit:
    if source.startswith(_EMPTY_IMAGE, start):  # a link needs text
        return start, start + len(_EMPTY_IMAGE), "[🖼]".encode()
    return start, start + 1, b""
