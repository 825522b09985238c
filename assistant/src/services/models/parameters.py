"""What each model takes beside the conversation, learnt from its refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from weakref import WeakKeyDictionary

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import ModelApi

from ...core.errors import ParameterRefused
from ...messages.item import encode
from .endpoint import Endpoint
from .extras import EXTRAS, FILLS, keys_of
from .served import ServedModel

_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


@dataclass(frozen=True)
class Learnt:
    """How requests to one model differ from what is wanted."""

    dropped: frozenset[str] = frozenset()
    values: frozenset[tuple[str, str]] = frozenset()
    """Parameters and values, as JSON, that are dropped where they come together: what one assistant
    says too much of, another may say."""
    added: Mapping[str, Any] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    """Of EXTRAS, what it does not take, not even its own."""
    fills: Mapping[str, bool] = field(default_factory=dict)
    """Names in FILLS that it misses at calls, and whether at words without calls too."""
    is_absent: bool = False
    """Whether its server has no such API at all."""

    def applied(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters to send."""
        given = {**wanted, **self.added}
        sent = {name: value for name, value in given.items() if self._takes(name, value)}
        for name in given.keys() - sent.keys():
            other = _RENAMED.get(name)
            if other is not None and self._takes(other, given[name]):
                sent.setdefault(other, given[name])
        return {name: value for name, value in sent.items() if value is not None}

    def _takes(self, name: str, value: Any) -> bool:
        is_refused = bool(self.values) and (name, encode(value)) in self.values
        return name not in self.dropped and not is_refused

    def adapted(self, refusal: ParameterRefused, sent: Mapping[str, Any]) -> Self | None:
        """The next thing to try after a refusal of what was sent; None: nothing is left to try.

        Each way leads on and none back, so that this comes to an end.
        """
        ways = (self._without(name, sent, refusal) for name in refusal.parameters)
        return next((way for way in ways if way is not None), None)

    def _without(
        self, name: str, sent: Mapping[str, Any], refusal: ParameterRefused
    ) -> Self | None:
        is_new = name not in self.dropped and name not in self.added
        if name == "reasoning_effort" and name not in sent and is_new:
            # newer models of OpenAI's take tools only so: leaving it out means "medium"
            return replace(self, added={**self.added, name: "none"})
        if name in sent and refusal.is_for_all:
            return replace(self, dropped=self.dropped | {name})
        if name in sent:
            return replace(self, values=self.values | {(name, encode(sent[name]))})
        return (refusal.is_missing and self._filling(name)) or self._refusing(name)

    def _filling(self, name: str) -> Self | None:
        """With the addition at calls, then at all words."""
        if name not in FILLS or keys_of(name) & self.refused:
            return None
        if name not in self.fills:
            return replace(self, fills={**self.fills, name: False})
        if not self.fills[name] and "keys" in FILLS[name]:
            return replace(self, fills={**self.fills, name: True})
        return None

    def _refusing(self, name: str) -> Self | None:
        """Without the addition, whoever made it."""
        keys = keys_of(name)
        if not keys <= {*EXTRAS} or keys <= self.refused:
            return None
        fills = {other: where for other, where in self.fills.items() if not keys_of(other) & keys}
        return replace(self, refused=self.refused | keys, fills=fills)


@dataclass(frozen=True)
class _Lesson:
    parameters: JsonObject
    """The record's when it was learnt."""
    learnt: Learnt


class LearntParameters:
    """As long as its server is asked; it is learnt in one call. A changed record forgets."""

    def __init__(self) -> None:
        self._lessons: WeakKeyDictionary[Endpoint, dict[tuple[str, ModelApi], _Lesson]] = (
            WeakKeyDictionary()
        )

    def of(self, model: ServedModel, endpoint: Endpoint, api: ModelApi) -> Learnt:
        """What is known of it."""
        lesson = self._lessons.get(endpoint, {}).get((model.name, api))
        if lesson is None or lesson.parameters != model.parameters:
            return _NOTHING
        return lesson.learnt

    def keep(self, model: ServedModel, endpoint: Endpoint, api: ModelApi, learnt: Learnt) -> None:
        """Remember with what it has answered: a refusal that had another reason teaches nothing."""
        self._lessons.setdefault(endpoint, {})[model.name, api] = _Lesson(model.parameters, learnt)


_NOTHING = Learnt()
