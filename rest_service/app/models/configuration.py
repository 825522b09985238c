"""The configuration: assistants, tools, models and secrets, with their versions."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, String, false, text
from sqlmodel import Field, SQLModel, UniqueConstraint

from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.audit import Caller
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.models import Capability, ModelApi, ProviderSource
from smart_kit.contracts.tools import EffectClass, ToolType

from .base import NULLABLE_JSON, USD_AMOUNT, UTC_TIMESTAMP, Record, Row


class Configuration(SQLModel, table=True):
    """The single row with the version of the configuration, which triggers raise.

    Code that changes the configuration locks the row first, so that changes are serialized.
    """

    __tablename__ = "configuration"

    id: int = Field(default=1, primary_key=True)
    version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


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


class LlmProvider(Record, table=True):
    """A server of models."""

    __tablename__ = "llm_providers"
    noun: ClassVar[str] = "provider"

    name: str = Field(max_length=255, unique=True)
    base_url: str = Field(max_length=2048)
    encrypted_api_key: str | None = None
    """Encrypted by `Vault` for the id of this row."""
    is_active: bool = True
    source: ProviderSource = Field(
        default="administrator",
        sa_type=String(16),
        sa_column_kwargs={"server_default": text("'administrator'")},
    )


class LlmModel(Record, table=True):
    """A model of a provider."""

    __tablename__ = "llm_models"
    noun: ClassVar[str] = "model"

    provider_id: UUID = Field(foreign_key="llm_providers.id", index=True)
    provider_model_name: str = Field(max_length=255, unique=True)
    api: ModelApi = Field(default="chat", sa_type=String(16))
    parameters: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    """Not JSONB, which would change the order of the keys in requests."""
    capabilities: list[Capability] = Field(default_factory=list, sa_type=JSON)
    input_price: Decimal | None = Field(default=None, sa_type=USD_AMOUNT)
    cached_input_price: Decimal | None = Field(default=None, sa_type=USD_AMOUNT)
    output_price: Decimal | None = Field(default=None, sa_type=USD_AMOUNT)
    is_user_selectable: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    is_active: bool = True


class Secret(Record, table=True):
    """A value for calls of rest tools. The API never returns it."""

    __tablename__ = "secrets"
    noun: ClassVar[str] = "secret"

    name: str = Field(max_length=64, unique=True)
    origin: str = Field(max_length=2048)
    """The only server it is sent to: `scheme://host[:port]`, without a default port."""
    encrypted_value: str
    """Encrypted by `Vault` for the id of this row."""


class Version(Row, table=True):
    """An assistant or a tool after a change. It has no foreign keys: it outlives the record."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("object_id", "number"),)

    object_type: str = Field(max_length=16)
    """The table's name: "assistants" or "tools"."""
    object_id: UUID
    number: int
    configuration_version: int
    caller: Caller | None = Field(default=None, sa_type=String(16))
    request_id: str | None = Field(default=None, max_length=128)
    content: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    """Not JSONB, which would change the order of the keys in schemas. Null: the deletion."""
    restored_from: int | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIMESTAMP)
