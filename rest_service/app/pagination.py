"""Slices of lists."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from smart_kit.contracts.base import Page

MAX_PAGE_SIZE = 200

RowT = TypeVar("RowT")
ReadT = TypeVar("ReadT", bound=BaseModel)


PlainText = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00]*$")]
"""A text to look for; Postgres takes no NUL."""


class PageQuery(BaseModel):
    """Which part of a list is wanted. An unknown parameter is a mistake, not a wider list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(50, ge=1, le=MAX_PAGE_SIZE)
    offset: int = Field(0, ge=0, lt=2**31)


PageQueryDep = Annotated[PageQuery, Query()]


async def fetch_page(
    session: AsyncSession, rows: SelectOfScalar[RowT], query: PageQuery
) -> tuple[list[RowT], int]:
    """That part of the rows, in the statement's order, and how many there are in all."""
    counted = select(func.count()).select_from(rows.order_by(None).subquery())
    total = (await session.exec(counted)).one()
    part = (await session.exec(rows.limit(query.limit).offset(query.offset))).all()
    return list(part), total


def build_page(
    page_type: type[Page[ReadT]], items: Iterable[Any], total: int, query: PageQuery
) -> Page[ReadT]:
    """The answer: rows, or shapes made of them."""
    content = {"items": items, "total": total, "limit": query.limit, "offset": query.offset}
    return page_type.model_validate(content, from_attributes=True)
