from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.models import LlmModelCreate, LlmModelRead, LlmModelUpdate

from ..dependencies import AdminOnly, SessionDep
from ..services import llm_models
from ..services.llm_models import ModelSlice

router = APIRouter(prefix="/models", tags=["models"])


@router.get("")
async def list_models(
    session: SessionDep, wanted: Annotated[ModelSlice, Query()]
) -> Page[LlmModelRead]:
    """Models, oldest first. Assistants do not read them yet: DEFAULT_MODEL and their own decide."""
    return await llm_models.read_page(session, wanted)


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_model(session: SessionDep, body: LlmModelCreate) -> LlmModelRead:
    """Add a model of a provider. Names are unique. Not in use yet."""
    return await llm_models.create(session, body)


@router.get("/{model_id}")
async def get_model(session: SessionDep, model_id: UUID) -> LlmModelRead:
    """One model."""
    return await llm_models.read(session, model_id)


@router.put("/{model_id}", operation_id="put_model", dependencies=[AdminOnly])
@router.patch("/{model_id}", dependencies=[AdminOnly])
async def update_model(session: SessionDep, model_id: UUID, body: LlmModelUpdate) -> LlmModelRead:
    """Change the given fields. No assistant reads them yet."""
    return await llm_models.update(session, model_id, body)


@router.delete("/{model_id}", status_code=204, dependencies=[AdminOnly])
async def delete_model(session: SessionDep, model_id: UUID) -> None:
    """Remove a model that no assistant names."""
    await llm_models.delete(session, model_id)
