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

from tests.chaos.killable.crash_points import CrashPoints, mask

_WRITING = re.compile(r"\b(?:INSERT INTO|DELETE FROM|(?<!FOR )(?<!KEY )UPDATE)\b")
_cause: ContextVar[str] = ContextVar("the request or the loop at work", default="")


def wrap(crash_points: CrashPoints) -> None:
    """From now on, in this process. A transaction that has only read is no side effect."""
    _note_requests()
    written = _note_writes()
    connection: Any = AsyncAdapt_asyncpg_connection
    commit, rollback = connection.commit, connection.rollback

    def commit_named(self: Any) -> None:
        effect = written.pop(id(self), None)
        if effect is None:
            commit(self)
            return
        crash_points.reach("before", effect)
        commit(self)
        crash_points.reach("after", effect)

    def roll_back(self: Any) -> None:
        written.pop(id(self), None)
        rollback(self)

    connection.commit, connection.rollback = commit_named, roll_back


def _note_writes() -> dict[int, str]:
    """The ids of the connections whose transaction has written something, and for whom."""
    written: dict[int, str] = {}
    cursor: Any = AsyncAdapt_asyncpg_cursor
    execute, execute_many = cursor.execute, cursor.executemany

    def noted(run: Any) -> Any:
        def run_noted(self: Any, operation: str, parameters: Any = None) -> Any:
            if not _cause.get():  # noted at the first query: a commit may be in a task of its own
                _cause.set(_loop())
            if _WRITING.search(operation):
                written[id(self._adapt_connection)] = f"commit {_cause.get()}"
            return run(self, operation, parameters)

        return run_noted

    cursor.execute, cursor.executemany = noted(execute), noted(execute_many)
    return written


def _note_requests() -> None:
    application: Any = FastAPI
    answer = application.__call__

    async def answer_noted(self: FastAPI, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _cause.set(f"{scope['method']} {mask(scope['path'])}")
        await answer(self, scope, receive, send)

    application.__call__ = answer_noted


def _loop() -> str:
    """The loop of the service that this task runs."""
    task = asyncio.current_task()
    return task.get_coro().__qualname__ if task is not None else "?"  # type: ignore[union-attr]
