"""Limits for JSON that is stored: its size, its depth, and its characters."""

import json
from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import InvalidRequest

MAX_BYTES = 8 * 1024
MAX_DEPTH = 20


def check(name: str, value: JsonObject) -> None:
    """Raise InvalidRequest with the name of the value."""
    if _depth(value) > MAX_DEPTH:
        raise InvalidRequest(f"{name} is nested deeper than {MAX_DEPTH} levels.")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except ValueError as error:
        raise InvalidRequest(f"{name} cannot be written as JSON: {error}.") from error
    if size > MAX_BYTES:
        raise InvalidRequest(f"{name} has {size} bytes; at most {MAX_BYTES} are allowed.")
    if "\\u0000" in text:
        raise InvalidRequest(f"{name} contains a NUL character.")


def _depth(value: Any) -> int:
    """Return the nesting depth, without recursion: the value may be very deep."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return depth
