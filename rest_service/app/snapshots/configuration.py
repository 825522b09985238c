"""Builds the snapshot of the configuration: active records only, links resolved."""

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
    build_model_chain,
)

from ..models import Assistant, AssistantTool, Configuration, Secret, Tool
from ..services.tools.effect_class import resolve_effect_class
from ..services.tools.http_call import get_secret_names
from ..services.tools.input_schema import resolve_input_schema
from .models import read_models, read_providers


async def read_version(session: AsyncSession) -> int:
    """Return the version of the configuration."""
    return (await session.exec(select(Configuration.version))).one()


async def read(session: AsyncSession, default_models: Sequence[str]) -> ConfigurationSnapshot:
    """Return the snapshot, consistent as of one moment. The session must be new."""
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    number = await read_version(session)
    active = select(Assistant).where(col(Assistant.is_active))
    oldest_first = active.order_by(col(Assistant.created_at), col(Assistant.id))
    assistants = (await session.exec(oldest_first)).all()
    tools = await _read_tools(session, {assistant.id for assistant in assistants})
    providers = await read_providers(session)
    assistant_snapshots = tuple(_to_assistant_snapshot(one, tools[one.id]) for one in assistants)
    chains = (
        build_model_chain(one.model, one.fallback_models, default_models)
        for one in assistant_snapshots
    )
    model_names = {*default_models, *(name for names in chains for name in names)}
    return ConfigurationSnapshot(
        version=number,
        assistants=assistant_snapshots,
        providers=providers,
        models=await read_models(session, providers, model_names),
        secrets=await _read_secrets(session, assistant_snapshots),
        default_models=tuple(default_models),
    )


async def _read_tools(
    session: AsyncSession, active_assistant_ids: set[UUID]
) -> dict[UUID, list[ToolSnapshot]]:
    """Return each assistant's tools, by name, without those that ask inactive assistants."""
    linked = (
        select(AssistantTool, Tool)
        .join(Tool, col(Tool.id) == col(AssistantTool.tool_id))
        .where(col(AssistantTool.is_active), col(Tool.is_active))
        .order_by(col(Tool.name))
    )
    tools: dict[UUID, list[ToolSnapshot]] = defaultdict(list)
    for link, tool in await session.exec(linked):
        sub_assistant_id = link.sub_assistant_id or tool.assistant_id
        if tool.tool_type != "sub_assistant" or sub_assistant_id in active_assistant_ids:
            tools[link.assistant_id].append(_to_tool_snapshot(tool, sub_assistant_id))
    return tools


async def _read_secrets(
    session: AsyncSession, assistants: Iterable[AssistantSnapshot]
) -> tuple[SecretSnapshot, ...]:
    calls = (tool.http_call for one in assistants for tool in one.tools)
    names = {name for call in calls if call is not None for name in get_secret_names(call)}
    rows = await session.exec(
        select(Secret).where(col(Secret.name).in_(names)).order_by(col(Secret.name))
    )
    return tuple(SecretSnapshot.model_validate(row, from_attributes=True) for row in rows)


def _to_assistant_snapshot(row: Assistant, tools: list[ToolSnapshot]) -> AssistantSnapshot:
    return AssistantSnapshot.model_validate(row.model_dump() | {"tools": tools})


def _to_tool_snapshot(row: Tool, sub_assistant_id: UUID | None) -> ToolSnapshot:
    resolved = {
        "input_schema": resolve_input_schema(row),
        "effect_class": resolve_effect_class(row),
        "sub_assistant_id": sub_assistant_id,
    }
    return ToolSnapshot.model_validate(row.model_dump() | resolved)
