"""The base class of tools that write through rest_service: they never write twice."""

from abc import ABC
from collections.abc import Awaitable
from datetime import timedelta
from typing import ClassVar, TypeVar

from smart_kit.contracts.effects import EffectRead
from smart_kit.errors import (
    DomainError,
    InvalidInputError,
    InvalidRequest,
    NotFound,
    RetryMessage,
    ToolExecutionError,
    UpstreamError,
    UpstreamUnavailable,
)

from ..core.journal import ToolResult
from .base import ArgumentsT, BaseTool, ToolContext

RETRY_TIMEOUT = timedelta(minutes=5)
"""Age of the message until which its turn is retried while rest_service is unavailable."""

RETRY_SECONDS = 5.0

ReadT = TypeVar("ReadT")


class MutatingTool(BaseTool[ArgumentsT], ABC):
    """Writes with an idempotency key: a repeated call returns the result of the first one."""

    noun: ClassVar[str]
    """What it writes, in texts for the user."""
    may_write = True
    timeout_seconds = (
        None  # the client has a timeout; a shorter one here would leave writes without a result
    )

    async def _write(self, context: ToolContext, request: Awaitable[ReadT]) -> ReadT:
        """Return the response of a write with the context's idempotency key.

        Raises InvalidInputError, ToolExecutionError, and RetryMessage while a repeated call can
        still show whether the write was done.
        """
        try:
            return await request
        except (InvalidRequest, NotFound) as error:
            raise InvalidInputError(error.message) from error
        except DomainError as error:
            raise ToolExecutionError(f"The {self.noun} was refused: {error.message}") from error
        except UpstreamUnavailable as error:  # it may have been saved: a repeated call shows it
            if self._services.clock.now() - context.turn.requested_at < RETRY_TIMEOUT:
                raise RetryMessage(RETRY_SECONDS, f"a {self.noun}: {error.message}") from error
            raise self._build_unknown_outcome_error() from error
        except UpstreamError as error:
            raise self._build_unknown_outcome_error() from error

    def _build_unknown_outcome_error(self) -> ToolExecutionError:
        return ToolExecutionError(
            f"The service does not answer; whether the {self.noun} was saved is not known."
        )


def build_write_result(content: str, effect: EffectRead | None) -> ToolResult:
    """Return the text for the model, with the receipt of the write."""
    return ToolResult(content=content, effects=() if effect is None else (effect,))
