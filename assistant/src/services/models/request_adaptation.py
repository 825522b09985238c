"""What each model takes beside the conversation, learnt from its refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from ...core.errors import UnsupportedParameter
from ...messages.item import encode_json
from .provider_extras import DEFAULT_EXTRAS, EXTRA_KEYS, extra_keys_for

_ALTERNATIVE_NAMES = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


@dataclass(frozen=True)
class RequestAdaptation:
    """How requests to one model differ from what is wanted."""

    dropped_parameters: frozenset[str] = frozenset()
    dropped_values: frozenset[tuple[str, str]] = frozenset()
    """Parameters and values, as JSON, that are dropped where they come together: what one assistant
    says too much of, another may say."""
    added_parameters: Mapping[str, Any] = field(default_factory=dict)
    refused_extras: frozenset[str] = frozenset()
    """Of EXTRAS, what it does not take, not even its own."""
    default_extras: Mapping[str, bool] = field(default_factory=dict)
    """Names in FILLS that it misses at calls, and whether at words without calls too."""
    is_api_missing: bool = False
    """Whether its server has no such API at all."""

    def apply(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters to send."""
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

    def adapt(self, refusal: UnsupportedParameter, sent: Mapping[str, Any]) -> Self | None:
        """The next thing to try after a refusal of what was sent; None: nothing is left to try.

        Each way leads on and none back, so that this comes to an end.
        """
        ways = (self._adapt_parameter(name, sent, refusal) for name in refusal.parameters)
        return next((way for way in ways if way is not None), None)

    def _adapt_parameter(
        self, name: str, sent: Mapping[str, Any], refusal: UnsupportedParameter
    ) -> Self | None:
        is_new = name not in self.dropped_parameters and name not in self.added_parameters
        if name == "reasoning_effort" and name not in sent and is_new:
            # newer models of OpenAI's take tools only so: leaving it out means "medium"
            return replace(self, added_parameters={**self.added_parameters, name: "none"})
        if name in sent and refusal.is_for_any_value:
            return replace(self, dropped_parameters=self.dropped_parameters | {name})
        if name in sent:
            return replace(
                self, dropped_values=self.dropped_values | {(name, encode_json(sent[name]))}
            )
        return (refusal.is_missing and self._add_default_extras(name)) or self._drop_extras(name)

    def _add_default_extras(self, name: str) -> Self | None:
        """With the addition at calls, then at all words."""
        if name not in DEFAULT_EXTRAS or extra_keys_for(name) & self.refused_extras:
            return None
        if name not in self.default_extras:
            return replace(self, default_extras={**self.default_extras, name: False})
        if not self.default_extras[name] and "keys" in DEFAULT_EXTRAS[name]:
            return replace(self, default_extras={**self.default_extras, name: True})
        return None

    def _drop_extras(self, name: str) -> Self | None:
        """Without the addition, whoever made it."""
        keys = extra_keys_for(name)
        if not keys <= {*EXTRA_KEYS} or keys <= self.refused_extras:
            return None
        default_extras = {
            other: where
            for other, where in self.default_extras.items()
            if not extra_keys_for(other) & keys
        }
        return replace(
            self, refused_extras=self.refused_extras | keys, default_extras=default_extras
        )
