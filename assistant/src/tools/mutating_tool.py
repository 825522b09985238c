"""What the tools that write through rest_service have in common: they never write twice."""

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
"""How old a message may be whose turn waits for rest_service; then the person is told."""

RETRY_SECONDS = 5.0

ReadT = TypeVar("ReadT")


class MutatingTool(BaseTool[ArgumentsT], ABC):
    """Writes through rest_service, which answers a repeated call with the first one's result."""

    noun: ClassVar[str]
    """What it writes, as the person is told."""
    may_write = True
    timeout_seconds = (
        None  # the client's own: cut off before, an unanswered write could not be asked again
    )

    async def _write(self, context: ToolContext, request: Awaitable[ReadT]) -> ReadT:
        """What rest_service answers to a call under the context's idempotency key.

        Raises InvalidInputError, ToolExecutionError, and RetryMessage while it can still be found
        out what became of the call.
        """
        try:
            return await request
        except (InvalidRequest, NotFound) as error:
            raise InvalidInputError(error.message) from error
        except DomainError as error:
            raise ToolExecutionError(f"The {self.noun} was refused: {error.message}") from error
        except UpstreamUnavailable as error:  # it may have been saved: the same key will tell
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
    """What the model is told, with the receipt of what was written."""
    return ToolResult(content=content, effects=() if effect is None else (effect,))
