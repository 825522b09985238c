from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.calendar import CalendarEventCreate, CalendarEventRead, CalendarEventUpdate

from ..dependencies import IdempotentDep, OwnerDep, SessionDep
from ..services import calendar
from ..services.calendar import CalendarEventQuery

router = APIRouter(prefix="/calendar", tags=["calendar"])


@router.get("")
async def list_calendar_events(
    session: SessionDep, query: Annotated[CalendarEventQuery, Query()], owner: OwnerDep
) -> Page[CalendarEventRead]:
    """List events that overlap the period from from_at to until_at, the earliest first."""
    return await calendar.read_page(session, query, owner)


@router.post("", status_code=201)
async def create_calendar_event(
    operation: IdempotentDep, body: CalendarEventCreate
) -> CalendarEventRead:
    """Add an event to the built-in calendar. Attendees are not invited."""
    return await operation.run(CalendarEventRead, calendar.create, body)


@router.get("/{event_id}")
async def get_calendar_event(
    session: SessionDep, event_id: UUID, owner: OwnerDep
) -> CalendarEventRead:
    """One event."""
    return await calendar.RECORDS.read(session, event_id, owner)


@router.put("/{event_id}", operation_id="put_calendar_event")
@router.patch("/{event_id}")
async def update_calendar_event(
    operation: IdempotentDep, event_id: UUID, body: CalendarEventUpdate
) -> CalendarEventRead:
    """Change the given fields. A new time zone does not move the event."""
    return await operation.run(CalendarEventRead, calendar.update, event_id, body)


@router.delete("/{event_id}", status_code=204)
async def delete_calendar_event(operation: IdempotentDep, event_id: UUID) -> None:
    """Cancel an event."""
    await operation.run_without_response(calendar.delete, event_id)
