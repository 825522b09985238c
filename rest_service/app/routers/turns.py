from typing import Annotated

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import (
    TurnRead,
    TurnTraceRead,
)

from ..dependencies import AdminOnly, OwnerDep, SessionDep
from ..services.conversations import turns
from ..services.conversations.messages import MessageId
from ..services.conversations.turns import TurnQuery

router = APIRouter(prefix="/turns", tags=["turns"])


@router.get("")
async def list_turns(
    session: SessionDep, query: Annotated[TurnQuery, Query()], owner: OwnerDep
) -> Page[TurnRead]:
    """List turns with their cost, newest first."""
    return await turns.read_page(session, query, owner)


@router.get("/{message_id}")
async def get_turn(session: SessionDep, message_id: MessageId, owner: OwnerDep) -> TurnRead:
    """The turn of one message."""
    return await turns.read(session, message_id, owner)


@router.get("/{message_id}/trace", dependencies=[AdminOnly])
async def get_turn_trace(session: SessionDep, message_id: MessageId) -> TurnTraceRead:
    """Explain a turn: its steps, and the assistants and tools as they were at that time.

    404 until the turn is archived, shortly after its end.
    """
    return await turns.read_trace(session, message_id)
