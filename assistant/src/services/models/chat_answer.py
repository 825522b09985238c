"""Reads an answer of Chat Completions. Only what is used is looked at."""

import contextlib
from typing import Any

from pydantic import BaseModel, ValidationError

from smart_kit.contracts.base import JsonObject

from ...core.errors import EmptyAnswer, Tokens, Unreadable
from ...messages.completion import ToolCall
from .api import Answer
from .errors import shape_of
from .reading import Count, Text, is_too_deep, message_of, read_call, sound

_OF_EVERY_MESSAGE = {"role", "content", "tool_calls", "refusal", "annotations", "audio"}
_OF_EVERY_CALL = {"index", "id", "type", "function"}


class _Function(BaseModel):
    name: Text = ""
    arguments: Any = None


class _Call(BaseModel):
    function: _Function | None = None


class _Message(BaseModel):
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    finish_reason: Text = ""


class _Details(BaseModel):
    cached_tokens: Count = 0


class _Usage(BaseModel):
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    prompt_tokens_details: _Details | None = None


class _Body(BaseModel):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


def read_answer(body: object, key: str) -> Answer:
    """See Api.read."""
    try:
        read = _Body.model_validate(body)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        reason = f"The answer cannot be read: {problems[0]['loc']}"
        raise Unreadable(reason, tokens=_tokens_in(body)) from error
    tokens = _tokens(read.usage)
    choice = read.choices[0] if read.choices else None
    if choice is None or choice.message is None:
        raise Unreadable(f"The answer has no message: {shape_of(body)}", tokens=tokens)
    assert isinstance(body, dict)
    raw = body["choices"][0]["message"]
    if is_too_deep(raw):
        raise Unreadable("The answer is nested too deeply", tokens=tokens)
    raw = sound(raw)
    text = text_of(raw.get("content")) or text_of(raw.get("refusal"))
    reason = choice.finish_reason
    calls = _calls(choice.message.tool_calls or [], key, is_cut=reason == "length")
    if not calls and not text.strip():
        said = f"The model said nothing: finish_reason {reason!r}"
        raise EmptyAnswer(said, tokens=tokens, is_filtered=reason == "content_filter")
    return Answer(
        text=text,
        calls=calls,
        message=message_of(text, calls),
        added=_added(raw, len(calls)),
        tokens=tokens,
        finish_reason=reason,
    )


def _tokens(usage: _Usage | None) -> Tokens:
    if usage is None:
        return (0, 0, 0)
    details = usage.prompt_tokens_details or _Details()
    return (usage.prompt_tokens, details.cached_tokens, usage.completion_tokens)


def _tokens_in(body: object) -> Tokens:
    """Of an answer that is otherwise unreadable."""
    with contextlib.suppress(ValidationError):
        if isinstance(body, dict):
            return _tokens(_Body.model_validate({"usage": body.get("usage")}).usage)
    return (0, 0, 0)


def text_of(content: Any) -> str:
    """Some servers answer with a list of parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _calls(called: list[_Call], key: str, *, is_cut: bool) -> tuple[ToolCall, ...]:
    functions = [call.function or _Function() for call in called]
    return tuple(
        read_call(key, position, function.name, function.arguments, is_cut=is_cut)
        for position, function in enumerate(functions)
    )


def _added(raw: JsonObject, calls: int) -> JsonObject:
    """What this provider says beyond what every one does; it may want it back."""
    added: JsonObject = {}
    if keys := _beyond(raw, _OF_EVERY_MESSAGE):
        added["keys"] = keys
    of_calls = [_beyond(call, _OF_EVERY_CALL) for call in raw["tool_calls"]] if calls else []
    if any(of_calls):
        added["calls"] = of_calls
    return added


def _beyond(raw: JsonObject, usual: set[str]) -> JsonObject:
    return {
        key: value
        for key, value in raw.items()
        if key not in usual and value is not None and value != []
    }
