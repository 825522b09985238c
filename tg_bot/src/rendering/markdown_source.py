"""Parses and edits Markdown source. All positions are byte offsets, as the parser reports them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyromark
from telegramify_markdown.converter import STANDARD_OPTIONS

Event = tuple[Any, int, int]
"""What the parser found, and where it starts and ends."""

Edit = tuple[int, int, bytes]
"""Start, end, and the replacement."""


@dataclass
class Node:
    """An element. `value` is its data, or its text if it has no children."""

    kind: str
    value: Any
    start: int
    end: int
    depth: int
    children: list["Node"] = field(default_factory=list)


def parse_events(markdown: str) -> list[Event]:
    """Return the parser's events in document order."""
    found = pyromark.events_with_range(markdown, options=STANDARD_OPTIONS)
    return [(event, place["start"], place["end"]) for event, place in found]


def parse_tree(markdown: str) -> list[Node]:
    """Return the top-level elements."""
    root = Node("", None, 0, 0, 0)
    path = [root]
    for event, start, end in parse_events(markdown):
        if isinstance(event, dict) and "End" in event:
            path.pop()
            continue
        tag, value = get_start_tag(event)
        kind = tag
        if not tag:
            kind, value = next(iter(event.items())) if isinstance(event, dict) else (event, None)
        node = Node(kind, value, start, end, len(path))
        path[-1].children.append(node)
        if tag:
            path.append(node)
    return root.children


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield these elements and all below them, in document order."""
    stack = [*reversed(nodes)]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(node.children)


def get_start_tag(event: Any) -> tuple[str, Any]:
    """Return the name and the data of the element that starts here; an empty name if none does."""
    tag = event.get("Start") if isinstance(event, dict) else None
    if isinstance(tag, dict):
        return next(iter(tag.items()))
    return tag or "", None


def apply_edits(markdown: str, edits: Iterable[Edit]) -> str:
    """Return the source with all edits made. Of overlapping edits the first one is made."""
    source = markdown.encode()
    parts, cursor = [], 0
    for start, end, replacement in sorted(set(edits)):
        if start >= cursor:
            parts += [source[cursor:start], replacement]
            cursor = end
    return b"".join([*parts, source[cursor:]]).decode()
