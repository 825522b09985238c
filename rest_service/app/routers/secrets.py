from uuid import UUID

from fastapi import APIRouter

from smart_kit.contracts.base import Page
from smart_kit.contracts.secrets import KeyRotationRead, SecretCreate, SecretRead, SecretUpdate

from ..dependencies import AdminOnly, AuditAheadDep, ResourcesDep, SessionDep
from ..pagination import PageQueryDep
from ..services.key_rotation import rotate_keys
from ..services.records.crud import ANY_OWNER
from ..services.secrets import secrets
from ..session_changes import ChangesToPublish

router = APIRouter(prefix="/secrets", tags=["secrets"], dependencies=[AdminOnly])


@router.get("")
async def list_secrets(
    session: SessionDep, resources: ResourcesDep, query: PageQueryDep
) -> Page[SecretRead]:
    """List secrets, oldest first, without their values."""
    return await secrets.get_reader(resources.vault).read_page(session, query, ANY_OWNER)


@router.post("", status_code=201)
async def create_secret(
    session: SessionDep, resources: ResourcesDep, body: SecretCreate
) -> SecretRead:
    """Add a secret. Names are unique; the value is stored encrypted and sent to one server only."""
    return await secrets.create(session, resources.vault, body)


@router.post("/rotation")
async def rotate_secrets(resources: ResourcesDep, audit_ahead: AuditAheadDep) -> KeyRotationRead:
    """Re-encrypt all secrets and provider keys with the first key of LLM_MODEL_DECRYPT_KEY.

    It can be repeated at any time. `./manage.py rotate-keys` calls it with a new key.
    """
    await audit_ahead()
    counts = await rotate_keys(resources.sessions, resources.vault)
    await resources.publisher.publish_or_raise(ChangesToPublish(configuration=True))
    return counts


@router.get("/{secret_id}")
async def get_secret(session: SessionDep, resources: ResourcesDep, secret_id: UUID) -> SecretRead:
    """One secret, without its value."""
    return await secrets.get_reader(resources.vault).read(session, secret_id, ANY_OWNER)


@router.put("/{secret_id}", operation_id="put_secret")
@router.patch("/{secret_id}")
async def update_secret(
    session: SessionDep, resources: ResourcesDep, secret_id: UUID, body: SecretUpdate
) -> SecretRead:
    """Change the given fields.

    409 if origin gets another scheme, host or port without a new value, or while a tool uses the
    secret.
    """
    return await secrets.update(session, resources.vault, secret_id, body)


@router.delete("/{secret_id}", status_code=204)
async def delete_secret(session: SessionDep, secret_id: UUID) -> None:
    """Delete a secret that no tool uses."""
    await secrets.delete(session, secret_id)
