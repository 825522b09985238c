"""Type checks of block values; each returns the value or raises BotApiError."""

from collections.abc import Callable
from typing import Any, TypeVar

from sandbox.telegram.errors import BotApiError, bad_request

ValueT = TypeVar("ValueT")


def build_parse_error(reason: str) -> BotApiError:
    """Build the error of Telegram's parser."""
    return bad_request(f"can't parse InputRichBlock: {reason}")


def _build_type_check(kind: type[ValueT], name: str) -> Callable[[Any], ValueT]:
    def check(given: Any) -> ValueT:
        if not isinstance(given, kind) or (isinstance(given, bool) and kind is not bool):
            raise build_parse_error(f"expected {name}")
        return given

    return check


check_object: Callable[[Any], dict[str, Any]] = _build_type_check(dict, "an Object")
check_array = _build_type_check(list, "an Array")
check_string = _build_type_check(str, "a String")
check_integer = _build_type_check(int, "an Integer")
check_boolean = _build_type_check(bool, "a Boolean")


def check_heading_size(given: Any) -> int:
    """Check a heading's size; 1 is the largest."""
    size = check_integer(given)
    if not 1 <= size <= 6:
        raise build_parse_error("heading size must be from 1 to 6")
    return size


def check_choice(given: Any, allowed: tuple[str, ...]) -> str:
    """Check a value against a list."""
    if given not in allowed:
        raise build_parse_error(f"expected one of {', '.join(allowed)}")
    return str(given)
