from sqlalchemy import String
from sqlmodel import Field

from smart_kit.contracts.assistants import AssistantType

from .base import Record


class Assistant(Record, table=True):
    """Who answers."""

    __tablename__ = "assistants"

    name: str = Field(max_length=255, unique=True)
    is_secretary: bool = False
    model: str | None = Field(default=None, max_length=255)
    instructions: str
    assistant_type: AssistantType = Field(default="llm", sa_type=String(50))
    openai_assistant_id: str | None = Field(default=None, max_length=255)
    is_active: bool = True
