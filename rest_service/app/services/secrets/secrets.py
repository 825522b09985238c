"""Secrets: values that calls of rest tools send to one server. They are never returned."""

from functools import partial
from uuid import UUID

from sqlalchemy import String, cast
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.secrets import SecretCreate, SecretRead, SecretState, SecretUpdate
from smart_kit.errors import Conflict, InvalidRequest
from smart_kit.safe_http.public_url import AddressBlocked, CanonicalUrl
from smart_kit.vault import Vault

from ...models import Secret, Tool
from ..configuration.change import configuration_change
from ..records.crud import (
    RecordReader,
    check_name_available,
    check_unused,
    find,
    get_provided_fields,
    set_fields,
)


def get_reader(vault: Vault) -> RecordReader[Secret, SecretRead]:
    """Return a reader, which tells from the vault whether the values are readable."""
    return RecordReader(Secret, SecretRead, convert=partial(_to_read, vault=vault))


async def create(session: AsyncSession, vault: Vault, body: SecretCreate) -> SecretRead:
    """Create a secret. Raises Conflict for a taken name, InvalidRequest without a master key."""
    async with configuration_change(session):
        await check_name_available(session, Secret.name, body.name)
        row = Secret(name=body.name, origin=_normalize_origin(body.origin), encrypted_value="")
        row.encrypted_value = vault.encrypt(row.id, body.value.get_secret_value())
        session.add(row)
    return _to_read(row, vault)


async def update(
    session: AsyncSession, vault: Vault, secret_id: UUID, body: SecretUpdate
) -> SecretRead:
    """Change a secret.

    Raises NotFound, InvalidRequest, and Conflict if the stored value would go to another server, or
    if a tool of the former server uses it.
    """
    async with configuration_change(session):
        row = await find(session, Secret, secret_id)
        fields = get_provided_fields(body, Secret, exclude={"value"})
        if "origin" in fields:
            fields["origin"] = _normalize_origin(fields["origin"])
        if "value" not in body.model_fields_set:
            _check_same_server(row, fields.get("origin", row.origin))
        elif body.value is None:
            raise InvalidRequest("value cannot be null.")
        elif fields.get("origin", row.origin) != row.origin:
            await _check_unused(session, row)
        if body.value is not None:
            fields["encrypted_value"] = vault.encrypt(row.id, body.value.get_secret_value())
        set_fields(row, fields)
    return _to_read(row, vault)


async def delete(session: AsyncSession, secret_id: UUID) -> None:
    """Delete a secret. Raises NotFound, and Conflict while a tool uses it."""
    async with configuration_change(session):
        row = await find(session, Secret, secret_id)
        await _check_unused(session, row)
        await session.delete(row)


def _normalize_origin(url: str) -> str:
    try:
        address = CanonicalUrl.parse(url)
    except AddressBlocked as error:
        raise InvalidRequest(f"origin: {error.message}") from error
    return str(CanonicalUrl(address.scheme, address.host, address.port, path_and_query=""))


def _check_same_server(row: Secret, origin: str) -> None:
    if origin != row.origin:
        raise Conflict(
            f"The stored value is for {row.origin}. For another server, set the value together with"
            " the origin."
        )


async def _check_unused(session: AsyncSession, row: Secret) -> None:
    calls = cast(col(Tool.http_call), String)
    named = calls.contains(f"{{secret:{row.name}}}", autoescape=True)
    await check_unused(session, row.name, ("tools that send it", select(Tool.name).where(named)))


def _to_read(row: Secret, vault: Vault) -> SecretRead:
    is_readable = vault.decrypt(row.id, row.encrypted_value) is not None
    state: SecretState = "stored" if is_readable else "unreadable"
    return SecretRead(**row.model_dump(), state=state)
