"""Waits until one transaction waits for another, so that a test of a race has one."""

import asyncio
from typing import Any

from rest_service.tests.api_helpers import Sql

TIMEOUT_SECONDS = 60.0
_FROM_WAITING_SESSIONS = (
    "FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND wait_event_type = 'Lock'"
)


async def wait_for_lock(sql: Sql, task: asyncio.Future[Any], min_waiting: int = 1) -> None:
    """Until the task waits for what another transaction holds, or has ended without that.

    `waiting` is how many are to wait by then. Fails the test where neither ever happens.
    """
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not task.done():
            ((found,),) = await sql(f"SELECT count(*) {_FROM_WAITING_SESSIONS}")
            if found >= min_waiting:
                return
            await asyncio.sleep(0.01)


async def terminate_waiting_sessions(sql: Sql) -> None:
    """End all sessions that wait for a lock, as a restart of PostgreSQL does."""
    await sql(f"SELECT pg_terminate_backend(pid) {_FROM_WAITING_SESSIONS}")
