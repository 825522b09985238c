"""Estimated token counts, for plausible usage figures, and the pieces of a streamed text."""

import json
import math
import re
from itertools import accumulate
from typing import Any

_BYTES_PER_TOKEN = 4
_MESSAGE_OVERHEAD = 4
_CHUNK = re.compile(r"\s*\S{1,12}|\s+$")


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text."""
    return math.ceil(len(text.encode()) / _BYTES_PER_TOKEN)


def count_json_tokens(value: Any) -> int:
    """Estimate the tokens of a value as JSON."""
    return count_tokens(json.dumps(value, ensure_ascii=False))


def count_prompt_tokens(body: dict[str, Any]) -> int:
    """Estimate the tokens of a request, tools included."""
    messages = sum(_MESSAGE_OVERHEAD + count_json_tokens(message) for message in body["messages"])
    return messages + (count_json_tokens(body["tools"]) if body.get("tools") else 0)


def split_chunks(text: str) -> list[str]:
    """Split a text into chunks for streaming."""
    return _CHUNK.findall(text)


def truncate_chunks(chunks: list[str], limit: int | None) -> tuple[list[str], bool]:
    """Return the chunks that fit into the limit of tokens, and whether some were cut off."""
    fitting = [
        chunk
        for chunk, beginning in zip(chunks, accumulate(chunks), strict=True)
        if limit is None or count_tokens(beginning) <= limit
    ]
    return fitting, len(fitting) < len(chunks)
