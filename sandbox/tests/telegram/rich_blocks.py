"""Helpers that parse rich messages into blocks and build expected blocks."""

from typing import Any

from sandbox.telegram.rich.message_parser import parse_rich_message

Blocks = list[dict[str, Any]]


def parse_blocks(is_draft: bool = False, **fields: Any) -> Blocks:
    """Return the blocks of a rich message; a violation fails the test."""

    def fail(kind: str, detail: str) -> None:
        raise AssertionError(f"{kind}: {detail}")

    blocks: Blocks = parse_rich_message(fields, fail, is_draft=is_draft)["blocks"]
    return blocks


def build_paragraph(text: Any) -> dict[str, Any]:
    return {"type": "paragraph", "text": text}
