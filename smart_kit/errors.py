"""The errors of all services: one type per way of handling it.

SmartAssistantError                 the message defaults to the class's docstring
├── ConfigurationError              at start only; exit status 78 and one readable line
├── DomainError                     raised in services; becomes an HTTP status
│   ├── InvalidRequest 400
│   ├── NotAuthenticated 401
│   ├── NotPermitted 403
│   ├── NotFound 404
│   └── Conflict 409
├── UpstreamError                   another service or a provider failed
│   ├── UpstreamUnavailable         a retry may succeed
│   └── UpstreamRejected            a retry would fail again
├── MessageError                    how a worker disposes of a queue message
│   ├── RetryMessage                it is delayed and tried again
│   └── RejectMessage               it becomes a dead letter
├── InvalidInputError               a tool's arguments, which the model can correct
└── ToolExecutionError              a tool failed, which the model reports to the user
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
    """The request is not valid."""

    status_code = 400


class NotAuthenticated(DomainError):
    """A valid bearer token is needed."""

    status_code = 401


class NotPermitted(DomainError):
    """This is not allowed."""

    status_code = 403


class NotFound(DomainError):
    """The record does not exist."""

    status_code = 404


class Conflict(DomainError):
    """The request conflicts with an existing record."""

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
        """Seconds to wait that the server asked for, if any."""


class UpstreamRejected(UpstreamError):
    """Another service refused the request."""


class MessageError(SmartAssistantError):
    """The message cannot be handled now."""


class RetryMessage(MessageError):
    """The message has to wait."""

    def __init__(self, after: float, message: str | None = None) -> None:
        super().__init__(message)
        self.after = after
        """Seconds until the next attempt."""


class RejectMessage(MessageError):
    """The message can never be handled."""


class InvalidInputError(SmartAssistantError):
    """The arguments are wrong. The message tells the model how to correct them."""


class ToolExecutionError(SmartAssistantError):
    """The tool failed. The message is for the user."""


DOMAIN_ERRORS = (InvalidRequest, NotAuthenticated, NotPermitted, NotFound, Conflict)
