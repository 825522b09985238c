"""Reads what a model answered. Servers differ, so only what is used is looked at, and leniently."""

import hashlib
import json
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ValidationError

from smart_kit.contracts.base import Contract, JsonObject
from smart_kit.errors import UpstreamUnavailable

from ..core.errors import EmptyAnswer
from .item import encode

_Text = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")]
_Count = Annotated[int, BeforeValidator(lambda value: _count(value))]

_NEVER_SENT_BACK = {"role", "content", "tool_calls", "refusal", "annotations", "audio"}
MOST_LEVELS = 60
"""Of nesting: what is nested deeper can be read, but neither journaled nor sent back."""
_MOST_TOKENS = 10**8
"""What a server counts beyond is no count."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_TOO_DEEP = "The arguments are nested too deeply. Call again, more simply."
_CUT_OFF = "The call was cut off by the length limit and did not run. Call again, more briefly."


class ToolCall(Contract):
    """A function that the model wants called."""

    id: str
    name: str
    arguments: JsonObject
    problem: str = ""
    """Why it cannot be run, told to the model."""


class Completion(Contract):
    """A model's answer: a text, or calls with perhaps a text."""

    model: str
    message: JsonObject
    """The assistant's message to send back, with what its provider added."""
    text: str
    calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    @property
    def words(self) -> JsonObject:
        """The message without its calls. Raises EmptyAnswer where it is nothing but calls."""
        if not self.text.strip():
            raise EmptyAnswer("The model went on calling tools when none were left")
        return {key: value for key, value in self.message.items() if key != "tool_calls"}


class _Function(BaseModel):
    name: _Text = ""
    arguments: Any = None


class _Call(BaseModel):
    function: _Function | None = None


class _Message(BaseModel):
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    finish_reason: _Text = ""


class _Details(BaseModel):
    cached_tokens: _Count = 0


class _Usage(BaseModel):
    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0
    prompt_tokens_details: _Details | None = None


class _Body(BaseModel):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


def read_completion(body: object, *, model: str, key: str, seconds: float) -> Completion:
    """The answer in a body of status 200; `key` names message and step, for the ids of calls.

    Raises UpstreamUnavailable where it is no answer, EmptyAnswer where it says nothing.
    """
    try:
        read = _Body.model_validate(body)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        raise UpstreamUnavailable(f"The answer cannot be read: {problems[0]['loc']}") from error
    choice = read.choices[0] if read.choices else None
    if choice is None or choice.message is None:
        raise UpstreamUnavailable(f"The answer has no message: {shape_of(body)}")
    assert isinstance(body, dict)
    raw = body["choices"][0]["message"]
    if _is_too_deep(raw):
        raise UpstreamUnavailable("The answer is nested too deeply")
    raw = _sound(raw)
    text = _text(raw.get("content")) or _text(raw.get("refusal"))
    calls = _calls(choice.message.tool_calls or (), key, is_cut=choice.finish_reason == "length")
    if not calls and not text.strip():
        raise EmptyAnswer(f"The model said nothing: finish_reason {choice.finish_reason!r}")
    usage = read.usage or _Usage()
    return Completion(
        model=model,
        message=_message(raw, text, calls),
        text=text,
        calls=calls,
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.prompt_tokens_details.cached_tokens
        if usage.prompt_tokens_details
        else 0,
        completion_tokens=usage.completion_tokens,
        seconds=seconds,
    )


def shape_of(body: object) -> str:
    """What a body is without what it says, which may be somebody's words: for the log."""
    if isinstance(body, dict):
        return f"an object of {', '.join(str(key)[:40] for key in list(body)[:10]) or 'nothing'}"
    if isinstance(body, str | list):
        return f"a {type(body).__name__} of {len(body)}"
    return f"a {type(body).__name__}"


def _calls(called: Any, key: str, *, is_cut: bool) -> tuple[ToolCall, ...]:
    calls = []
    for position, call in enumerate(called):
        function = call.function or _Function()
        arguments, problem = _arguments(function.arguments)
        calls.append(
            ToolCall(
                id=_call_id(key, position),
                name=_NOT_IN_NAMES.sub("_", function.name)[:64] or "unknown",
                arguments=arguments,
                problem=_CUT_OFF if is_cut else problem,
            )
        )
    return tuple(calls)


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
    if _is_too_deep(given):
        return {}, _TOO_DEEP
    return _sound(given), ""


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON's")


def _is_too_deep(value: Any) -> bool:
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


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else 0


def _text(content: Any) -> str:
    """Some servers answer with a list of parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _message(raw: JsonObject, text: str, calls: tuple[ToolCall, ...]) -> JsonObject:
    """What goes back to the model: its words and calls, and the keys its provider added."""
    message: JsonObject = {"role": "assistant", "content": text}
    message |= {
        key: value
        for key, value in raw.items()
        if key not in _NEVER_SENT_BACK and value is not None and value != []
    }
    if calls:
        message["tool_calls"] = [
            _sent_back(call, raw["tool_calls"][position]) for position, call in enumerate(calls)
        ]
    return message


def _sent_back(call: ToolCall, raw: JsonObject) -> JsonObject:
    added = {
        key: value
        for key, value in raw.items()
        if key not in ("index", "id", "type", "function") and value is not None
    }
    function = {"name": call.name, "arguments": encode(call.arguments)}
    return {"id": call.id, "type": "function", **added, "function": function}


def _sound(value: JsonObject) -> JsonObject:
    """Without halves of surrogate pairs, which can be neither sent nor stored."""
    try:
        encode(value).encode()
    except UnicodeEncodeError:
        sound: JsonObject = json.loads(encode(value).encode(errors="replace"))
        return sound
    return value
