"""Finding, showing and changing rows."""

from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, text
from sqlmodel import SQLModel, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from smart_kit.contracts.base import Page, RequestBody
from smart_kit.errors import Conflict, InvalidRequest, NotFound

from ...models import User
from ...models.base import OwnedRecord, Row
from ...pagination import PageQuery, paginate, select_matching

RowT = TypeVar("RowT", bound=Row)
OwnedT = TypeVar("OwnedT", bound=OwnedRecord)
ReadT = TypeVar("ReadT", bound=BaseModel)

_MAX_NAMES = 5
"""Names of users of a record in an error message."""

OwnerScope = UUID | None
"""The user whose rows a caller may see; None: all users."""

ANY_OWNER: OwnerScope = None
"""For rows that belong to no user."""


@dataclass(frozen=True)
class RecordReader(Generic[RowT, ReadT]):
    """The rows of one table, as the API shows them."""

    table: type[RowT]
    read_type: type[ReadT]
    order_by: tuple[Any, ...] = field(default=(), kw_only=True)
    """Empty: oldest first."""
    convert: Callable[[RowT], ReadT] | None = field(default=None, kw_only=True)
    """Makes the read type if the attributes of a row do not."""

    def to_read(self, row: RowT) -> ReadT:
        """Return the row in its read type."""
        if self.convert is not None:
            return self.convert(row)
        return self.read_type.model_validate(row, from_attributes=True)

    async def read_page(
        self, session: AsyncSession, query: PageQuery, owner: OwnerScope, *conditions: Any
    ) -> "Page[ReadT]":  # quoted: pydantic would count a class made here among the contracts
        """Return a page of the owner's rows that match the query."""
        rows = select_matching(self.table, query, owner, *self.order_by).where(*conditions)
        return await paginate(session, rows, query, self.to_read)

    async def read(self, session: AsyncSession, row_id: UUID, owner: OwnerScope) -> ReadT:
        """Return a row. Raises NotFound, also for a row of another user than the owner."""
        return self.to_read(await find_owned(session, self.table, row_id, owner))


async def find(
    session: AsyncSession, table: type[RowT], row_id: UUID, *, lock: bool = False
) -> RowT:
    """Return a row, whoever owns it, locked until the end of the transaction if `lock` is set.

    Raises NotFound.
    """
    row = await session.get(table, row_id, with_for_update=True if lock else None)
    if row is None:
        raise not_found_error(table.noun, row_id)
    return row


async def find_owned(
    session: AsyncSession, table: type[RowT], row_id: UUID, owner: OwnerScope
) -> RowT:
    """Return a row of the owner's.

    Raises NotFound, also for a row of another user, so that its existence stays private.
    """
    row = await find(session, table, row_id)
    if owner not in (None, row.get_owner_id()):
        raise not_found_error(table.noun, row_id)
    return row


async def lock_user(session: AsyncSession, user_id: UUID, owner: OwnerScope) -> User:
    """Return a user, locked until the end of the transaction.

    Raises NotFound, also for another user than the owner, whose row is not locked.
    """
    if owner not in (None, user_id):
        raise not_found_error(User.noun, user_id)
    return await find(session, User, user_id, lock=True)


async def lock_owned(
    session: AsyncSession, table: type[OwnedT], row_id: UUID, owner: OwnerScope
) -> tuple[User, OwnedT]:
    """Lock the user row first, to avoid deadlocks, then the record. Raises NotFound."""
    row = await find_owned(session, table, row_id, owner)
    user = await find(session, User, row.user_id, lock=True)
    return user, await find(session, table, row_id, lock=True)


async def check_name_available(session: AsyncSession, column: Any, name: str) -> None:
    """Raise Conflict if a row has the name already."""
    if (await session.exec(select(column).where(column == name))).first() is not None:
        raise Conflict(f"The name {name!r} is taken by another {column.class_.noun}.")


def not_found_error(noun: str, row_id: object) -> NotFound:
    """Return the error for a row that does not exist."""
    return NotFound(f"There is no {noun} {row_id}.")


def get_provided_fields(
    body: RequestBody, table: type[SQLModel], *, exclude: Set[str] = frozenset()
) -> dict[str, Any]:
    """Return the fields that the caller set.

    Raises InvalidRequest for a null in a column that is not nullable.
    """
    fields = {name: getattr(body, name) for name in body.model_fields_set - exclude}
    columns = table.metadata.tables[str(table.__tablename__)].columns
    for name, value in fields.items():
        if value is None and not columns[name].nullable:
            raise InvalidRequest(f"{name} cannot be null.")
    return fields


def set_fields(row: SQLModel, fields: dict[str, Any]) -> None:
    """Set columns of a row."""
    for name, value in fields.items():
        setattr(row, name, value)


def build_user_name_expression() -> ColumnElement[str]:
    """Return an expression for the first name and Telegram id of a user."""
    return func.concat_ws(" ", func.nullif(User.first_name, ""), User.telegram_id)


async def check_unused(
    session: AsyncSession, name: str, *references: tuple[str, SelectOfScalar[str]]
) -> None:
    """Raise Conflict with the names that the first non-empty query returns, after its label."""
    for label, names in references:
        some = names.distinct().order_by(text("1")).limit(_MAX_NAMES + 1)
        found = (await session.exec(some)).all()
        if found:
            shown = ", ".join(found[:_MAX_NAMES]) + (", …" if found[_MAX_NAMES:] else "")
            raise Conflict(f"{name} is in use; {label}: {shown}.")


async def check_limit(
    session: AsyncSession, table: type[OwnedT], limit: int, rows: str, *conditions: Any
) -> None:
    """Raise Conflict if that many rows of the table fulfil the conditions, which `rows` names."""
    count = select(func.count()).select_from(table).where(*conditions)
    if (await session.exec(count)).one() >= limit:
        raise Conflict(f"The limit of {limit} {rows} is reached. Cancel one first.")
