from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import (
    MessageRead,
    ThreadCreate,
    ThreadRead,
    TurnRead,
    TurnTraceRead,
)

from ..dependencies import AdminOnly, IdempotentDep, OwnerDep, SessionDep
from ..services.conversations import messages, threads, turns
from ..services.conversations.messages import MessageId, MessageQuery
from ..services.conversations.threads import ThreadQuery
from ..services.conversations.turns import TurnQuery

threads_router = APIRouter(prefix="/threads", tags=["threads"])
messages_router = APIRouter(prefix="/messages", tags=["messages"])
turns_router = APIRouter(prefix="/turns", tags=["turns"])


@threads_router.get("")
async def list_threads(
    session: SessionDep, query: Annotated[ThreadQuery, Query()], owner: OwnerDep
) -> Page[ThreadRead]:
    """List the current threads, oldest first."""
    return await threads.RECORDS.read_page(session, query, owner)


@threads_router.post("", status_code=201)
async def create_thread(operation: IdempotentDep, body: ThreadCreate) -> ThreadRead:
    """Start a new thread. Messages of the previous one stay under its thread_id."""
    return await operation.run(ThreadRead, threads.start, body)


@threads_router.get("/{row_id}")
async def get_thread(session: SessionDep, row_id: UUID, owner: OwnerDep) -> ThreadRead:
    """One thread."""
    return await threads.RECORDS.read(session, row_id, owner)


@threads_router.delete("/{row_id}", status_code=204)
async def delete_thread(operation: IdempotentDep, row_id: UUID) -> None:
    """Delete a thread with its messages, also from the model's context, and start a new one."""
    await operation.run_without_response(threads.delete, row_id)


@messages_router.get("")
async def list_messages(
    session: SessionDep, query: Annotated[MessageQuery, Query()], owner: OwnerDep
) -> Page[MessageRead]:
    """List messages, newest last."""
    return await messages.read_page(session, query, owner)


@messages_router.get("/{row_id}")
async def get_message(session: SessionDep, row_id: UUID, owner: OwnerDep) -> MessageRead:
    """One item of a thread."""
    return await messages.RECORDS.read(session, row_id, owner)


@turns_router.get("")
async def list_turns(
    session: SessionDep, query: Annotated[TurnQuery, Query()], owner: OwnerDep
) -> Page[TurnRead]:
    """List turns with their cost, newest first."""
    return await turns.read_page(session, query, owner)


@turns_router.get("/{message_id}")
async def get_turn(session: SessionDep, message_id: MessageId, owner: OwnerDep) -> TurnRead:
    """The turn of one message."""
    return await turns.read(session, message_id, owner)


@turns_router.get("/{message_id}/trace", dependencies=[AdminOnly])
async def get_turn_trace(session: SessionDep, message_id: MessageId) -> TurnTraceRead:
    """Explain a turn: its steps, and the assistants and tools as they were at that time.

    404 until the turn is archived, shortly after its end.
    """
    return await turns.read_trace(session, message_id)
