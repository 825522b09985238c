"""A model's Markdown as text with entities, by telegramify-markdown and a few repairs.

Repaired before: raw HTML, which the library drops, is shown as it was written; an image becomes a
link, because a picture that a model names would be fetched. Repaired after: a code block that the
library glues to the line before gets its own line; a link that Telegram refuses is written out.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pyromark
import structlog
from telegramify_markdown import convert
from telegramify_markdown.config import RenderConfig
from telegramify_markdown.converter import STANDARD_OPTIONS

from .formatted import Formatted

_PASSES = 10
"""A pass shows the HTML it sees, which may uncover more."""

_SCHEMES = ("tg", "mailto", "tel")
_WEB = ("http", "https")
_EMPTY_IMAGE = b"![]"
_BLANK = re.compile(rb"[ \t]*")

_Edit = tuple[int, int, bytes]
"""From, to (byte offsets), and what comes there instead."""

log = structlog.stdlib.get_logger()


def render(markdown: str) -> Formatted:
    """The text to send. What cannot be rendered comes as it was written: nothing is lost."""
    try:
        text, entities = convert(_prepared(markdown), config=_configuration())
    except Exception:  # whatever the library trips over, the person gets the answer
        log.exception("markdown could not be rendered")
        return Formatted(markdown.strip())
    formatted = _written_links(_parted_code(Formatted(text, tuple(entities))))
    return Formatted(markdown.strip()) if formatted.is_blank else formatted


def _configuration() -> RenderConfig:
    """Plain signs; the library's default decorates headings and ticks open tasks."""
    configuration = RenderConfig.isolated()
    symbols = configuration.markdown_symbol
    for level in range(1, 7):
        setattr(symbols, f"heading_level_{level}", "")
    symbols.unordered_list_item = "•"
    symbols.task_completed = "✅"
    symbols.task_uncompleted = "⬜"
    return configuration


def _prepared(markdown: str) -> str:
    """Raises ValueError where HTML hides HTML hides HTML, and so on."""
    for _ in range(_PASSES):
        source = markdown.encode()
        edits = [
            edit
            for event, place in pyromark.events_with_range(markdown, options=STANDARD_OPTIONS)
            if isinstance(event, dict)
            for edit in _edits(event, source, place["start"])
        ]
        if not edits:
            return markdown
        markdown = _edited(source, edits)
    raise ValueError("too deeply nested HTML")


def _edits(event: Mapping[str, Any], source: bytes, start: int) -> list[_Edit]:
    if "Html" in event or "InlineHtml" in event:  # a line of a block may be indented
        at = start + len(_BLANK.match(source, start)[0])  # type: ignore[index] # matches anywhere
        return [(at, at, b"\\")] if source.startswith(b"<", at) else []
    tag = event.get("Start")
    if not isinstance(tag, dict) or "Image" not in tag:
        return []
    if source.startswith(_EMPTY_IMAGE, start):  # a link needs a text to be pressed
        return [(start, start + len(_EMPTY_IMAGE), "[🖼]".encode())]
    return [(start, start + 1, b"")]


def _edited(source: bytes, edits: list[_Edit]) -> str:
    parts, cursor = [], 0
    for start, end, replacement in sorted(set(edits)):
        parts += [source[cursor:start], replacement]
        cursor = end
    return b"".join([*parts, source[cursor:]]).decode()


def _parted_code(formatted: Formatted) -> Formatted:
    """Each code block at the beginning of a line."""
    for index in range(len(formatted.entities)):
        entity = formatted.entities[index]
        position = _position(formatted.text, entity.offset)
        if entity.type == "pre" and position and formatted.text[position - 1] != "\n":
            formatted = formatted.insert(position, "\n")
    return formatted


def _written_links(formatted: Formatted) -> Formatted:
    """Links only where Telegram takes them; the others' addresses in brackets."""
    refused = [e for e in formatted.entities if e.type == "text_link" and not _is_linkable(e.url)]
    for link in sorted(refused, key=lambda one: one.offset, reverse=True):
        start = _position(formatted.text, link.offset)
        end = _position(formatted.text, link.offset + link.length)
        others = tuple(entity for entity in formatted.entities if entity is not link)
        formatted = Formatted(formatted.text, others)
        if str(link.url) not in formatted.text[start:end]:
            formatted = formatted.insert(end, f" ({link.url})")
    return formatted


def _is_linkable(url: str | None) -> bool:
    try:
        parts = urlsplit(url or "")
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme.lower() in _SCHEMES:
        return True
    return parts.scheme.lower() in _WEB and bool(re.search(r"\w\.\w", host))


def _position(text: str, offset: int) -> int:
    """The position in the string of an offset in UTF-16 code units."""
    return len(text.encode("utf-16-le")[: offset * 2].decode("utf-16-le"))
