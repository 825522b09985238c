"""The records of a new deployment: a secretary with its tools, and a writer that it can ask."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.aio import sleep_until_stopped
from smart_kit.errors import ConfigurationError

from ..database import SessionFactory, is_invalid_data
from ..models import Assistant, AssistantTool
from ..services.configuration.change import configuration_change
from .tools import build_default_tools

RETRY_INTERVAL_SECONDS = 1.0
_LOCK_ID = 7_241_003
"""Postgres advisory lock: replicas that start together create one set of records."""
_INVALID_DATA_DETAIL = (
    "Postgres cannot store the default records: {reason}. Check OPENAI_BASE_URL, DEFAULT_MODEL and"
    " FALLBACK_MODEL, and whether existing rows conflict with them."
)

log = structlog.stdlib.get_logger()


async def create_with_retry(
    sessions: SessionFactory, stop: asyncio.Event, *next_steps: Callable[[], Awaitable[None]]
) -> None:
    """Wait for Postgres and its tables, create the default records, then run the other steps.

    Raises ConfigurationError for data that Postgres never accepts.
    """
    while not stop.is_set():
        try:
            if await create(sessions):
                log.info("default assistants created")
            for next_step in next_steps:
                await next_step()
            return
        except (SQLAlchemyError, OSError) as error:
            if is_invalid_data(error):
                reason = " ".join(str(getattr(error, "orig", error)).split())
                raise ConfigurationError(_INVALID_DATA_DETAIL.format(reason=reason)) from error
            log.warning("postgres unavailable", reason=f"{type(error).__name__}: {error}")
            await sleep_until_stopped(stop, RETRY_INTERVAL_SECONDS)


async def create(sessions: SessionFactory) -> bool:
    """Create the default records if there is no assistant yet. Return whether they were created."""
    async with sessions() as session:
        await session.exec(select(func.pg_advisory_xact_lock(_LOCK_ID)))
        if (await session.exec(select(Assistant.id).limit(1))).first() is not None:
            return False
        async with configuration_change(session):
            await _add_assistants(session)
        await session.commit()
        return True


async def _add_assistants(session: AsyncSession) -> None:
    secretary = Assistant(
        name="Secretary", is_secretary=True, instructions=load_instructions("secretary.md")
    )
    writer = Assistant(name="Writer", instructions=load_instructions("writer.md"))
    session.add_all([secretary, writer])
    tools = build_default_tools(writer)
    await session.flush()
    session.add_all(tools)
    await session.flush()
    session.add_all(AssistantTool(assistant_id=secretary.id, tool_id=tool.id) for tool in tools)


def load_instructions(name: str) -> str:
    """Return the text of an instructions file of this package."""
    return (files(__name__) / name).read_text("utf-8").strip()
