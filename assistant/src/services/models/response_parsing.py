"""Parsing that both APIs share. It is lenient, because servers differ."""

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from smart_kit.contracts.base import JsonObject
from smart_kit.json_schema import MAX_CHARACTERS

from ...core.errors import TokenUsage
from ...messages.completion import ToolCall
from ...messages.context_window import MAX_CALLS_PER_RESPONSE
from ...messages.item import encode_json

MAX_JSON_DEPTH = 60
"""Deepest nesting accepted: deeper JSON can be parsed, but neither journaled nor sent back."""
_TOKEN_COUNT = TypeAdapter(Annotated[int, Field(ge=0, le=10**8)])
"""A token count; 5.0 and "5" are accepted."""
_INVALID_NAME_CHARACTERS = re.compile(r"[^A-Za-z0-9_-]")
_TOO_DEEP = "The arguments are nested too deeply. Call again, more simply."
_CUT_OFF = "The call was cut off by the length limit and did not run. Call again, more briefly."

LenientText = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")]


def parse_token_usage(body: object, *, is_completion: bool = False) -> TokenUsage | None:
    """Return the usage by the field names of either API, even if the rest of the body is malformed.

    None: not reported. That includes a usage of zero for a complete answer.
    """
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return None
    prompt = _parse_count(usage, "prompt_tokens", "input_tokens")
    completion = _parse_count(usage, "completion_tokens", "output_tokens")
    if prompt is None or completion is None or (is_completion and not prompt + completion):
        return None
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    return prompt, _parse_count(details, "cached_tokens") or 0, completion


def _parse_count(counts: Any, *names: str) -> int | None:
    for name in names if isinstance(counts, dict) else ():
        with contextlib.suppress(ValidationError):
            return _TOKEN_COUNT.validate_python(counts.get(name))
    return None


def to_text(content: Any) -> str:
    """Return the text of a content, which some servers send as a list of parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def parse_tool_calls(
    key: str, functions: Iterable[tuple[str, Any]], *, is_truncated: bool
) -> tuple[ToolCall, ...]:
    """Return the calls of an answer, from pairs of name and arguments, up to a maximum.

    `key` is `<message id>/<step>`.
    """
    calls = []
    for position, (name, given) in enumerate(islice(functions, MAX_CALLS_PER_RESPONSE)):
        arguments, error = _parse_arguments(given)
        # The model's own ids may be missing or repeated. These have the only form that every
        # provider accepts, and are the same in each attempt, so that the history keeps its bytes.
        call_id = hashlib.blake2b(f"{key}.{position}".encode(), digest_size=8).hexdigest()[:9]
        call = ToolCall(
            id=call_id,
            name=_INVALID_NAME_CHARACTERS.sub("_", name)[:64] or "unknown",
            arguments=arguments,
            error=_CUT_OFF if is_truncated else error,
        )
        calls.append(call)
    return tuple(calls)


def _parse_arguments(given: Any) -> tuple[JsonObject, str]:
    """Return the arguments and an error text for the model; empty: they are valid."""
    if isinstance(given, str) and given.strip():
        try:
            given = json.loads(given, parse_constant=_parse_number, parse_float=_parse_number)
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
    if len(encode_json(given)) > MAX_CHARACTERS:
        return {}, (
            f"The arguments have more than {MAX_CHARACTERS:,} characters and were not stored."
            " Call again, more briefly."
        )
    return repair_surrogates(given), ""


def _parse_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no number of JSON's")
    return number


def is_too_deep(value: Any) -> bool:
    """Return whether JSON is nested too deeply. It is untrusted, so this must not recurse."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True


def repair_surrogates(value: JsonObject) -> JsonObject:
    """Return the value without lone surrogates, which can be neither sent nor stored. Two separate
    halves of a pair become one character."""
    encoded = encode_json(value)
    repaired = repair_surrogates_in_text(encoded)
    whole: JsonObject = value if repaired is encoded else json.loads(repaired)
    return whole


def repair_surrogates_in_text(text: str) -> str:
    """Repair a text; a first half at its end is dropped, because the other may still follow."""
    try:
        text.encode()
    except UnicodeEncodeError:
        whole = text[:-1] if "\ud800" <= text[-1] <= "\udbff" else text
        return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
