"""What models were asked and what it cost."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import Date, Label, Select, cast, literal_column
from sqlalchemy import select as select_columns
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page, WrittenMoment
from smart_kit.contracts.usage import BudgetRead, UsageGroup, UsageRead, UsageTotal

from ..config import Settings
from ..models import Usage, User
from ..pagination import PlainText, Slice, fetch, page
from .messages import MessageId
from .owned import zone_for
from .rows import Owner, check_owner, find

_EXACT = ("user_id", "assistant_id", "model", "provider", "message_id")
_GROUP = f"({'|'.join(get_args(UsageGroup))})"
_DAY = cast(func.timezone(literal_column("'UTC'"), Usage.created_at), Date)
_GROUPS: dict[str, Label[Any]] = {
    "day": _DAY.label("day"),
    "user": col(Usage.user_id).label("user_id"),
    "assistant": col(Usage.assistant_id).label("assistant_id"),
    "model": col(Usage.model).label("model"),
    "provider": col(Usage.provider).label("provider"),
}


class UsageSlice(Slice):
    """Which answers are wanted."""

    user_id: UUID | None = None
    assistant_id: UUID | None = None
    model: PlainText | None = None
    provider: PlainText | None = None
    message_id: MessageId | None = None
    from_at: WrittenMoment | None = Field(None, description="Not earlier than this")
    until_at: WrittenMoment | None = Field(None, description="Earlier than this")


class TotalSlice(UsageSlice):
    """Which answers are wanted, and how they are put together."""

    by: str = Field(
        "",
        pattern=f"^({_GROUP}(,{_GROUP})*)?$",
        max_length=100,
        description=f"With commas: {', '.join(get_args(UsageGroup))}; empty: all in one",
        examples=["day,model"],
    )


async def read_page(session: AsyncSession, wanted: UsageSlice, owner: Owner) -> Page[UsageRead]:
    """Answers of models, the newest first."""
    rows = select(Usage).where(*_conditions(wanted, owner))
    rows = rows.order_by(col(Usage.created_at).desc(), col(Usage.id))
    return page(Page[UsageRead], *await fetch(session, rows, wanted), wanted)


async def read_totals(session: AsyncSession, wanted: TotalSlice, owner: Owner) -> Page[UsageTotal]:
    """Sums: the newest day first, and in it what cost most."""
    by = [_GROUPS[name] for name in dict.fromkeys(filter(None, wanted.by.split(",")))]
    totals = _totals(by).where(*_conditions(wanted, owner))
    counted = select(func.count()).select_from(totals.subquery())
    days = [group.desc() for group in by if group.name == "day"]
    ordered = totals.order_by(*days, func.coalesce(func.sum(Usage.cost), 0).desc(), *by)
    connection = await session.connection()  # a session knows rows of tables only
    part = await connection.execute(ordered.limit(wanted.limit).offset(wanted.offset))
    items = part.mappings().all()
    return page(Page[UsageTotal], items, (await session.exec(counted)).one(), wanted)


async def read_budget(
    session: AsyncSession, user_id: UUID, owner: Owner, settings: Settings, moment: datetime
) -> BudgetRead:
    """What a person may spend on their day at that moment, and has spent of it. Raises NotFound."""
    check_owner(user_id, owner, "user", user_id)
    person = await find(session, User, user_id, "user")
    timezone = zone_for(person, settings.default_timezone)
    now = moment.astimezone(ZoneInfo(timezone))
    begin = datetime(now.year, now.month, now.day, tzinfo=now.tzinfo)
    spent = select(func.coalesce(func.sum(Usage.cost), Decimal())).where(
        Usage.user_id == user_id,
        Usage.created_at >= begin,
        Usage.created_at < begin + timedelta(days=1),  # by the wall clock, as both have a zone
    )
    return BudgetRead(
        day=begin.date(),
        timezone=timezone,
        budget=settings.daily_budget if person.daily_budget is None else person.daily_budget,
        spent=(await session.exec(spent)).one(),
    )


def _conditions(wanted: UsageSlice, owner: Owner) -> list[Any]:
    given = {name: getattr(wanted, name) for name in _EXACT}
    conditions = [col(getattr(Usage, n)) == v for n, v in given.items() if v is not None]
    if owner is not None:
        conditions.append(col(Usage.user_id) == owner)
    if wanted.from_at is not None:
        conditions.append(col(Usage.created_at) >= wanted.from_at)
    if wanted.until_at is not None:
        conditions.append(col(Usage.created_at) < wanted.until_at)
    return conditions


def _totals(by: list[Label[Any]]) -> Select[Any]:
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
