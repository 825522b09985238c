from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from rest_service.app.dependencies import OwnerDep, SessionDep
from rest_service.app.services import messages
from rest_service.app.services.messages import MessageSlice
from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import MessageRead

router = APIRouter(prefix="/messages", tags=["messages"])


@router.get("")
async def list_messages(
    session: SessionDep, wanted: Annotated[MessageSlice, Query()], owner: OwnerDep
) -> Page[MessageRead]:
    """What was said, the newest last."""
    return await messages.read_page(session, wanted, owner)


@router.get("/{row_id}")
async def get_message(session: SessionDep, row_id: UUID, owner: OwnerDep) -> MessageRead:
    """One item of a thread."""
    return await messages.read(session, row_id, owner)
