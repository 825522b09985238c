"""The statements of the archive. Each handles any number of rows.

The rows are parameters, with one array for each column. So the text of a statement never changes:
SQLAlchemy compiles it once, and PostgreSQL parses it once for each connection. A list of rows in
the statement would make a new text for each batch, and `executemany` returns no rows.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Select,
    String,
    Table,
    TableValuedAlias,
    Text,
    Uuid,
    any_,
    bindparam,
    column,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.types import TypeEngine
from sqlmodel import AutoString, SQLModel, col

from ..models import CronJobRun, DeletedThread, Message, Thread, Turn, Usage, User
from ..models.base import Row
from .rows import MessageRow, TurnRow, UsageRow

PARAMETER_PREFIX = "given_"
"""SQLAlchemy reserves the bare names of columns for its own parameters."""


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


def _select_given(table: type[SQLModel], names: tuple[str, ...]) -> TableValuedAlias:
    """Return the rows of the parameters, with the types of the columns of these names."""
    types = {name: _get_table(table).c[name].type for name in names}
    for name, kind in types.items():
        if isinstance(kind, String | AutoString):
            types[name] = Text()  # a cast to VARCHAR(255) would cut a value instead of refusing it
    arrays = [_bind_array(PARAMETER_PREFIX + name, kind) for name, kind in types.items()]
    columns = [column(name, kind) for name, kind in types.items()]
    return func.unnest(*arrays).table_valued(*columns).render_derived("given")


def _bind_array(name: str, kind: TypeEngine[Any]) -> BindParameter[Any]:
    return bindparam(name, type_=ARRAY(kind, dimensions=1))


def _build_insert(table: type[SQLModel], given: TableValuedAlias, *conditions: Any) -> Insert:
    """Return the insertion of the given rows that fulfil the conditions and do not exist yet."""
    values: dict[str, ColumnElement[Any]] = dict(given.c.items())
    if "id" in table.model_fields:
        values["id"] = func.gen_random_uuid()
    rows = select(*values.values()).where(*conditions)
    return insert(table).from_select(list(values), rows).on_conflict_do_nothing()


def _build_lock(table: type[Row]) -> Select[UUID]:
    """Return a statement that locks rows in the order of their ids against changes and deletion."""
    rows = select(col(table.id)).where(col(table.id) == any_(_bind_array("ids", Uuid())))
    return rows.order_by(col(table.id)).with_for_update(key_share=True)


def _get_table(table: type[SQLModel]) -> Table:
    return table.metadata.tables[str(table.__tablename__)]


_given_runs = _select_given(CronJobRun, RunEnd._fields)
_given_turns = _select_given(Turn, TurnRow._fields)
_given_uses = _select_given(Thread, ThreadUse._fields)

LOCK_USERS = _build_lock(User)
LOCK_RUNS = _build_lock(CronJobRun)
UPDATE_RUNS = (
    update(_get_table(CronJobRun))
    .where(
        col(CronJobRun.id) == _given_runs.c.id,
        # a failed run may still become done, because dead letters can be replayed
        col(CronJobRun.state).in_(("claimed", "dispatched", "failed")),
    )
    .values(state=_given_runs.c.state, done_at=_given_runs.c.done_at)
)
INSERT_USAGE = _build_insert(Usage, _select_given(Usage, UsageRow._fields))
UPDATE_THREADS = (
    update(_get_table(Thread))
    .where(
        col(Thread.user_id) == _given_uses.c.user_id,
        col(Thread.assistant_id) == _given_uses.c.assistant_id,
        col(Thread.thread_id) == _given_uses.c.thread_id,
    )
    .values(last_used_at=func.greatest(col(Thread.last_used_at), _given_uses.c.last_used_at))
    .returning(col(Thread.thread_id))
)
INSERT_THREADS = _build_insert(Thread, _given_uses)
INSERT_TURNS = _build_insert(
    Turn,
    _given_turns,
    ~exists().where(col(DeletedThread.thread_id) == _given_turns.c.thread_id),
).returning(col(Turn.message_id))
INSERT_MESSAGES = _build_insert(Message, _select_given(Message, MessageRow._fields))
SELECT_DELETED_THREADS = select(col(DeletedThread.thread_id)).where(
    col(DeletedThread.thread_id) == any_(_bind_array("ids", Uuid()))
)
