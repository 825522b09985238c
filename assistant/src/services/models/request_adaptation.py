"""How requests are adapted to a model, as learnt from its refusals.

Extras are fields that providers add to their models' messages and may require in all messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from smart_kit.contracts.base import JsonObject

from ...core.errors import UnsupportedParameter
from ...messages.item import encode_json

EXTRA_KEYS = ("reasoning_content", "reasoning_details", "reasoning", "extra_content")
"""Fields that providers add to an assistant's message; some reject what others require."""
DEFAULT_EXTRAS: Mapping[str, JsonObject] = {
    # as DeepSeek documents it; also if the model has not reasoned
    "reasoning_content": {"keys": {"reasoning_content": ""}},
    # Google's placeholder for calls of another model (ai.google.dev, thought signatures)
    "thought_signature": {
        "call": {
            "extra_content": {"google": {"thought_signature": "skip_thought_signature_validator"}}
        }
    },
}
"""Values for messages of other models, by the name in the error that demands the field."""
_ALTERNATIVE_NAMES = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


@dataclass(frozen=True)
class RequestAdaptation:
    """Differences between the wanted request and the one that a model accepts."""

    dropped_parameters: frozenset[str] = frozenset()
    dropped_values: frozenset[tuple[str, str]] = frozenset()
    """Pairs of parameter and value (as JSON) to drop: the same parameter with another value, from
    another assistant, may be accepted."""
    added_parameters: Mapping[str, Any] = field(default_factory=dict)
    refused_extras: frozenset[str] = frozenset()
    """Names of EXTRA_KEYS that the model rejects, even in its own messages."""
    default_extras: Mapping[str, bool] = field(default_factory=dict)
    """Names of DEFAULT_EXTRAS that the model requires in messages with calls; True: in all."""
    is_api_missing: bool = False
    """Whether the server lacks the API."""

    def apply(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters to send."""
        given = {**parameters, **self.added_parameters}
        sent = {name: value for name, value in given.items() if self._accepts(name, value)}
        for name in given.keys() - sent.keys():
            other = _ALTERNATIVE_NAMES.get(name)
            if other is not None and self._accepts(other, given[name]):
                sent.setdefault(other, given[name])
        return {name: value for name, value in sent.items() if value is not None}

    def _accepts(self, name: str, value: Any) -> bool:
        is_refused = bool(self.dropped_values) and (name, encode_json(value)) in self.dropped_values
        return name not in self.dropped_parameters and not is_refused

    def extend_for_refusal(
        self, refusal: UnsupportedParameter, sent: Mapping[str, Any]
    ) -> Self | None:
        """Return the adaptation to try next after a refusal; None: nothing is left to try.

        Each adaptation adds to the one before and removes nothing, so that the search ends.
        """
        ways = (self._adapt_parameter(name, sent, refusal) for name in refusal.parameters)
        return next((way for way in ways if way is not None), None)

    def _adapt_parameter(
        self, name: str, sent: Mapping[str, Any], refusal: UnsupportedParameter
    ) -> Self | None:
        is_new = name not in self.dropped_parameters and name not in self.added_parameters
        if name == "reasoning_effort" and name not in sent and is_new:
            # newer OpenAI models accept tools only so: the default is "medium"
            return replace(self, added_parameters={**self.added_parameters, name: "none"})
        if name in sent and refusal.is_for_any_value:
            return replace(self, dropped_parameters=self.dropped_parameters | {name})
        if name in sent:
            return replace(
                self, dropped_values=self.dropped_values | {(name, encode_json(sent[name]))}
            )
        return (refusal.is_missing and self._add_default_extras(name)) or self._drop_extras(name)

    def _add_default_extras(self, name: str) -> Self | None:
        """Add the default extra to messages with calls, and after another refusal to all."""
        if name not in DEFAULT_EXTRAS or _extra_keys_for(name) & self.refused_extras:
            return None
        if name not in self.default_extras:
            return replace(self, default_extras={**self.default_extras, name: False})
        if not self.default_extras[name] and "keys" in DEFAULT_EXTRAS[name]:
            return replace(self, default_extras={**self.default_extras, name: True})
        return None

    def _drop_extras(self, name: str) -> Self | None:
        """Drop the extra from all messages."""
        keys = _extra_keys_for(name)
        if not keys <= {*EXTRA_KEYS} or keys <= self.refused_extras:
            return None
        default_extras = {
            other: where
            for other, where in self.default_extras.items()
            if not _extra_keys_for(other) & keys
        }
        return replace(
            self, refused_extras=self.refused_extras | keys, default_extras=default_extras
        )


def _extra_keys_for(name: str) -> frozenset[str]:
    """Return the keys, in a message or a call, under which the extra of this name stands."""
    default = DEFAULT_EXTRAS.get(name)
    return frozenset(
        {name} if default is None else {key for keys in default.values() for key in keys}
    )
