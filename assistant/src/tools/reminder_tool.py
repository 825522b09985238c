"""create_reminder: plans a message, or a request to the secretary, for later."""

from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.cron_jobs import CronJobCreate, CronJobRead
from smart_kit.contracts.functions import CreateReminder
from smart_kit.errors import (
    DomainError,
    InvalidInputError,
    InvalidRequest,
    RetryMessage,
    ToolExecutionError,
    UpstreamError,
    UpstreamUnavailable,
)

from ..core.journal import ToolResult
from .base import BaseTool, ToolContext, wrong_arguments

PATIENCE = timedelta(minutes=5)
"""How old a message may be whose turn waits for rest_service; then the person is told."""

RETRY_SECONDS = 5.0
_SHOWN = "%a %Y-%m-%d %H:%M"
_UNKNOWN = "The service does not answer; whether the reminder was saved is not known."


class ReminderTool(BaseTool[CreateReminder]):
    """Writes through rest_service, which answers a repeated call with the first one's result."""

    function = "create_reminder"
    arguments = CreateReminder
    may_write = True
    seconds = None  # the client's own: cut off before, an unanswered write could not be asked again

    async def _run(self, context: ToolContext, arguments: CreateReminder) -> ToolResult:
        """Raises InvalidInputError for a time in the past or an unusable cron expression."""
        job = self._job(context, arguments)
        try:
            planned = await self._services.rest.create_cron_job(job, context.idempotency_key)
        except InvalidRequest as error:
            raise InvalidInputError(error.message) from error
        except DomainError as error:
            raise ToolExecutionError(f"The reminder was refused: {error.message}") from error
        except UpstreamUnavailable as error:  # it may have been saved: the same key will tell
            if self._services.clock.now() - context.turn.asked_at < PATIENCE:
                raise RetryMessage(RETRY_SECONDS, f"a reminder: {error.message}") from error
            raise ToolExecutionError(_UNKNOWN) from error
        except UpstreamError as error:
            raise ToolExecutionError(_UNKNOWN) from error
        return ToolResult(
            content=_told(planned, context),
            effects=(planned.effect,) if planned.effect is not None else (),
        )

    def _job(self, context: ToolContext, arguments: CreateReminder) -> CronJobCreate:
        turn = context.turn
        job: JsonObject = {
            "user_id": turn.user.id,
            "type": "prompt" if arguments.prompt else "reminder",
            "text": arguments.text,
            "timezone": turn.zone.key,
            "chat_id": turn.chat_id,
        }
        if arguments.cron is not None:
            job["cron_expression"] = arguments.cron
        else:
            job["at"] = self._at(context, arguments)
        try:
            return CronJobCreate.model_validate(job)
        except ValidationError as error:
            raise wrong_arguments(error) from error

    def _at(self, context: ToolContext, arguments: CreateReminder) -> datetime:
        """The instant, counted from when the message was written.

        So every attempt at the message plans the same, also one that comes after that instant.
        """
        turn = context.turn
        if arguments.in_seconds is not None:
            return (turn.asked_at + timedelta(seconds=arguments.in_seconds)).astimezone(UTC)
        assert arguments.at is not None
        try:
            # without an offset: the first of two equal times, and in a gap by the offset before it
            local = arguments.at if arguments.at.tzinfo else arguments.at.replace(tzinfo=turn.zone)
            at = local.astimezone(UTC)
        except OverflowError as error:
            raise InvalidInputError("`at` is beyond the calendar.") from error
        if at <= turn.asked_at:
            raise InvalidInputError(
                f"{arguments.at.isoformat()} is in the past. It is now"
                f" {turn.asked_at:%a %Y-%m-%dT%H:%M:%S%z} ({turn.zone.key})."
                " Call again with a later time."
            )
        return at


def _told(planned: CronJobRead, context: ToolContext) -> str:
    """What the model is told: what was planned and when, in the person's time."""
    zone = context.turn.zone
    fires_at = planned.next_fire_at
    first = f"{fires_at.astimezone(zone):{_SHOWN}}" if fires_at is not None else "never"
    what = "Request to the secretary" if planned.type == "prompt" else "Reminder"
    if planned.cron_expression is None:
        return f"{what} planned for {first} {zone.key}: {planned.text}"
    return (
        f"{what} planned, recurring (cron {planned.cron_expression}, {zone.key}),"
        f" the next time {first}: {planned.text}"
    )
