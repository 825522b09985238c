from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit import schedule
from smart_kit.contracts.base import Page, utc_now
from smart_kit.contracts.tasks import TaskCreate, TaskRead, TaskStatus, TaskUpdate
from smart_kit.errors import Conflict

from ..models import Task
from ..pagination import Slice, fetch, page
from .origins import Origin
from .owned import find_own, lock_own, lock_person, zone_for
from .receipts import Receipts
from .rows import Owner, change, find, given_fields, only_of

NOUN = "task"
MAX_OPEN = 500
RECEIPTS = Receipts[Task, TaskRead]("/api/tasks", Task, TaskRead, TaskCreate, TaskUpdate)


class TaskSlice(Slice):
    """Which tasks are wanted."""

    user_id: UUID | None = None
    status: TaskStatus | None = None


async def read_page(session: AsyncSession, wanted: TaskSlice, owner: Owner) -> Page[TaskRead]:
    """Tasks: what is due first comes first, what is due at no time last."""
    rows = select(Task).order_by(col(Task.due_at), col(Task.created_at), col(Task.id))
    rows = only_of(rows, Task.user_id, wanted.user_id, owner)
    if wanted.status is not None:
        rows = rows.where(Task.status == wanted.status)
    return page(Page[TaskRead], *await fetch(session, rows, wanted), wanted)


async def read(session: AsyncSession, task_id: UUID, owner: Owner) -> TaskRead:
    """Raises NotFound."""
    return RECEIPTS.shape(await find_own(session, Task, task_id, NOUN, owner))


async def create(
    session: AsyncSession,
    body: TaskCreate,
    owner: Owner,
    origin: Origin | None,
    *,
    default_timezone: str,
) -> TaskRead:
    """Raises NotFound for an unknown user, InvalidRequest, Conflict where there are too many."""
    person = await lock_person(session, body.user_id, owner)
    row = Task(**body.model_dump(include={"user_id", "title", "priority"}))
    row.due_at = _instant(body.due_at, body.timezone or zone_for(person, default_timezone))
    await _check_limit(session, row)
    session.add(row)
    await session.flush()
    dropped = {"status": "cancelled"}  # a task that somebody named stays to be seen
    return await RECEIPTS.created(session, row, origin, "task_created", undone_by=dropped)


async def update(
    session: AsyncSession,
    task_id: UUID,
    body: TaskUpdate,
    owner: Owner,
    origin: Origin | None,
    *,
    default_timezone: str,
    completed_at: datetime | None = None,
) -> TaskRead:
    """Raises NotFound, InvalidRequest, Conflict. `completed_at`: of what was done once before."""
    person, row = await lock_own(session, Task, task_id, NOUN, owner)
    before, previous = RECEIPTS.facts(row), row.status
    fields = given_fields(body, Task, besides={"timezone"})
    if "due_at" in fields:
        zone = body.timezone or zone_for(person, default_timezone)
        fields["due_at"] = _instant(body.due_at, zone)
    change(row, fields)
    if row.status != previous:
        row.completed_at = (completed_at or utc_now()) if row.status == "done" else None
        await _check_limit(session, row)
    await session.flush()
    return await RECEIPTS.changed(session, row, before, origin, "task_changed")


async def delete(session: AsyncSession, task_id: UUID) -> None:
    """Raises NotFound."""
    await session.delete(await find(session, Task, task_id, NOUN, lock=True))


def _instant(due: datetime | None, zone: str) -> datetime | None:
    return schedule.resolve(due, zone) if due is not None else None


async def _check_limit(session: AsyncSession, row: Task) -> None:
    if row.status != "open":
        return
    others = (
        select(func.count())
        .select_from(Task)
        .where(Task.user_id == row.user_id, Task.status == "open", Task.id != row.id)
    )
    if (await session.exec(others)).one() >= MAX_OPEN:
        raise Conflict(f"There are {MAX_OPEN} open tasks already; finish or drop one first.")
