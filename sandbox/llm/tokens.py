"""Estimated token counts, for plausible usage figures."""

import json
import math
import re
from typing import Any

_BYTES_PER_TOKEN = 4
_MESSAGE_OVERHEAD = 4
_CHUNK = re.compile(r"\s*\S{1,12}|\s+$")


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text."""
    return math.ceil(len(text.encode()) / _BYTES_PER_TOKEN)


def count_prompt_tokens(body: dict[str, Any]) -> int:
    """Estimate the tokens of a request, tools included."""
    messages = sum(_MESSAGE_OVERHEAD + count_tokens(_to_json(one)) for one in body["messages"])
    return messages + (count_tokens(_to_json(body["tools"])) if body.get("tools") else 0)


def split_chunks(text: str) -> list[str]:
    """Split a text into chunks for streaming."""
    return _CHUNK.findall(text)


def truncate_chunks(chunks: list[str], limit: int | None) -> tuple[list[str], bool]:
    """Return the chunks that fit into the limit, and whether some were cut off."""
    if limit is None:
        return chunks, False
    fitting: list[str] = []
    for piece in chunks:
        if count_tokens("".join((*fitting, piece))) > limit:
            return fitting, True
        fitting.append(piece)
    return fitting, False


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
