"""Changes to a source, all of them at once."""

from collections.abc import Iterable

Edit = tuple[int, int, bytes]
"""From, to (byte offsets), and what comes there instead."""


def apply_edits(markdown: str, edits: Iterable[Edit]) -> str:
    """With each change made; of changes that overlap, the first one."""
    source = markdown.encode()
    parts, cursor = [], 0
    for start, end, replacement in sorted(set(edits)):
        if start >= cursor:
            parts += [source[cursor:start], replacement]
            cursor = end
    return b"".join([*parts, source[cursor:]]).decode()
