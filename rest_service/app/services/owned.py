"""Somebody's records: found for whom they belong to, and locked for a change."""

from typing import TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ..models import User
from ..models.base import OwnedRecord
from .rows import Owner, check_owner, find

OwnedT = TypeVar("OwnedT", bound=OwnedRecord)


async def lock_person(session: AsyncSession, user_id: UUID, owner: Owner) -> User:
    """For whom a record is made. Raises NotFound, also where the caller acts for another."""
    check_owner(user_id, owner, "user", user_id)
    return await find(session, User, user_id, "user", lock=True)


async def find_own(
    session: AsyncSession, table: type[OwnedT], row_id: UUID, noun: str, owner: Owner
) -> OwnedT:
    """Raises NotFound, also for somebody else's."""
    row = await find(session, table, row_id, noun)
    check_owner(row.user_id, owner, noun, row_id)
    return row


async def lock_own(
    session: AsyncSession, table: type[OwnedT], row_id: UUID, noun: str, owner: Owner
) -> tuple[User, OwnedT]:
    """The person first, as everywhere: so nobody waits in a circle. Raises NotFound."""
    row = await find_own(session, table, row_id, noun, owner)
    person = await find(session, User, row.user_id, "user", lock=True)
    return person, await find(session, table, row_id, noun, lock=True)


def zone_for(person: User, default_timezone: str) -> str:
    """In which zone a time is meant where nobody says."""
    return person.timezone or default_timezone
