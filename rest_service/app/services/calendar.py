"""The built-in calendar."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit import schedule
from smart_kit.contracts.base import JsonObject, Page, WrittenMoment
from smart_kit.contracts.calendar import (
    CalendarEventCreate,
    CalendarEventRead,
    CalendarEventUpdate,
)
from smart_kit.errors import Conflict, InvalidRequest

from ..models import CalendarEvent
from ..pagination import Slice, fetch, page
from .origins import Origin
from .owned import find_own, lock_own, lock_person, zone_for
from .receipts import Receipts
from .rows import Owner, change, given_fields, only_of

NOUN = "calendar event"
TIMES = ("starts_at", "ends_at")
MAX_EVENTS = 10_000
"""Of a person, those that are over too: three a day for nine years."""
RECEIPTS = Receipts[CalendarEvent, CalendarEventRead](
    "/api/calendar", CalendarEvent, CalendarEventRead, CalendarEventCreate, CalendarEventUpdate
)


class EventSlice(Slice):
    """Which events are wanted."""

    user_id: UUID | None = None
    from_at: WrittenMoment | None = Field(None, description="Leave out what has ended by then")
    until_at: WrittenMoment | None = Field(None, description="Leave out what starts then or later")


async def read_page(
    session: AsyncSession, wanted: EventSlice, owner: Owner
) -> Page[CalendarEventRead]:
    """Events, the earliest first."""
    rows = select(CalendarEvent).order_by(col(CalendarEvent.starts_at), col(CalendarEvent.id))
    rows = only_of(rows, CalendarEvent.user_id, wanted.user_id, owner)
    if wanted.from_at is not None:
        rows = rows.where(CalendarEvent.ends_at > wanted.from_at)
    if wanted.until_at is not None:
        rows = rows.where(CalendarEvent.starts_at < wanted.until_at)
    return page(Page[CalendarEventRead], *await fetch(session, rows, wanted), wanted)


async def read(session: AsyncSession, event_id: UUID, owner: Owner) -> CalendarEventRead:
    """Raises NotFound."""
    return RECEIPTS.shape(await find_own(session, CalendarEvent, event_id, NOUN, owner))


async def create(
    session: AsyncSession,
    body: CalendarEventCreate,
    owner: Owner,
    origin: Origin | None,
    *,
    default_timezone: str,
) -> CalendarEventRead:
    """Raises NotFound for an unknown user, InvalidRequest for times that make no sense, Conflict
    where there are too many.
    """
    person = await lock_person(session, body.user_id, owner)
    row = CalendarEvent(**body.model_dump(exclude={"timezone", *TIMES}))
    row.timezone = body.timezone or zone_for(person, default_timezone)
    change(row, _instants(body.model_dump(include=set(TIMES)), row.timezone))
    _check_times(row)
    return await _add(session, row, origin)


async def update(
    session: AsyncSession,
    event_id: UUID,
    body: CalendarEventUpdate,
    owner: Owner,
    origin: Origin | None,
) -> CalendarEventRead:
    """Raises NotFound, InvalidRequest."""
    _, row = await lock_own(session, CalendarEvent, event_id, NOUN, owner)
    before = RECEIPTS.facts(row)
    fields = given_fields(body, CalendarEvent)
    change(row, _instants(fields, body.timezone or row.timezone))
    if fields.keys() & {"timezone", "is_all_day", *TIMES}:
        _check_times(row)
    await session.flush()
    return await RECEIPTS.changed(session, row, before, origin, "event_changed")


async def delete(
    session: AsyncSession, event_id: UUID, owner: Owner, origin: Origin | None
) -> None:
    """Raises NotFound."""
    _, row = await lock_own(session, CalendarEvent, event_id, NOUN, owner)
    await RECEIPTS.cancelled(session, row, origin, "event_cancelled")
    await session.delete(row)


async def restore(session: AsyncSession, facts: JsonObject, user_id: UUID, origin: Origin) -> None:
    """Put an event back that was cancelled. Raises NotFound where the person is gone, Conflict."""
    await lock_person(session, user_id, user_id)
    await _add(session, RECEIPTS.again(facts, user_id), origin)


async def _add(
    session: AsyncSession, row: CalendarEvent, origin: Origin | None
) -> CalendarEventRead:
    await _check_limit(session, row.user_id)
    session.add(row)
    await session.flush()
    return await RECEIPTS.created(session, row, origin, "event_created")


async def _check_limit(session: AsyncSession, user_id: UUID) -> None:
    own = select(func.count()).select_from(CalendarEvent).where(CalendarEvent.user_id == user_id)
    if (await session.exec(own)).one() >= MAX_EVENTS:
        raise Conflict(f"There are {MAX_EVENTS} events already; cancel one first.")


def _instants(fields: dict[str, Any], zone: str) -> dict[str, Any]:
    times = {name: schedule.resolve(fields[name], zone) for name in TIMES if name in fields}
    return fields | times


def _check_times(row: CalendarEvent) -> None:
    if row.ends_at <= row.starts_at:
        raise InvalidRequest("An event ends after it starts.")
    if row.is_all_day and not (
        _is_midnight(row.starts_at, row.timezone) and _is_midnight(row.ends_at, row.timezone)
    ):
        raise InvalidRequest(
            f"An event that is all day starts and ends at midnight in {row.timezone}; one day ends"
            " on the next."
        )


def _is_midnight(moment: datetime, zone: str) -> bool:
    """Or where a clock change skips midnight, the first instant of the day."""
    try:
        local = moment.astimezone(ZoneInfo(zone))
        earlier = (moment - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    except OverflowError:
        return False
    return local.date() != earlier.date()
