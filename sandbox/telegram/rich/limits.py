"""The five limits of a rich message, with Telegram's error codes.

Nested blocks, items and rows count, as documented; in June 2026 the real servers still counted
only top-level blocks.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.rich.schema import MEDIA_TYPES

MAX_TEXT_LENGTH = 32_768
_LIMITS = {
    "text_length": (MAX_TEXT_LENGTH, "RICH_MESSAGE_TEXT_TOO_LONG"),
    "block_count": (500, "RICH_MESSAGE_BLOCKS_TOO_MANY"),
    "max_depth": (16, "RICH_MESSAGE_DEPTH_INVALID"),
    "media_count": (50, "RICH_MESSAGE_MEDIA_TOO_MANY"),
    "max_columns": (20, "RICH_MESSAGE_TABLE_COLS_TOO_MANY"),
}


@dataclass
class RichMessageSize:
    """Counters over valid blocks."""

    text_length: int = 0
    block_count: int = 0
    max_depth: int = 0
    media_count: int = 0
    max_columns: int = 0

    def check(self, blocks: list[dict[str, Any]]) -> None:
        """Raise BotApiError for the first limit that is exceeded."""
        self._count_blocks(blocks, 0)
        for name, (limit, code) in _LIMITS.items():
            if getattr(self, name) > limit:
                raise bad_request(code)

    def _count_blocks(self, blocks: list[dict[str, Any]], depth: int) -> None:
        self.max_depth = max(self.max_depth, depth)
        self.block_count += len(blocks)
        for block in blocks:
            self._count_block(block, depth)

    def _count_block(self, block: dict[str, Any], depth: int) -> None:
        self.media_count += block["type"] in MEDIA_TYPES
        self.text_length += len(block.get("expression", ""))
        for name in ("text", "summary", "credit", "caption"):
            self._count_text(block.get(name, ""), depth)
        self._count_blocks(block.get("blocks", []), depth + 1 if "blocks" in block else depth)
        for item in block.get("items", []):
            self.block_count += 1
            self._count_blocks(item["blocks"], depth + 1)
        for row in block.get("cells", []):
            self.block_count += 1
            self.max_columns = max(self.max_columns, sum(cell.get("colspan", 1) for cell in row))
            for cell in row:
                self._count_text(cell.get("text", ""), depth)
        for button in block.get("buttons", []):
            self._count_text(button["text"], depth)

    def _count_text(self, text: Any, depth: int) -> None:
        self.max_depth = max(self.max_depth, depth)
        if isinstance(text, str):
            self.text_length += len(text)
        elif isinstance(text, list):
            for piece in text:
                self._count_text(piece, depth)
        else:
            self.text_length += len(text.get("expression", ""))
            self.text_length += len(text.get("alternative_text", ""))
            self._count_text(text.get("button", {}).get("text", ""), depth)
            self._count_text(text.get("credit", ""), depth)
            is_formatted = "type" in text and "text" in text
            self._count_text(text.get("text", ""), depth + 1 if is_formatted else depth)
