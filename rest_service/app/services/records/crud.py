"""Finding and changing rows in the one way that all resources share."""

from collections.abc import Set
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import RequestBody
from smart_kit.errors import Conflict, InvalidRequest, NotFound

RowT = TypeVar("RowT", bound=SQLModel)

OwnerScope = UUID | None
"""Whose rows a caller may see; None: everybody's."""


async def find(
    session: AsyncSession, table: type[RowT], row_id: UUID, noun: str, *, lock: bool = False
) -> RowT:
    """Raises NotFound. `lock` keeps others from changing the row until the end."""
    row = await session.get(table, row_id, with_for_update=True if lock else None)
    if row is None:
        raise not_found_error(noun, row_id)
    return row


def check_owner(user_id: UUID, owner: OwnerScope, noun: str, row_id: object) -> None:
    """Raises NotFound for somebody else's row: that it exists is nobody else's business."""
    if owner is not None and user_id != owner:
        raise not_found_error(noun, row_id)


async def check_name_available(session: AsyncSession, column: Any, name: str, noun: str) -> None:
    """Raise Conflict if a row has the name already."""
    if (await session.exec(select(column).where(column == name))).first() is not None:
        raise Conflict(f"The name {name!r} is taken by another {noun}.")


def not_found_error(noun: str, row_id: object) -> NotFound:
    """There is no such row."""
    return NotFound(f"There is no {noun} {row_id}.")


def get_provided_fields(
    body: RequestBody, table: type[SQLModel], *, exclude: Set[str] = frozenset()
) -> dict[str, Any]:
    """The fields that the caller gave, as they are; without those that are no columns.

    Raises InvalidRequest for a null where the column takes none.
    """
    fields = {name: getattr(body, name) for name in body.model_fields_set - exclude}
    columns = table.metadata.tables[str(table.__tablename__)].columns
    for name, value in fields.items():
        if value is None and not columns[name].nullable:
            raise InvalidRequest(f"{name} cannot be null.")
    return fields


def set_fields(row: SQLModel, fields: dict[str, Any]) -> None:
    """Set columns."""
    for name, value in fields.items():
        setattr(row, name, value)
