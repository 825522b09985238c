"""What was written through the API, by whom."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from smart_kit.contracts.base import Contract, JsonObject, UtcDatetime

AuditResult = Literal["started", "done", "refused"]
Caller = Literal["admin", "service"]


class AuditRead(Contract):
    """One write, or the refusal of one by a rule or for its form."""

    id: UUID
    caller: Caller = Field(description="Whose token it was")
    user_id: UUID | None = Field(
        description="For whom the call was (X-User-Id), or whose the written record is"
    )
    action: str = Field(
        description="The operation's id; PATCH and PUT have different ones",
        examples=["update_assistant"],
    )
    object_type: str = Field(
        description="Of what was written, else of the path: what stands behind /api/",
        examples=["assistants"],
    )
    object_id: UUID | None = Field(description="Of what was written, else the path's first id")
    path: str = Field(description="As in an address, at most 512 characters")
    result: AuditResult = Field(
        description="started: outside Postgres, noted before it is done. It may have been done,"
        " unless a refusal with the same request_id follows"
    )
    status: int = Field(description="Of the response; started: of the one that success would have")
    request_id: str | None = Field(description="The X-Correlation-Id of the call's answer")
    after: JsonObject | None = Field(
        description="The record as it is since then, without secrets and what people have written;"
        " null where it is gone or nothing but a path is known. Of an import the names of the"
        " models that it has created and updated"
    )
    suppressed_count: int = Field(
        description="How many refusals of the same caller before it are not noted: too many"
    )
    created_at: UtcDatetime
