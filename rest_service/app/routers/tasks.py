from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.tasks import TaskCreate, TaskRead, TaskUpdate

from ..dependencies import AdminOnly, IdempotentDep, OwnerDep, SessionDep
from ..services import tasks
from ..services.tasks import TaskQuery

router = APIRouter(prefix="/tasks", tags=["tasks"])


@router.get("")
async def list_tasks(
    session: SessionDep, query: Annotated[TaskQuery, Query()], owner: OwnerDep
) -> Page[TaskRead]:
    """List tasks by due date; those without one come last."""
    return await tasks.RECORDS.read_page(session, query, owner)


@router.post("", status_code=201)
async def create_task(operation: IdempotentDep, body: TaskCreate) -> TaskRead:
    """Add a task."""
    return await operation.run(TaskRead, tasks.create, body)


@router.get("/{task_id}")
async def get_task(session: SessionDep, task_id: UUID, owner: OwnerDep) -> TaskRead:
    """One task."""
    return await tasks.RECORDS.read(session, task_id, owner)


@router.put("/{task_id}", operation_id="put_task")
@router.patch("/{task_id}")
async def update_task(operation: IdempotentDep, task_id: UUID, body: TaskUpdate) -> TaskRead:
    """Change the given fields. Set status to finish or cancel a task."""
    return await operation.run(TaskRead, tasks.update, task_id, body)


@router.delete("/{task_id}", status_code=204, dependencies=[AdminOnly])
async def delete_task(session: SessionDep, task_id: UUID) -> None:
    """Delete a task."""
    await tasks.delete(session, task_id)
