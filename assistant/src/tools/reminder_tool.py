"""create_reminder: schedules a reminder, or a prompt to the secretary."""

from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.builtin_functions import CreateReminderArguments
from smart_kit.contracts.cron_jobs import CronJobCreate, CronJobRead
from smart_kit.errors import InvalidInputError

from ..core.journal import ToolResult
from .base import ToolContext, validate_fields
from .mutating_tool import MutatingTool
from .timezones import format_local, to_utc


class ReminderTool(MutatingTool[CreateReminderArguments]):
    """Creates a cron job of the user who writes."""

    function = "create_reminder"
    arguments = CreateReminderArguments
    noun = "reminder"

    async def _run(self, context: ToolContext, arguments: CreateReminderArguments) -> ToolResult:
        job = self._build_job(context, arguments)
        request = self._services.rest.create_cron_job(job, context.idempotency_key)
        return await self._write(context, request, partial(_render_result, context.turn.zone))

    def _build_job(self, context: ToolContext, arguments: CreateReminderArguments) -> CronJobCreate:
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
            job["at"] = self._resolve_time(context, arguments)
        return validate_fields(CronJobCreate, job)

    def _resolve_time(self, context: ToolContext, arguments: CreateReminderArguments) -> datetime:
        """Return the instant, relative to when the message was written. So every attempt at the
        message schedules the same, even one after that instant."""
        turn = context.turn
        if arguments.in_seconds is not None:
            return (turn.requested_at + timedelta(seconds=arguments.in_seconds)).astimezone(UTC)
        assert arguments.at is not None
        at = to_utc(arguments.at, turn.zone, "at")
        if at <= turn.requested_at:
            raise InvalidInputError(
                f"{arguments.at.isoformat()} is in the past. It is now"
                f" {turn.requested_at:%a %Y-%m-%dT%H:%M:%S%z} ({turn.zone.key})."
                " Call again with a later time."
            )
        return at


def _render_result(zone: ZoneInfo, job: CronJobRead) -> str:
    first = "never" if job.next_fire_at is None else format_local(job.next_fire_at, zone)
    what = "Request to the secretary" if job.type == "prompt" else "Reminder"
    if job.cron_expression is None:
        return f"{what} planned for {first} {zone.key}: {job.text}"
    return (
        f"{what} planned, recurring (cron {job.cron_expression}, {zone.key}),"
        f" the next time {first}: {job.text}"
    )
