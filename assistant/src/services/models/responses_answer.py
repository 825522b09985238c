"""Reads an answer of the Responses API: a list of items."""

from typing import Any

from pydantic import BaseModel, ValidationError

from smart_kit.contracts.base import JsonObject

from ...core.errors import EmptyAnswer, Unreadable
from ...messages.completion import ToolCall
from .api import Answer
from .errors import shape_of
from .reading import Text, is_too_deep, message_of, read_calls, sound, tokens_in

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


class _Incomplete(BaseModel):
    reason: Text = ""


class _Body(BaseModel):
    status: Text = ""
    output: list[_Item]
    incomplete_details: _Incomplete | None = None


def read_answer(body: object, key: str) -> Answer:
    """See Api.read."""
    tokens = tokens_in(body)
    try:
        read = _Body.model_validate(body)
    except ValidationError as error:
        reason = f"The answer cannot be read: {shape_of(body)}"
        raise Unreadable(reason, tokens=tokens) from error
    assert isinstance(body, dict)
    if is_too_deep(body["output"]):
        raise Unreadable("The answer is nested too deeply", tokens=tokens)
    output = sound({"output": body["output"]})["output"]
    text = sound({"text": _text(read.output)})["text"]
    called = [item for item in read.output if item.type == "function_call"]
    functions = ((item.name, item.arguments) for item in called)
    calls = read_calls(key, functions, is_cut=read.status == "incomplete")
    reason = read.incomplete_details.reason if read.incomplete_details else ""
    if not calls and not text.strip():
        said = f"The model said nothing: {read.status} {reason}".rstrip()
        raise EmptyAnswer(said, tokens=tokens, is_filtered=reason == "content_filter")
    return Answer(
        text=text,
        calls=calls,
        message=message_of(text, calls),
        added={} if read.status == "incomplete" else _added(output, called, calls),
        tokens=tokens_in(body, is_answer=True),
        finish_reason=reason or read.status,
    )


def _text(output: list[_Item]) -> str:
    """Of the final message, or of all where none says that it is; a refusal is one."""
    messages = [item for item in output if item.type == "message"]
    final = [item for item in messages if item.phase == FINAL]
    return PARTING.join(filter(str.strip, map(_words, final[-1:] or messages)))


def _words(message: _Item) -> str:
    parts = (part for part in message.content or () if isinstance(part, dict))
    said = (part.get("text") or part.get("refusal") for part in parts)
    return "".join(one for one in said if isinstance(one, str))


def _added(
    output: list[JsonObject], called: list[_Item], calls: tuple[ToolCall, ...]
) -> JsonObject:
    """The items as they came, and their ids of calls by ours. Nothing where a call would not find
    its result by them, or was not kept as it came."""
    theirs = list(dict.fromkeys(item.call_id for item in called if item.call_id))
    if not len(theirs) == len(called) == len(calls) or any(call.problem for call in calls):
        return {}
    ids = {ours.id: call_id for ours, call_id in zip(calls, theirs, strict=True)}
    return {"ids": ids, "output": output}
