"""Versions of assistants and tools."""

from typing import Any
from uuid import UUID

from pydantic import Field

from smart_kit.contracts.audit import Caller
from smart_kit.contracts.base import Contract, JsonObject, UtcDatetime


class VersionRead(Contract):
    """A version of a record."""

    number: int = Field(description="Number of the version of this record, from 1")
    configuration_version: int
    """Version of the whole configuration, to which turns refer."""
    caller: Caller | None
    """Whose token the request had; null: a default of the suite."""
    request_id: str | None = Field(description="As in the audit log")
    content: JsonObject | None
    """Fields of the record, for an assistant also `tools`; null: deleted."""
    restored_from: int | None = Field(description="The version that was restored")
    created_at: UtcDatetime


class FieldDifference(Contract):
    """A field that differs between two versions."""

    field: str = Field(examples=["instructions", "tools.get_weather.is_active"])
    before: Any = Field(description="null if the field did not exist")
    after: Any = Field(description="null if the field no longer exists")
    lines: list[str] = Field(default_factory=list, description="Unified diff of a longer text")


class ComparisonRead(Contract):
    """The differences between two versions of a record."""

    object_id: UUID
    before: int
    after: int
    differences: list[FieldDifference]
