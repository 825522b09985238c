from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.threads import MessagePage, MessageRead

from ..dependencies import OwnerDep, SessionDep
from ..services.conversations import messages
from ..services.conversations.messages import MessageQuery

router = APIRouter(prefix="/messages", tags=["messages"])


@router.get("")
async def list_messages(
    session: SessionDep, query: Annotated[MessageQuery, Query()], owner: OwnerDep
) -> MessagePage:
    """List messages, newest last."""
    return await messages.read_page(session, query, owner)


@router.get("/{row_id}")
async def get_message(session: SessionDep, row_id: UUID, owner: OwnerDep) -> MessageRead:
    """One item of a thread."""
    return await messages.RECORDS.read(session, row_id, owner)
