"""The base class of tools that write through rest_service: they never write twice."""

from abc import ABC
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ClassVar, TypeVar

from smart_kit.contracts.cron_jobs import CronJobRead
from smart_kit.contracts.tasks import TaskRead
from smart_kit.contracts.users import UserRead
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
from ..services.rest_service import CancelledJob
from .base import ArgumentsT, BaseTool, ToolContext

RETRY_TIMEOUT = timedelta(minutes=5)
"""Age of the message until which its turn is retried while rest_service is unavailable."""

RETRY_SECONDS = 5.0

ReadT = TypeVar("ReadT", CronJobRead, TaskRead, UserRead, CancelledJob)


class MutatingTool(BaseTool[ArgumentsT], ABC):
    """Writes with an idempotency key: a repeated call returns the result of the first one."""

    noun: ClassVar[str]
    """What it writes, in texts for the user."""
    may_write = True
    timeout_seconds = None
    """The client has one; a shorter one here would leave writes without a result."""

    async def _write(
        self, context: ToolContext, request: Awaitable[ReadT], render: Callable[[ReadT], str]
    ) -> ToolResult:
        """Await a write with the context's idempotency key; return its text and receipt.

        Raises InvalidInputError, ToolExecutionError, and RetryMessage while a repeated call can
        still show whether the write was done.
        """
        try:
            response = await request
        except (InvalidRequest, NotFound) as error:
            raise InvalidInputError(error.message) from error
        except DomainError as error:
            raise ToolExecutionError(f"The {self.noun} was refused: {error.message}") from error
        except UpstreamError as error:
            age = self._services.clock.now() - context.turn.requested_at
            if isinstance(error, UpstreamUnavailable) and age < RETRY_TIMEOUT:
                raise RetryMessage(RETRY_SECONDS, f"a {self.noun}: {error.message}") from error
            raise ToolExecutionError(
                f"The service does not answer; whether the {self.noun} was saved is not known."
            ) from error
        receipts = () if response.effect is None else (response.effect,)
        return ToolResult(content=render(response), effects=receipts)
