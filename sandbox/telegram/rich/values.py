"""Type checks of block values; each returns the value or raises BotApiError."""

from collections.abc import Callable
from typing import Any, TypeVar

from sandbox.telegram.errors import BotApiError, bad_request

ValueT = TypeVar("ValueT")


def parse_error(reason: str) -> BotApiError:
    """Build the error of Telegram's parser."""
    return bad_request(f"can't parse InputRichBlock: {reason}")


def _expect(kind: type[ValueT], name: str) -> Callable[[Any], ValueT]:
    def check(given: Any) -> ValueT:
        if not isinstance(given, kind) or (isinstance(given, bool) and kind is not bool):
            raise parse_error(f"expected {name}")
        return given

    return check


as_object: Callable[[Any], dict[str, Any]] = _expect(dict, "an Object")
as_array = _expect(list, "an Array")
as_string = _expect(str, "a String")
as_integer = _expect(int, "an Integer")
as_boolean = _expect(bool, "a Boolean")


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
