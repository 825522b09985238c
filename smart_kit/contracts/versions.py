"""Every version of an assistant or tool: who made it, when, and what it was."""

from typing import Any
from uuid import UUID

from pydantic import Field

from smart_kit.contracts.audit import Caller
from smart_kit.contracts.base import Contract, JsonObject, UtcDatetime


class VersionRead(Contract):
    """A record as it was from this version on."""

    number: int = Field(description="From 1, of this record")
    configuration_version: int = Field(
        description="Of the whole configuration; a turn names the one it was made with"
    )
    caller: Caller | None = Field(description="Whose token it was; null: the suite's own default")
    request_id: str | None = Field(description="As in the audit log")
    content: JsonObject | None = Field(
        description="Its fields and, of an assistant, `tools`: its links; null: it was deleted"
    )
    restored_from: int | None = Field(description="The version it was put back to")
    created_at: UtcDatetime


class FieldDifference(Contract):
    """A field that is not the same in both versions."""

    field: str = Field(examples=["instructions", "tools.get_weather.is_active"])
    before: Any = Field(description="null where it was not there")
    after: Any = Field(description="null where it is no longer there")
    lines: list[str] = Field(
        default_factory=list, description="Of a longer text: what changed, as a unified diff"
    )


class ComparisonRead(Contract):
    """Two versions of a record."""

    object_id: UUID
    before: int
    after: int
    differences: list[FieldDifference]
