"""Model calls and their costs."""

from datetime import date
from uuid import UUID

from pydantic import Field

from smart_kit.contracts.base import Contract, Dollars, UtcDatetime


class UsageRead(Contract):
    """A model call, or a failed attempt that was billed."""

    id: UUID
    message_id: str
    step: str = Field(description="Step of the turn; <step>~<number> for a failed attempt, from 0")
    user_id: UUID
    assistant_id: UUID = Field(description="The calling secretary or sub-assistant")
    thread_id: UUID
    model: str
    provider: str
    prompt_tokens: int
    """Like all tokens, an estimate if the server reports none."""
    cached_tokens: int = Field(description="Cached part of prompt_tokens")
    completion_tokens: int
    cost: Dollars | None = Field(description="USD at the prices of that time; null: unknown")
    seconds: float
    created_at: UtcDatetime


class UsageTotal(Contract):
    """Totals of one group. Fields that the request does not group by are null."""

    day: date | None = Field(None, description="In UTC")
    user_id: UUID | None = None
    assistant_id: UUID | None = None
    model: str | None = None
    provider: str | None = None
    messages: int
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost: Dollars = Field(description="USD, without calls of unknown price")
    unpriced_calls: int
    seconds: float = Field(description="Sum of all calls")
    slowest: float = Field(description="Seconds of the slowest call")


class BudgetRead(Contract):
    """A user's budget for today."""

    day: date = Field(description="Today in the user's time zone")
    timezone: str
    budget: Dollars | None = Field(description="USD a day; null: no limit")
    spent: Dollars = Field(description="USD of the archived turns")
