"""What each model takes beside the conversation, learnt from its refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

EXTRAS = ("reasoning_content", "reasoning_details", "reasoning", "extra_content")
"""What providers add to an assistant's message; some refuse what others demand."""

_RENAMED = {"max_tokens": "max_completion_tokens"}


@dataclass(frozen=True)
class Parameters:
    """What is sent along. A value of None is left out for good."""

    values: Mapping[str, Any] = field(default_factory=dict)
    keeps_extras: bool = True

    @property
    def sent(self) -> dict[str, Any]:
        """Those with a value."""
        return {name: value for name, value in self.values.items() if value is not None}

    def without(self, refused: str) -> Self | None:
        """The next thing to try where this one is refused; None where nothing is left to try."""
        if refused in EXTRAS:
            return replace(self, keeps_extras=False) if self.keeps_extras else None
        if refused == "reasoning_effort" and refused not in self.values:
            # newer models of OpenAI's take tools only so: leaving it out means "medium"
            return replace(self, values={**self.values, refused: "none"})
        value = self.values.get(refused)
        if value is None and (refused != "tool_choice" or refused in self.values):
            return None
        values = {**self.values, refused: None}
        if refused in _RENAMED:
            values[_RENAMED[refused]] = value
        return replace(self, values=values)


class LearntParameters:
    """A table by server and model, for the life of this process: a new one learns in one call."""

    def __init__(self, initial: Mapping[str, Any] | None = None) -> None:
        self._initial = Parameters(initial or {})
        self._learnt: dict[tuple[str, str], Parameters] = {}

    def of(self, base_url: str, model: str) -> Parameters:
        """What to send."""
        return self._learnt.get((base_url, model), self._initial)

    def learn(self, base_url: str, model: str, sent: Parameters, refused: tuple[str, ...]) -> bool:
        """Whether there is something else to try than what was `sent`."""
        adapted = next(filter(None, map(sent.without, refused)), None)
        if adapted is None:
            return False
        self._learnt[base_url, model] = adapted
        return True
