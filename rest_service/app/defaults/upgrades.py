"""What a newer version gives to a secretary that an older one made.

Only where its instructions are still those of that version, word by word: then they are replaced by
today's, and the tools that came since are added. So it happens once, and what an administrator has
changed (the instructions, a tool taken away, one made under the same name) stays as it is; they add
the new tools themselves: POST /api/tools, POST /api/assistants/{id}/tools/{tool_id}.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..models import Assistant, AssistantTool, Tool
from ..services.configuration.change import configuration_change
from .tools import task_tools, weather_tool

UPGRADES: Mapping[str, Callable[[], list[Tool]]] = {
    "1713017eaeefe17025ecf4d5311dde27cf7aef4d6606c13020ed8d29d6304aea": lambda: [
        *task_tools(),
        weather_tool(),
    ],
}
"""SHA-256 of a former version's instructions, and the tools that it did not have: whoever changes
secretary.md for the next version adds a line."""


async def upgrade(session: AsyncSession, instructions: str) -> bool:
    """Bring an unchanged secretary up to date; returns whether there was one."""
    async with configuration_change(session):
        rows = await session.exec(select(Assistant).where(col(Assistant.is_secretary)))
        found = ((one, UPGRADES.get(_compute_digest(one.instructions))) for one in rows)
        for secretary, missing in found:
            if missing is not None:
                secretary.instructions = instructions
                await _add_tools(session, secretary, missing())
                return True
        return False


async def _add_tools(session: AsyncSession, secretary: Assistant, tools: list[Tool]) -> None:
    existing_names = set(await session.exec(select(Tool.name)))
    added = [tool for tool in tools if tool.name not in existing_names]
    session.add_all(added)
    await session.flush()
    session.add_all(AssistantTool(assistant_id=secretary.id, tool_id=tool.id) for tool in added)


def _compute_digest(instructions: str) -> str:
    return sha256(instructions.encode()).hexdigest()
