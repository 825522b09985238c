from datetime import datetime
from uuid import UUID

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit import local_time
from smart_kit.contracts.tasks import TaskCreate, TaskRead, TaskStatus, TaskUpdate

from ..models import Task
from ..pagination import PageQuery
from . import clock
from .effects.effect_recorder import EffectRecorder
from .records.call_context import CallContext
from .records.crud import check_limit, find, get_provided_fields, lock_owned, lock_user, set_fields

MAX_OPEN_TASKS = 500
RECORDS = EffectRecorder(
    Task,
    TaskRead,
    TaskCreate,
    TaskUpdate,
    "/api/tasks",
    order_by=(col(Task.due_at), col(Task.created_at), col(Task.id)),
)
"""By due date; those without one come last."""


class TaskQuery(PageQuery):
    user_id: UUID | None = None
    status: TaskStatus | None = None


async def create(context: CallContext, body: TaskCreate) -> TaskRead:
    """Create a task. Raises NotFound for an unknown user, InvalidRequest, Conflict at the limit."""
    user = await lock_user(context.session, body.user_id, context.owner)
    row = Task(**body.model_dump(include={"user_id", "title", "priority"}))
    zone = body.timezone or user.get_timezone(context.default_timezone)
    row.due_at = _resolve_due(body.due_at, zone)
    await _check_limit(context, row)
    context.session.add(row)
    await context.session.flush()
    undo_body = {"status": "cancelled"}  # undone tasks stay visible
    return await RECORDS.record_created(context, row, "task_created", undo_body)


async def update(
    context: CallContext, task_id: UUID, body: TaskUpdate, completed_at: datetime | None = None
) -> TaskRead:
    """Change a task. `completed_at` restores an earlier completion. Raises NotFound,
    InvalidRequest, Conflict."""
    user, row = await lock_owned(context.session, Task, task_id, context.owner)
    before, previous = RECORDS.snapshot(row), row.status
    fields = get_provided_fields(body, Task, exclude={"timezone"})
    if "due_at" in fields:
        zone = body.timezone or user.get_timezone(context.default_timezone)
        fields["due_at"] = _resolve_due(body.due_at, zone)
    set_fields(row, fields)
    if row.status != previous:
        is_done = row.status == "done"
        row.completed_at = completed_at or await clock.get_now(context.session) if is_done else None
        await _check_limit(context, row)
    await context.session.flush()
    return await RECORDS.record_changed(context, row, "task_changed", before)


async def delete(session: AsyncSession, task_id: UUID) -> None:
    """Delete a task. Raises NotFound."""
    await session.delete(await find(session, Task, task_id, lock=True))


def _resolve_due(due: datetime | None, zone: str) -> datetime | None:
    return local_time.to_utc(due, zone) if due is not None else None


async def _check_limit(context: CallContext, row: Task) -> None:
    if row.status == "open":
        others = (Task.user_id == row.user_id, Task.status == "open", Task.id != row.id)
        await check_limit(context.session, Task, MAX_OPEN_TASKS, "open tasks", *others)
