"""Assistants and their tools."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import String, text
from sqlmodel import Field, UniqueConstraint

from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.tools import EffectClass, ToolType

from .base import NULLABLE_JSON, Record


class Assistant(Record, table=True):
    """An assistant: instructions, models and limits."""

    __tablename__ = "assistants"
    noun: ClassVar[str] = "assistant"

    name: str = Field(max_length=255, unique=True)
    is_secretary: bool = False
    model: str | None = Field(default=None, max_length=255)
    fallback_models: list[str] | None = Field(default=None, sa_type=NULLABLE_JSON)
    instructions: str
    assistant_type: AssistantType = Field(default="llm", sa_type=String(50))
    temperature: float | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    max_context_messages: int | None = None
    max_context_length: int | None = None
    openai_assistant_id: str | None = Field(default=None, max_length=255)
    is_active: bool = True


class Tool(Record, table=True):
    """One function that a model may call."""

    __tablename__ = "tools"
    noun: ClassVar[str] = "tool"

    name: str = Field(max_length=64, unique=True)
    tool_type: ToolType = Field(sa_type=String(50))
    description: str
    input_schema: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    """Null: that of the function. Not JSONB, which would change the order of keys in prompts."""
    assistant_id: UUID | None = Field(default=None, foreign_key="assistants.id", index=True)
    http_call: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    """The call of a rest tool, as `HttpCall`."""
    effect_class: EffectClass | None = Field(default=None, sa_type=String(16))
    """Only of a rest tool; null: writes."""
    cache_seconds: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    is_active: bool = True


class AssistantTool(Record, table=True):
    """A tool that an assistant may use."""

    __tablename__ = "assistant_tool_link"
    noun: ClassVar[str] = "link"
    __table_args__ = (UniqueConstraint("assistant_id", "tool_id"),)

    assistant_id: UUID = Field(foreign_key="assistants.id", ondelete="CASCADE")
    tool_id: UUID = Field(foreign_key="tools.id", ondelete="CASCADE", index=True)
    sub_assistant_id: UUID | None = Field(default=None, foreign_key="assistants.id", index=True)
    is_active: bool = True
