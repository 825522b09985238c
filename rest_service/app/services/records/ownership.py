"""Finding and locking records that belong to a user."""

from typing import TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from ...models import User
from ...models.base import OwnedRecord
from .crud import OwnerScope, check_owner, find

OwnedT = TypeVar("OwnedT", bound=OwnedRecord)


async def lock_user(session: AsyncSession, user_id: UUID, owner: OwnerScope) -> User:
    """Lock and return a user. Raises NotFound, also if the caller acts for another user."""
    check_owner(user_id, owner, "user", user_id)
    return await find(session, User, user_id, "user", lock=True)


async def find_owned(
    session: AsyncSession, table: type[OwnedT], row_id: UUID, noun: str, owner: OwnerScope
) -> OwnedT:
    """Return a record. Raises NotFound, also for a record of another user."""
    row = await find(session, table, row_id, noun)
    check_owner(row.user_id, owner, noun, row_id)
    return row


async def lock_owned(
    session: AsyncSession, table: type[OwnedT], row_id: UUID, noun: str, owner: OwnerScope
) -> tuple[User, OwnedT]:
    """Lock the user row first, to avoid deadlocks, then the record. Raises NotFound."""
    row = await find_owned(session, table, row_id, noun, owner)
    user = await find(session, User, row.user_id, "user", lock=True)
    return user, await find(session, table, row_id, noun, lock=True)


def timezone_for(user: User, default_timezone: str) -> str:
    """Return the time zone of a user, for times without one."""
    return user.timezone or default_timezone
