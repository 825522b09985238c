from uuid import UUID

from fastapi import APIRouter

from smart_kit.contracts.base import Page
from smart_kit.contracts.models import (
    ProviderCreate,
    ProviderRead,
    ProviderTestRead,
    ProviderTestRequest,
    ProviderUpdate,
)

from ..dependencies import AdminOnly, ResourcesDep, SessionDep
from ..pagination import PageQueryDep
from ..services.providers import providers
from ..services.records.crud import ANY_OWNER

router = APIRouter(prefix="/providers", tags=["models"])


@router.get("")
async def list_providers(
    session: SessionDep, resources: ResourcesDep, query: PageQueryDep
) -> Page[ProviderRead]:
    """List model providers, oldest first."""
    return await providers.get_reader(resources.vault).read_page(session, query, ANY_OWNER)


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_provider(
    session: SessionDep, resources: ResourcesDep, body: ProviderCreate
) -> ProviderRead:
    """Add a model provider. Names are unique; the key is stored encrypted."""
    return await providers.create(session, resources.vault, body)


@router.get("/{provider_id}")
async def get_provider(
    session: SessionDep, resources: ResourcesDep, provider_id: UUID
) -> ProviderRead:
    """One model provider, without its key."""
    return await providers.get_reader(resources.vault).read(session, provider_id, ANY_OWNER)


@router.put("/{provider_id}", operation_id="put_provider", dependencies=[AdminOnly])
@router.patch("/{provider_id}", dependencies=[AdminOnly])
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


@router.post("/{provider_id}/test", dependencies=[AdminOnly])
async def test_provider(
    resources: ResourcesDep, provider_id: UUID, body: ProviderTestRequest
) -> ProviderTestRead:
    """Test the connection, and a model if one is named. The status is 200 even if it fails.

    `detail` says what was found and what to do. A test costs at most 16 tokens and 30 seconds.
    """
    return await resources.provider_checker.check(provider_id, body)


@router.delete("/{provider_id}", status_code=204, dependencies=[AdminOnly])
async def delete_provider(session: SessionDep, provider_id: UUID) -> None:
    """Delete a provider without models."""
    await providers.delete(session, provider_id)
