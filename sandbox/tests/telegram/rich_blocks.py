"""Reads rich messages into blocks, and builds blocks that are expected."""

from typing import Any

from sandbox.telegram.rich.message_parser import RichMessageParser

Blocks = list[dict[str, Any]]


def parse_blocks(is_draft: bool = False, **given: Any) -> Blocks:
    def unexpected(detail: str) -> None:
        raise AssertionError(detail)

    blocks: Blocks = RichMessageParser(unexpected, unexpected, unexpected, is_draft=is_draft).parse(
        given
    )["blocks"]
    return blocks


def build_paragraph(text: Any) -> dict[str, Any]:
    return {"type": "paragraph", "text": text}
