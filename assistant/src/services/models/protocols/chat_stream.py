"""Accumulates the chunks of a Chat Completions stream. Servers differ, hence these rules:

- A chunk belongs to the call with its index. Without an index, a new id starts a new call, and any
  other chunk continues the last one.
- Even so, a chunk starts another call if it has another name, a name with another id, or a name and
  a `{` after arguments that are complete.
- A chunk that repeats index, id, name and arguments of a complete call is a duplicate and ignored.
- Ids and names are set once; arguments are text that grows, or one object.
- A `message` counts only if no delta came: otherwise it repeats their content.
- The answer is complete once a chunk has a finish_reason, and only then.
"""

import json
from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import UpstreamUnavailable

from ....core.errors import GenerationFailed, StreamInterrupted
from ..response_parsing import to_text
from ..transport.error_responses import error_from_body

_ACCUMULATED_KEYS = {"role", "content", "refusal", "tool_calls"}


class ChatStreamAccumulator:
    """See StreamAccumulator."""

    def __init__(self) -> None:
        self._content: list[str] = []
        self._refusal: list[str] = []
        self._extras: JsonObject = {}
        self._calls: list[_CallAccumulator] = []
        self._calls_by_index: dict[int, _CallAccumulator] = {}
        self._finish_reason = ""
        self._usage: Any = None
        self._has_deltas = False
        self.has_started = False

    @property
    def text(self) -> str:
        return "".join(self._content) or "".join(self._refusal)

    @property
    def is_complete(self) -> bool:
        return bool(self._finish_reason)

    def add(self, event: JsonObject) -> None:
        """See StreamAccumulator. Raises StreamInterrupted for an error that a retry may solve."""
        error = error_from_body(event)
        if isinstance(error, UpstreamUnavailable) and not isinstance(error, GenerationFailed):
            has_started = self.has_started
            raise StreamInterrupted(error.message, status=error.status, has_started=has_started)
        if error is not None:
            raise error
        if isinstance(event.get("usage"), dict):
            self._usage = event["usage"]
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and delta:
            self._add_delta(delta)
            self._has_deltas = self.has_started
        elif isinstance(message, dict) and not self._has_deltas:
            self._add_delta(message)
        reason = choice.get("finish_reason")
        if reason == "error":
            raise StreamInterrupted("finish_reason error", has_started=self.has_started)
        if isinstance(reason, str) and reason:
            self._finish_reason = reason

    def build_response(self) -> JsonObject:
        message = {"role": "assistant", "content": "".join(self._content), **self._extras}
        if refusal := "".join(self._refusal):
            message["refusal"] = refusal
        if self._calls:
            message["tool_calls"] = [call.build_tool_call() for call in self._calls]
        choice = {"message": message, "finish_reason": self._finish_reason}
        return {"choices": [choice], "usage": self._usage}

    def _add_delta(self, delta: JsonObject) -> None:
        self._content.append(to_text(delta.get("content")))
        self._refusal.append(to_text(delta.get("refusal")))
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                self._add_call_delta(call)
        _merge_into(self._extras, delta, ignored=_ACCUMULATED_KEYS)
        self.has_started = self.has_started or bool(self.text or self._calls or self._extras)

    def _add_call_delta(self, delta: JsonObject) -> None:
        index, call_id = delta.get("index"), delta.get("id")
        if isinstance(index, int):
            found = self._calls_by_index.get(index)
            if found is not None and found.is_duplicate(delta):
                return
        elif call_id:
            found = next((call for call in self._calls if call.id == call_id), None)
        else:
            found = self._calls[-1] if self._calls else None
        if found is None or found.is_new_call(delta):
            found = _CallAccumulator()
            self._calls.append(found)
        if isinstance(index, int):
            self._calls_by_index[index] = found
        found.add_delta(delta)


class _CallAccumulator:
    """One tool call, whose arguments may still grow."""

    def __init__(self) -> None:
        self.id: Any = ""
        self._name = ""
        self._argument_parts: list[str] = []
        self._argument_object: Any = None
        self._extras: JsonObject = {}

    def is_new_call(self, delta: JsonObject) -> bool:
        """Return whether this chunk starts another call, though it was assigned to this one."""
        function, call_id = _get_function(delta), delta.get("id")
        name, given = to_text(function.get("name")), function.get("arguments")
        if not name:
            return False
        is_other_name = bool(self._name) and name != self._name
        is_other_id = bool(call_id and self.id) and call_id != self.id
        has_arguments = isinstance(given, dict) or (isinstance(given, str) and "{" in given)
        return is_other_name or is_other_id or (has_arguments and self._is_complete)

    def is_duplicate(self, delta: JsonObject) -> bool:
        """Return whether the chunk repeats the whole call."""
        function = _get_function(delta)
        is_same = bool(self.id) and (delta.get("id"), function.get("name")) == (self.id, self._name)
        return is_same and self._is_complete and function.get("arguments") == self._arguments

    @property
    def _arguments(self) -> Any:
        given = self._argument_object
        return "".join(self._argument_parts) if given is None else given

    @property
    def _is_complete(self) -> bool:
        return self._argument_object is not None or _is_json(self._arguments)

    def add_delta(self, delta: JsonObject) -> None:
        """Add a chunk."""
        function = _get_function(delta)
        self.id = self.id or delta.get("id") or ""
        self._name = self._name or to_text(function.get("name"))
        given = function.get("arguments")
        if isinstance(given, str):
            self._argument_parts.append(given)
        elif given is not None:
            self._argument_object = given
        _merge_into(self._extras, delta, ignored={"index", "id", "type", "function"})

    def build_tool_call(self) -> JsonObject:
        """Return the call as in a response that is not streamed."""
        function = {"name": self._name, "arguments": self._arguments}
        return {"id": self.id, "type": "function", "function": function, **self._extras}


def _get_function(delta: JsonObject) -> JsonObject:
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


def _merge_into(target: JsonObject, update: JsonObject, ignored: set[str]) -> None:
    """Merge a chunk of extras: texts are appended, list entries are merged by their index."""
    for key, value in update.items():
        current = target.get(key)
        if key in ignored:
            continue
        if isinstance(current, str) and isinstance(value, str):
            target[key] = current + value
        elif isinstance(current, dict) and isinstance(value, dict):
            target[key] = _merge_objects(current, value)
        elif isinstance(value, list):
            target[key] = _merge_lists(current if isinstance(current, list) else [], value)
        elif value is not None:
            target[key] = value


def _merge_objects(current: JsonObject, update: JsonObject) -> JsonObject:
    """Merge objects deeply; later values win, and null changes nothing."""
    merged = dict(current)
    for key, value in update.items():
        before = current.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merge_objects(before, value)
        elif value is not None:
            merged[key] = value
    return merged


def _merge_lists(current: list[Any], updates: list[Any]) -> list[Any]:
    """Merge OpenRouter's reasoning_details, whose chunks hold parts of entries with an index."""
    merged = list(current)
    for part in updates:
        last = merged[-1] if merged else None
        if not (
            isinstance(part, dict)
            and isinstance(last, dict)
            and isinstance(part.get("index"), int)
            and (part["index"], part.get("type")) == (last.get("index"), last.get("type"))
        ):
            merged.append(part)
            continue
        merged[-1] = last | {name: value for name, value in part.items() if value is not None}
        for name in ("text", "summary", "data"):
            before, more = last.get(name), part.get(name)
            if isinstance(before, str) and isinstance(more, str):
                merged[-1][name] = before + more
    return merged
