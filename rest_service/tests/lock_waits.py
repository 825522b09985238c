"""Waits until one transaction blocks another, so that tests of races are deterministic."""

import asyncio
from typing import Any

from rest_service.tests.api_helpers import Sql

TIMEOUT_SECONDS = 60.0
_FROM_WAITING_SESSIONS = (
    "FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND wait_event_type = 'Lock'"
)


async def wait_for_lock(sql: Sql, task: asyncio.Future[Any], min_waiting: int = 1) -> None:
    """Wait until the task waits for a lock of another transaction, or has ended.

    `waiting` is the number of waiting sessions to expect. Fails the test if it never happens.
    """
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not task.done():
            ((found,),) = await sql(f"SELECT count(*) {_FROM_WAITING_SESSIONS}")
            if found >= min_waiting:
                return
            await asyncio.sleep(0.01)


async def terminate_waiting_sessions(sql: Sql) -> None:
    """Terminate all sessions that wait for a lock, as a restart of PostgreSQL does."""
    await sql(f"SELECT pg_terminate_backend(pid) {_FROM_WAITING_SESSIONS}")
