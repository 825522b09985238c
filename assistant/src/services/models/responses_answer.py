"""Reads an answer of the Responses API: a list of items."""

from typing import Any

from pydantic import BaseModel, ValidationError

from smart_kit.contracts.base import JsonObject

from ...core.errors import EmptyAnswer, Tokens, Unreadable
from ...messages.completion import ToolCall
from .api import Answer
from .errors import error_of, shape_of
from .reading import Count, Text, is_too_deep, message_of, read_call, sound

FINAL = "final_answer"
"""The phase of a message that is not only about what the model does next."""
PARTING = "\n\n"
"""Between two messages of one answer."""


class _Item(BaseModel):
    type: Text = ""
    content: list[Any] | None = None
    name: Text = ""
    call_id: Text = ""
    arguments: Any = None
    phase: Text = ""


class _Details(BaseModel):
    cached_tokens: Count = 0


class _Usage(BaseModel):
    input_tokens: Count = 0
    output_tokens: Count = 0
    input_tokens_details: _Details | None = None


class _Incomplete(BaseModel):
    reason: Text = ""


class _Body(BaseModel):
    status: Text = ""
    output: list[_Item]
    incomplete_details: _Incomplete | None = None
    usage: _Usage | None = None


def read_answer(body: object, key: str) -> Answer:
    """See Api.read."""
    if isinstance(body, dict) and body.get("status") == "failed":
        raise error_of(None, body, {})
    try:
        read = _Body.model_validate(body)
    except ValidationError as error:
        raise Unreadable(f"The answer cannot be read: {shape_of(body)}") from error
    assert isinstance(body, dict)
    tokens = _tokens(read.usage)
    if is_too_deep(body["output"]):
        raise Unreadable("The answer is nested too deeply", tokens=tokens)
    output = sound({"output": body["output"]})["output"]
    text = sound({"text": _text(read.output)})["text"]
    called = [item for item in read.output if item.type == "function_call"]
    calls = _calls(called, key, is_cut=read.status == "incomplete")
    reason = read.incomplete_details.reason if read.incomplete_details else ""
    if not calls and not text.strip():
        said = f"The model said nothing: {read.status} {reason}".rstrip()
        raise EmptyAnswer(said, tokens=tokens, is_filtered=reason == "content_filter")
    return Answer(
        text=text,
        calls=calls,
        message=message_of(text, calls),
        added=_added(output, called, calls, is_whole=read.status != "incomplete"),
        tokens=tokens,
        finish_reason=reason or read.status,
    )


def _tokens(usage: _Usage | None) -> Tokens:
    if usage is None:
        return (0, 0, 0)
    details = usage.input_tokens_details or _Details()
    return (usage.input_tokens, details.cached_tokens, usage.output_tokens)


def _text(output: list[_Item]) -> str:
    """Of the final message, or of all where none says that it is; a refusal is one."""
    messages = [item for item in output if item.type == "message"]
    final = [item for item in messages if item.phase == FINAL]
    return PARTING.join(filter(str.strip, map(_words, final[-1:] or messages)))


def _words(message: _Item) -> str:
    parts = (part for part in message.content or () if isinstance(part, dict))
    said = (part.get("text") or part.get("refusal") for part in parts)
    return "".join(one for one in said if isinstance(one, str))


def _calls(called: list[_Item], key: str, *, is_cut: bool) -> tuple[ToolCall, ...]:
    return tuple(
        read_call(key, position, item.name, item.arguments, is_cut=is_cut)
        for position, item in enumerate(called)
    )


def _added(
    output: list[JsonObject], called: list[_Item], calls: tuple[ToolCall, ...], *, is_whole: bool
) -> JsonObject:
    """The items as they came, and their ids of calls by ours; nothing where one lacks its end."""
    if not is_whole or not all(item.call_id for item in called):
        return {}
    ids = {ours.id: theirs.call_id for ours, theirs in zip(calls, called, strict=True)}
    return {"ids": ids, "output": output}
