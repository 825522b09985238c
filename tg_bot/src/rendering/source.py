"""A model's Markdown, repaired so that both forms of a message say what was meant.

Raw HTML, which Telegram would not show, is shown as it was written; an image becomes a link,
because a picture that a model names would be fetched; prices are no formulas, `~5` strikes nothing
out, and an empty cell of a table hides nothing behind a spoiler.
"""

import re

from .edits import Edit, edited
from .formulas import money_edits, with_dollars
from .parsing import Event, read_events, started

_PASSES = 10
"""A pass shows the HTML it sees, which may uncover more."""

_EMPTY_IMAGE = b"![]"
_BLANK = re.compile(rb"[ \t]*")
_EMPTY_CELL = re.compile(rb"(?<=\|)(?=\|)")


def prepare(markdown: str) -> str:
    """The repaired source. Raises ValueError where HTML hides HTML hides HTML, and so on."""
    markdown = with_dollars(markdown)
    for _ in range(_PASSES):
        source = markdown.encode()
        edits = [edit for event in read_events(markdown) for edit in _edits(event, source)]
        if not edits:
            return markdown
        markdown = edited(markdown, edits)
    raise ValueError("too deeply nested HTML")


def _edits(event: Event, source: bytes) -> list[Edit]:
    payload, start, end = event
    if not isinstance(payload, dict):
        return []
    if "Html" in payload or "InlineHtml" in payload:  # a line of a block may be indented
        at = start + len(_BLANK.match(source, start)[0])  # type: ignore[index] # matches anywhere
        return [(at, at, b"\\")] if source.startswith(b"<", at) else []
    match started(payload)[0]:
        case "Image":
            return [_link_edit(source, start)]
        case "Strikethrough" if source[start + 1 : start + 2] != b"~":
            return [(at, at, b"\\") for at in (start, end - 1)]
        case "Table":
            cells = _EMPTY_CELL.finditer(source, start, end)
            return [(cell.start(), cell.start(), b" ") for cell in cells]
    return money_edits(event, source)


def _link_edit(source: bytes, start: int) -> Edit:
    if source.startswith(_EMPTY_IMAGE, start):  # a link needs a text to be pressed
        return start, start + len(_EMPTY_IMAGE), "[🖼]".encode()
    return start, start + 1, b""
