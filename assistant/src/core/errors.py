"""What can go wrong with a model, besides being unavailable or rejecting a request.

UpstreamError
├── UpstreamUnavailable
│   ├── CircuitOpen             not called: it has failed too often
│   ├── StreamInterrupted       the answer broke off: retried once
│   ├── MalformedResponse       the response is not an answer
│   │   └── GenerationFailed    the model itself reports that it failed
│   └── DeadlineExceeded        the turn has taken too long
├── UpstreamRejected
│   ├── ContextLengthExceeded   the conversation is shortened, then retried
│   ├── ModelNotAccessible      the model's circuit opens for a while
│   ├── MessageExtrasRejected   retried without the extras of the model's own messages
│   └── UnsupportedParameter    the request is adapted
├── EmptyResponse               retried once, unless a filter emptied it
└── BudgetExceeded              the user gets a notice
"""

from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

TokenUsage = tuple[int, int, int]
"""Tokens as the model counts them: prompt, cached part of the prompt, answer. None where usage is
expected means that the server did not report it, and an estimate counts."""


class CircuitOpen(UpstreamUnavailable):
    """The model has failed too often recently."""


class StreamInterrupted(UpstreamUnavailable):
    """The answer ended before it was complete."""

    def __init__(
        self, message: str | None = None, *, status: int | None = None, has_started: bool = True
    ) -> None:
        super().__init__(message, status=status)
        self.has_started = has_started
        """Whether a part of it arrived; then it is billed."""


class MalformedResponse(UpstreamUnavailable):
    """The response is not an answer."""

    def __init__(self, message: str, *, tokens: TokenUsage | None = (0, 0, 0)) -> None:
        super().__init__(message)
        self.tokens = tokens


class GenerationFailed(MalformedResponse):
    """The model started an answer and failed."""


class DeadlineExceeded(UpstreamUnavailable):
    """No time is left in this turn."""


class ContextLengthExceeded(UpstreamRejected):
    """The conversation is longer than the model allows."""


class UnsupportedParameter(UpstreamRejected):
    """The model does not support one of the parameters."""

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
        """Names in the refusal, in its order; at least one of them is meant."""
        self.is_missing = is_missing
        """Whether the refusal seems to demand a missing parameter."""
        self.is_for_any_value = is_for_any_value
        """Whether the parameter is refused with every value."""


class MessageExtrasRejected(UpstreamRejected):
    """The model no longer accepts what it added to its own messages."""


class ModelNotAccessible(UpstreamRejected):
    """The model cannot be used: the key or the name is wrong, or the account is empty."""

    def __init__(
        self, message: str, *, status: int | None = None, pause_seconds: float = 0.0
    ) -> None:
        super().__init__(message, status=status)
        self.pause_seconds = pause_seconds
        """Shortest time until a retry makes sense; 0: not known."""


class EmptyResponse(UpstreamError):
    """The model returned neither text nor a tool call."""

    def __init__(
        self, message: str, *, tokens: TokenUsage | None = (0, 0, 0), is_filtered: bool = False
    ) -> None:
        super().__init__(message)
        self.tokens = tokens
        self.is_filtered = is_filtered
        """Whether a content filter removed the text; a retry would give the same."""


class BudgetExceeded(UpstreamError):
    """The user's daily budget allows no further call of any model."""


class TimezoneRequired(Exception):
    """The request depends on the user's time zone, which has to be asked for first."""
