from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.models import (
    LlmModelCreate,
    LlmModelRead,
    LlmModelUpdate,
    ModelImport,
    ModelImportRead,
)

from .. import audit
from ..dependencies import AdminOnly, ResourcesDep, SessionDep, SettingsDep
from ..services.llm_models import llm_models, model_import
from ..services.llm_models.llm_models import ModelQuery
from ..services.records.crud import ANY_OWNER

router = APIRouter(prefix="/models", tags=["models"])


@router.get("")
async def list_models(
    session: SessionDep, query: Annotated[ModelQuery, Query()]
) -> Page[LlmModelRead]:
    """List models, oldest first."""
    return await llm_models.RECORDS.read_page(session, query, ANY_OWNER)


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_model(session: SessionDep, body: LlmModelCreate) -> LlmModelRead:
    """Add a model of a provider. Names are unique, because assistants refer to models by name."""
    return await llm_models.create(session, body)


@router.post("/import", dependencies=[AdminOnly])
async def import_models(
    session: SessionDep, resources: ResourcesDep, body: ModelImport
) -> ModelImportRead:
    """Import a list of models: new ones are added, known ones updated, others listed as skipped.

    At most 1000 models in a body of at most 8 MB. 400 if there is no list or its form is unknown.
    """
    listed = await model_import.fetch_list(
        body, resources.provider_checker, resources.make_safe_http
    )
    names = resources.settings.default_model_names
    if not body.dry_run:
        imported = await model_import.apply(session, body.provider_id, listed, names)
        facts = imported.model_dump(include={"created", "updated"})
        audit.set_facts(session, facts | {"provider_id": str(body.provider_id)})
        return imported
    async with resources.sessions() as dry_run_session:  # never committed
        return await model_import.apply(dry_run_session, body.provider_id, listed, names)


@router.get("/{model_id}")
async def get_model(session: SessionDep, model_id: UUID) -> LlmModelRead:
    """One model."""
    return await llm_models.RECORDS.read(session, model_id, ANY_OWNER)


@router.put("/{model_id}", operation_id="put_model", dependencies=[AdminOnly])
@router.patch("/{model_id}", dependencies=[AdminOnly])
async def update_model(
    session: SessionDep, settings: SettingsDep, model_id: UUID, body: LlmModelUpdate
) -> LlmModelRead:
    """Change the given fields, which apply from the next message on.

    409 for a new name while the model is in use, and if an assistant would lose its last model.
    """
    return await llm_models.update(session, model_id, body, settings.default_model_names)


@router.delete("/{model_id}", status_code=204, dependencies=[AdminOnly])
async def delete_model(session: SessionDep, settings: SettingsDep, model_id: UUID) -> None:
    """Delete a model that no assistant, no user and no environment variable refers to."""
    await llm_models.delete(session, model_id, settings.default_model_names)
