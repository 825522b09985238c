"""Puts the chunks of Chat Completions together; what they may look like: see the rules below.

A call is found by its index. Without one, a new id begins a new call, and all else goes on with the
last. However it was found: another name, a name with another id, or a name with a `{` after
arguments that are whole already, begins another call; but a whole one with the index, id, name and
arguments of this one is this one, said again. Ids and names are set once, arguments grow or are an
object. A `message` is read where nothing came by a delta: else it says all of it again. The answer
is whole once a finish_reason was seen, and only then.
"""

import json
from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import UpstreamUnavailable

from ...core.errors import CutOff, GaveUp
from .chat_answer import text_of
from .errors import error_in

_GROWN_OTHERWISE = {"role", "content", "refusal", "tool_calls"}


class ChatStream:
    """See Assembly."""

    def __init__(self) -> None:
        self._content: list[str] = []
        self._refusal: list[str] = []
        self._more: JsonObject = {}
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}
        self._reason = ""
        self._usage: Any = None
        self._grows_by_deltas = False
        self.has_begun = False

    @property
    def text(self) -> str:
        """See Assembly."""
        return "".join(self._content) or "".join(self._refusal)

    @property
    def is_complete(self) -> bool:
        """See Assembly."""
        return bool(self._reason)

    def add(self, event: JsonObject) -> None:
        """See Assembly. Raises CutOff for an error that may pass: the answer is asked for again."""
        refusal = error_in(event)
        if isinstance(refusal, UpstreamUnavailable) and not isinstance(refusal, GaveUp):
            raise CutOff(refusal.message, status=refusal.status, has_begun=self.has_begun)
        if refusal is not None:
            raise refusal
        if isinstance(event.get("usage"), dict):
            self._usage = event["usage"]
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and delta:
            self._grow(delta)
            self._grows_by_deltas = self.has_begun
        elif isinstance(message, dict) and not self._grows_by_deltas:
            self._grow(message)
        reason = choice.get("finish_reason")
        if reason == "error":
            raise CutOff("finish_reason error", has_begun=self.has_begun)
        if isinstance(reason, str) and reason:
            self._reason = reason

    def body(self) -> JsonObject:
        """See Assembly."""
        message = {"role": "assistant", "content": "".join(self._content), **self._more}
        if self._refusal:
            message["refusal"] = "".join(self._refusal)
        if self._calls:
            message["tool_calls"] = [call.whole() for call in self._calls]
        choice = {"message": message, "finish_reason": self._reason}
        return {"choices": [choice], "usage": self._usage}

    def _grow(self, delta: JsonObject) -> None:
        if content := delta.get("content"):
            self._content.append(text_of(content))
        if refusal := delta.get("refusal"):
            self._refusal.append(text_of(refusal))
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                self._call(call)
        if not delta.keys() <= _GROWN_OTHERWISE:
            more = {key: value for key, value in delta.items() if key not in _GROWN_OTHERWISE}
            _merge(self._more, more)
        self.has_begun = self.has_begun or bool(self.text or self._calls or self._more)

    def _call(self, delta: JsonObject) -> None:
        index = delta.get("index")
        found = self._at.get(index) if isinstance(index, int) else self._without_index(delta)
        if found is not None and isinstance(index, int) and found.is_said_again(delta):
            return
        if found is None or found.is_another(delta):
            found = _Call()
            self._calls.append(found)
        if isinstance(index, int):
            self._at[index] = found
        found.grow(delta)

    def _without_index(self, delta: JsonObject) -> "_Call | None":
        call_id = delta.get("id")
        if call_id:
            return next((call for call in self._calls if call.id == call_id), None)
        return self._calls[-1] if self._calls else None


class _Call:
    """A call as it grows."""

    def __init__(self) -> None:
        self.id: Any = ""
        self._name = ""
        self._written: list[str] = []
        self._object: Any = None
        self._more: JsonObject = {}

    def is_another(self, delta: JsonObject) -> bool:
        """Whether this chunk, though it was found to go on with this call, begins another."""
        name, call_id = text_of(_function(delta).get("name")), delta.get("id")
        if not name:
            return False
        is_other_name = bool(self._name) and name != self._name
        is_other_id = bool(call_id and self.id) and call_id != self.id
        return is_other_name or is_other_id or self._has_ended_before(delta)

    def is_said_again(self, delta: JsonObject) -> bool:
        """Whether the chunk at its index is all of it, though it was whole already."""
        function = _function(delta)
        is_same = bool(self.id) and (delta.get("id"), function.get("name")) == (self.id, self._name)
        return is_same and self._is_whole and function.get("arguments") == self._arguments

    def _has_ended_before(self, delta: JsonObject) -> bool:
        """Whether its arguments are whole and this chunk brings others."""
        given = _function(delta).get("arguments")
        if not (isinstance(given, dict) or (isinstance(given, str) and "{" in given)):
            return False
        return self._is_whole

    @property
    def _arguments(self) -> Any:
        return "".join(self._written) if self._object is None else self._object

    @property
    def _is_whole(self) -> bool:
        return self._object is not None or _is_json(self._arguments)

    def grow(self, delta: JsonObject) -> None:
        """Take what the chunk says of it."""
        function = _function(delta)
        self.id = self.id or delta.get("id") or ""
        self._name = self._name or text_of(function.get("name"))
        given = function.get("arguments")
        if isinstance(given, str):
            self._written.append(given)
        elif given is not None:
            self._object = given
        usual = ("index", "id", "type", "function")
        _merge(self._more, {key: value for key, value in delta.items() if key not in usual})

    def whole(self) -> JsonObject:
        """As in an answer that is not streamed."""
        function = {"name": self._name, "arguments": self._arguments}
        return {"id": self.id, "type": "function", "function": function, **self._more}


def _function(delta: JsonObject) -> JsonObject:
    function = delta.get("function")
    return function if isinstance(function, dict) else {}


def _is_json(text: str) -> bool:
    if not text.rstrip().endswith("}"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _merge(whole: JsonObject, more: JsonObject) -> None:
    """What providers add grows as the text does: texts are parts, parts of one index are one."""
    for key, value in more.items():
        kept = whole.get(key)
        if isinstance(kept, str) and isinstance(value, str):
            whole[key] = kept + value
        elif isinstance(kept, dict) and isinstance(value, dict):
            whole[key] = _joined(kept, value)
        elif isinstance(value, list):
            whole[key] = _merged(kept if isinstance(kept, list) else [], value)
        elif value is not None:
            whole[key] = value


def _joined(kept: JsonObject, more: JsonObject) -> JsonObject:
    """What is said later wins, and what is not said again stays."""
    joined = dict(kept)
    for key, value in more.items():
        before = kept.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            joined[key] = _joined(before, value)
        elif value is not None:
            joined[key] = value
    return joined


def _merged(kept: list[Any], more: list[Any]) -> list[Any]:
    """OpenRouter's reasoning_details: each chunk holds parts of the entries, known by index."""
    grown = list(kept)
    for part in more:
        last = grown[-1] if grown else None
        if (
            isinstance(part, dict)
            and isinstance(last, dict)
            and isinstance(part.get("index"), int)
            and part["index"] == last.get("index")
            and part.get("type") == last.get("type")
        ):
            texts = {name: part[name] for name in ("text", "summary", "data") if name in part}
            rest = {name: value for name, value in part.items() if value is not None}
            grown[-1] = {**last, **rest}
            for name, text in texts.items():
                before = last.get(name)
                if isinstance(before, str) and isinstance(text, str):
                    grown[-1][name] = before + text
        else:
            grown.append(part)
    return grown
