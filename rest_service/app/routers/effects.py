from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.effects import EffectRead

from ..dependencies import OwnerDep, SessionDep
from ..services import effects
from ..services.effects import EffectSlice

router = APIRouter(prefix="/effects", tags=["effects"])


@router.get("")
async def list_effects(
    session: SessionDep, wanted: Annotated[EffectSlice, Query()], owner: OwnerDep
) -> Page[EffectRead]:
    """What tools have changed, the newest first."""
    return await effects.read_page(session, wanted, owner)


@router.get("/{effect_id}")
async def get_effect(session: SessionDep, effect_id: UUID, owner: OwnerDep) -> EffectRead:
    """One change."""
    return await effects.read(session, effect_id, owner)
