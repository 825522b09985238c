"""The built-in calendar."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit import local_time
from smart_kit.contracts.base import AwareDatetimeInput, JsonObject, Page
from smart_kit.contracts.calendar import CalendarEventCreate, CalendarEventRead, CalendarEventUpdate
from smart_kit.errors import InvalidRequest

from ..models import CalendarEvent
from ..pagination import PageQuery
from .effects.effect_recorder import EffectRecorder
from .records.call_context import CallContext
from .records.crud import (
    OwnerScope,
    check_limit,
    get_provided_fields,
    lock_owned,
    lock_user,
    set_fields,
)

TIME_FIELDS = ("starts_at", "ends_at")
MAX_EVENTS = 10_000
"""Limit for each user, past events included: three a day for nine years."""
RECORDS = EffectRecorder(
    CalendarEvent,
    CalendarEventRead,
    CalendarEventCreate,
    CalendarEventUpdate,
    "/api/calendar",
    order_by=(col(CalendarEvent.starts_at), col(CalendarEvent.id)),
)


class CalendarEventQuery(PageQuery):
    user_id: UUID | None = None
    from_at: AwareDatetimeInput | None = Field(None, description="Only events that end later")
    until_at: AwareDatetimeInput | None = Field(None, description="Only events that start earlier")


async def read_page(
    session: AsyncSession, query: CalendarEventQuery, owner: OwnerScope
) -> Page[CalendarEventRead]:
    """Return events, the earliest first."""
    conditions = []
    if query.from_at is not None:
        conditions.append(col(CalendarEvent.ends_at) > query.from_at)
    if query.until_at is not None:
        conditions.append(col(CalendarEvent.starts_at) < query.until_at)
    return await RECORDS.read_page(session, query, owner, *conditions)


async def create(context: CallContext, body: CalendarEventCreate) -> CalendarEventRead:
    """Create an event.

    Raises NotFound for an unknown user, InvalidRequest for invalid times, Conflict at the limit.
    """
    user = await lock_user(context.session, body.user_id, context.owner)
    row = CalendarEvent(**body.model_dump(exclude={"timezone", *TIME_FIELDS}))
    row.timezone = body.timezone or user.get_timezone(context.default_timezone)
    set_fields(row, _resolve_times(body.model_dump(include=set(TIME_FIELDS)), row.timezone))
    _check_times(row)
    return await _add(context, row)


async def update(
    context: CallContext, event_id: UUID, body: CalendarEventUpdate
) -> CalendarEventRead:
    """Change an event. Raises NotFound, InvalidRequest."""
    _, row = await lock_owned(context.session, CalendarEvent, event_id, context.owner)
    before = RECORDS.snapshot(row)
    fields = get_provided_fields(body, CalendarEvent)
    set_fields(row, _resolve_times(fields, body.timezone or row.timezone))
    if fields.keys() & {"timezone", "is_all_day", *TIME_FIELDS}:
        _check_times(row)
    await context.session.flush()
    return await RECORDS.record_changed(context, row, "event_changed", before)


async def delete(context: CallContext, event_id: UUID) -> None:
    """Delete an event. Raises NotFound."""
    _, row = await lock_owned(context.session, CalendarEvent, event_id, context.owner)
    await RECORDS.record_cancelled(context, row, "event_cancelled")
    await context.session.delete(row)


async def restore(context: CallContext, facts: JsonObject, user_id: UUID) -> None:
    """Create a cancelled event again. Raises NotFound for a deleted user, Conflict at the limit."""
    await lock_user(context.session, user_id, context.owner)
    await _add(context, RECORDS.rebuild(facts, user_id))


async def _add(context: CallContext, row: CalendarEvent) -> CalendarEventRead:
    own = CalendarEvent.user_id == row.user_id
    await check_limit(context.session, CalendarEvent, MAX_EVENTS, "events", own)
    context.session.add(row)
    await context.session.flush()
    return await RECORDS.record_created(context, row, "event_created")


def _resolve_times(fields: dict[str, Any], zone: str) -> dict[str, Any]:
    times = {name: local_time.to_utc(fields[name], zone) for name in TIME_FIELDS if name in fields}
    return fields | times


def _check_times(row: CalendarEvent) -> None:
    if row.ends_at <= row.starts_at:
        raise InvalidRequest("An event must end after it starts.")
    if row.is_all_day and not (
        _is_midnight(row.starts_at, row.timezone) and _is_midnight(row.ends_at, row.timezone)
    ):
        raise InvalidRequest(
            f"An all-day event must start and end at midnight in {row.timezone}; one day ends"
            " on the next."
        )


def _is_midnight(moment: datetime, zone: str) -> bool:
    """Return whether a day begins: at midnight, or later if a clock change skips midnight."""
    try:
        local = moment.astimezone(ZoneInfo(zone))
        earlier = (moment - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    except OverflowError:
        return False
    return local.date() != earlier.date()
