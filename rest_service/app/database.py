"""The way to Postgres."""

import sqlalchemy.exc
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from .config import Settings
from .session_changes import TrackedSession

SessionFactory = async_sessionmaker[AsyncSession]

POOL_SIZE = 10
"""Connections that are kept; a process on two cores has no use for more."""

_TRANSIENT_CLASSES = ("08", "40", "53", "55", "57", "58")
"""SQLSTATE classes of what goes by: connection, rollback, resources, shutdown, input and output."""
_NOT_MIGRATED_CODES = ("42P01", "42703")
_INVALID_DATA_CLASSES = ("22", "23")
"""Of a value that no column takes, and of one that contradicts what is there."""


def create_engine(settings: Settings) -> AsyncEngine:
    """A pool of connections; none is opened before it is needed."""
    return create_async_engine(
        settings.async_database_url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,  # for a rush; closed again afterwards
        pool_timeout=10,
        pool_pre_ping=True,  # a restart of Postgres costs no request
        hide_parameters=True,  # what people write does not belong into a log
        connect_args={"timeout": 5, "command_timeout": 30},
    )


def create_session_factory(engine: AsyncEngine) -> SessionFactory:
    """Makes sessions whose changes can be told afterwards."""
    return async_sessionmaker(
        engine,
        class_=AsyncSession,
        sync_session_class=TrackedSession,
        expire_on_commit=False,
    )


def get_sqlstate(error: BaseException) -> str:
    """Postgres's code of an error, or an empty text."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def is_transient(error: BaseException) -> bool:
    """Whether the same would succeed once Postgres is there, free, and migrated."""
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
    """Whether the same will fail however often it is tried, until somebody changes the value."""
    return get_sqlstate(error)[:2] in _INVALID_DATA_CLASSES
