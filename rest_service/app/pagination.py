"""Pages of lists, and the filters that their queries have in common."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import SQLModel, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from smart_kit.contracts.base import AwareDatetimeInput, Page

MAX_PAGE_SIZE = 200

RowT = TypeVar("RowT")
TableT = TypeVar("TableT", bound=SQLModel)
ReadT = TypeVar("ReadT", bound=BaseModel)


PlainText = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00]*$")]
"""A text to filter by. Postgres accepts no NUL."""


class PageQuery(BaseModel):
    """The query of a list. Unknown parameters are refused: ignored, they would return too much."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(50, ge=1, le=MAX_PAGE_SIZE)
    offset: int = Field(0, ge=0, lt=2**31)


class PeriodQuery(PageQuery):
    """The query of a list of rows that were created in a period."""

    from_at: AwareDatetimeInput | None = Field(None, description="Not earlier than this")
    until_at: AwareDatetimeInput | None = Field(None, description="Earlier than this")


PageQueryDep = Annotated[PageQuery, Query()]


def select_matching(
    table: type[TableT], query: PageQuery, owner: UUID | None, *order_by: Any
) -> SelectOfScalar[TableT]:
    """Select the rows that match the query, oldest first; `order_by` replaces the order."""
    columns = table.metadata.tables[str(table.__tablename__)].columns
    rows = select(table).order_by(*order_by or (columns.created_at, columns.id))
    return rows.where(*build_conditions(table, query, owner))


def build_conditions(table: type[SQLModel], query: PageQuery, owner: UUID | None) -> list[Any]:
    """Return the conditions: each column equals the query parameter of its name.

    With an owner, only the rows of that user match; users belong to themselves.
    """
    columns = table.metadata.tables[str(table.__tablename__)].columns
    given = {name: getattr(query, name) for name in sorted(type(query).model_fields)}
    conditions = [
        columns[name] == value
        for name, value in given.items()
        if value is not None and name in columns
    ]
    if owner is not None:
        conditions.append(columns["user_id" if "user_id" in columns else "id"] == owner)
    if isinstance(query, PeriodQuery) and query.from_at is not None:
        conditions.append(columns.created_at >= query.from_at)
    if isinstance(query, PeriodQuery) and query.until_at is not None:
        conditions.append(columns.created_at < query.until_at)
    return conditions


async def paginate(
    session: AsyncSession,
    rows: SelectOfScalar[RowT],
    query: PageQuery,
    to_read: Callable[[RowT], ReadT],
) -> Page[ReadT]:
    """Return the requested page of the rows, each converted by `to_read`."""
    total = await count_rows(session, rows)
    items = await fetch_rows(session, rows, query)
    return build_page(map(to_read, items), total, query)


async def count_rows(session: AsyncSession, rows: SelectOfScalar[Any]) -> int:
    """Return the number of rows in all pages."""
    counted = select(func.count()).select_from(rows.order_by(None).subquery())
    return (await session.exec(counted)).one()


async def fetch_rows(
    session: AsyncSession, rows: SelectOfScalar[RowT], query: PageQuery
) -> Sequence[RowT]:
    """Return the rows of the requested page, in the order of the statement."""
    return (await session.exec(rows.limit(query.limit).offset(query.offset))).all()


def build_page(items: Iterable[ReadT], total: int, query: PageQuery) -> Page[ReadT]:
    """Return a page of the items."""
    return Page(items=list(items), total=total, limit=query.limit, offset=query.offset)
