"""The five limits of a rich message, with the codes of Telegram's refusals.

Counted as documented, nested blocks, items and rows included; in June 2026 the real servers still
counted only top-level blocks.
"""

from typing import Any

from sandbox.telegram.errors import bad_request

MAX_TEXT = 32_768
MAX_BLOCKS = 500
MAX_DEPTH = 16
MAX_MEDIA = 50
MAX_COLUMNS = 20

_MEDIA = ("animation", "audio", "document", "photo", "video", "voice_note")


class Measure:
    """Walks over checked blocks and counts."""

    def __init__(self) -> None:
        self.text = 0
        self.blocks = 0
        self.depth = 0
        self.media = 0
        self.columns = 0

    def check(self, blocks: list[dict[str, Any]]) -> None:
        """Raises BotApiError for the first limit that is exceeded."""
        self._blocks(blocks, 0)
        for is_over, code in (
            (self.text > MAX_TEXT, "RICH_MESSAGE_TEXT_TOO_LONG"),
            (self.blocks > MAX_BLOCKS, "RICH_MESSAGE_BLOCKS_TOO_MANY"),
            (self.depth > MAX_DEPTH, "RICH_MESSAGE_DEPTH_INVALID"),
            (self.media > MAX_MEDIA, "RICH_MESSAGE_MEDIA_TOO_MANY"),
            (self.columns > MAX_COLUMNS, "RICH_MESSAGE_TABLE_COLS_TOO_MANY"),
        ):
            if is_over:
                raise bad_request(code)

    def _blocks(self, blocks: list[dict[str, Any]], depth: int) -> None:
        self.depth = max(self.depth, depth)
        self.blocks += len(blocks)
        for block in blocks:
            self._block(block, depth)

    def _block(self, block: dict[str, Any], depth: int) -> None:
        self.media += block["type"] in _MEDIA
        self.text += len(block.get("expression", ""))
        for name in ("text", "summary", "credit", "caption"):
            self._text(block.get(name, ""), depth)
        self._blocks(block.get("blocks", []), depth + 1 if "blocks" in block else depth)
        for item in block.get("items", []):
            self.blocks += 1
            self._blocks(item["blocks"], depth + 1)
        for row in block.get("cells", []):
            self.blocks += 1
            self.columns = max(self.columns, sum(cell.get("colspan", 1) for cell in row))
            for cell in row:
                self._text(cell.get("text", ""), depth)
        for button in block.get("buttons", []):
            self._text(button["text"], depth)

    def _text(self, text: Any, depth: int) -> None:
        self.depth = max(self.depth, depth)
        if isinstance(text, str):
            self.text += len(text)
        elif isinstance(text, list):
            for one in text:
                self._text(one, depth)
        else:
            self.text += len(text.get("expression", "")) + len(text.get("alternative_text", ""))
            self._text(text.get("button", {}).get("text", ""), depth)
            self._text(text.get("credit", ""), depth)
            is_formatted = "type" in text and "text" in text
            self._text(text.get("text", ""), depth + 1 if is_formatted else depth)
