"""Stores the cost of each model call of a turn."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.threads import ModelFailure, StepRecord, TurnRecord

from ..models import Usage

_USAGE_FIELDS = {
    "provider",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "cost",
    "seconds",
}


async def store_usage(session: AsyncSession, record: TurnRecord) -> None:
    """Add the rows that do not exist yet: the record of a retried turn repeats earlier calls."""
    rows = [row.model_dump() for row in build_usage_rows(record)]
    if rows:
        await session.exec(insert(Usage).values(rows).on_conflict_do_nothing())


def build_usage_rows(record: TurnRecord) -> list[Usage]:
    """Return a row for each answer of a model and for each failed attempt that cost tokens."""
    steps = [step for step in record.steps if step.kind == "model"]
    return [row for step in steps for row in _build_step_rows(record, step)]


def _build_step_rows(record: TurnRecord, step: StepRecord) -> Iterator[Usage]:
    for number, failure in enumerate(step.failures):
        if failure.prompt_tokens or failure.completion_tokens:
            name = f"{step.step}~{number}"
            yield Usage(step=name, model=failure.model, **_shared_fields(record, step, failure))
    if step.is_answered:
        yield Usage(step=step.step, model=step.name, **_shared_fields(record, step, step))


def _shared_fields(
    record: TurnRecord, step: StepRecord, call: StepRecord | ModelFailure
) -> dict[str, Any]:
    return {
        **record.model_dump(include={"message_id", "user_id", "thread_id"}),
        **call.model_dump(include=_USAGE_FIELDS),
        "assistant_id": step.assistant_id or record.assistant_id,
        "created_at": step.started_at or record.started_at,
    }
