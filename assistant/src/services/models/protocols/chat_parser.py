"""Parses a Chat Completions response; fields that are not used are not validated."""

from typing import Any

from pydantic import BaseModel, ValidationError

from smart_kit.contracts.base import JsonObject

from ....core.errors import EmptyResponse, MalformedResponse
from ..response_parsing import (
    LenientText,
    is_too_deep,
    parse_token_usage,
    parse_tool_calls,
    repair_surrogates,
)
from ..transport.error_responses import describe_shape
from .base import ParsedResponse

_STANDARD_MESSAGE_KEYS = {"role", "content", "tool_calls", "refusal", "annotations", "audio"}
_STANDARD_CALL_KEYS = {"index", "id", "type", "function"}


class _Function(BaseModel):
    name: LenientText = ""
    arguments: Any = None


class _Call(BaseModel):
    function: _Function | None = None


class _Message(BaseModel):
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    finish_reason: LenientText = ""


class _Body(BaseModel):
    choices: list[_Choice] | None = None


def parse_response(body: object, key: str) -> ParsedResponse:
    """See ModelProtocol."""
    tokens = parse_token_usage(body)
    try:
        parsed = _Body.model_validate(body)
    except ValidationError as error:
        errors = error.errors(include_input=False, include_url=False)
        reason = f"The answer is malformed: {errors[0]['loc']}"
        raise MalformedResponse(reason, tokens=tokens) from error
    choice = parsed.choices[0] if parsed.choices else None
    if choice is None or choice.message is None:
        raise MalformedResponse(f"The answer has no message: {describe_shape(body)}", tokens=tokens)
    assert isinstance(body, dict)
    raw = body["choices"][0]["message"]
    if is_too_deep(raw):
        raise MalformedResponse("The answer is nested too deeply", tokens=tokens)
    raw = repair_surrogates(raw)
    text = to_text(raw.get("content")) or to_text(raw.get("refusal"))
    reason = choice.finish_reason
    functions = [call.function or _Function() for call in choice.message.tool_calls or ()]
    called = ((function.name, function.arguments) for function in functions)
    calls = parse_tool_calls(key, called, is_truncated=reason == "length")
    if not calls and not text.strip():
        error_message = f"The model said nothing: finish_reason {reason!r}"
        raise EmptyResponse(error_message, tokens=tokens, is_filtered=reason == "content_filter")
    return ParsedResponse(
        text=text,
        calls=calls,
        extras=_collect_extras(raw, len(calls)),
        tokens=parse_token_usage(body, is_completion=True),
        finish_reason=reason,
    )


def to_text(content: Any) -> str:
    """Return the text of a content, which some servers send as a list of parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _collect_extras(raw: JsonObject, calls: int) -> JsonObject:
    """Return the provider's extras, which it may require in later requests."""
    extras: JsonObject = {}
    if keys := _drop_standard_keys(raw, _STANDARD_MESSAGE_KEYS):
        extras["keys"] = keys
    call_extras = [
        _drop_standard_keys(call, _STANDARD_CALL_KEYS)
        for call in (raw.get("tool_calls") or [])[:calls]
    ]
    if any(call_extras):
        extras["calls"] = call_extras
    return extras


def _drop_standard_keys(raw: JsonObject, standard: set[str]) -> JsonObject:
    return {
        key: value
        for key, value in raw.items()
        if key not in standard and value is not None and value != []
    }
