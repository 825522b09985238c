from sqlalchemy import JSON, String
from sqlmodel import Field

from smart_kit.contracts.assistants import AssistantType

from .base import Record


class Assistant(Record, table=True):
    """An assistant: instructions, models and limits."""

    __tablename__ = "assistants"

    name: str = Field(max_length=255, unique=True)
    is_secretary: bool = False
    model: str | None = Field(default=None, max_length=255)
    fallback_models: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    instructions: str
    assistant_type: AssistantType = Field(default="llm", sa_type=String(50))
    temperature: float | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    max_context_messages: int | None = None
    max_context_length: int | None = None
    openai_assistant_id: str | None = Field(default=None, max_length=255)
    is_active: bool = True
