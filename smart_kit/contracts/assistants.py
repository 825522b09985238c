"""Assistants: who answers, with which model and which instructions."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import Command, Contract, Name, UtcDatetime

AssistantType = Literal["llm", "openai_api"]
Model = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Instructions = Annotated[str, StringConstraints(max_length=100_000)]


class AssistantCreate(Command):
    """A new assistant."""

    name: Name
    is_secretary: bool = False
    model: Model | None = Field(None, description="null: the deployment's DEFAULT_MODEL")
    instructions: Instructions
    assistant_type: AssistantType = "llm"
    openai_assistant_id: str | None = Field(
        None, max_length=255, description="Kept from older records and ignored"
    )
    is_active: bool = True


class AssistantUpdate(Command):
    """The fields to change; those left out stay."""

    name: Name | None = None
    is_secretary: bool | None = None
    model: Model | None = None
    instructions: Instructions | None = None
    assistant_type: AssistantType | None = None
    openai_assistant_id: str | None = Field(None, max_length=255)
    is_active: bool | None = None


class AssistantRead(Contract):
    """An assistant as it is."""

    id: UUID
    name: str
    is_secretary: bool
    model: str | None
    instructions: str
    assistant_type: AssistantType
    openai_assistant_id: str | None
    is_active: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime
