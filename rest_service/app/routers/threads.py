from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import (
    ThreadCreate,
    ThreadRead,
)

from ..dependencies import IdempotentDep, OwnerDep, SessionDep
from ..services.conversations import threads
from ..services.conversations.threads import ThreadQuery

router = APIRouter(prefix="/threads", tags=["threads"])


@router.get("")
async def list_threads(
    session: SessionDep, query: Annotated[ThreadQuery, Query()], owner: OwnerDep
) -> Page[ThreadRead]:
    """List the current threads, oldest first."""
    return await threads.RECORDS.read_page(session, query, owner)


@router.post("", status_code=201)
async def create_thread(operation: IdempotentDep, body: ThreadCreate) -> ThreadRead:
    """Start a new thread. Messages of the previous one stay under its thread_id."""
    return await operation.run(ThreadRead, threads.start, body)


@router.get("/{row_id}")
async def get_thread(session: SessionDep, row_id: UUID, owner: OwnerDep) -> ThreadRead:
    """One thread."""
    return await threads.RECORDS.read(session, row_id, owner)


@router.delete("/{row_id}", status_code=204)
async def delete_thread(operation: IdempotentDep, row_id: UUID) -> None:
    """Delete a thread with its messages, also from the model's context, and start a new one."""
    await operation.run_without_response(threads.delete, row_id)
