"""Reads an answer of the Responses API: a list of items."""

from typing import Any

from pydantic import BaseModel, ValidationError

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import UpstreamUnavailable

from ...core.errors import EmptyAnswer
from ...messages.completion import ToolCall
from .api import Answer
from .errors import error_of, shape_of
from .reading import Count, Text, is_too_deep, message_of, read_call, sound


class _Item(BaseModel):
    type: Text = ""
    content: list[Any] | None = None
    name: Text = ""
    call_id: Text = ""
    arguments: Any = None


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
        reason = f"The answer cannot be read: {shape_of(body)}"
        raise UpstreamUnavailable(reason) from error
    assert isinstance(body, dict)
    if is_too_deep(body["output"]):
        raise UpstreamUnavailable("The answer is nested too deeply")
    output = sound({"output": body["output"]})["output"]
    text = sound({"text": _text(read.output)})["text"]
    called = [item for item in read.output if item.type == "function_call"]
    calls = _calls(called, key, is_cut=read.status == "incomplete")
    if not calls and not text.strip():
        reason = read.incomplete_details.reason if read.incomplete_details else ""
        raise EmptyAnswer(f"The model said nothing: {read.status} {reason}".rstrip())
    usage = read.usage or _Usage()
    details = usage.input_tokens_details or _Details()
    return Answer(
        text=text,
        calls=calls,
        message=message_of(text, calls),
        added=_added(output, called, calls, is_whole=read.status != "incomplete"),
        prompt_tokens=usage.input_tokens,
        cached_tokens=details.cached_tokens,
        completion_tokens=usage.output_tokens,
    )


def _text(output: list[_Item]) -> str:
    """Of all messages, a refusal being one."""
    parts = (part for item in output if item.type == "message" for part in item.content or ())
    said = (part.get("text") or part.get("refusal") for part in parts if isinstance(part, dict))
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
