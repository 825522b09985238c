"""Values of blocks, each of the type that it must have. Each raises BotApiError."""

from typing import Any

from sandbox.telegram.errors import BotApiError, bad_request


def parse_error(reason: str) -> BotApiError:
    """A refusal in the words of Telegram's parser."""
    return bad_request(f"can't parse InputRichBlock: {reason}")


def as_object(given: Any) -> dict[str, Any]:
    """An object."""
    if not isinstance(given, dict):
        raise parse_error("expected an Object")
    return given


def as_array(given: Any) -> list[Any]:
    """An array."""
    if not isinstance(given, list):
        raise parse_error("expected an Array")
    return given


def as_string(given: Any) -> str:
    """A string."""
    if not isinstance(given, str):
        raise parse_error("expected a String")
    return given


def as_integer(given: Any) -> int:
    """A whole number."""
    if isinstance(given, bool) or not isinstance(given, int):
        raise parse_error("expected an Integer")
    return given


def as_boolean(given: Any) -> bool:
    """True or false."""
    if not isinstance(given, bool):
        raise parse_error("expected a Boolean")
    return given


def as_heading_size(given: Any) -> int:
    """A heading's size, 1 is the largest."""
    size = as_integer(given)
    if not 1 <= size <= 6:
        raise parse_error("heading size must be from 1 to 6")
    return size


def as_choice(given: Any, allowed: tuple[str, ...]) -> str:
    """One of some words."""
    if given not in allowed:
        raise parse_error(f"expected one of {', '.join(allowed)}")
    return str(given)
