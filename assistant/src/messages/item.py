"""One message of a conversation with a model, as the JSON that was or will be sent."""

import json
from dataclasses import dataclass
from typing import Any, Self

from smart_kit.contracts.base import JsonObject

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Compact JSON that keeps the order of keys, so that the same message is the same bytes."""

_UNDERSTOOD_BY_ALL = ("role", "content", "tool_calls", "tool_call_id")
_CALL_UNDERSTOOD_BY_ALL = ("id", "type", "function")
_ROLE_FIRST = '{"role":"'


@dataclass(frozen=True)
class Item:
    """A message; what a provider added to it goes back to the model that wrote it, and no other."""

    json: str
    model: str | None = None
    """Who wrote it, where it was written in this turn."""

    @classmethod
    def of(cls, message: JsonObject, model: str | None = None) -> Self:
        """The message as it will be sent."""
        return cls(encode(message), model)

    @property
    def message(self) -> JsonObject:
        """The message's JSON."""
        message: JsonObject = json.loads(self.json)
        return message

    @property
    def plain(self) -> str:
        """The message with only what every provider understands."""
        message = _only(self.message, _UNDERSTOOD_BY_ALL)
        if "tool_calls" in message:
            message["tool_calls"] = [
                _only(call, _CALL_UNDERSTOOD_BY_ALL) for call in message["tool_calls"]
            ]
        return encode(message)

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
