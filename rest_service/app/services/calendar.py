"""The built-in calendar."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit import local_time
from smart_kit.contracts.base import AwareDatetimeInput, JsonObject, Page
from smart_kit.contracts.calendar import (
    CalendarEventCreate,
    CalendarEventRead,
    CalendarEventUpdate,
)
from smart_kit.errors import Conflict, InvalidRequest

from ..models import CalendarEvent
from ..pagination import PageQuery, paginate, select_matching
from .effects.change_origin import ChangeOrigin
from .effects.receipts import Receipts
from .records.crud import OwnerScope, get_provided_fields, set_fields
from .records.ownership import find_owned, lock_owned, lock_user, timezone_for

NOUN = "calendar event"
TIME_FIELDS = ("starts_at", "ends_at")
MAX_EVENTS = 10_000
"""Limit for each user, past events included: three a day for nine years."""
RECEIPTS = Receipts[CalendarEvent, CalendarEventRead](
    "/api/calendar", CalendarEvent, CalendarEventRead, CalendarEventCreate, CalendarEventUpdate
)


class CalendarEventQuery(PageQuery):
    """Filters of the list of events."""

    user_id: UUID | None = None
    from_at: AwareDatetimeInput | None = Field(None, description="Only events that end later")
    until_at: AwareDatetimeInput | None = Field(None, description="Only events that start earlier")


async def read_page(
    session: AsyncSession, query: CalendarEventQuery, owner: OwnerScope
) -> Page[CalendarEventRead]:
    """Return events, the earliest first."""
    rows = select_matching(
        CalendarEvent, query, owner, col(CalendarEvent.starts_at), col(CalendarEvent.id)
    )
    if query.from_at is not None:
        rows = rows.where(CalendarEvent.ends_at > query.from_at)
    if query.until_at is not None:
        rows = rows.where(CalendarEvent.starts_at < query.until_at)
    return await paginate(session, rows, query, Page[CalendarEventRead])


async def read(session: AsyncSession, event_id: UUID, owner: OwnerScope) -> CalendarEventRead:
    """Return an event. Raises NotFound."""
    return RECEIPTS.to_read(await find_owned(session, CalendarEvent, event_id, NOUN, owner))


async def create(
    session: AsyncSession,
    body: CalendarEventCreate,
    owner: OwnerScope,
    origin: ChangeOrigin | None,
    *,
    default_timezone: str,
) -> CalendarEventRead:
    """Create an event.

    Raises NotFound for an unknown user, InvalidRequest for invalid times, Conflict at the limit.
    """
    user = await lock_user(session, body.user_id, owner)
    row = CalendarEvent(**body.model_dump(exclude={"timezone", *TIME_FIELDS}))
    row.timezone = body.timezone or timezone_for(user, default_timezone)
    set_fields(row, _resolve_times(body.model_dump(include=set(TIME_FIELDS)), row.timezone))
    _check_times(row)
    return await _add(session, row, origin)


async def update(
    session: AsyncSession,
    event_id: UUID,
    body: CalendarEventUpdate,
    owner: OwnerScope,
    origin: ChangeOrigin | None,
) -> CalendarEventRead:
    """Change an event. Raises NotFound, InvalidRequest."""
    _, row = await lock_owned(session, CalendarEvent, event_id, NOUN, owner)
    before = RECEIPTS.snapshot(row)
    fields = get_provided_fields(body, CalendarEvent)
    set_fields(row, _resolve_times(fields, body.timezone or row.timezone))
    if fields.keys() & {"timezone", "is_all_day", *TIME_FIELDS}:
        _check_times(row)
    await session.flush()
    return await RECEIPTS.record_changed(session, row, before, origin, "event_changed")


async def delete(
    session: AsyncSession, event_id: UUID, owner: OwnerScope, origin: ChangeOrigin | None
) -> None:
    """Delete an event. Raises NotFound."""
    _, row = await lock_owned(session, CalendarEvent, event_id, NOUN, owner)
    await RECEIPTS.record_cancelled(session, row, origin, "event_cancelled")
    await session.delete(row)


async def restore(
    session: AsyncSession, facts: JsonObject, user_id: UUID, origin: ChangeOrigin
) -> None:
    """Create a cancelled event again. Raises NotFound for a deleted user, Conflict at the limit."""
    await lock_user(session, user_id, user_id)
    await _add(session, RECEIPTS.rebuild(facts, user_id), origin)


async def _add(
    session: AsyncSession, row: CalendarEvent, origin: ChangeOrigin | None
) -> CalendarEventRead:
    await _check_limit(session, row.user_id)
    session.add(row)
    await session.flush()
    return await RECEIPTS.record_created(session, row, origin, "event_created")


async def _check_limit(session: AsyncSession, user_id: UUID) -> None:
    own = select(func.count()).select_from(CalendarEvent).where(CalendarEvent.user_id == user_id)
    if (await session.exec(own)).one() >= MAX_EVENTS:
        raise Conflict(f"The limit of {MAX_EVENTS} events is reached. Cancel one first.")


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
