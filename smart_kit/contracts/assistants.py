"""Assistants: instructions, models and limits."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import Name, RecordRead, RequestBody
from smart_kit.contracts.examples import example_config

AssistantType = Literal["llm", "openai_api"]
FallbackModelNames = Annotated[
    list[Name],
    Field(
        max_length=5,
        description="Models to try in this order if the assistant's own fails; null: FALLBACK_MODEL"
        " of the deployment; []: none",
    ),
]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
MaxOutputTokens = Annotated[int, Field(ge=16, le=1_000_000)]
MaxToolCalls = Annotated[int, Field(ge=0, le=10, description="Limit of tool calls per turn")]
MaxContextMessages = Annotated[int, Field(ge=2, le=200)]
MaxContextLength = Annotated[int, Field(ge=1_000, le=2_000_000, description="Characters of JSON")]
Instructions = Annotated[str, StringConstraints(max_length=100_000)]


class AssistantCreate(RequestBody):
    """A new assistant."""

    model_config = example_config(name="Poet", instructions="Answer in rhymes.")

    name: Name
    is_secretary: bool = False
    model: Name | None = None
    """null: the deployment's DEFAULT_MODEL."""
    fallback_models: FallbackModelNames | None = None
    instructions: Instructions
    assistant_type: AssistantType = "llm"
    """llm: the API of each model's record; openai_api: the Responses API."""
    temperature: Temperature | None = None
    max_output_tokens: MaxOutputTokens | None = None
    max_tool_calls: MaxToolCalls | None = None
    max_context_messages: MaxContextMessages | None = None
    """null: the deployment's MAX_CONTEXT_MESSAGES."""
    max_context_length: MaxContextLength | None = None
    openai_assistant_id: str | None = Field(None, max_length=255)
    """Stored for compatibility, not used."""
    is_active: bool = True


class AssistantUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values."""

    model_config = example_config(instructions="Answer in rhymes, briefly.")

    name: Name | None = None
    is_secretary: bool | None = None
    model: Name | None = None
    fallback_models: FallbackModelNames | None = None
    instructions: Instructions | None = None
    assistant_type: AssistantType | None = None
    temperature: Temperature | None = None
    max_output_tokens: MaxOutputTokens | None = None
    max_tool_calls: MaxToolCalls | None = None
    max_context_messages: MaxContextMessages | None = None
    max_context_length: MaxContextLength | None = None
    openai_assistant_id: str | None = Field(None, max_length=255)
    is_active: bool | None = None


class AssistantRead(RecordRead):
    """An assistant."""

    name: str
    is_secretary: bool
    model: str | None
    fallback_models: list[str] | None
    instructions: str
    assistant_type: AssistantType
    temperature: float | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    max_context_messages: int | None
    max_context_length: int | None
    openai_assistant_id: str | None
    is_active: bool
