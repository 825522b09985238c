"""Builds the snapshot of the configuration: active records only, links resolved."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    ModelSnapshot,
    ProviderSnapshot,
    SecretSnapshot,
    ToolSnapshot,
    build_model_chain,
)

from ..models import (
    Assistant,
    AssistantTool,
    ConfigurationVersion,
    LlmModel,
    LlmProvider,
    Secret,
    Tool,
)
from ..services.tools.http_call import get_secret_names
from ..services.tools.input_schema import resolve_effect_class, resolve_input_schema


async def read_version(session: AsyncSession) -> int:
    """Return the version of the configuration."""
    return (await session.exec(select(ConfigurationVersion.version))).one()


async def build_snapshot(
    session: AsyncSession, default_models: Sequence[str]
) -> ConfigurationSnapshot:
    """Return the snapshot, consistent as of one moment. The session must be new."""
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    number = await read_version(session)
    active = select(Assistant).where(col(Assistant.is_active))
    oldest_first = active.order_by(col(Assistant.created_at), col(Assistant.id))
    assistants = (await session.exec(oldest_first)).all()
    tools = await _read_tools(session, {assistant.id for assistant in assistants})
    providers = await _read_providers(session)
    assistant_snapshots = tuple(
        AssistantSnapshot.model_validate(row.model_dump() | {"tools": tools[row.id]})
        for row in assistants
    )
    chains = (
        build_model_chain(one.model, one.fallback_models, default_models)
        for one in assistant_snapshots
    )
    model_names = {*default_models, *(name for names in chains for name in names)}
    return ConfigurationSnapshot(
        version=number,
        assistants=assistant_snapshots,
        providers=providers,
        models=await _read_models(session, providers, model_names),
        secrets=await _read_secrets(session, assistant_snapshots),
        default_models=tuple(default_models),
    )


async def _read_providers(session: AsyncSession) -> tuple[ProviderSnapshot, ...]:
    """Return active providers, oldest first, with encrypted keys."""
    active = select(LlmProvider).where(col(LlmProvider.is_active))
    rows = await session.exec(active.order_by(col(LlmProvider.created_at), col(LlmProvider.id)))
    return tuple(ProviderSnapshot.model_validate(row, from_attributes=True) for row in rows)


async def _read_models(
    session: AsyncSession, providers: Sequence[ProviderSnapshot], names: Collection[str]
) -> tuple[ModelSnapshot, ...]:
    """Return the named models and those that users may choose, by name.

    Others are left out, because a provider may have thousands.
    """
    name = col(LlmModel.provider_model_name)
    active = select(LlmModel).where(
        col(LlmModel.is_active),
        col(LlmModel.provider_id).in_([one.id for one in providers]),
        or_(name.in_(names), col(LlmModel.is_user_selectable)),
    )
    rows = await session.exec(active.order_by(col(LlmModel.provider_model_name)))
    return tuple(
        ModelSnapshot.model_validate(row.model_dump() | {"name": row.provider_model_name})
        for row in rows
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


def _to_tool_snapshot(row: Tool, sub_assistant_id: UUID | None) -> ToolSnapshot:
    resolved = {
        "input_schema": resolve_input_schema(row),
        "effect_class": resolve_effect_class(row),
        "sub_assistant_id": sub_assistant_id,
    }
    return ToolSnapshot.model_validate(row.model_dump() | resolved)
