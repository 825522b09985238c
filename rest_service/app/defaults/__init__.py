"""What a first start finds: a secretary with its tools, and a writer whom it can ask."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.errors import ConfigurationError

from ..database import Sessions, is_unstorable
from ..models import Assistant, AssistantTool
from ..pause import pause
from ..services.configuration import changing
from .earlier import upgrade
from .tools import default_tools

RETRY_SECONDS = 1.0
_LOCK = 7_241_003
"""Two first starts at once make one set."""
_UNSTORABLE = (
    "Postgres cannot keep what a first start adds: {reason}. Look at OPENAI_BASE_URL, DEFAULT_MODEL"
    " and FALLBACK_MODEL, or at the rows that are in the way."
)

log = structlog.stdlib.get_logger()


async def create_when_possible(
    sessions: Sessions, stop: asyncio.Event, *others: Callable[[], Awaitable[None]]
) -> None:
    """Wait for Postgres and its tables, then add the defaults or what they lack, and the others.

    Raises ConfigurationError for what can never be kept.
    """
    while not stop.is_set():
        try:
            if await create(sessions):
                log.info("the default assistants are there")
            for other in others:
                await other()
            return
        except (SQLAlchemyError, OSError) as error:
            if is_unstorable(error):
                raise ConfigurationError(_UNSTORABLE.format(reason=_reason(error))) from error
            log.warning("Postgres is not ready", reason=f"{type(error).__name__}: {error}")
            await pause(stop, RETRY_SECONDS)


async def create(sessions: Sessions) -> bool:
    """Add the defaults where there is no assistant at all, and bring an untouched default secretary
    up to date; returns whether anything was to be done."""
    async with sessions() as session:
        await session.exec(select(func.pg_advisory_xact_lock(_LOCK)))
        if (await session.exec(select(Assistant.id).limit(1))).first() is None:
            async with changing(session):
                await _add(session)
        elif not await upgrade(session, text_of("secretary.md")):
            return False
        await session.commit()
        return True


async def _add(session: AsyncSession) -> None:
    secretary = Assistant(name="Secretary", is_secretary=True, instructions=text_of("secretary.md"))
    writer = Assistant(name="Writer", instructions=text_of("writer.md"))
    session.add_all([secretary, writer])
    tools = default_tools(writer)
    await session.flush()
    session.add_all(tools)
    await session.flush()
    session.add_all(AssistantTool(assistant_id=secretary.id, tool_id=tool.id) for tool in tools)


def text_of(name: str) -> str:
    """The instructions in a file of this folder."""
    return (files(__name__) / name).read_text("utf-8").strip()


def _reason(error: Exception) -> str:
    """In Postgres's words, on one line."""
    return " ".join(str(getattr(error, "orig", error)).split())
