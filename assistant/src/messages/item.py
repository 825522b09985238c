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

encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""Compact JSON that keeps the order of keys, so that the same message is the same bytes."""

EXTRAS_KEY = "_added"
_EXTRAS_MARKER = f',"{EXTRAS_KEY}":{{"by":'
"""Never within a text, where a quotation mark has a backslash before it."""
_STANDARD_KEYS = ("role", "content", "tool_calls", "tool_call_id")
_STANDARD_CALL_KEYS = ("id", "type", "function")
_ROLE_PREFIX = '{"role":"'


@dataclass(frozen=True)
class ChatItem:
    """A message."""

    json: str

    @classmethod
    def from_message(cls, message: JsonObject, extras: JsonObject | None = None) -> Self:
        """The message, with what its writer added: an object that begins with `by`, who it was."""
        return cls(encode_json({**message, EXTRAS_KEY: extras} if extras else message))

    @cached_property
    def message(self) -> JsonObject:
        """The whole JSON."""
        message: JsonObject = json.loads(self.json)
        return message

    @property
    def json_without_extras(self) -> str:
        """The message without what a provider added."""
        at = self.json.find(_EXTRAS_MARKER)
        return self.json if at < 0 else f"{self.json[:at]}}}"

    @property
    def without_extras(self) -> Self:
        """The item without it."""
        plain = self.json_without_extras
        return self if plain is self.json else type(self)(plain)

    @property
    def standard_json(self) -> str:
        """The same of a message that was kept before there were marks: parsed."""
        message = _pick(self.message, _STANDARD_KEYS)
        if "tool_calls" in message:
            message["tool_calls"] = [
                _pick(call, _STANDARD_CALL_KEYS) for call in message["tool_calls"]
            ]
        return encode_json(message)

    def get_extras(self, writer: str) -> JsonObject | None:
        """What this writer added to it."""
        at = self.json.find(_EXTRAS_MARKER)
        if at < 0 or not self.json.startswith(encode_json(writer), at + len(_EXTRAS_MARKER)):
            return None
        extras: JsonObject = self.message[EXTRAS_KEY]
        return extras

    @property
    def is_from_user(self) -> bool:
        """Whether a turn begins here."""
        if self.json.startswith(_ROLE_PREFIX):  # as we write them; saves parsing whole histories
            return self.json.startswith(f'{_ROLE_PREFIX}user"')
        return bool(self.message.get("role") == "user")


def build_tool_item(call_id: str, content: str) -> ChatItem:
    """The result of a call."""
    return ChatItem.from_message({"role": "tool", "tool_call_id": call_id, "content": content})


def _pick(message: JsonObject, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key in keys}
