from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit import local_time
from smart_kit.contracts.base import Page, utc_now
from smart_kit.contracts.tasks import TaskCreate, TaskRead, TaskStatus, TaskUpdate
from smart_kit.errors import Conflict

from ..models import Task
from ..pagination import PageQuery, paginate, select_matching
from .effects.change_origin import ChangeOrigin
from .effects.receipts import Receipts
from .records.crud import OwnerScope, find, get_provided_fields, set_fields
from .records.ownership import find_owned, lock_owned, lock_user, timezone_for

NOUN = "task"
MAX_OPEN_TASKS = 500
RECEIPTS = Receipts[Task, TaskRead]("/api/tasks", Task, TaskRead, TaskCreate, TaskUpdate)


class TaskQuery(PageQuery):
    """Filters of the list of tasks."""

    user_id: UUID | None = None
    status: TaskStatus | None = None


async def read_page(session: AsyncSession, query: TaskQuery, owner: OwnerScope) -> Page[TaskRead]:
    """Return tasks by due date; those without one come last."""
    return await paginate(
        session,
        select_matching(Task, query, owner, col(Task.due_at), col(Task.created_at), col(Task.id)),
        query,
        Page[TaskRead],
    )


async def read(session: AsyncSession, task_id: UUID, owner: OwnerScope) -> TaskRead:
    """Return a task. Raises NotFound."""
    return RECEIPTS.to_read(await find_owned(session, Task, task_id, NOUN, owner))


async def create(
    session: AsyncSession,
    body: TaskCreate,
    owner: OwnerScope,
    origin: ChangeOrigin | None,
    *,
    default_timezone: str,
) -> TaskRead:
    """Create a task. Raises NotFound for an unknown user, InvalidRequest, Conflict at the limit."""
    user = await lock_user(session, body.user_id, owner)
    row = Task(**body.model_dump(include={"user_id", "title", "priority"}))
    row.due_at = _resolve_due(body.due_at, body.timezone or timezone_for(user, default_timezone))
    await _check_limit(session, row)
    session.add(row)
    await session.flush()
    undo_body = {"status": "cancelled"}  # undone tasks stay visible
    return await RECEIPTS.record_created(session, row, origin, "task_created", undo_body=undo_body)


async def update(
    session: AsyncSession,
    task_id: UUID,
    body: TaskUpdate,
    owner: OwnerScope,
    origin: ChangeOrigin | None,
    *,
    default_timezone: str,
    completed_at: datetime | None = None,
) -> TaskRead:
    """Change a task. `completed_at` restores an earlier completion. Raises NotFound,
    InvalidRequest, Conflict."""
    user, row = await lock_owned(session, Task, task_id, NOUN, owner)
    before, previous = RECEIPTS.snapshot(row), row.status
    fields = get_provided_fields(body, Task, exclude={"timezone"})
    if "due_at" in fields:
        zone = body.timezone or timezone_for(user, default_timezone)
        fields["due_at"] = _resolve_due(body.due_at, zone)
    set_fields(row, fields)
    if row.status != previous:
        row.completed_at = (completed_at or utc_now()) if row.status == "done" else None
        await _check_limit(session, row)
    await session.flush()
    return await RECEIPTS.record_changed(session, row, before, origin, "task_changed")


async def delete(session: AsyncSession, task_id: UUID) -> None:
    """Delete a task. Raises NotFound."""
    await session.delete(await find(session, Task, task_id, NOUN, lock=True))


def _resolve_due(due: datetime | None, zone: str) -> datetime | None:
    return local_time.to_utc(due, zone) if due is not None else None


async def _check_limit(session: AsyncSession, row: Task) -> None:
    if row.status != "open":
        return
    others = (
        select(func.count())
        .select_from(Task)
        .where(Task.user_id == row.user_id, Task.status == "open", Task.id != row.id)
    )
    if (await session.exec(others)).one() >= MAX_OPEN_TASKS:
        raise Conflict(f"The limit of {MAX_OPEN_TASKS} open tasks is reached.")
