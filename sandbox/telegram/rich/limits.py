"""The five limits of a rich message, with Telegram's error codes.

Nested blocks, items and rows count, as documented; in June 2026 the real servers still counted
only top-level blocks.
"""

from typing import Any

from sandbox.telegram.errors import bad_request

MAX_TEXT_LENGTH = 32_768
MAX_BLOCKS = 500
MAX_DEPTH = 16
MAX_MEDIA = 50
MAX_COLUMNS = 20

_MEDIA_TYPES = ("animation", "audio", "document", "photo", "video", "voice_note")


class RichMessageLimits:
    """Counters over valid blocks."""

    def __init__(self) -> None:
        self.text_length = 0
        self.block_count = 0
        self.max_depth = 0
        self.media_count = 0
        self.max_columns = 0

    def check(self, blocks: list[dict[str, Any]]) -> None:
        """Raise BotApiError for the first limit that is exceeded."""
        self._count_blocks(blocks, 0)
        for is_over, code in (
            (self.text_length > MAX_TEXT_LENGTH, "RICH_MESSAGE_TEXT_TOO_LONG"),
            (self.block_count > MAX_BLOCKS, "RICH_MESSAGE_BLOCKS_TOO_MANY"),
            (self.max_depth > MAX_DEPTH, "RICH_MESSAGE_DEPTH_INVALID"),
            (self.media_count > MAX_MEDIA, "RICH_MESSAGE_MEDIA_TOO_MANY"),
            (self.max_columns > MAX_COLUMNS, "RICH_MESSAGE_TABLE_COLS_TOO_MANY"),
        ):
            if is_over:
                raise bad_request(code)

    def _count_blocks(self, blocks: list[dict[str, Any]], depth: int) -> None:
        self.max_depth = max(self.max_depth, depth)
        self.block_count += len(blocks)
        for block in blocks:
            self._count_block(block, depth)

    def _count_block(self, block: dict[str, Any], depth: int) -> None:
        self.media_count += block["type"] in _MEDIA_TYPES
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
            for one in text:
                self._count_text(one, depth)
        else:
            self.text_length += len(text.get("expression", "")) + len(
                text.get("alternative_text", "")
            )
            self._count_text(text.get("button", {}).get("text", ""), depth)
            self._count_text(text.get("credit", ""), depth)
            is_formatted = "type" in text and "text" in text
            self._count_text(text.get("text", ""), depth + 1 if is_formatted else depth)
