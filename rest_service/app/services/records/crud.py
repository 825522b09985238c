"""Finding and changing rows in the one way that all resources share."""

from collections.abc import Set
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from smart_kit.contracts.base import RequestBody
from smart_kit.errors import InvalidRequest, NotFound

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


def filter_by_user(
    rows: SelectOfScalar[RowT], column: Any, requested_user_id: UUID | None, owner: OwnerScope
) -> SelectOfScalar[RowT]:
    """Those of the person who is asked about, and of the one for whom the call is; None: all."""
    for user_id in filter(None, (requested_user_id, owner)):
        rows = rows.where(column == user_id)
    return rows


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
