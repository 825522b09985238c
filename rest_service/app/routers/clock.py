from fastapi import APIRouter, Depends

from smart_kit.contracts.clock import ClockMove, ClockRead
from smart_kit.errors import NotFound

from .. import audit
from ..dependencies import SessionDep, SettingsDep
from ..services import clock


async def require_sandbox_clock(settings: SettingsDep) -> None:
    """Hide the routes outside the sandbox."""
    if not settings.sandbox_clock:
        raise NotFound("Only the sandbox has a clock of its own: SANDBOX_CLOCK is not set.")


router = APIRouter(prefix="/clock", tags=["clock"], dependencies=[Depends(require_sandbox_clock)])


@router.get("")
async def get_clock(session: SessionDep) -> ClockRead:
    """The sandbox's clock, by which reminders fire and days begin."""
    return await clock.read(session)


@router.post("")
async def move_clock(session: SessionDep, body: ClockMove) -> ClockRead:
    """Move the clock forward, by a number of seconds or to a time. It cannot go back."""
    moved = await clock.move(session, body)
    audit.set_facts(session, {"offset_seconds": moved.offset_seconds})
    return moved
