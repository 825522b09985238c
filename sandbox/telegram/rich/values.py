"""Type checks of block values; each returns the value or raises BotApiError."""

from typing import Any

from sandbox.telegram.errors import BotApiError, bad_request


def parse_error(reason: str) -> BotApiError:
    """Build the error of Telegram's parser."""
    return bad_request(f"can't parse InputRichBlock: {reason}")


def as_object(given: Any) -> dict[str, Any]:
    """Check an object."""
    if not isinstance(given, dict):
        raise parse_error("expected an Object")
    return given


def as_array(given: Any) -> list[Any]:
    """Check an array."""
    if not isinstance(given, list):
        raise parse_error("expected an Array")
    return given


def as_string(given: Any) -> str:
    """Check a string."""
    if not isinstance(given, str):
        raise parse_error("expected a String")
    return given


def as_integer(given: Any) -> int:
    """Check an integer."""
    if isinstance(given, bool) or not isinstance(given, int):
        raise parse_error("expected an Integer")
    return given


def as_boolean(given: Any) -> bool:
    """Check a boolean."""
    if not isinstance(given, bool):
        raise parse_error("expected a Boolean")
    return given


def as_heading_size(given: Any) -> int:
    """Check a heading's size; 1 is the largest."""
    size = as_integer(given)
    if not 1 <= size <= 6:
        raise parse_error("heading size must be from 1 to 6")
    return size


def as_choice(given: Any, allowed: tuple[str, ...]) -> str:
    """Check a value against a list."""
    if given not in allowed:
        raise parse_error(f"expected one of {', '.join(allowed)}")
    return str(given)
