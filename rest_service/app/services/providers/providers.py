"""Model providers."""

from functools import partial
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.models import ApiKeyState, ProviderCreate, ProviderRead, ProviderUpdate
from smart_kit.errors import Conflict, InvalidRequest
from smart_kit.safe_http.public_url import AddressBlocked, CanonicalUrl
from smart_kit.vault import Vault

from ...models import LlmModel, LlmProvider
from ..configuration.change import configuration_change
from ..configuration.model_coverage import DefaultModels, coverage_guard
from ..records.crud import (
    RecordReader,
    check_name_available,
    check_unused,
    find,
    get_provided_fields,
    set_fields,
)


def get_reader(vault: Vault) -> RecordReader[LlmProvider, ProviderRead]:
    """Return a reader, which tells from the vault whether the keys are readable."""
    return RecordReader(LlmProvider, ProviderRead, convert=partial(_to_read, vault=vault))


async def create(session: AsyncSession, vault: Vault, body: ProviderCreate) -> ProviderRead:
    """Create a provider. Raises Conflict for a taken name, InvalidRequest without a master key."""
    async with configuration_change(session):
        await check_name_available(session, LlmProvider.name, body.name)
        row = LlmProvider(**body.model_dump(exclude={"api_key"}))
        _store_key(row, body, vault)
        session.add(row)
    return _to_read(row, vault)


async def update(
    session: AsyncSession,
    vault: Vault,
    provider_id: UUID,
    body: ProviderUpdate,
    defaults: DefaultModels,
) -> ProviderRead:
    """Change a provider. Raises NotFound, InvalidRequest, Conflict if an assistant would lose its
    last model."""
    async with configuration_change(session), coverage_guard(session, defaults):
        row = await find(session, LlmProvider, provider_id)
        fields = get_provided_fields(body, LlmProvider, exclude={"api_key"})
        if fields.get("name", row.name) != row.name:
            await check_name_available(session, LlmProvider.name, fields["name"])
        if fields.get("source") == "environment":
            await _check_can_follow_env(session, row, body)
        base_url = fields.get("base_url", row.base_url)
        if "api_key" in body.model_fields_set:
            _store_key(row, body, vault)
            row.source = "administrator"
        else:
            _check_same_server(row, base_url)
        if base_url != row.base_url:
            row.source = "administrator"
        set_fields(row, fields)
    return _to_read(row, vault)


async def delete(session: AsyncSession, provider_id: UUID) -> None:
    """Delete a provider. Raises NotFound, and Conflict while it has models."""
    async with configuration_change(session):
        row = await find(session, LlmProvider, provider_id)
        own = select(LlmModel.provider_model_name).where(LlmModel.provider_id == provider_id)
        await check_unused(session, row.name, ("its models", own))
        await session.delete(row)


def _store_key(row: LlmProvider, body: ProviderCreate | ProviderUpdate, vault: Vault) -> None:
    key = body.api_key
    row.encrypted_api_key = vault.encrypt(row.id, key.get_secret_value()) if key else None


def _check_same_server(row: LlmProvider, base_url: str) -> None:
    if row.encrypted_api_key is not None and not _is_same_server(base_url, row.base_url):
        raise Conflict(
            f"The stored api_key is for {row.base_url}. For another server, set api_key together"
            " with base_url, or set it to null."
        )


async def _check_can_follow_env(
    session: AsyncSession, row: LlmProvider, body: ProviderUpdate
) -> None:
    """Raise an error unless this provider can be the only one that follows the environment."""
    if own := sorted({"base_url", "api_key"} & body.model_fields_set):
        raise InvalidRequest(
            f"A provider that follows the environment takes its {' and '.join(own)} from there. Set"
            " source alone."
        )
    others = select(LlmProvider.name).where(
        LlmProvider.source == "environment", LlmProvider.id != row.id
    )
    if (other := (await session.exec(others)).first()) is not None:
        raise Conflict(f"{other} already follows the environment. Only one provider can.")


def _is_same_server(one: str, other: str) -> bool:
    """Return False also for ambiguous URLs, which programs may read differently."""
    if one == other:
        return True
    try:
        return CanonicalUrl.parse(one).origin == CanonicalUrl.parse(other).origin
    except AddressBlocked:
        return False


def _to_read(row: LlmProvider, vault: Vault) -> ProviderRead:
    state: ApiKeyState = "none"
    if row.encrypted_api_key is not None:
        is_readable = vault.decrypt(row.id, row.encrypted_api_key) is not None
        state = "stored" if is_readable else "unreadable"
    return ProviderRead(**row.model_dump(), api_key_state=state)
