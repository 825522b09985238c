"""One message of a conversation with a model, as the JSON that was or will be sent.

The form is that of Chat Completions. What a provider added stands behind it, under one last key
that names who wrote it: it goes back to that model and to no other, and everybody else gets what is
before it, cut off without parsing.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from smart_kit.contracts.base import JsonObject

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""Compact JSON that keeps the order of keys, so that the same message is the same bytes."""

ADDED = "_added"
_MARK = f',"{ADDED}":{{"by":'
"""Never within a text, where a quotation mark has a backslash before it."""
_UNDERSTOOD_BY_ALL = ("role", "content", "tool_calls", "tool_call_id")
_CALL_UNDERSTOOD_BY_ALL = ("id", "type", "function")
_ROLE_FIRST = '{"role":"'


@dataclass(frozen=True)
class Item:
    """A message."""

    json: str

    @classmethod
    def of(cls, message: JsonObject, added: JsonObject | None = None) -> Self:
        """The message, with what its writer added: an object that begins with `by`, who it was."""
        return cls(encode({**message, ADDED: added} if added else message))

    @cached_property
    def message(self) -> JsonObject:
        """The whole JSON."""
        message: JsonObject = json.loads(self.json)
        return message

    @property
    def plain(self) -> str:
        """The message without what a provider added."""
        at = self.json.find(_MARK)
        return self.json if at < 0 else f"{self.json[:at]}}}"

    @property
    def words(self) -> Self:
        """The item without it."""
        plain = self.plain
        return self if plain is self.json else type(self)(plain)

    @property
    def bare(self) -> str:
        """The same of a message that was kept before there were marks: parsed."""
        message = _only(self.message, _UNDERSTOOD_BY_ALL)
        if "tool_calls" in message:
            message["tool_calls"] = [
                _only(call, _CALL_UNDERSTOOD_BY_ALL) for call in message["tool_calls"]
            ]
        return encode(message)

    def added_by(self, writer: str) -> JsonObject | None:
        """What this writer added to it."""
        at = self.json.find(_MARK)
        if at < 0 or not self.json.startswith(encode(writer), at + len(_MARK)):
            return None
        added: JsonObject = self.message[ADDED]
        return added

    @property
    def is_from_user(self) -> bool:
        """Whether a turn begins here."""
        if self.json.startswith(_ROLE_FIRST):  # as we write them; saves parsing whole histories
            return self.json.startswith(f'{_ROLE_FIRST}user"')
        return bool(self.message.get("role") == "user")


def tool_item(call_id: str, content: str) -> Item:
    """The result of a call."""
    return Item.of({"role": "tool", "tool_call_id": call_id, "content": content})


def _only(message: JsonObject, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key in keys}
