"""The records that the audit log speaks of, and what it says of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import SQLModel

from smart_kit.contracts.base import JsonObject

from ..models import (
    Assistant,
    AssistantTool,
    CalendarEvent,
    CronJob,
    Invite,
    LlmModel,
    LlmProvider,
    Secret,
    Task,
    Thread,
    Tool,
    User,
)
from ..services import credentials


@dataclass(frozen=True)
class Subject:
    """A kind of record."""

    resource: str
    """What stands behind /api/."""
    facts: frozenset[str]
    """The columns that are noted. Entries outlive their records: no secret, nobody's words."""

    def facts_of(self, row: SQLModel) -> JsonObject:
        """The record as it is from now on."""
        facts = row.model_dump(mode="json", include=set(self.facts))
        if "parameters" in facts:  # an older version may have taken what is refused today
            facts["parameters"] = credentials.redacted(facts["parameters"])
        return facts


def _whole(resource: str, table: type[SQLModel], *, but: str = "") -> Subject:
    """An administrator's record: what it was is what this log is for."""
    return Subject(resource, frozenset(table.model_fields) - {but})


def _some(resource: str, *facts: str) -> Subject:
    return Subject(resource, frozenset({"id", *facts}))


SUBJECTS: Mapping[type[SQLModel], Subject] = {
    Assistant: _whole("assistants", Assistant),
    Tool: _whole("tools", Tool),
    AssistantTool: _whole("assistant-tools", AssistantTool),
    LlmProvider: _whole("providers", LlmProvider, but="encrypted_api_key"),
    LlmModel: _whole("models", LlmModel),
    Secret: _whole("secrets", Secret, but="encrypted_value"),
    User: _some("users", "role", "status", "is_invited", "assistant_id", "model", "daily_budget"),
    Invite: _some("invites", "role", "expires_at"),
    Thread: _some("threads", "user_id", "assistant_id", "thread_id"),
    CronJob: _some(
        "cron-jobs", "user_id", "type", "at", "cron_expression", "timezone", "chat_id", "is_active"
    ),
    Task: _some("tasks", "user_id", "status", "due_at", "priority"),
    CalendarEvent: _some("calendar", "user_id", "starts_at", "ends_at", "timezone"),
}
