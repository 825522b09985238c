from uuid import UUID

from fastapi import APIRouter

from smart_kit.contracts.base import Page
from smart_kit.contracts.models import ProviderCreate, ProviderRead, ProviderUpdate

from ..dependencies import AdminOnly, SessionDep, VaultDep
from ..pagination import SliceQuery
from ..services import providers

router = APIRouter(prefix="/providers", tags=["models"])


@router.get("")
async def list_providers(
    session: SessionDep, vault: VaultDep, wanted: SliceQuery
) -> Page[ProviderRead]:
    """Servers of models, oldest first. Assistants still ask the one that the environment names."""
    return await providers.read_page(session, vault, wanted)


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_provider(
    session: SessionDep, vault: VaultDep, body: ProviderCreate
) -> ProviderRead:
    """Add a server of models. Names are unique; the key is kept encrypted. Not in use yet."""
    return await providers.create(session, vault, body)


@router.get("/{provider_id}")
async def get_provider(session: SessionDep, vault: VaultDep, provider_id: UUID) -> ProviderRead:
    """One server of models, without its key."""
    return await providers.read(session, vault, provider_id)


@router.put("/{provider_id}", operation_id="put_provider", dependencies=[AdminOnly])
@router.patch("/{provider_id}", dependencies=[AdminOnly])
async def update_provider(
    session: SessionDep, vault: VaultDep, provider_id: UUID, body: ProviderUpdate
) -> ProviderRead:
    """Change the given fields. No assistant reads them yet.

    409 where base_url names another server (scheme, host or port) while a key is kept and api_key
    is not given too: a new one, or null to keep none.
    """
    return await providers.update(session, vault, provider_id, body)


@router.delete("/{provider_id}", status_code=204, dependencies=[AdminOnly])
async def delete_provider(session: SessionDep, provider_id: UUID) -> None:
    """Remove a provider that has no models."""
    await providers.delete(session, provider_id)
