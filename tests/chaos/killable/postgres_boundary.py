"""What is committed to Postgres, by the request or the loop that does so."""

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
_current_cause: ContextVar[str] = ContextVar("the request or the loop at work", default="")


def instrument(crash_points: CrashPoints) -> None:
    """From now on, in this process. A transaction that has only read is no side effect."""
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
    """The ids of the connections whose transaction has written something, and for whom."""
    writes: dict[int, str] = {}
    cursor: Any = AsyncAdapt_asyncpg_cursor
    execute, execute_many = cursor.execute, cursor.executemany

    def track(run: Any) -> Any:
        def run_tracked(self: Any, operation: str, parameters: Any = None) -> Any:
            if (
                not _current_cause.get()
            ):  # noted at the first query: a commit may be in a task of its own
                _current_cause.set(_get_task_name())
            if _WRITE_STATEMENT.search(operation):
                writes[id(self._adapt_connection)] = f"commit {_current_cause.get()}"
            return run(self, operation, parameters)

        return run_tracked

    cursor.execute, cursor.executemany = track(execute), track(execute_many)
    return writes


def _track_requests() -> None:
    application: Any = FastAPI
    answer = application.__call__

    async def call_tracked(self: FastAPI, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _current_cause.set(f"{scope['method']} {mask_ids(scope['path'])}")
        await answer(self, scope, receive, send)

    application.__call__ = call_tracked


def _get_task_name() -> str:
    """The loop of the service that this task runs."""
    task = asyncio.current_task()
    return task.get_coro().__qualname__ if task is not None else "?"  # type: ignore[union-attr]
