"""Reads rich messages into blocks, and builds blocks that are expected."""

from typing import Any

from sandbox.telegram.rich.message import RichReader

Blocks = list[dict[str, Any]]


def read_blocks(is_draft: bool = False, **given: Any) -> Blocks:
    def unexpected(detail: str) -> None:
        raise AssertionError(detail)

    blocks: Blocks = RichReader(unexpected, unexpected, unexpected, is_draft=is_draft).read(given)[
        "blocks"
    ]
    return blocks


def paragraph(text: Any) -> dict[str, Any]:
    return {"type": "paragraph", "text": text}
