from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.tasks import TaskCreate, TaskRead, TaskUpdate

from ..dependencies import AdminOnly, IdempotentDep, OwnerDep, SessionDep, SettingsDep
from ..services import tasks
from ..services.tasks import TaskQuery

router = APIRouter(prefix="/tasks", tags=["tasks"])


@router.get("")
async def list_tasks(
    session: SessionDep, query: Annotated[TaskQuery, Query()], owner: OwnerDep
) -> Page[TaskRead]:
    """List tasks by due date; those without one come last."""
    return await tasks.read_page(session, query, owner)


@router.post("", status_code=201)
async def create_task(
    session: SessionDep,
    settings: SettingsDep,
    body: TaskCreate,
    owner: OwnerDep,
    operation: IdempotentDep,
) -> TaskRead:
    """Add a task."""
    zone = settings.default_timezone
    return await operation.run(
        TaskRead,
        lambda origin: tasks.create(session, body, owner, origin, default_timezone=zone),
    )


@router.get("/{task_id}")
async def get_task(session: SessionDep, task_id: UUID, owner: OwnerDep) -> TaskRead:
    """One task."""
    return await tasks.read(session, task_id, owner)


@router.put("/{task_id}", operation_id="put_task")
@router.patch("/{task_id}")
async def update_task(
    session: SessionDep,
    settings: SettingsDep,
    task_id: UUID,
    body: TaskUpdate,
    owner: OwnerDep,
    operation: IdempotentDep,
) -> TaskRead:
    """Change the given fields. Set status to finish or cancel a task."""
    zone = settings.default_timezone
    return await operation.run(
        TaskRead,
        lambda origin: tasks.update(session, task_id, body, owner, origin, default_timezone=zone),
    )


@router.delete("/{task_id}", status_code=204, dependencies=[AdminOnly])
async def delete_task(session: SessionDep, task_id: UUID) -> None:
    """Delete a task."""
    await tasks.delete(session, task_id)
