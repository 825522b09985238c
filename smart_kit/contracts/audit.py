"""What was written through the API, by whom."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from smart_kit.contracts.base import Contract, JsonObject, UtcDatetime

AuditResult = Literal["done", "refused"]
Caller = Literal["admin", "service"]


class AuditRead(Contract):
    """One write, or the refusal of one."""

    id: UUID
    caller: Caller = Field(description="Whose token it was")
    user_id: UUID | None = Field(description="For whom the call was: X-User-Id")
    action: str = Field(description="The operation's id", examples=["update_assistant"])
    object_type: str = Field(description="What stands behind /api/", examples=["assistants"])
    object_id: UUID | None
    path: str
    result: AuditResult
    status: int = Field(description="Of the answer; 200 for whatever was done")
    request_id: str | None = Field(description="The X-Correlation-Id of the call's answer")
    after: JsonObject | None = Field(
        description="The record as it is since then, where it belongs to the configuration"
    )
    created_at: UtcDatetime
