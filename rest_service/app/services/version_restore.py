"""Restores versions of assistants and tools through the same services as other changes."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.assistants import AssistantUpdate
from smart_kit.contracts.base import JsonObject, RequestBody
from smart_kit.contracts.tools import AssistantToolCreate, AssistantToolUpdate, ToolUpdate
from smart_kit.contracts.versions import VersionRead
from smart_kit.errors import Conflict, InvalidRequest

from ..models import Assistant, AssistantTool, LlmModel, Tool
from .assistants import assistant_tools, assistants
from .configuration import versions
from .configuration.change import configuration_change
from .configuration.model_coverage import DefaultModels, coverage_guard
from .configuration.versions import VersionedTable
from .records.crud import check_name_available
from .tools import tools

BodyT = TypeVar("BodyT", bound=RequestBody)


async def restore_assistant(
    session: AsyncSession, assistant_id: UUID, number: int, defaults: DefaultModels
) -> VersionRead:
    """Restore an assistant with its links and return its newest version.

    A deleted assistant is created again under its id. Raises NotFound, InvalidRequest, and Conflict
    that names what no longer exists.
    """
    async with (
        configuration_change(session, restored_from=number),
        coverage_guard(session, defaults),
    ):
        content = await _read_content(session, Assistant, assistant_id, number)
        links = content["tools"]
        await _check_models(session, [content["model"], *(content["fallback_models"] or ())])
        await _check_exist(session, Tool, (link["tool_id"] for link in links))
        await _check_exist(session, Assistant, (link["sub_assistant_id"] for link in links))
        body = _build_body(AssistantUpdate, content)
        if await session.get(Assistant, assistant_id) is None:
            await check_name_available(session, Assistant.name, content["name"])
            session.add(Assistant(id=assistant_id, name=content["name"], instructions=""))
            await session.flush()
        await assistants.update(session, assistant_id, body, defaults)
        await _restore_links(session, assistant_id, links)
    return await versions.read_latest(session, Assistant, assistant_id)


async def restore_tool(session: AsyncSession, tool_id: UUID, number: int) -> VersionRead:
    """Restore a tool. Its links belong to the versions of the assistants."""
    async with configuration_change(session, restored_from=number):
        content = await _read_content(session, Tool, tool_id, number)
        await _check_exist(session, Assistant, [content["assistant_id"]])
        body = _build_body(ToolUpdate, content)
        if await session.get(Tool, tool_id) is None:
            await check_name_available(session, Tool.name, content["name"])
            named = {"name": content["name"], "tool_type": content["tool_type"]}
            session.add(Tool(id=tool_id, **named, description=""))
            await session.flush()
        try:
            await tools.update(session, tool_id, body)
        except InvalidRequest as error:  # for example a deleted secret
            raise Conflict(error.message) from error
    return await versions.read_latest(session, Tool, tool_id)


async def _read_content(
    session: AsyncSession, table: VersionedTable, row_id: UUID, number: int
) -> JsonObject:
    content = (await versions.read(session, table, row_id, number)).content
    if content is None:
        raise Conflict(f"Version {number} is the deletion of the {table.noun}.")
    return content


async def _check_models(session: AsyncSession, names: Iterable[str | None]) -> None:
    wanted = {name for name in names if name is not None}
    known = select(LlmModel.provider_model_name).where(
        col(LlmModel.provider_model_name).in_(wanted)
    )
    found = (await session.exec(known)).all()
    for name in sorted(wanted.difference(found)):
        raise Conflict(f"The model {name!r} no longer exists.")


async def _check_exist(
    session: AsyncSession, table: VersionedTable, row_ids: Iterable[str | None]
) -> None:
    wanted = {UUID(row_id) for row_id in row_ids if row_id is not None}
    found = set(await session.exec(select(table.id).where(col(table.id).in_(wanted))))
    for row_id in sorted(wanted - found):
        name = await versions.get_last_known_name(session, table, row_id)
        raise Conflict(f"The {table.noun} {name!r} no longer exists. Restore it first.")


def _build_body(body_type: type[BodyT], content: JsonObject) -> BodyT:
    """Raise Conflict if today's rules refuse the content of the version."""
    fields = {name: content[name] for name in body_type.model_fields if name in content}
    try:
        return body_type.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Conflict(f"This version is no longer valid: {place}: {first['msg']}.") from error


async def _restore_links(
    session: AsyncSession, assistant_id: UUID, links: list[JsonObject]
) -> None:
    rows = select(AssistantTool).where(AssistantTool.assistant_id == assistant_id)
    had = {str(row.tool_id): row.id for row in await session.exec(rows)}
    wanted = {link["tool_id"]: link for link in links}
    for tool_id in had.keys() - wanted.keys():
        await assistant_tools.delete(session, had[tool_id])
    for tool_id, link in wanted.items():
        fields = {name: link[name] for name in ("sub_assistant_id", "is_active")}
        if tool_id in had:
            body = AssistantToolUpdate.model_validate(fields)
            await assistant_tools.update(session, had[tool_id], body)
        else:
            fields |= {"assistant_id": assistant_id, "tool_id": tool_id}
            await assistant_tools.create(session, AssistantToolCreate.model_validate(fields))
