"""Models and their providers."""

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, String, false, text
from sqlmodel import Field

from smart_kit.contracts.models import Capability, ModelApi, ProviderSource

from .base import USD_AMOUNT, Record


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
