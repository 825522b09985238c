"""The clock for what users see: that of Postgres, moved forward in the sandbox."""

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import literal_column
from sqlmodel import col, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.clock import ClockMove, ClockRead
from smart_kit.errors import Conflict, InvalidRequest

from ..database import HAS_SANDBOX_CLOCK
from ..models import ClockState

MAX_STEP = timedelta(days=5 * 366)
"""A wrong digit in a year cannot be taken back."""
MAX_OFFSET = timedelta(days=50 * 366)
"""Computed times stay within the calendar."""

_REAL_TIME = func.clock_timestamp()
_SECONDS_AHEAD = select(col(ClockState.offset_seconds)).scalar_subquery()
_SANDBOX_TIME = _REAL_TIME + _SECONDS_AHEAD * literal_column("interval '1 second'")


async def get_now(session: AsyncSession) -> datetime:
    """Return the time by which jobs fire and days begin, in one query."""
    clock = _SANDBOX_TIME if session.info.get(HAS_SANDBOX_CLOCK) else _REAL_TIME
    now: datetime = (await session.exec(select(clock))).one()
    return now


async def read(session: AsyncSession) -> ClockRead:
    """Return the sandbox's clock."""
    return ClockRead(now=await get_now(session), offset_seconds=await read_offset(session))


async def read_offset(session: AsyncSession) -> int:
    """Return how many seconds the sandbox's clock is ahead of real time."""
    return (await session.exec(select(ClockState.offset_seconds))).one()


async def move(session: AsyncSession, body: ClockMove) -> ClockRead:
    """Move the sandbox's clock forward.

    Raises InvalidRequest unless exactly one field is given or if the step is too long, Conflict if
    the clock would go back.
    """
    if (body.advance_seconds is None) == (body.now is None):
        raise InvalidRequest("Give exactly one of advance_seconds and now.")
    state = (await session.exec(select(ClockState).with_for_update())).one()
    now = await get_now(session)
    step = _compute_step(body, now)
    if step > MAX_STEP.total_seconds():
        raise InvalidRequest(f"The clock moves at most {MAX_STEP.days} days at once.")
    if state.offset_seconds + step > MAX_OFFSET.total_seconds():
        raise InvalidRequest(f"The clock can be at most {MAX_OFFSET.days} days ahead.")
    state.offset_seconds += step
    await session.flush()
    return ClockRead(now=now + timedelta(seconds=step), offset_seconds=state.offset_seconds)


async def raise_offset(session: AsyncSession, seconds: int) -> None:
    """Move the sandbox's clock forward if it is less ahead."""
    behind = update(ClockState).where(col(ClockState.offset_seconds) < seconds)
    await session.exec(behind.values(offset_seconds=seconds))


def _compute_step(body: ClockMove, now: datetime) -> int:
    """Return the whole seconds after which the clock shows the given time or later."""
    seconds: float = body.advance_seconds or 0
    if body.now is not None:
        seconds = (body.now - now).total_seconds()
    if seconds < 0:
        raise Conflict(f"The clock cannot go back; it shows {now.isoformat()}.")
    return ceil(seconds)
