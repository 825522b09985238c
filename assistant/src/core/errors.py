"""What a model may do to us beside being away (UpstreamUnavailable) or refusing (UpstreamRejected).

UpstreamError
├── UpstreamUnavailable
├── UpstreamRejected
│   ├── ContextTooLong          the conversation is shortened, once
│   └── ParameterRefused        the request is adapted
└── EmptyAnswer                 asked once again
"""

from smart_kit.errors import UpstreamError, UpstreamRejected


class ContextTooLong(UpstreamRejected):
    """The conversation is longer than the model can take."""


class ParameterRefused(UpstreamRejected):
    """The model does not take one of the parameters."""

    def __init__(
        self, message: str, *, parameters: tuple[str, ...], status: int | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.parameters = parameters
        """Those that the refusal names, in its order: one of them it is."""


class EmptyAnswer(UpstreamError):
    """The model gave neither a text nor a call."""
