"""One message of a conversation with a model, as the JSON that was or will be sent.

The form is that of Chat Completions. What a provider added to its message (extras) stands under one
last key, together with the name of the model that wrote it: extras go back to that model only. All
others get the JSON before that key, which is cut off without parsing.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from smart_kit.contracts.base import JsonObject

encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""Compact JSON that keeps the order of keys, so that the same message has the same bytes."""

EXTRAS_KEY = "_added"
_EXTRAS_MARKER = f',"{EXTRAS_KEY}":{{"by":'
"""Cannot occur within a text, where each quotation mark follows a backslash."""
_ROLE_PREFIX = '{"role":"'


@dataclass(frozen=True)
class ChatItem:
    """A message."""

    json: str

    @classmethod
    def from_message(cls, message: JsonObject, extras: JsonObject | None = None) -> Self:
        """Build the item; non-empty `extras` begin with `by`, the model that wrote them."""
        return cls(encode_json({**message, EXTRAS_KEY: extras} if extras else message))

    @cached_property
    def message(self) -> JsonObject:
        """The parsed JSON, extras included."""
        message: JsonObject = json.loads(self.json)
        return message

    @cached_property
    def json_without_extras(self) -> str:
        """The JSON that every model understands."""
        at = self.json.find(_EXTRAS_MARKER)
        return self.json if at < 0 else f"{self.json[:at]}}}"

    @property
    def without_extras(self) -> Self:
        """The item without extras; itself if it has none."""
        plain = self.json_without_extras
        return self if plain is self.json else type(self)(plain)

    def get_extras(self, writer: str) -> JsonObject | None:
        """Return the extras if this model wrote them."""
        at = self.json.find(_EXTRAS_MARKER)
        if at < 0 or not self.json.startswith(encode_json(writer), at + len(_EXTRAS_MARKER)):
            return None
        extras: JsonObject = self.message[EXTRAS_KEY]
        return extras

    @property
    def is_from_user(self) -> bool:
        """Whether the user wrote it, so that a turn begins here."""
        if self.json.startswith(_ROLE_PREFIX):  # our own form; avoids parsing whole histories
            return self.json.startswith(f'{_ROLE_PREFIX}user"')
        return bool(self.message.get("role") == "user")


def build_tool_result_item(call_id: str, content: str) -> ChatItem:
    """Return the message with the result of a tool call."""
    return ChatItem.from_message({"role": "tool", "tool_call_id": call_id, "content": content})
