"""Stores a record of the stream `turns` in Postgres. Storing it twice changes nothing."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, assert_never
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.threads import (
    ArchiveRecord,
    CronJobRunRecord,
    ModelFailure,
    StepRecord,
    TurnRecord,
    derive_first_thread_id,
)

from ..models import CronJobRun, DeletedThread, Message, Thread, Turn, Usage
from .turn_items import compute_item_times, get_role, get_text

_THREAD_FIELDS = {"thread_id", "user_id", "assistant_id"}
_SHARED_FIELDS = _THREAD_FIELDS | {"message_id", "is_in_context"}
_USAGE_FIELDS = {
    "provider",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "cost",
    "seconds",
}


async def store_record(session: AsyncSession, record: ArchiveRecord) -> UUID | None:
    """Add the rows that do not exist yet. The caller commits.

    Returns the thread id of a turn that is not stored because its thread was deleted.
    """
    match record:
        case TurnRecord():
            if record.run_id is not None:
                await _finish_run(session, record.run_id, "done", record.finished_at)
            await _store_usage(session, record)  # also of a deleted thread: the money is spent
            if await _is_thread_deleted(session, record):
                return record.thread_id
            await _store_turn(session, record)
        case CronJobRunRecord():
            await _finish_run(session, record.run_id, record.state, record.ended_at)
        case _:
            assert_never(record)
    return None


async def _is_thread_deleted(session: AsyncSession, record: TurnRecord) -> bool:
    """Return whether the thread was deleted. If not, lock it, so that a deletion comes later."""
    await session.exec(select(Thread.id).where(*_build_thread_conditions(record)).with_for_update())
    return await session.get(DeletedThread, record.thread_id) is not None


def _build_thread_conditions(record: TurnRecord) -> list[ColumnElement[bool]]:
    return [col(getattr(Thread, name)) == getattr(record, name) for name in sorted(_THREAD_FIELDS)]


async def _store_turn(session: AsyncSession, record: TurnRecord) -> None:
    turn = insert(Turn).values(**_build_turn(record)).on_conflict_do_nothing()
    if (await session.exec(turn.returning(col(Turn.message_id)))).first() is None:
        return
    if rows := _build_messages(record):
        await session.exec(insert(Message).values(rows).on_conflict_do_nothing())
    await _touch_thread(session, record)


def _build_turn(record: TurnRecord) -> dict[str, Any]:
    calls = _build_usage_rows(record)
    return Turn(
        **record.model_dump(include=set(Turn.model_fields), exclude={"steps"}),
        steps=[step.model_dump(mode="json") for step in record.steps],
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
        cost=_total_cost(calls),
    ).model_dump()


def _total_cost(calls: list[Usage]) -> Decimal | None:
    known = [call.cost for call in calls if call.cost is not None]
    return sum(known, Decimal()) if len(known) == len(calls) else None


def _build_messages(record: TurnRecord) -> list[dict[str, Any]]:
    shared = record.model_dump(include=_SHARED_FIELDS) | {"turn_started_at": record.started_at}
    times = compute_item_times(record)
    return [
        Message(
            **shared,
            position=position,
            role=get_role(item),
            content=get_text(item),
            payload=item,
            created_at=at,
        ).model_dump()
        for position, (item, at) in enumerate(zip(record.items, times, strict=True))
    ]


async def _touch_thread(session: AsyncSession, record: TurnRecord) -> None:
    """Update when the current thread was last used; create the row of a user's first thread.

    A turn of a thread that the user has left does not make it the current one again.
    """
    used = (
        update(Thread)
        .where(*_build_thread_conditions(record))
        .values(last_used_at=record.finished_at)
    )
    is_current = (await session.exec(used)).rowcount > 0
    first_thread_id = derive_first_thread_id(record.user_id, record.assistant_id)
    if is_current or record.thread_id != first_thread_id:
        return
    first = Thread(
        **record.model_dump(include=_THREAD_FIELDS),
        last_used_at=record.finished_at,
    )
    await session.exec(insert(Thread).values(**first.model_dump()).on_conflict_do_nothing())


async def _finish_run(
    session: AsyncSession, run_id: UUID, state: Literal["done", "failed"], ended_at: datetime
) -> None:
    """End a run. A failed one may still become done, because dead letters can be replayed."""
    may_end = col(CronJobRun.state).in_(("claimed", "dispatched", "failed"))
    ended = update(CronJobRun).where(col(CronJobRun.id) == run_id, may_end)
    await session.exec(ended.values(state=state, done_at=ended_at))


async def _store_usage(session: AsyncSession, record: TurnRecord) -> None:
    """Add the rows that do not exist yet: the record of a retried turn repeats earlier calls."""
    rows = [row.model_dump() for row in _build_usage_rows(record)]
    if rows:
        await session.exec(insert(Usage).values(rows).on_conflict_do_nothing())


def _build_usage_rows(record: TurnRecord) -> list[Usage]:
    """Return a row for each answer of a model and for each failed attempt that cost tokens."""
    steps = [step for step in record.steps if step.kind == "model"]
    return [row for step in steps for row in _build_step_usage_rows(record, step)]


def _build_step_usage_rows(record: TurnRecord, step: StepRecord) -> Iterator[Usage]:
    for number, failure in enumerate(step.failures):
        if failure.prompt_tokens or failure.completion_tokens:
            name = f"{step.step}~{number}"
            yield Usage(
                step=name, model=failure.model, **_build_usage_fields(record, step, failure)
            )
    if step.is_answered:
        yield Usage(step=step.step, model=step.name, **_build_usage_fields(record, step, step))


def _build_usage_fields(
    record: TurnRecord, step: StepRecord, call: StepRecord | ModelFailure
) -> dict[str, Any]:
    return {
        **record.model_dump(include={"message_id", "user_id", "thread_id"}),
        **call.model_dump(include=_USAGE_FIELDS),
        "assistant_id": step.assistant_id or record.assistant_id,
        "created_at": step.started_at or record.started_at,
    }
