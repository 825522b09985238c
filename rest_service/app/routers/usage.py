from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.usage import BudgetRead, UsageRead, UsageTotal

from ..dependencies import OwnerDep, SessionDep, SettingsDep
from ..services import clock, usage
from ..services.usage import UsageQuery, UsageTotalsQuery

router = APIRouter(tags=["usage"])


@router.get("/usage")
async def list_usage(
    session: SessionDep, query: Annotated[UsageQuery, Query()], owner: OwnerDep
) -> Page[UsageRead]:
    """List model calls with tokens, cost and latency, newest first."""
    return await usage.RECORDS.read_page(session, query, owner)


@router.get("/usage/totals")
async def list_usage_totals(
    session: SessionDep, query: Annotated[UsageTotalsQuery, Query()], owner: OwnerDep
) -> Page[UsageTotal]:
    """List totals of model calls: newest day first, then by cost."""
    return await usage.read_totals(session, query, owner)


@router.get("/users/{user_id}/budget")
async def get_budget(
    session: SessionDep, settings: SettingsDep, user_id: UUID, owner: OwnerDep
) -> BudgetRead:
    """The budget of a user for today, and what is spent of it."""
    now = await clock.get_now(session)
    return await usage.read_budget(session, user_id, owner, settings, now)
