"""Parses Markdown into a tree."""

from dataclasses import dataclass, field
from typing import Any

from .source import Event, get_start_tag, is_end, parse_events

MAX_DEPTH = 60
"""Far deeper than Telegram allows."""


class NestingTooDeep(ValueError):
    """The Markdown is nested deeper than MAX_DEPTH."""


@dataclass
class Node:
    """An element. `value` is its data, or its text if it has no children."""

    kind: str
    value: Any
    start: int
    end: int
    children: list["Node"] = field(default_factory=list)


def parse_tree(markdown: str) -> list[Node]:
    """Return the top-level elements. Raises NestingTooDeep."""
    root = Node("", None, 0, 0)
    path = [root]
    for event in parse_events(markdown):
        if is_end(event[0]):
            path.pop()
            continue
        node = _to_node(event)
        path[-1].children.append(node)
        if get_start_tag(event[0])[0]:
            path.append(node)
        if len(path) > MAX_DEPTH:
            raise NestingTooDeep
    return root.children


def _to_node(event: Event) -> Node:
    payload, start, end = event
    kind, value = get_start_tag(payload)
    if not kind:
        kind, value = next(iter(payload.items())) if isinstance(payload, dict) else (payload, None)
    return Node(kind, value, start, end)
