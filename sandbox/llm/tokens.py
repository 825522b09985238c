"""An estimate of tokens: good enough for usage figures that look like real ones."""

import json
import math
import re
from typing import Any

_BYTES_A_TOKEN = 4
_MESSAGE_OVERHEAD = 4
_PIECE = re.compile(r"\s*\S{1,12}|\s+$")


def count(text: str) -> int:
    """About how many tokens a text has."""
    return math.ceil(len(text.encode()) / _BYTES_A_TOKEN)


def count_prompt(body: dict[str, Any]) -> int:
    """About how many tokens a request has, tools included."""
    messages = sum(_MESSAGE_OVERHEAD + count(_dumped(one)) for one in body["messages"])
    return messages + (count(_dumped(body["tools"])) if body.get("tools") else 0)


def pieces(text: str) -> list[str]:
    """The text as a model would stream it."""
    return _PIECE.findall(text)


def within(all_pieces: list[str], limit: int | None) -> tuple[list[str], bool]:
    """The pieces that fit into so many tokens, and whether some do not."""
    if limit is None:
        return all_pieces, False
    kept: list[str] = []
    for piece in all_pieces:
        if count("".join((*kept, piece))) > limit:
            return kept, True
        kept.append(piece)
    return kept, False


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
