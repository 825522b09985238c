"""What a model may do to us beside being away (UpstreamUnavailable) or refusing (UpstreamRejected).

UpstreamError
├── UpstreamUnavailable
│   ├── LeftAlone               nobody was asked: it has failed too often
│   ├── CutOff                  the answer has no end: asked once again
│   ├── Unreadable              what came is no answer
│   ├── GaveUp                  the model itself says that it failed
│   └── NoTimeLeft              the turn has taken too long
├── UpstreamRejected
│   ├── ContextTooLong          the conversation is shortened, and again
│   ├── NotServed               this model is left alone for a while
│   ├── OwnWordsRefused         asked again without what it added to its own messages
│   └── ParameterRefused        the request is adapted
├── EmptyAnswer                 asked once again, unless a filter emptied it
└── BudgetSpent                 the person is told so
"""

from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

TokenUsage = tuple[int, int, int]
"""As a model counts: of the prompt, of these cached, of the answer. None in place of them: it has
not said, and what was to be expected counts."""


class CircuitOpen(UpstreamUnavailable):
    """The model has failed too often just now."""


class StreamInterrupted(UpstreamUnavailable):
    """The answer ended before it was whole."""

    def __init__(
        self, message: str | None = None, *, status: int | None = None, has_started: bool = True
    ) -> None:
        super().__init__(message, status=status)
        self.has_started = has_started
        """Whether a part of it had come: then it is paid for."""


class MalformedResponse(UpstreamUnavailable):
    """What came is no answer."""

    def __init__(self, message: str, *, tokens: TokenUsage | None = (0, 0, 0)) -> None:
        super().__init__(message)
        self.tokens = tokens


class GenerationFailed(UpstreamUnavailable):
    """The model began an answer and failed."""

    def __init__(self, message: str, *, tokens: TokenUsage | None = (0, 0, 0)) -> None:
        super().__init__(message)
        self.tokens = tokens


class DeadlineExceeded(UpstreamUnavailable):
    """No time is left in this turn."""


class ContextLengthExceeded(UpstreamRejected):
    """The conversation is longer than the model can take."""


class UnsupportedParameter(UpstreamRejected):
    """The model does not take one of the parameters."""

    def __init__(
        self,
        message: str,
        *,
        parameters: tuple[str, ...],
        is_missing: bool = False,
        is_for_any_value: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(message, status=status)
        self.parameters = parameters
        """Those that the refusal names, in its order: one of them it is."""
        self.is_missing = is_missing
        """Whether it seems to be missed."""
        self.is_for_any_value = is_for_any_value
        """Whether it surely is the parameter, whatever its value."""


class ExtrasRejected(UpstreamRejected):
    """The model can no longer read what it added to its own messages."""


class ModelNotAccessible(UpstreamRejected):
    """The model does not serve us at all: key, money or name are wrong."""

    def __init__(
        self, message: str, *, status: int | None = None, pause_seconds: float = 0.0
    ) -> None:
        super().__init__(message, status=status)
        self.pause_seconds = pause_seconds
        """For so long at least, as far as is known."""


class EmptyResponse(UpstreamError):
    """The model gave neither a text nor a call."""

    def __init__(
        self, message: str, *, tokens: TokenUsage | None = (0, 0, 0), is_filtered: bool = False
    ) -> None:
        super().__init__(message)
        self.tokens = tokens
        self.is_filtered = is_filtered
        """Whether a filter took its words: it would take them again."""


class BudgetExceeded(UpstreamError):
    """What the person may spend today allows no further call of any model."""
