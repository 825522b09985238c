"""Reads and edits Markdown source. All positions are byte offsets, as the parser reports them."""

from collections.abc import Iterable
from typing import Any

import pyromark
from telegramify_markdown.converter import STANDARD_OPTIONS

Event = tuple[Any, int, int]
"""What the parser found, and where it starts and ends."""

Edit = tuple[int, int, bytes]
"""Start, end, and the replacement."""


def parse_events(markdown: str) -> list[Event]:
    """Return the parser's events in document order."""
    found = pyromark.events_with_range(markdown, options=STANDARD_OPTIONS)
    return [(event, place["start"], place["end"]) for event, place in found]


def get_start_tag(event: Any) -> tuple[str, Any]:
    """Return the name and the data of the element that starts here; an empty name if none does."""
    tag = event.get("Start") if isinstance(event, dict) else None
    if isinstance(tag, dict):
        return next(iter(tag.items()))
    return tag or "", None


def is_end(event: Any) -> bool:
    """Return whether an element ends here."""
    return isinstance(event, dict) and "End" in event


def apply_edits(markdown: str, edits: Iterable[Edit]) -> str:
    """Return the source with all edits made. Of overlapping edits the first one is made."""
    source = markdown.encode()
    parts, cursor = [], 0
    for start, end, replacement in sorted(set(edits)):
        if start >= cursor:
            parts += [source[cursor:start], replacement]
            cursor = end
    return b"".join([*parts, source[cursor:]]).decode()
