"""Records commits to Postgres as side effects, named after the request or task that commits."""

import asyncio
import re
from contextvars import ContextVar
from typing import Any

from fastapi import FastAPI
from sqlalchemy.dialects.postgresql.asyncpg import (
    AsyncAdapt_asyncpg_connection,
    AsyncAdapt_asyncpg_cursor,
)
from starlette.types import Receive, Scope, Send

from tests.chaos.killable.crash_points import CrashPoints, mask_ids

_WRITE_STATEMENT = re.compile(r"\b(?:INSERT INTO|DELETE FROM|(?<!FOR )(?<!KEY )UPDATE)\b")
_current_cause: ContextVar[str] = ContextVar("the current request or task", default="")


def instrument(crash_points: CrashPoints) -> None:
    """Patch FastAPI and asyncpg in this process. A read-only transaction is no side effect."""
    _track_requests()
    writes = _track_writes()
    connection: Any = AsyncAdapt_asyncpg_connection
    commit, rollback = connection.commit, connection.rollback

    def commit_with_crash_points(self: Any) -> None:
        effect = writes.pop(id(self), None)
        if effect is None:
            commit(self)
            return
        crash_points.reach("before", effect)
        commit(self)
        crash_points.reach("after", effect)

    def roll_back(self: Any) -> None:
        writes.pop(id(self), None)
        rollback(self)

    connection.commit, connection.rollback = commit_with_crash_points, roll_back


def _track_writes() -> dict[int, str]:
    """Return a mapping, updated from now on: connection id to the effect of its transaction.

    It holds only connections whose current transaction has written something.
    """
    writes: dict[int, str] = {}
    cursor: Any = AsyncAdapt_asyncpg_cursor
    execute, execute_many = cursor.execute, cursor.executemany

    def track(run: Any) -> Any:
        def run_tracked(self: Any, operation: str, parameters: Any = None) -> Any:
            # set at the first query, because the commit may run in another task
            if not _current_cause.get():
                _current_cause.set(_get_task_name())
            if _WRITE_STATEMENT.search(operation):
                writes[id(self._adapt_connection)] = f"commit {_current_cause.get()}"
            return run(self, operation, parameters)

        return run_tracked

    cursor.execute, cursor.executemany = track(execute), track(execute_many)
    return writes


def _track_requests() -> None:
    application: Any = FastAPI
    call = application.__call__

    async def call_tracked(self: FastAPI, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _current_cause.set(f"{scope['method']} {mask_ids(scope['path'])}")
        await call(self, scope, receive, send)

    application.__call__ = call_tracked


def _get_task_name() -> str:
    """Return the name of the coroutine that the current task runs, e.g. `RetentionJob.run`."""
    task = asyncio.current_task()
    return task.get_coro().__qualname__ if task is not None else "?"  # type: ignore[union-attr]
