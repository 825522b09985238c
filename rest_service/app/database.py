"""Connections to Postgres, and the kinds of its errors."""

from typing import Any

import sqlalchemy.exc
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from .config import Settings
from .session_changes import TrackedSession

SessionFactory = async_sessionmaker[AsyncSession]

POOL_SIZE = 4
"""Connections that stay open. A process uses one core, so more would not help, and each costs
Postgres several MB."""
MAX_OVERFLOW = 6
"""Connections that are opened for bursts, and closed again afterwards."""

HAS_SANDBOX_CLOCK = "has_sandbox_clock"
"""In `session.info`: whether the clock that users see may differ from that of Postgres."""

_TRANSIENT_CLASSES = ("08", "40", "53", "55", "57", "58")
"""SQLSTATE classes of temporary errors: connection, rollback, resources, shutdown, I/O."""
_NOT_MIGRATED_CODES = ("42P01", "42703")
_INVALID_DATA_CLASSES = ("22", "23")
"""SQLSTATE classes of data exceptions and of violated constraints."""


def create_engine(settings: Settings) -> AsyncEngine:
    """Return an engine with a connection pool. Connections are opened when they are needed."""
    engine = create_async_engine(
        settings.async_database_url,
        pool_size=POOL_SIZE,
        max_overflow=MAX_OVERFLOW,
        pool_timeout=10,
        hide_parameters=True,  # texts of users must not get into the log
        connect_args={"timeout": 5, "command_timeout": 30},
    )
    event.listen(engine.sync_engine, "checkout", _replace_closed_connections)
    return engine


def _replace_closed_connections(connection: Any, *_: object) -> None:
    """Let the pool connect again if Postgres has closed a connection: a restart costs no request.

    SQLAlchemy's own check, `pool_pre_ping`, takes three round trips for each use of a connection.
    """
    if connection.driver_connection.is_closed():
        raise sqlalchemy.exc.InvalidatePoolError("Postgres has closed the connection")


def create_session_factory(engine: AsyncEngine, *, sandbox_clock: bool = False) -> SessionFactory:
    """Return a factory of sessions that track their changes."""
    return async_sessionmaker(
        engine,
        class_=AsyncSession,
        sync_session_class=TrackedSession,
        expire_on_commit=False,
        info={HAS_SANDBOX_CLOCK: sandbox_clock},
    )


def get_sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE of an error, or an empty string."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def is_transient(error: BaseException) -> bool:
    """Return whether a retry may succeed: Postgres is unavailable, busy or not migrated yet."""
    if isinstance(error, OSError | TimeoutError | sqlalchemy.exc.TimeoutError):
        return True
    if not isinstance(error, sqlalchemy.exc.DBAPIError):
        return False
    code = get_sqlstate(error)
    return (
        error.connection_invalidated
        or code[:2] in _TRANSIENT_CLASSES
        or code in _NOT_MIGRATED_CODES
    )


def is_invalid_data(error: BaseException) -> bool:
    """Return whether the data itself is the cause, so that a retry fails too."""
    return get_sqlstate(error)[:2] in _INVALID_DATA_CLASSES
