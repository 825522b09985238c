"""What a model may do to us beside being away (UpstreamUnavailable) or refusing (UpstreamRejected).

UpstreamError
├── UpstreamUnavailable
│   ├── LeftAlone               nobody was asked: it has failed too often
│   ├── CutOff                  the answer has no end: asked once again
│   └── NoTimeLeft              the turn has taken too long
├── UpstreamRejected
│   ├── ContextTooLong          the conversation is shortened, once
│   ├── NotServed               this model is left alone for a while
│   ├── OwnWordsRefused         asked again without what it added to its own messages
│   └── ParameterRefused        the request is adapted
├── EmptyAnswer                 asked once again
└── BudgetSpent                 the person is told so
"""

from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable


class LeftAlone(UpstreamUnavailable):
    """The model has failed too often just now."""


class CutOff(UpstreamUnavailable):
    """The answer ended before it was whole."""


class NoTimeLeft(UpstreamUnavailable):
    """No time is left in this turn."""


class ContextTooLong(UpstreamRejected):
    """The conversation is longer than the model can take."""


class ParameterRefused(UpstreamRejected):
    """The model does not take one of the parameters."""

    def __init__(
        self,
        message: str,
        *,
        parameters: tuple[str, ...],
        is_missing: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(message, status=status)
        self.parameters = parameters
        """Those that the refusal names, in its order: one of them it is."""
        self.is_missing = is_missing
        """Whether it seems to be missed."""


class OwnWordsRefused(UpstreamRejected):
    """The model can no longer read what it added to its own messages."""


class NotServed(UpstreamRejected):
    """The model does not serve us at all: key, money or name are wrong."""

    def __init__(self, message: str, *, status: int | None = None, seconds: float = 0.0) -> None:
        super().__init__(message, status=status)
        self.seconds = seconds
        """For so long at least, as far as is known."""


class EmptyAnswer(UpstreamError):
    """The model gave neither a text nor a call."""


class BudgetSpent(UpstreamError):
    """What the person may spend today allows no further call of any model."""
