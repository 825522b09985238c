"""Markdown as a tree."""

from dataclasses import dataclass, field
from typing import Any

from .parsing import Event, is_end, read_events, started

MAX_DEPTH = 60
"""Deeper than any message may be; nobody means that."""


class TooDeep(ValueError):
    """Elements in elements in elements."""


@dataclass
class Node:
    """An element. `value` is its data, or its text where it has no children."""

    kind: str
    value: Any
    start: int
    end: int
    children: list["Node"] = field(default_factory=list)


def read_tree(markdown: str) -> list[Node]:
    """The elements on the highest level. Raises TooDeep."""
    root = Node("", None, 0, 0)
    path = [root]
    for event in read_events(markdown):
        if is_end(event[0]):
            path.pop()
            continue
        node = _node(event)
        path[-1].children.append(node)
        if started(event[0])[0]:
            path.append(node)
        if len(path) > MAX_DEPTH:
            raise TooDeep
    return root.children


def _node(event: Event) -> Node:
    payload, start, end = event
    kind, value = started(payload)
    if not kind:
        kind, value = next(iter(payload.items())) if isinstance(payload, dict) else (payload, None)
    return Node(kind, value, start, end)
