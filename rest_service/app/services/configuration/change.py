"""The frame of each change to the configuration: locked, checked and recorded as a version."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from graphlib import CycleError, TopologicalSorter
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.errors import InvalidRequest

from ...models import Assistant, AssistantTool, ConfigurationVersion, Tool
from . import versions

MAX_SUB_ASSISTANT_LEVELS = 3
"""Levels of sub-assistants below the assistant that a user talks to."""

SubAssistantGraph = dict[UUID, set[UUID]]

_IN_PROGRESS_KEY = "configuration is changing"


@asynccontextmanager
async def configuration_change(
    session: AsyncSession, restored_from: int | None = None
) -> AsyncIterator[None]:
    """Make a change to assistants, tools, links, models or secrets inside this context.

    Changes are serialized, checked as a whole at the end, and recorded as new versions. A nested
    context is part of the outer one.
    """
    if session.info.get(_IN_PROGRESS_KEY):
        yield
        await session.flush()
        return
    session.info[_IN_PROGRESS_KEY] = True
    try:
        await session.exec(select(ConfigurationVersion).with_for_update())
        before = await versions.read_fingerprints(session)
        yield
        await session.flush()
        await _check_sub_assistants(session)
        await versions.record(session, before, restored_from)
    finally:
        del session.info[_IN_PROGRESS_KEY]


async def _check_sub_assistants(session: AsyncSession) -> None:
    target_id = func.coalesce(AssistantTool.sub_assistant_id, Tool.assistant_id)
    links = (
        select(AssistantTool.assistant_id, target_id, Tool.name)
        .join(Tool, col(Tool.id) == col(AssistantTool.tool_id))
        .where(col(Tool.tool_type) == "sub_assistant")
        .where(col(AssistantTool.is_active), col(Tool.is_active))
    )
    graph: SubAssistantGraph = defaultdict(set)
    for parent, target, tool_name in await session.exec(links):
        if target is None:
            raise InvalidRequest(
                f"{tool_name} has no assistant to ask. Set assistant_id of the tool, or"
                " sub_assistant_id of the link."
            )
        graph[parent].add(target)
    if graph:
        names = (await session.exec(select(Assistant.id, Assistant.name))).all()
        _check_sub_assistant_graph(graph, dict(names))


def _check_sub_assistant_graph(graph: SubAssistantGraph, names: dict[UUID, str]) -> None:
    try:
        ordered = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " asks ".join(names[one] for one in reversed(error.args[1]))
        raise InvalidRequest(f"An assistant would ask itself: {cycle}.") from error
    levels: dict[UUID, int] = {}
    for one in ordered:
        levels[one] = max((levels[child] + 1 for child in graph.get(one, ())), default=0)
        if levels[one] > MAX_SUB_ASSISTANT_LEVELS:
            raise InvalidRequest(
                f"{names[one]} would have {levels[one]} levels of sub-assistants; at most"
                f" {MAX_SUB_ASSISTANT_LEVELS} are allowed."
            )
