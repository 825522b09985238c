"""Creates users who do not exist yet, any number with one statement."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, any_, literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.users import Role, UserCreate, UserUpsert
from smart_kit.errors import Conflict

from ...array_statements import bind_array, build_insert, build_parameters, select_given
from ...models import User
from ...session_changes import ROWS_ARE_RECORDED, record_written


class _NewUser(NamedTuple):
    """The given columns of a new user."""

    telegram_id: int
    first_name: str
    username: str | None
    language_code: str | None
    role: Role
    created_at: datetime


_given = select_given(User, _NewUser._fields)
_INSERT_USERS = (
    build_insert(
        User,
        _given,
        updated_at=_given.c.created_at,
        **{
            name: literal(User.model_fields[name].default)
            for name in ("rich_messages", "status", "is_invited")
        },
    )
    .returning(User)
    # "orm", or SQLAlchemy would take the parameters for the rows of its own bulk insertion
    .execution_options(dml_strategy="orm", **ROWS_ARE_RECORDED)
)
_LOCK_USERS = (
    select(User)
    .where(col(User.telegram_id) == any_(bind_array("telegram_ids", BigInteger())))
    .order_by(col(User.id))  # as the archive locks them
    .with_for_update(key_share=True)
)
"""Locks the users, because an update returns only the version: a snapshot of that version must not
have a column that was read before another transaction changed it."""


async def get_or_create_many(
    session: AsyncSession,
    profiles: Mapping[int, UserUpsert | UserCreate],
    owner_telegram_id: int | None,
) -> dict[int, tuple[User, bool]]:
    """Return the users of these Telegram ids and whether they are new.

    Safe under concurrent requests. Raises Conflict if a user is being deleted at this moment.
    """
    found: dict[int, tuple[User, bool]] = {}
    # in order, so that two requests with the same unknown users cannot deadlock
    while missing := sorted(profiles.keys() - found.keys()):
        rows = [_build_row(one, profiles[one], owner_telegram_id) for one in missing]
        created = await _create(session, rows)
        known = await _lock_known(session, set(missing) - {row.telegram_id for row in created})
        if not created and not known:  # they existed, and have been deleted since
            raise Conflict("The user is being deleted at this moment. Try again.")
        found |= {row.telegram_id: (row, True) for row in created}
        found |= {row.telegram_id: (row, False) for row in known}
    return found


def _build_row(
    telegram_id: int, profile: UserUpsert | UserCreate, owner_telegram_id: int | None
) -> _NewUser:
    return _NewUser(
        telegram_id=telegram_id,
        first_name=profile.first_name,
        username=profile.username,
        language_code=profile.language_code,
        role="owner" if telegram_id == owner_telegram_id else "user",
        created_at=utc_now(),
    )


async def _create(session: AsyncSession, rows: Sequence[_NewUser]) -> Sequence[User]:
    """Insert the rows whose Telegram ids are unknown. Return the new users."""
    result = await session.exec(_INSERT_USERS, params=build_parameters(rows))
    created: Sequence[User] = result.scalars().all()
    record_written(session, created)
    return created


async def _lock_known(session: AsyncSession, telegram_ids: Iterable[int]) -> Sequence[User]:
    wanted = list(telegram_ids)
    if not wanted:
        return []
    return (await session.exec(_LOCK_USERS, params={"telegram_ids": wanted})).all()
