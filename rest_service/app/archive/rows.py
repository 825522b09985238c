"""Builds the rows of turns, without objects of the ORM: those cost more than the insertion."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.threads import ModelFailure, StepRecord, TurnRecord

from ..models.history import MessageRole
from .turn_items import compute_item_times, get_role, get_text

_STEPS_ADAPTER = TypeAdapter(tuple[StepRecord, ...])


class TurnRow(NamedTuple):
    """The columns of `turns`."""

    message_id: str
    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    configuration_version: int
    status: str
    steps: list[JsonObject]
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal | None
    started_at: datetime
    finished_at: datetime


class MessageRow(NamedTuple):
    """The columns of `messages`, without the id."""

    thread_id: UUID
    user_id: UUID
    assistant_id: UUID
    message_id: str
    position: int
    role: MessageRole
    content: str
    payload: JsonObject
    is_in_context: bool
    created_at: datetime
    turn_started_at: datetime


class UsageRow(NamedTuple):
    """The columns of `usage`, without the id."""

    message_id: str
    step: str
    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    model: str
    provider: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost: Decimal | None
    seconds: float
    created_at: datetime


def build_turn_row(turn: TurnRecord) -> TurnRow:
    """Return the row of a turn."""
    calls = build_usage_rows(turn)
    known_costs = [call.cost for call in calls if call.cost is not None]
    return TurnRow(
        message_id=turn.message_id,
        user_id=turn.user_id,
        assistant_id=turn.assistant_id,
        thread_id=turn.thread_id,
        configuration_version=turn.configuration_version,
        status=turn.status,
        steps=_STEPS_ADAPTER.dump_python(turn.steps, mode="json"),
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
        cost=sum(known_costs, Decimal()) if len(known_costs) == len(calls) else None,
        started_at=turn.started_at,
        finished_at=turn.finished_at,
    )


def build_message_rows(turn: TurnRecord) -> list[MessageRow]:
    """Return a row for each item of a turn."""
    times = compute_item_times(turn)
    return [
        MessageRow(
            thread_id=turn.thread_id,
            user_id=turn.user_id,
            assistant_id=turn.assistant_id,
            message_id=turn.message_id,
            position=position,
            role=get_role(item),
            content=get_text(item),
            payload=item,
            is_in_context=turn.is_in_context,
            created_at=at,
            turn_started_at=turn.started_at,
        )
        for position, (item, at) in enumerate(zip(turn.items, times, strict=True))
    ]


def build_usage_rows(turn: TurnRecord) -> list[UsageRow]:
    """Return a row for each answer of a model and for each failed attempt that cost tokens."""
    steps = [step for step in turn.steps if step.kind == "model"]
    return [row for step in steps for row in _build_step_usage_rows(turn, step)]


def _build_step_usage_rows(turn: TurnRecord, step: StepRecord) -> Iterator[UsageRow]:
    for number, failure in enumerate(step.failures):
        if failure.prompt_tokens or failure.completion_tokens:
            yield _build_usage_row(turn, step, f"{step.step}~{number}", failure.model, failure)
    if step.is_answered:
        yield _build_usage_row(turn, step, step.step, step.name, step)


def _build_usage_row(
    turn: TurnRecord, step: StepRecord, name: str, model: str, call: StepRecord | ModelFailure
) -> UsageRow:
    return UsageRow(
        message_id=turn.message_id,
        step=name,
        user_id=turn.user_id,
        assistant_id=step.assistant_id or turn.assistant_id,
        thread_id=turn.thread_id,
        model=model,
        provider=call.provider,
        prompt_tokens=call.prompt_tokens,
        cached_tokens=call.cached_tokens,
        completion_tokens=call.completion_tokens,
        cost=call.cost,
        seconds=call.seconds,
        created_at=(step.started_at or turn.started_at) + turn.clock_offset,
    )
