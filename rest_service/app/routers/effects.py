from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.effects import EffectRead, EffectUndo

from ..dependencies import IdempotentDep, OwnerDep, SessionDep
from ..services import undo
from ..services.effects import effects
from ..services.effects.effects import EffectQuery

router = APIRouter(prefix="/effects", tags=["effects"])


@router.get("")
async def list_effects(
    session: SessionDep, query: Annotated[EffectQuery, Query()], owner: OwnerDep
) -> Page[EffectRead]:
    """List the changes made by tools, newest first."""
    return await effects.RECORDS.read_page(session, query, owner)


@router.post("/undo")
async def undo_effect(operation: IdempotentDep, body: EffectUndo) -> EffectRead:
    """Undo the newest change of a user that is not undone yet, and return the undoing change.

    It needs an Idempotency-Key. 404 if there is nothing to undo; 409 if the record was changed
    again or deleted meanwhile, or the reminder has fired.
    """
    return await operation.run(EffectRead, undo.undo, body)


@router.get("/{effect_id}")
async def get_effect(session: SessionDep, effect_id: UUID, owner: OwnerDep) -> EffectRead:
    """One change."""
    return await effects.RECORDS.read(session, effect_id, owner)
