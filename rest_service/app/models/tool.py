from typing import Any
from uuid import UUID

from sqlalchemy import JSON, String, text
from sqlmodel import Field, UniqueConstraint

from smart_kit.contracts.tools import EffectClass, ToolType

from .base import Record


class Tool(Record, table=True):
    """One function that a model may call."""

    __tablename__ = "tools"

    name: str = Field(max_length=64, unique=True)
    tool_type: ToolType = Field(sa_type=String(50))
    description: str
    input_schema: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    """Null: that of the function. Not JSONB, which would change the order of keys in prompts."""
    assistant_id: UUID | None = Field(default=None, foreign_key="assistants.id", index=True)
    http_call: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    """The call of a rest tool, as `HttpCall`."""
    effect_class: EffectClass | None = Field(default=None, sa_type=String(16))
    """Only of a rest tool; null: writes."""
    cache_seconds: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    is_active: bool = True


class AssistantTool(Record, table=True):
    """A tool that an assistant may use."""

    __tablename__ = "assistant_tool_link"
    __table_args__ = (UniqueConstraint("assistant_id", "tool_id"),)

    assistant_id: UUID = Field(foreign_key="assistants.id", ondelete="CASCADE")
    tool_id: UUID = Field(foreign_key="tools.id", ondelete="CASCADE", index=True)
    sub_assistant_id: UUID | None = Field(default=None, foreign_key="assistants.id", index=True)
    is_active: bool = True
