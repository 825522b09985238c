"""The audit log: who changed what through the API."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from smart_kit.contracts.base import Contract, JsonObject, UtcDatetime

AuditResult = Literal["started", "done", "refused"]
Caller = Literal["admin", "service"]


class AuditRead(Contract):
    """One write through the API, or one refused write."""

    id: UUID
    caller: Caller = Field(description="Whose token the request had")
    user_id: UUID | None
    """The user in X-User-Id, or the owner of the changed record."""
    action: str = Field(examples=["update_assistant"])
    """Operation id in the OpenAPI document; PATCH and PUT have different ones."""
    object_type: str = Field(examples=["assistants"])
    """Type of the changed record, or the first part of the path after /api/."""
    object_id: UUID | None = Field(description="Id of the changed record, or first id in the path")
    path: str = Field(description="Path of the request, percent-encoded, at most 512 characters")
    result: AuditResult
    """started: a change outside Postgres, recorded beforehand. It may have happened unless an entry
    `refused` with the same request_id follows."""
    status: int
    """Status of the response; for `started`, the status of a success."""
    request_id: str | None = Field(description="The X-Correlation-Id of the response")
    after: JsonObject | None
    """The record after the change, without secrets and private texts; null if it was deleted or
    only the path is known. For an import, the names of the created and updated models."""
    suppressed_count: int
    """Number of earlier refusals of this caller that exceeded the limit of the log."""
    created_at: UtcDatetime
