"""What a turn's answers of models cost, a row for each, however often the record comes."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.threads import StepRecord, TurnRecord

from ..models import Usage


async def store_usage(session: AsyncSession, record: TurnRecord) -> None:
    """Add what is not there yet; a turn that is tried again brings its former answers again."""
    rows = [_row(record, step) for step in record.steps if step.kind == "model"]
    if rows:
        await session.exec(insert(Usage).values(rows).on_conflict_do_nothing())


def _row(record: TurnRecord, step: StepRecord) -> dict[str, Any]:
    counted = {"step", "provider", "prompt_tokens", "cached_tokens", "completion_tokens"}
    return Usage(
        **record.model_dump(include={"message_id", "user_id", "thread_id"}),
        **step.model_dump(include=counted | {"cost", "seconds"}),
        assistant_id=step.assistant_id or record.assistant_id,
        model=step.name,
        created_at=step.started_at or record.started_at,
    ).model_dump()
