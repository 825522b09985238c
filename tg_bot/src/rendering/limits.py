"""The limits of a rich message (Bot API 10.3), in their strictest reading."""

from collections.abc import Iterable
from dataclasses import dataclass

from telegramify_markdown.entity import utf16_len

from .blocks import Block
from .inlines import RichText

MAX_TEXT_LENGTH = 32_768
MAX_BLOCKS = 500
"""Nested blocks, list items and table rows included."""
MAX_DEPTH = 16
MAX_COLUMNS = 20


@dataclass
class RichMessageSize:
    """The size of a message. Text counts as UTF-16 code units, never fewer than characters."""

    text: int = 0
    blocks: int = 0
    depth: int = 0
    columns: int = 0

    @property
    def is_within_limits(self) -> bool:
        """Whether one message can hold it."""
        return (
            self.text <= MAX_TEXT_LENGTH
            and self.blocks <= MAX_BLOCKS
            and self.depth <= MAX_DEPTH
            and self.columns <= MAX_COLUMNS
        )

    def combine(self, other: "RichMessageSize") -> "RichMessageSize":
        """Return the size of both together."""
        return RichMessageSize(
            self.text + other.text,
            self.blocks + other.blocks,
            max(self.depth, other.depth),
            max(self.columns, other.columns),
        )


def measure(blocks: Iterable[Block]) -> RichMessageSize:
    """Return the size of these blocks together."""
    size = RichMessageSize()
    for block in blocks:
        _add_block(block, size, 1)
    return size


def _add_block(block: Block, size: RichMessageSize, depth: int) -> None:
    """Add a block or a list item."""
    size.blocks += 1
    size.depth = max(size.depth, depth)
    _add_text(block.get("text", ""), size, depth)
    _add_text(block.get("expression", ""), size, depth)
    for inner in (*block.get("blocks", ()), *block.get("items", ())):
        _add_block(inner, size, depth + 1)
    for row in block.get("cells", ()):
        size.blocks += 1
        size.columns = max(size.columns, len(row))
        for cell in row:
            _add_text(cell.get("text", ""), size, depth + 1)


def _add_text(text: RichText, size: RichMessageSize, depth: int) -> None:
    if isinstance(text, str):
        size.text += utf16_len(text)
    elif isinstance(text, list):
        for one in text:
            _add_text(one, size, depth)
    else:
        size.depth = max(size.depth, depth + 1)
        _add_text(text.get("text", text.get("expression", "")), size, depth + 1)
