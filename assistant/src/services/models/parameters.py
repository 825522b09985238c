"""What each model takes beside the conversation, learnt from its refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import ModelApi

from ...core.errors import ParameterRefused
from .extras import EXTRAS, FILLS
from .served import ServedModel

_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


@dataclass(frozen=True)
class Learnt:
    """How requests to one model differ from what is wanted."""

    dropped: frozenset[str] = frozenset()
    added: Mapping[str, Any] = field(default_factory=dict)
    keeps_extras: bool = True
    """Whether it takes back what it has added itself."""
    fills: tuple[str, ...] = ()
    """Names in FILLS that it misses at calls of others."""

    def applied(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters to send."""
        sent = {**wanted, **self.added}
        for refused in self.dropped:
            value, other = sent.pop(refused, None), _RENAMED.get(refused)
            if value is not None and other is not None and other not in self.dropped:
                sent.setdefault(other, value)
        return {name: value for name, value in sent.items() if value is not None}

    def adapted(self, refusal: ParameterRefused, sent: Mapping[str, Any]) -> Self | None:
        """The next thing to try after a refusal of what was sent; None: nothing is left to try."""
        ways = (self._without(name, sent, refusal.is_missing) for name in refusal.parameters)
        return next((way for way in ways if way is not None), None)

    def _without(self, refused: str, sent: Mapping[str, Any], is_missing: bool) -> Self | None:
        if refused == "reasoning_effort" and refused not in sent and refused not in self.dropped:
            # newer models of OpenAI's take tools only so: leaving it out means "medium"
            return replace(self, added={**self.added, refused: "none"})
        if refused in sent:
            return replace(self, dropped=self.dropped | {refused})
        if is_missing and refused in FILLS and refused not in self.fills:
            return replace(self, fills=(*self.fills, refused))
        if refused in EXTRAS and (self.keeps_extras or self.fills):
            return replace(self, keeps_extras=False, fills=())
        return None


@dataclass(frozen=True)
class _Lesson:
    parameters: JsonObject
    """The record's when it was learnt."""
    learnt: Learnt


class LearntParameters:
    """For the life of this process: a new one learns in one call. A changed record forgets."""

    def __init__(self) -> None:
        self._lessons: dict[tuple[str, str, ModelApi], _Lesson] = {}

    def of(self, model: ServedModel, api: ModelApi) -> Learnt:
        """What is known of it."""
        lesson = self._lessons.get((model.base_url, model.name, api))
        if lesson is None or lesson.parameters != model.parameters:
            return _NOTHING
        return lesson.learnt

    def learn(
        self,
        model: ServedModel,
        api: ModelApi,
        before: Learnt,
        refusal: ParameterRefused,
        sent: Mapping[str, Any],
    ) -> bool:
        """Whether there is something else to try than what was `sent`, knowing what was `before`.

        Several turns may learn at a time: each goes on from what it had sent itself.
        """
        adapted = before.adapted(refusal, sent)
        if adapted is None:
            return False
        self._lessons[model.base_url, model.name, api] = _Lesson(model.parameters, adapted)
        return True


_NOTHING = Learnt()
