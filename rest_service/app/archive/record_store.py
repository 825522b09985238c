"""Stores records of the stream `turns` in Postgres. Storing one twice changes nothing.

All rows of a table are stored with one statement, on a plain connection: the session's hooks track
changes for the audit log and for Redis, and the archive makes none of those.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from smart_kit.contracts.threads import (
    ArchiveRecord,
    CronJobRunRecord,
    TurnRecord,
    derive_first_thread_id,
)

from ..array_statements import build_parameters
from . import statements
from .rows import build_message_rows, build_turn_row, build_usage_rows
from .statements import RunEnd, ThreadUse


async def store_records(
    connection: AsyncConnection, records: Sequence[ArchiveRecord]
) -> list[TurnRecord]:
    """Add the rows that do not exist yet. The caller commits.

    Returns the turns that are not stored because their threads were deleted.
    """
    turns = [record for record in records if isinstance(record, TurnRecord)]
    # First and in order, as all transactions that lock users: so neither replicas, which would
    # lock the same rows later, nor deletions of users or threads can deadlock with this one.
    await _execute_ids(connection, statements.LOCK_USERS, {turn.user_id for turn in turns})
    await _finish_runs(connection, records)
    # also of deleted threads: the money is spent
    usage = [row for turn in turns for row in build_usage_rows(turn)]
    await _execute_rows(connection, statements.INSERT_USAGE, usage)
    # before the turns, because it locks the threads: a deletion comes before or after both
    uses = _find_last_uses(turns)
    current = await _execute_rows(connection, statements.UPDATE_THREADS, uses)
    stored, deleted = await _insert_turns(connection, turns)
    messages = [row for turn in stored for row in build_message_rows(turn)]
    await _execute_rows(connection, statements.INSERT_MESSAGES, messages)
    await _create_first_threads(connection, stored, current)
    return deleted


async def _finish_runs(connection: AsyncConnection, records: Iterable[ArchiveRecord]) -> None:
    """End runs. A later result replaces a failure, but nothing replaces `done`."""
    ends: dict[UUID, RunEnd] = {}
    for record in records:
        if isinstance(record, CronJobRunRecord):
            end = RunEnd(record.run_id, record.state, record.ended_at, record.reason)
        elif record.run_id is not None:
            reason = None if record.status == "done" else "no answer"
            end = RunEnd(record.run_id, record.status, record.finished_at, reason)
        else:
            continue
        if end.id not in ends or ends[end.id].state != "done":
            ends[end.id] = end
    await _execute_ids(connection, statements.LOCK_RUNS, ends)
    await _execute_rows(connection, statements.UPDATE_RUNS, list(ends.values()))


async def _insert_turns(
    connection: AsyncConnection, turns: Iterable[TurnRecord]
) -> tuple[list[TurnRecord], list[TurnRecord]]:
    """Return the turns that are new, and those of deleted threads, which are not stored."""
    unique: dict[str, TurnRecord] = {}
    for turn in turns:
        unique.setdefault(turn.message_id, turn)  # of two records of one turn, the first counts
    rows = [build_turn_row(turn) for turn in unique.values()]
    new = set(await _execute_rows(connection, statements.INSERT_TURNS, rows))
    stored = [turn for turn in unique.values() if turn.message_id in new]
    others = [turn for turn in unique.values() if turn.message_id not in new]
    thread_ids = {turn.thread_id for turn in others}
    deleted = await _execute_ids(connection, statements.SELECT_DELETED_THREADS, thread_ids)
    return stored, [turn for turn in others if turn.thread_id in deleted]


async def _create_first_threads(
    connection: AsyncConnection, turns: Iterable[TurnRecord], current: Collection[UUID]
) -> None:
    """Create the rows of users' first threads, which start without a request.

    A turn of another thread that is not current does not make it the current one again.
    """
    first = [
        use
        for use in _find_last_uses(turns)
        if use.thread_id not in current
        and use.thread_id == derive_first_thread_id(use.user_id, use.assistant_id)
    ]
    await _execute_rows(connection, statements.INSERT_THREADS, first)


def _find_last_uses(turns: Iterable[TurnRecord]) -> list[ThreadUse]:
    """Return the last use of each thread."""
    uses: dict[UUID, ThreadUse] = {}
    for turn in sorted(turns, key=lambda turn: turn.finished_at):
        key = turn.user_id, turn.assistant_id, turn.thread_id
        uses[turn.thread_id] = ThreadUse(*key, turn.finished_at)
    return list(uses.values())


async def _execute_rows(
    connection: AsyncConnection, statement: Executable, rows: Sequence[NamedTuple]
) -> list[Any]:
    """Execute a statement with these rows; without rows, do nothing. Return its first column."""
    if not rows:
        return []
    return await _execute(connection, statement, build_parameters(rows))


async def _execute_ids(
    connection: AsyncConnection, statement: Executable, ids: Iterable[UUID]
) -> list[Any]:
    """Execute a statement with these ids; without ids, do nothing. Return its first column."""
    given = list(ids)
    return await _execute(connection, statement, {"ids": given}) if given else []


async def _execute(
    connection: AsyncConnection, statement: Executable, parameters: Mapping[str, Any]
) -> list[Any]:
    result = await connection.execute(statement, parameters)
    return list(result.scalars()) if result.returns_rows else []
