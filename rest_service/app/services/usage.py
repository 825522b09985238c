"""Model calls and their cost, and budgets."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from sqlalchemy import Date, Label, Select, cast, literal_column
from sqlalchemy import select as select_columns
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page
from smart_kit.contracts.usage import BudgetRead, UsageRead, UsageTotal

from ..config import Settings
from ..models import Usage, User
from ..pagination import PeriodQuery, PlainText, build_conditions, build_page
from .conversations.messages import MessageId
from .records.crud import OwnerScope, RecordReader, find_owned

RECORDS = RecordReader(Usage, UsageRead, order_by=(col(Usage.created_at).desc(), col(Usage.id)))
_DAY = cast(func.timezone(literal_column("'UTC'"), Usage.created_at), Date)
_GROUP_COLUMNS: dict[str, Label[Any]] = {
    "day": _DAY.label("day"),
    "user": col(Usage.user_id).label("user_id"),
    "assistant": col(Usage.assistant_id).label("assistant_id"),
    "model": col(Usage.model).label("model"),
    "provider": col(Usage.provider).label("provider"),
}


class UsageQuery(PeriodQuery):
    user_id: UUID | None = None
    assistant_id: UUID | None = None
    model: PlainText | None = None
    provider: PlainText | None = None
    message_id: MessageId | None = None


class UsageTotalsQuery(UsageQuery):
    by: str = Field(
        "",
        max_length=100,
        description=f"Comma-separated: {', '.join(_GROUP_COLUMNS)}; empty: one total",
        examples=["day,model"],
    )

    @field_validator("by")
    @classmethod
    def _check_groups(cls, by: str) -> str:
        if by and not set(by.split(",")) <= _GROUP_COLUMNS.keys():
            raise ValueError(f"give some of {', '.join(_GROUP_COLUMNS)}, separated by commas")
        return by


async def read_totals(
    session: AsyncSession, query: UsageTotalsQuery, owner: OwnerScope
) -> Page[UsageTotal]:
    """Return totals by group: newest day first, then by cost."""
    by = [_GROUP_COLUMNS[name] for name in dict.fromkeys(filter(None, query.by.split(",")))]
    totals = _select_totals(by).where(*build_conditions(Usage, query, owner))
    counted = select(func.count()).select_from(totals.subquery())
    days = [group.desc() for group in by if group.name == "day"]
    ordered = totals.order_by(*days, func.coalesce(func.sum(Usage.cost), 0).desc(), *by)
    connection = await session.connection()  # SQLModel sessions accept only statements on tables
    part = await connection.execute(ordered.limit(query.limit).offset(query.offset))
    items = [UsageTotal.model_validate(group) for group in part.mappings()]
    return build_page(items, (await session.exec(counted)).one(), query)


async def read_budget(
    session: AsyncSession, user_id: UUID, owner: OwnerScope, settings: Settings, moment: datetime
) -> BudgetRead:
    """Return the budget of a user for the local day of that moment. Raises NotFound."""
    user = await find_owned(session, User, user_id, owner)
    timezone = user.get_timezone(settings.default_timezone)
    now = moment.astimezone(ZoneInfo(timezone))
    day_start = datetime(now.year, now.month, now.day, tzinfo=now.tzinfo)
    spent = select(func.coalesce(func.sum(Usage.cost), Decimal())).where(
        Usage.user_id == user_id,
        Usage.created_at >= day_start,
        Usage.created_at < day_start + timedelta(days=1),  # by wall clock: 23 to 25 hours
    )
    return BudgetRead(
        day=day_start.date(),
        timezone=timezone,
        budget=settings.daily_budget if user.daily_budget is None else user.daily_budget,
        spent=(await session.exec(spent)).one(),
    )


def _select_totals(by: list[Label[Any]]) -> Select[Any]:
    def total(name: str) -> Label[Any]:
        return func.coalesce(func.sum(getattr(Usage, name)), 0).label(name)

    return select_columns(
        *by,
        func.count(func.distinct(Usage.message_id)).label("messages"),
        func.count().label("calls"),
        *map(total, ("prompt_tokens", "cached_tokens", "completion_tokens", "cost", "seconds")),
        func.count().filter(col(Usage.cost).is_(None)).label("unpriced_calls"),
        func.coalesce(func.max(Usage.seconds), 0).label("slowest"),
    ).group_by(*by)
