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
    ProviderCreate,
    ProviderRead,
    ProviderTestRead,
    ProviderTestRequest,
    ProviderUpdate,
)

from .. import audit
from ..dependencies import AdminOnly, ResourcesDep, SessionDep, SettingsDep
from ..pagination import PageQueryDep
from ..services.llm_models import llm_models, model_import
from ..services.llm_models.llm_models import ModelQuery
from ..services.providers import providers

providers_router = APIRouter(prefix="/providers", tags=["models"])
router = APIRouter(prefix="/models", tags=["models"])


@providers_router.get("")
async def list_providers(
    session: SessionDep, resources: ResourcesDep, query: PageQueryDep
) -> Page[ProviderRead]:
    """List model providers, oldest first."""
    return await providers.get_records(resources.vault).read_page(session, query)


@providers_router.post("", status_code=201, dependencies=[AdminOnly])
async def create_provider(
    session: SessionDep, resources: ResourcesDep, body: ProviderCreate
) -> ProviderRead:
    """Add a model provider. Names are unique; the key is stored encrypted."""
    return await providers.create(session, resources.vault, body)


@providers_router.get("/{provider_id}")
async def get_provider(
    session: SessionDep, resources: ResourcesDep, provider_id: UUID
) -> ProviderRead:
    """One model provider, without its key."""
    return await providers.get_records(resources.vault).read(session, provider_id)


@providers_router.put("/{provider_id}", operation_id="put_provider", dependencies=[AdminOnly])
@providers_router.patch("/{provider_id}", dependencies=[AdminOnly])
async def update_provider(
    session: SessionDep, resources: ResourcesDep, provider_id: UUID, body: ProviderUpdate
) -> ProviderRead:
    """Change the given fields, which apply from the next message on.

    409 if base_url gets another scheme, host or port without api_key (a key or null) while a key is
    stored, and if an assistant would lose its last model. After a change of base_url or api_key,
    the provider no longer follows the environment; `source` environment makes it follow again, from
    the next start on.
    """
    return await providers.update(
        session, resources.vault, provider_id, body, resources.settings.default_model_names
    )


@providers_router.post("/{provider_id}/test", dependencies=[AdminOnly])
async def test_provider(
    resources: ResourcesDep, provider_id: UUID, body: ProviderTestRequest
) -> ProviderTestRead:
    """Test the connection, and a model if one is named. The status is 200 even if it fails.

    `detail` says what was found and what to do. A test costs at most 16 tokens and 30 seconds.
    """
    return await resources.provider_checker.check(provider_id, body)


@providers_router.delete("/{provider_id}", status_code=204, dependencies=[AdminOnly])
async def delete_provider(session: SessionDep, provider_id: UUID) -> None:
    """Delete a provider without models."""
    await providers.delete(session, provider_id)


@router.get("")
async def list_models(
    session: SessionDep, query: Annotated[ModelQuery, Query()]
) -> Page[LlmModelRead]:
    """List models, oldest first."""
    return await llm_models.RECORDS.read_page(session, query)


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
    return await llm_models.RECORDS.read(session, model_id)


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
