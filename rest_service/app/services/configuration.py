"""What holds for assistants, tools and links as a whole."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from graphlib import CycleError, TopologicalSorter
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.errors import InvalidRequest

from ..models import Assistant, AssistantTool, Configuration, Tool
from . import versions

MAX_LEVELS = 3
"""Levels of sub-assistants below the one a person talks to."""

Graph = dict[UUID, set[UUID]]

_UNDER_WAY = "configuration is changing"


@asynccontextmanager
async def changing(session: AsyncSession, restored_from: int | None = None) -> AsyncIterator[None]:
    """Changes go in here: one administrator after the other, and checked as a whole at the end.

    What has changed gets a new version. Inside another one it is part of that.
    """
    if session.info.get(_UNDER_WAY):
        yield
        await session.flush()
        return
    session.info[_UNDER_WAY] = True
    try:
        await session.exec(select(Configuration).with_for_update())
        before = await versions.marks(session)
        yield
        await session.flush()
        await _check_sub_assistants(session)
        await versions.record(session, before, restored_from)
    finally:
        del session.info[_UNDER_WAY]


async def _check_sub_assistants(session: AsyncSession) -> None:
    """Raises InvalidRequest where somebody would ask themselves, nobody, or too deep."""
    asked = func.coalesce(AssistantTool.sub_assistant_id, Tool.assistant_id)
    links = (
        select(AssistantTool.assistant_id, asked, Tool.name)
        .join(Tool, col(Tool.id) == col(AssistantTool.tool_id))
        .where(col(Tool.tool_type) == "sub_assistant")
        .where(col(AssistantTool.is_active), col(Tool.is_active))
    )
    graph: Graph = defaultdict(set)
    for asking, target, tool_name in await session.exec(links):
        if target is None:
            raise InvalidRequest(
                f"{tool_name} does not say whom it asks: the tool needs an assistant_id, or the"
                " link a sub_assistant_id."
            )
        graph[asking].add(target)
    if graph:
        names = (await session.exec(select(Assistant.id, Assistant.name))).all()
        _check_graph(graph, dict(names))


def _check_graph(graph: Graph, names: dict[UUID, str]) -> None:
    try:
        asked_first = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " asks ".join(names[one] for one in reversed(error.args[1]))
        raise InvalidRequest(f"An assistant would end up asking itself: {circle}.") from error
    levels: dict[UUID, int] = {}
    for one in asked_first:
        levels[one] = max((levels[asked] + 1 for asked in graph.get(one, ())), default=0)
        if levels[one] > MAX_LEVELS:
            raise InvalidRequest(
                f"{names[one]} would have {levels[one]} levels of sub-assistants; at most"
                f" {MAX_LEVELS} are allowed."
            )
