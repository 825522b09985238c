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

from ..dependencies import AdminOnly, ProviderCheckerDep, SessionDep, SettingsDep, VaultDep
from ..pagination import PageQueryDep
from ..services.providers import providers

router = APIRouter(prefix="/providers", tags=["models"])


@router.get("")
async def list_providers(
    session: SessionDep, vault: VaultDep, query: PageQueryDep
) -> Page[ProviderRead]:
    """Servers of models, oldest first."""
    return await providers.read_page(session, vault, query)


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_provider(
    session: SessionDep, vault: VaultDep, body: ProviderCreate
) -> ProviderRead:
    """Add a server of models. Names are unique; the key is kept encrypted."""
    return await providers.create(session, vault, body)


@router.get("/{provider_id}")
async def get_provider(session: SessionDep, vault: VaultDep, provider_id: UUID) -> ProviderRead:
    """One server of models, without its key."""
    return await providers.read(session, vault, provider_id)


@router.put("/{provider_id}", operation_id="put_provider", dependencies=[AdminOnly])
@router.patch("/{provider_id}", dependencies=[AdminOnly])
async def update_provider(
    session: SessionDep,
    vault: VaultDep,
    settings: SettingsDep,
    provider_id: UUID,
    body: ProviderUpdate,
) -> ProviderRead:
    """Change the given fields: the next message uses them.

    409 where base_url names another server (scheme, host or port) while a key is kept and api_key
    is not given too: a new one, or null to keep none; and where its going would leave an assistant
    without a model. Who changes base_url or api_key decides them from then on, not the environment;
    `source` environment gives them back to it, from its next start on.
    """
    return await providers.update(session, vault, provider_id, body, settings.default_model_names)


@router.post("/{provider_id}/test", dependencies=[AdminOnly])
async def test_provider(
    checker: ProviderCheckerDep, provider_id: UUID, body: ProviderTestRequest
) -> ProviderTestRead:
    """Ask a server of models whether it knows us, and a model for a word: 200 whatever is wrong.

    `detail` says what was seen and what to do. It costs at most 16 tokens and 30 seconds.
    """
    return await checker.check(provider_id, body)


@router.delete("/{provider_id}", status_code=204, dependencies=[AdminOnly])
async def delete_provider(session: SessionDep, provider_id: UUID) -> None:
    """Remove a provider that has no models."""
    await providers.delete(session, provider_id)
