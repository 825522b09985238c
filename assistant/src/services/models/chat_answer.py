"""Reads an answer of Chat Completions. Only what is used is looked at."""

from typing import Any

from pydantic import BaseModel, ValidationError

from smart_kit.contracts.base import JsonObject

from ...core.errors import EmptyAnswer, Unreadable
from .api import Answer
from .errors import shape_of
from .reading import Text, is_too_deep, message_of, read_calls, sound, tokens_in

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


class _Body(BaseModel):
    choices: list[_Choice] | None = None


def read_answer(body: object, key: str) -> Answer:
    """See Api.read."""
    tokens = tokens_in(body)
    try:
        read = _Body.model_validate(body)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        reason = f"The answer cannot be read: {problems[0]['loc']}"
        raise Unreadable(reason, tokens=tokens) from error
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
    functions = [call.function or _Function() for call in choice.message.tool_calls or ()]
    called = ((function.name, function.arguments) for function in functions)
    calls = read_calls(key, called, is_cut=reason == "length")
    if not calls and not text.strip():
        said = f"The model said nothing: finish_reason {reason!r}"
        raise EmptyAnswer(said, tokens=tokens, is_filtered=reason == "content_filter")
    return Answer(
        text=text,
        calls=calls,
        message=message_of(text, calls),
        added=_added(raw, len(calls)),
        tokens=tokens_in(body, is_answer=True),
        finish_reason=reason,
    )


def text_of(content: Any) -> str:
    """Some servers answer with a list of parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _added(raw: JsonObject, calls: int) -> JsonObject:
    """What this provider says beyond what every one does; it may want it back."""
    added: JsonObject = {}
    if keys := _beyond(raw, _OF_EVERY_MESSAGE):
        added["keys"] = keys
    of_calls = [_beyond(call, _OF_EVERY_CALL) for call in (raw.get("tool_calls") or [])[:calls]]
    if any(of_calls):
        added["calls"] = of_calls
    return added


def _beyond(raw: JsonObject, usual: set[str]) -> JsonObject:
    return {
        key: value
        for key, value in raw.items()
        if key not in usual and value is not None and value != []
    }
