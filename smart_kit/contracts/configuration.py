"""The snapshot in Redis from which assistants work: active records only, links resolved."""

from uuid import UUID

from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.base import Contract, JsonObject
from smart_kit.contracts.tools import ToolType


class ToolSnapshot(Contract):
    """A function as one assistant is offered it."""

    id: UUID
    name: str
    tool_type: ToolType
    description: str
    input_schema: JsonObject
    sub_assistant_id: UUID | None = None


class AssistantSnapshot(Contract):
    """An assistant with its tools, sorted by name so that a model's prompt stays the same."""

    id: UUID
    name: str
    is_secretary: bool
    model: str | None
    instructions: str
    assistant_type: AssistantType
    tools: tuple[ToolSnapshot, ...] = ()


class ConfigurationSnapshot(Contract):
    """Everything an assistant replica needs."""

    version: int
    assistants: tuple[AssistantSnapshot, ...] = ()
    """Oldest first, so that the first secretary is the default one."""
