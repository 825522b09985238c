"""Somebody's records: found for whom they belong to, and locked for a change."""

from typing import TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ...models import User
from ...models.base import OwnedRecord
from .crud import OwnerScope, check_owner, find

OwnedT = TypeVar("OwnedT", bound=OwnedRecord)


async def lock_user(session: AsyncSession, user_id: UUID, owner: OwnerScope) -> User:
    """For whom a record is made. Raises NotFound, also where the caller acts for another."""
    check_owner(user_id, owner, "user", user_id)
    return await find(session, User, user_id, "user", lock=True)


async def find_owned(
    session: AsyncSession, table: type[OwnedT], row_id: UUID, noun: str, owner: OwnerScope
) -> OwnedT:
    """Raises NotFound, also for somebody else's."""
    row = await find(session, table, row_id, noun)
    check_owner(row.user_id, owner, noun, row_id)
    return row


async def lock_owned(
    session: AsyncSession, table: type[OwnedT], row_id: UUID, noun: str, owner: OwnerScope
) -> tuple[User, OwnedT]:
    """The person first, as everywhere: so nobody waits in a circle. Raises NotFound."""
    row = await find_owned(session, table, row_id, noun, owner)
    user = await find(session, User, row.user_id, "user", lock=True)
    return user, await find(session, table, row_id, noun, lock=True)


def timezone_for(user: User, default_timezone: str) -> str:
    """In which zone a time is meant where nobody says."""
    return user.timezone or default_timezone
