from typing import Annotated

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import JournalRead, TurnRead

from ..dependencies import AdminOnly, OwnerDep, SessionDep
from ..services import journal, turns
from ..services.messages import MessageId
from ..services.turns import TurnSlice

router = APIRouter(prefix="/turns", tags=["turns"])


@router.get("")
async def list_turns(
    session: SessionDep, wanted: Annotated[TurnSlice, Query()], owner: OwnerDep
) -> Page[TurnRead]:
    """What messages caused, with their cost, the newest first."""
    return await turns.read_page(session, wanted, owner)


@router.get("/{message_id}")
async def get_turn(session: SessionDep, message_id: MessageId, owner: OwnerDep) -> TurnRead:
    """What one message caused."""
    return await turns.read(session, message_id, owner)


@router.get("/{message_id}/journal", dependencies=[AdminOnly])
async def get_journal(session: SessionDep, message_id: MessageId) -> JournalRead:
    """Why it was answered so: the steps, and the assistants and tools as they were just then.

    404 until the turn is archived, a moment after its end.
    """
    return await journal.read(session, message_id)
