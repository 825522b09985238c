"""What both APIs' answers have in common. Servers differ, so all of it is read leniently."""

import hashlib
import json
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from smart_kit.contracts.base import JsonObject

from ...messages.completion import ToolCall
from ...messages.item import encode

MOST_LEVELS = 60
"""Of nesting: what is nested deeper can be read, but neither journaled nor sent back."""
_MOST_TOKENS = 10**8
"""What a server counts beyond is no count."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_TOO_DEEP = "The arguments are nested too deeply. Call again, more simply."
_CUT_OFF = "The call was cut off by the length limit and did not run. Call again, more briefly."


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else 0


Text = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")]
Count = Annotated[int, BeforeValidator(_count)]


def read_call(key: str, position: int, name: str, arguments: Any, *, is_cut: bool) -> ToolCall:
    """A call of an answer; the `key` names message and step."""
    given, problem = _arguments(arguments)
    return ToolCall(
        id=_call_id(key, position),
        name=_NOT_IN_NAMES.sub("_", name)[:64] or "unknown",
        arguments=given,
        problem=_CUT_OFF if is_cut else problem,
    )


def message_of(text: str, calls: tuple[ToolCall, ...]) -> JsonObject:
    """As every model understands it."""
    message: JsonObject = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": encode(call.arguments)},
            }
            for call in calls
        ]
    return message


def _call_id(key: str, position: int) -> str:
    """Nine letters or digits: the only ids that every provider takes back.

    Own ids also where the model gave some: they may be missing or repeated, and these are the same
    in each attempt, so that the history's bytes stay.
    """
    return hashlib.blake2b(f"{key}.{position}".encode(), digest_size=8).hexdigest()[:9]


def _arguments(given: Any) -> tuple[JsonObject, str]:
    """The arguments, and what is wrong with them."""
    if isinstance(given, str) and given.strip():
        try:
            given = json.loads(given, parse_constant=_no_number)
        except ValueError as error:
            return {}, f"The arguments are not JSON ({error}). Call again with a JSON object."
        except RecursionError:
            return {}, _TOO_DEEP
    if given is None or given == "":
        return {}, ""
    if not isinstance(given, dict):
        return {}, "The arguments must be one JSON object. Call again."
    if is_too_deep(given):
        return {}, _TOO_DEEP
    return sound(given), ""


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON's")


def is_too_deep(value: Any) -> bool:
    """Counted without recursion: the value is a stranger's."""
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True


def sound(value: JsonObject) -> JsonObject:
    """Without halves of surrogate pairs, which can be neither sent nor stored; two that have come
    apart are one character again."""
    written = encode(value)
    mended = sound_text(written)
    if mended is written:
        return value
    whole: JsonObject = json.loads(mended)
    return whole


def sound_text(text: str) -> str:
    """The same of a text; half a pair at its end is left out, where the other half may follow."""
    try:
        text.encode()
    except UnicodeEncodeError:
        whole = text[:-1] if "\ud800" <= text[-1] <= "\udbff" else text
        return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
