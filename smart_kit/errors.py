"""Every error of the suite, one type per decision somebody can take.

SmartAssistantError                 the message defaults to the class's docstring
├── ConfigurationError              at start only; exit status 78 and one readable line
├── DomainError                     raised in services; becomes an HTTP status
│   ├── InvalidRequest 400
│   ├── NotAuthenticated 401
│   ├── NotPermitted 403
│   ├── NotFound 404
│   └── Conflict 409
├── UpstreamError                   another service or provider failed us
│   ├── UpstreamUnavailable         trying again is sensible
│   └── UpstreamRejected            our fault; trying again is not
├── MessageError                    how a consumer disposes of a queue message
│   ├── RetryMessage                back to the queue for a while
│   └── RejectMessage               to the dead letters
└── ToolError                       what becomes of a tool call
    ├── InvalidInputError           the model corrects itself
    └── ToolExecutionError          the user is told
"""

from typing import ClassVar


class SmartAssistantError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(self.message)


class ConfigurationError(SmartAssistantError):
    """The settings are not usable."""

    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


class DomainError(SmartAssistantError):
    """The request cannot be fulfilled."""

    status_code: ClassVar[int] = 500


class InvalidRequest(DomainError):
    """The request makes no sense."""

    status_code = 400


class NotAuthenticated(DomainError):
    """A valid bearer token is needed."""

    status_code = 401


class NotPermitted(DomainError):
    """This is not allowed."""

    status_code = 403


class NotFound(DomainError):
    """There is no such thing."""

    status_code = 404


class Conflict(DomainError):
    """This contradicts what is there already."""

    status_code = 409


class UpstreamError(SmartAssistantError):
    """Another service failed."""

    def __init__(self, message: str | None = None, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class UpstreamUnavailable(UpstreamError):
    """Another service cannot be reached at the moment."""

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after
        """Seconds the other side asked us to wait, if it did."""


class UpstreamRejected(UpstreamError):
    """Another service refused the request."""


class MessageError(SmartAssistantError):
    """The message cannot be handled now."""


class RetryMessage(MessageError):
    """The message has to wait."""

    def __init__(self, after: float, message: str | None = None) -> None:
        super().__init__(message)
        self.after = after
        """Seconds until the message may be tried again."""


class RejectMessage(MessageError):
    """The message can never be handled."""


class ToolError(SmartAssistantError):
    """The tool did not do what was asked."""


class InvalidInputError(ToolError):
    """The arguments are wrong; the text tells the model how to call again."""


class ToolExecutionError(ToolError):
    """The tool failed; the text is told to the user."""


DOMAIN_ERRORS: tuple[type[DomainError], ...] = (
    InvalidRequest,
    NotAuthenticated,
    NotPermitted,
    NotFound,
    Conflict,
)
