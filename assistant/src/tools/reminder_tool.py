"""create_reminder, list_reminders, change_reminder, cancel_reminder: the reminders of the user.

Times that the model gives are local unless their offset says otherwise: so a reminder for 9:00
stays at 9:00 when the rules of its time zone change.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from smart_kit import local_time
from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.builtin_functions import (
    CancelReminderArguments,
    ChangeReminderArguments,
    CreateReminderArguments,
    ListRemindersArguments,
    ReminderTimes,
)
from smart_kit.contracts.cron_jobs import CronJobCreate, CronJobRead, CronJobUpdate
from smart_kit.errors import DomainError, InvalidInputError, ToolExecutionError, UpstreamError

from ..core.journal import ToolResult
from ..core.turn import Turn
from ..services.rest_service import CancelledJob
from .base import BaseTool, ToolContext, validate_fields
from .mutating_tool import MutatingTool
from .timezones import format_local, to_utc

DELIVERED_FOR = timedelta(days=1)
"""How long a delivered reminder is listed, so that it can be planned again."""


class ReminderTool(MutatingTool[CreateReminderArguments]):
    """Creates a cron job of the user who writes."""

    function = "create_reminder"
    arguments = CreateReminderArguments
    noun = "reminder"

    async def _run(self, context: ToolContext, arguments: CreateReminderArguments) -> ToolResult:
        if arguments.depends_on_timezone:
            context.require_timezone()
        turn = context.turn
        fields: JsonObject = {
            "user_id": turn.user.id,
            "type": "prompt" if arguments.prompt else "reminder",
            "text": arguments.text,
            "timezone": turn.zone.key,
            "chat_id": turn.chat_id,
        }
        job = validate_fields(CronJobCreate, fields | _build_times(turn, arguments))
        request = self._services.rest.create_cron_job(job, context.idempotency_key)
        return await self._write(context, request, partial(_render_result, "planned", turn.zone))


class ListRemindersTool(BaseTool[ListRemindersArguments]):
    """Lists the user's own reminders, with the ids that the other functions need."""

    function = "list_reminders"
    arguments = ListRemindersArguments

    async def _run(self, context: ToolContext, _: ListRemindersArguments) -> ToolResult:
        user_id, rest = context.turn.user.id, self._services.rest
        since = context.turn.requested_at - DELIVERED_FOR
        try:
            active, delivered = await asyncio.gather(
                rest.list_active_cron_jobs(user_id), rest.list_fired_cron_jobs(user_id, since)
            )
        except (DomainError, UpstreamError) as error:
            raise ToolExecutionError("The reminders cannot be read at the moment.") from error
        return ToolResult(content=_render_list(context.turn.zone, since, [*active, *delivered]))


class ChangeReminderTool(MutatingTool[ChangeReminderArguments]):
    """Changes the text or the time of one of the user's reminders, also of a delivered one."""

    function = "change_reminder"
    arguments = ChangeReminderArguments
    noun = "reminder"

    async def _run(self, context: ToolContext, arguments: ChangeReminderArguments) -> ToolResult:
        if arguments.depends_on_timezone:
            context.require_timezone()
        turn = context.turn
        fields = arguments.model_dump(include={"text"}, exclude_none=True)
        if arguments.has_time:
            fields |= {"timezone": turn.zone.key, **_build_times(turn, arguments)}
        change = validate_fields(CronJobUpdate, fields)
        request = self._services.rest.update_cron_job(
            arguments.id, change, turn.user.id, context.idempotency_key
        )
        return await self._write(context, request, partial(_render_result, "changed", turn.zone))


class CancelReminderTool(MutatingTool[CancelReminderArguments]):
    """Cancels one of the user's reminders."""

    function = "cancel_reminder"
    arguments = CancelReminderArguments
    noun = "reminder"

    async def _run(self, context: ToolContext, arguments: CancelReminderArguments) -> ToolResult:
        request = self._services.rest.cancel_cron_job(
            arguments.id, context.turn.user.id, context.idempotency_key
        )
        return await self._write(context, request, _render_cancelled)


def _build_times(turn: Turn, times: ReminderTimes) -> JsonObject:
    """Return the fields of rest_service. Durations count from when the message was written, so that
    every attempt at it plans the same, even one after that instant."""
    if times.cron is not None:
        return {"cron_expression": times.cron}
    if times.in_seconds is not None:
        at = turn.requested_at + timedelta(seconds=times.in_seconds)
        return {"at": at.astimezone(UTC)}
    assert times.at is not None, "a time is given"
    local = local_time.find_local(times.at, turn.zone.key)
    if local is None:  # an instant of another time zone
        fields: JsonObject = {"at": to_utc(times.at, turn.zone, "at")}
    else:
        fields = {"local_at": local}
    _check_future(turn, times.at)
    return fields if times.rrule is None else {**fields, "rrule": times.rrule}


def _check_future(turn: Turn, at: datetime) -> None:
    if to_utc(at, turn.zone, "at") <= turn.requested_at:
        raise InvalidInputError(
            f"{at.isoformat()} is in the past. It is now"
            f" {turn.requested_at:%a %Y-%m-%dT%H:%M:%S%z} ({turn.zone.key})."
            " Call again with a later time."
        )


def _render_result(what: str, zone: ZoneInfo, job: CronJobRead) -> str:
    kind = "Request to the secretary" if job.type == "prompt" else "Reminder"
    first = "never" if job.next_fire_at is None else format_local(job.next_fire_at, zone)
    if recurrence := _describe_recurrence(job):
        text = f"recurring ({recurrence}, {job.timezone}), the next time {first}"
        return f"{kind} {what}, {text}: {job.text}"
    return f"{kind} {what} for {first} {zone.key}: {job.text}"


def _render_cancelled(cancelled: CancelledJob) -> str:
    return f"Reminder cancelled: {cancelled.text}"


def _render_list(zone: ZoneInfo, since: datetime, jobs: list[CronJobRead]) -> str:
    if not jobs:
        return "There are no reminders."
    upcoming = sorted((job for job in jobs if job.next_fire_at), key=_get_next_fire)
    delivered = (job for job in jobs if job.next_fire_at is None)
    lines = (f"- {_render_job(job, zone, since)}" for job in (*upcoming, *delivered))
    return "\n".join((f"All reminders, times in {zone.key}:", *lines))


def _get_next_fire(job: CronJobRead) -> datetime:
    assert job.next_fire_at is not None, "upcoming reminders have a next fire"
    return job.next_fire_at


def _render_job(job: CronJobRead, zone: ZoneInfo, since: datetime) -> str:
    """Return a line such as “call Anna [Fri 2026-11-27 09:00] [cron 0 9 * * 5] (id …)”."""
    marks = [] if job.next_fire_at is None else [format_local(job.next_fire_at, zone)]
    if job.last_fired_at is not None and job.last_fired_at >= since:
        marks.append(f"delivered {format_local(job.last_fired_at, zone)}")
    marks += filter(None, (_describe_recurrence(job),))
    if job.timezone != zone.key and (job.local_at or job.cron_expression):
        marks.append(f"at a time of {job.timezone}")
    marks += ["prompt"] if job.type == "prompt" else []
    text = " ".join(job.text.split())
    return " ".join((text, *(f"[{mark}]" for mark in marks), f"(id {job.id})"))


def _describe_recurrence(job: CronJobRead) -> str:
    if job.rrule is not None:
        return f"rrule {job.rrule}"
    return f"cron {job.cron_expression}" if job.cron_expression is not None else ""
