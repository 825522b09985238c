"""What both APIs' answers have in common. Servers differ, so all of it is read leniently."""

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from smart_kit.argument_schema import MOST_CHARACTERS
from smart_kit.contracts.base import JsonObject

from ...core.errors import Tokens
from ...messages.completion import ToolCall
from ...messages.item import encode
from ...messages.window import MOST_CALLS

MOST_LEVELS = 60
"""Of nesting: what is nested deeper can be read, but neither journaled nor sent back."""
_COUNT = TypeAdapter(Annotated[int, Field(ge=0, le=10**8)])
"""Of tokens; 5.0 and "5" are counts too, what is beyond is none."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_TOO_DEEP = "The arguments are nested too deeply. Call again, more simply."
_TOO_LONG = (
    f"The arguments have more than {MOST_CHARACTERS:,} characters and were not kept. Call again,"
    " more briefly."
)
_CUT_OFF = "The call was cut off by the length limit and did not run. Call again, more briefly."


Text = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")]


def tokens_in(body: object, *, is_answer: bool = False) -> Tokens | None:
    """By either API's names, however unreadable the rest is; None: the server has not said, as
    where it counts nothing for an answer."""
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return None
    prompt = _count(usage, "prompt_tokens", "input_tokens")
    completion = _count(usage, "completion_tokens", "output_tokens")
    if prompt is None or completion is None or (is_answer and not prompt + completion):
        return None
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    return prompt, _count(details, "cached_tokens") or 0, completion


def _count(counts: Any, *names: str) -> int | None:
    for name in names if isinstance(counts, dict) else ():
        with contextlib.suppress(ValidationError):
            return _COUNT.validate_python(counts.get(name))
    return None


def read_calls(
    key: str, called: Iterable[tuple[str, Any]], *, is_cut: bool
) -> tuple[ToolCall, ...]:
    """The first calls of an answer, of their names and arguments; the `key` names message and
    step."""
    kept = enumerate(islice(called, MOST_CALLS))
    return tuple(_call(key, position, *one, is_cut=is_cut) for position, one in kept)


def _call(key: str, position: int, name: str, arguments: Any, *, is_cut: bool) -> ToolCall:
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
            given = json.loads(given, parse_constant=_number, parse_float=_number)
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
    if len(encode(given)) > MOST_CHARACTERS:
        return {}, _TOO_LONG
    return sound(given), ""


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no number of JSON's")
    return number


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
