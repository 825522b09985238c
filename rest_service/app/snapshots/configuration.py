"""The configuration as the assistants use it: active records only, links resolved."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    SecretSnapshot,
    ToolSnapshot,
    chain,
)
from smart_kit.contracts.functions import function_of

from ..models import Assistant, AssistantTool, Configuration, Secret, Tool
from ..services.effect_class import effective_class
from ..services.http_call import secret_names
from ..services.input_schema import effective_schema
from .models import read_models, read_providers


async def version(session: AsyncSession) -> int:
    """How often the configuration has changed."""
    return (await session.exec(select(Configuration.version))).one()


async def read(session: AsyncSession, default_models: Sequence[str]) -> ConfigurationSnapshot:
    """The whole of it as of one moment: no half of a change. In a new session."""
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    number = await version(session)
    active = select(Assistant).where(col(Assistant.is_active))
    oldest_first = active.order_by(col(Assistant.created_at), col(Assistant.id))
    assistants = (await session.exec(oldest_first)).all()
    tools = await _tools(session, {assistant.id for assistant in assistants})
    providers = await read_providers(session)
    answering = tuple(_assistant(one, tools[one.id]) for one in assistants)
    chains = (chain(one.model, one.fallback_models, default_models) for one in answering)
    asked = {*default_models, *(name for names in chains for name in names)}
    return ConfigurationSnapshot(
        version=number,
        assistants=answering,
        providers=providers,
        models=await read_models(session, providers, asked),
        secrets=await _secrets(session, answering),
        default_models=tuple(default_models),
    )


async def _tools(session: AsyncSession, answering: set[UUID]) -> dict[UUID, list[ToolSnapshot]]:
    """Each assistant's tools, sorted by name; those that would ask somebody inactive left out."""
    linked = (
        select(AssistantTool, Tool)
        .join(Tool, col(Tool.id) == col(AssistantTool.tool_id))
        .where(col(AssistantTool.is_active), col(Tool.is_active))
        .order_by(col(Tool.name))
    )
    tools: dict[UUID, list[ToolSnapshot]] = defaultdict(list)
    for link, tool in await session.exec(linked):
        if tool.http_call is None and function_of(tool.tool_type, tool.name) is None:
            continue
        asked = link.sub_assistant_id or tool.assistant_id
        if tool.tool_type != "sub_assistant" or asked in answering:
            tools[link.assistant_id].append(_tool(tool, asked))
    return tools


async def _secrets(
    session: AsyncSession, assistants: Iterable[AssistantSnapshot]
) -> tuple[SecretSnapshot, ...]:
    """Those that their tools name, by name; still encrypted."""
    calls = (tool.http_call for one in assistants for tool in one.tools)
    names = {name for call in calls if call is not None for name in secret_names(call)}
    rows = await session.exec(
        select(Secret).where(col(Secret.name).in_(names)).order_by(col(Secret.name))
    )
    return tuple(SecretSnapshot.model_validate(row, from_attributes=True) for row in rows)


def _assistant(row: Assistant, tools: list[ToolSnapshot]) -> AssistantSnapshot:
    return AssistantSnapshot.model_validate(row.model_dump() | {"tools": tools})


def _tool(row: Tool, asked: UUID | None) -> ToolSnapshot:
    resolved = {
        "input_schema": effective_schema(row),
        "effect_class": effective_class(row),
        "sub_assistant_id": asked,
    }
    return ToolSnapshot.model_validate(row.model_dump() | resolved)
