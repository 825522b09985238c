"""Functions for finding and changing rows."""

from collections.abc import Set
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import RequestBody
from smart_kit.errors import Conflict, InvalidRequest, NotFound

RowT = TypeVar("RowT", bound=SQLModel)

OwnerScope = UUID | None
"""The user whose rows a caller may see; None: all users."""


async def find(
    session: AsyncSession, table: type[RowT], row_id: UUID, noun: str, *, lock: bool = False
) -> RowT:
    """Return a row, locked until the end of the transaction if `lock` is set. Raises NotFound."""
    row = await session.get(table, row_id, with_for_update=True if lock else None)
    if row is None:
        raise not_found_error(noun, row_id)
    return row


def check_owner(user_id: UUID, owner: OwnerScope, noun: str, row_id: object) -> None:
    """Raise NotFound for a row of another user, so that its existence stays private."""
    if owner is not None and user_id != owner:
        raise not_found_error(noun, row_id)


async def check_name_available(session: AsyncSession, column: Any, name: str, noun: str) -> None:
    """Raise Conflict if a row has the name already."""
    if (await session.exec(select(column).where(column == name))).first() is not None:
        raise Conflict(f"The name {name!r} is taken by another {noun}.")


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
