"""An estimate of tokens: good enough for usage figures that look like real ones."""

import json
import math
import re
from typing import Any

_BYTES_PER_TOKEN = 4
_MESSAGE_OVERHEAD = 4
_CHUNK = re.compile(r"\s*\S{1,12}|\s+$")


def count_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return math.ceil(len(text.encode()) / _BYTES_PER_TOKEN)


def count_prompt_tokens(body: dict[str, Any]) -> int:
    """About how many tokens a request has, tools included."""
    messages = sum(_MESSAGE_OVERHEAD + count_tokens(_to_json(one)) for one in body["messages"])
    return messages + (count_tokens(_to_json(body["tools"])) if body.get("tools") else 0)


def split_chunks(text: str) -> list[str]:
    """The text as a model would stream it."""
    return _CHUNK.findall(text)


def truncate_chunks(chunks: list[str], limit: int | None) -> tuple[list[str], bool]:
    """The pieces that fit into so many tokens, and whether some do not."""
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
