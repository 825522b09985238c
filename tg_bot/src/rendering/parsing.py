"""Markdown as the parser's events, with places in the source."""

from typing import Any

import pyromark
from telegramify_markdown.converter import STANDARD_OPTIONS

Event = tuple[Any, int, int]
"""What it is, and the byte offsets of where it begins and ends."""


def parse_events(markdown: str) -> list[Event]:
    """In document order."""
    found = pyromark.events_with_range(markdown, options=STANDARD_OPTIONS)
    return [(event, place["start"], place["end"]) for event, place in found]


def get_start_tag(event: Any) -> tuple[str, Any]:
    """The name and the data of the element that begins; an empty name: none does."""
    tag = event.get("Start") if isinstance(event, dict) else None
    if isinstance(tag, dict):
        return next(iter(tag.items()))
    return tag or "", None


def is_end(event: Any) -> bool:
    """Whether an element ends."""
    return isinstance(event, dict) and "End" in event
