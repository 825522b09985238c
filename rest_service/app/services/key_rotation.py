"""Re-encrypts what an older master key has encrypted.

Works in batches, each in its own transaction and under the lock of configuration changes. So other
changes wait only briefly, none is overwritten, and an interrupted rotation can be repeated.
"""

from collections import Counter
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.secrets import KeyRotationRead
from smart_kit.vault import Vault

from ..database import SessionFactory
from ..models import LlmProvider, Secret
from ..models.base import Record
from .configuration.change import configuration_change

ENCRYPTED_COLUMNS: tuple[tuple[type[Record], str], ...] = (
    (LlmProvider, "encrypted_api_key"),
    (Secret, "encrypted_value"),
)
"""Every column whose values `Vault` has encrypted for the id of the row."""

BATCH_SIZE = 100


async def rotate_keys(sessions: SessionFactory, vault: Vault) -> KeyRotationRead:
    """Re-encrypt all values once and count them. The caller publishes the new configuration."""
    counts = Counter(rewritten=0, unchanged=0, unreadable=0)
    for table, column in ENCRYPTED_COLUMNS:
        last: UUID | None = UUID(int=0)
        while last is not None:
            async with sessions.begin() as session, configuration_change(session):
                rows = await _lock_next_batch(session, table, column, last)
                counts.update([_reencrypt(row, column, vault) for row in rows])
            last = rows[-1].id if rows else None
    return KeyRotationRead(**counts)


def _reencrypt(row: Record, column: str, vault: Vault) -> str:
    encrypted: str = getattr(row, column)
    secret = vault.decrypt(row.id, encrypted)
    if secret is None:
        return "unreadable"
    if vault.is_encrypted_with_newest_key(encrypted):
        return "unchanged"
    setattr(row, column, vault.encrypt(row.id, secret))
    return "rewritten"


async def _lock_next_batch(
    session: AsyncSession, table: type[Record], column: str, after: UUID
) -> list[Record]:
    is_encrypted = col(getattr(table, column)).is_not(None)
    rows = (
        select(table)
        .where(col(table.id) > after, is_encrypted)
        .order_by(col(table.id))
        .limit(BATCH_SIZE)
    )
    return list((await session.exec(rows.with_for_update())).all())
