"""Re-encrypts what an older master key has encrypted.

Works in batches, each in its own transaction and under the lock of configuration changes. So other
changes wait only briefly, none is overwritten, and an interrupted rotation can be repeated.
"""

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
_MIN_ID = UUID(int=0)


class KeyRotation:
    """Re-encrypts all ciphertexts once."""

    def __init__(self, sessions: SessionFactory, vault: Vault) -> None:
        self._sessions = sessions
        self._vault = vault
        self._counts = {"rewritten": 0, "unchanged": 0, "unreadable": 0}

    async def run(self) -> KeyRotationRead:
        """Rewrite all rows and count them. The caller publishes the new configuration."""
        for table, column in ENCRYPTED_COLUMNS:
            last: UUID | None = _MIN_ID
            while last is not None:
                last = await self._rotate_batch(table, column, last)
        return KeyRotationRead(**self._counts)

    async def _rotate_batch(self, table: type[Record], column: str, after: UUID) -> UUID | None:
        async with self._sessions.begin() as session, configuration_change(session):
            rows = await _lock_next_batch(session, table, column, after)
            for row in rows:
                self._reencrypt(row, column)
        return rows[-1].id if rows else None

    def _reencrypt(self, row: Record, column: str) -> None:
        encrypted: str = getattr(row, column)
        secret = self._vault.decrypt(row.id, encrypted)
        if secret is None:
            self._counts["unreadable"] += 1
        elif self._vault.is_encrypted_with_newest_key(encrypted):
            self._counts["unchanged"] += 1
        else:
            setattr(row, column, self._vault.encrypt(row.id, secret))
            self._counts["rewritten"] += 1


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
