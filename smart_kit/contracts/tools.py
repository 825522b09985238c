"""Tools: each record is one function that a model may call."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from smart_kit.contracts.base import Command, Contract, FunctionName, JsonObject, UtcDatetime

ToolType = Literal["calendar", "reminder", "time", "weather", "sub_assistant", "rest"]


def _parsed(value: Any) -> Any:
    """Older clients send the schema as a string of JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from error


InputSchema = Annotated[JsonObject, BeforeValidator(_parsed)]
Description = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class ToolCreate(Command):
    """A new tool."""

    name: FunctionName
    tool_type: ToolType
    description: Description
    input_schema: InputSchema | None = Field(
        None, description="JSON Schema of the arguments; null: the function's own"
    )
    assistant_id: UUID | None = Field(None, description="Whom a sub_assistant tool asks")
    is_active: bool = True


class ToolUpdate(Command):
    """The fields to change; those left out stay."""

    name: FunctionName | None = None
    tool_type: ToolType | None = None
    description: Description | None = None
    input_schema: InputSchema | None = None
    assistant_id: UUID | None = None
    is_active: bool | None = None


class ToolRead(Contract):
    """A tool as it is."""

    id: UUID
    name: str
    tool_type: ToolType
    description: str
    input_schema: JsonObject
    assistant_id: UUID | None
    is_active: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime


class AssistantToolCreate(Command):
    """Gives a tool to an assistant."""

    assistant_id: UUID
    tool_id: UUID
    sub_assistant_id: UUID | None = Field(
        None, description="Whom the tool asks for this assistant; wins over the tool's own"
    )
    is_active: bool = True


class AssistantToolUpdate(Command):
    """The fields to change; those left out stay."""

    sub_assistant_id: UUID | None = None
    is_active: bool | None = None


class AssistantToolRead(Contract):
    """A link as it is."""

    id: UUID
    assistant_id: UUID
    tool_id: UUID
    sub_assistant_id: UUID | None
    is_active: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime
