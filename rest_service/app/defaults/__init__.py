"""What a first start finds: a secretary with its tools, and a writer whom it can ask."""

import asyncio
from importlib.resources import files

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import func, select

from ..database import Sessions
from ..models import Assistant, AssistantTool, Tool
from ..pause import pause

RETRY_SECONDS = 1.0
_LOCK = 7_241_003
"""Two first starts at once make one set."""

log = structlog.stdlib.get_logger()


async def create_when_possible(sessions: Sessions, stop: asyncio.Event) -> None:
    """Wait for Postgres and its tables, then add the defaults."""
    while not stop.is_set():
        try:
            if await create(sessions):
                log.info("the default assistants are there")
            return
        except (SQLAlchemyError, OSError) as error:
            log.warning("Postgres is not ready", reason=f"{type(error).__name__}: {error}")
            await pause(stop, RETRY_SECONDS)


async def create(sessions: Sessions) -> bool:
    """Add the defaults where there is no assistant at all; returns whether it did."""
    async with sessions() as session:
        await session.exec(select(func.pg_advisory_xact_lock(_LOCK)))
        if (await session.exec(select(Assistant.id).limit(1))).first() is not None:
            return False
        secretary = Assistant(
            name="Secretary", is_secretary=True, instructions=text_of("secretary.md")
        )
        writer = Assistant(name="Writer", instructions=text_of("writer.md"))
        tools = _tools(writer)
        session.add_all([secretary, writer])
        await session.flush()
        session.add_all(tools)
        await session.flush()
        session.add_all(AssistantTool(assistant_id=secretary.id, tool_id=tool.id) for tool in tools)
        await session.commit()
        return True


def _tools(writer: Assistant) -> list[Tool]:
    """Their schemas are the functions' own."""
    return [
        Tool(
            name="get_time",
            tool_type="time",
            description="The exact date, time and weekday, for the person or anywhere else.",
        ),
        Tool(
            name="create_reminder",
            tool_type="reminder",
            description=(
                "Remind the person at a time, once or again and again. Give exactly one of at,"
                " in_seconds and cron."
            ),
        ),
        Tool(
            name="ask_writer",
            tool_type="sub_assistant",
            description="A writer and editor: drafts, rewrites, shortens and translates texts.",
            assistant_id=writer.id,
        ),
    ]


def text_of(name: str) -> str:
    """The instructions in a file of this folder."""
    return (files(__name__) / name).read_text("utf-8").strip()
