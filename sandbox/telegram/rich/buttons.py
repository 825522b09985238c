"""The buttons inside a rich message."""

from collections.abc import Iterator
from typing import Any


def iter_callback_data(given: Any) -> Iterator[str]:
    """The data of every button that a rich message or a part of it holds."""
    if isinstance(given, list):
        for one in given:
            yield from iter_callback_data(one)
    elif isinstance(given, dict):
        if "callback_data" in given:
            yield given["callback_data"]
        for value in given.values():
            yield from iter_callback_data(value)
