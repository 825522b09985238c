"""What models were asked and what it cost."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from smart_kit.contracts.base import Contract, Dollars, UtcDatetime

UsageGroup = Literal["day", "user", "assistant", "model", "provider"]


class UsageRead(Contract):
    """One answer of a model, or one attempt in vain that is paid for all the same."""

    id: UUID
    message_id: str
    step: str = Field(description="Of the turn; <step>~<failure> for an attempt in vain, from 0")
    user_id: UUID
    assistant_id: UUID = Field(description="Who asked: the secretary or a sub-assistant")
    thread_id: UUID
    model: str
    provider: str
    prompt_tokens: int = Field(description="As all tokens: about, where the server has not said")
    cached_tokens: int = Field(description="Of the prompt's, those that were cached")
    completion_tokens: int
    cost: Dollars | None = Field(description="USD by the prices of that moment; null: not known")
    seconds: float
    created_at: UtcDatetime


class UsageTotal(Contract):
    """The calls of one group; a field is null where it is not grouped by."""

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
    cost: Dollars = Field(description="USD; calls of unknown price are not in it")
    unpriced_calls: int
    seconds: float = Field(description="Of all calls together")
    slowest: float = Field(description="Seconds of the slowest call")


class BudgetRead(Contract):
    """What a person may still spend today."""

    day: date = Field(description="In the person's time zone")
    timezone: str
    budget: Dollars | None = Field(description="USD a day; null: no limit")
    spent: Dollars = Field(description="USD, as far as turns have been archived")
