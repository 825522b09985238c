"""The statements of the archive. Each handles any number of rows."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, Uuid, any_, exists, func, select, update
from sqlmodel import col

from ..array_statements import bind_array, build_insert, get_table, select_given
from ..models import CronJobRun, DeletedThread, Message, Thread, Turn, Usage, User
from ..models.base import Row
from .rows import MessageRow, TurnRow, UsageRow


class ThreadUse(NamedTuple):
    """The last use of a thread."""

    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    last_used_at: datetime


class RunEnd(NamedTuple):
    """The result of a run of a cron job."""

    id: UUID
    state: str
    done_at: datetime
    reason: str | None


def _build_lock(table: type[Row]) -> Select[UUID]:
    """Return a statement that locks rows in the order of their ids against changes and deletion."""
    rows = select(col(table.id)).where(col(table.id) == any_(bind_array("ids", Uuid())))
    return rows.order_by(col(table.id)).with_for_update(key_share=True)


_given_runs = select_given(CronJobRun, RunEnd._fields)
_given_turns = select_given(Turn, TurnRow._fields)
_given_uses = select_given(Thread, ThreadUse._fields)

LOCK_USERS = _build_lock(User)
LOCK_RUNS = _build_lock(CronJobRun)
UPDATE_RUNS = (
    update(get_table(CronJobRun))
    .where(
        col(CronJobRun.id) == _given_runs.c.id,
        # a failed run may still become done, because dead letters can be replayed
        col(CronJobRun.state).in_(("claimed", "dispatched", "failed")),
    )
    .values(state=_given_runs.c.state, done_at=_given_runs.c.done_at, reason=_given_runs.c.reason)
)
INSERT_USAGE = build_insert(Usage, select_given(Usage, UsageRow._fields))
UPDATE_THREADS = (
    update(get_table(Thread))
    .where(
        col(Thread.user_id) == _given_uses.c.user_id,
        col(Thread.assistant_id) == _given_uses.c.assistant_id,
        col(Thread.thread_id) == _given_uses.c.thread_id,
    )
    .values(last_used_at=func.greatest(col(Thread.last_used_at), _given_uses.c.last_used_at))
    .returning(col(Thread.thread_id))
)
INSERT_THREADS = build_insert(Thread, _given_uses)
INSERT_TURNS = build_insert(
    Turn,
    _given_turns,
    ~exists().where(col(DeletedThread.thread_id) == _given_turns.c.thread_id),
).returning(col(Turn.message_id))
INSERT_MESSAGES = build_insert(Message, select_given(Message, MessageRow._fields))
SELECT_DELETED_THREADS = select(col(DeletedThread.thread_id)).where(
    col(DeletedThread.thread_id) == any_(bind_array("ids", Uuid()))
)
