"""The record types of the audit log, and the columns that it shows."""

from collections.abc import Mapping
from dataclasses import dataclass

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
from ..models.base import Row


@dataclass(frozen=True)
class AuditedType:
    """A record type."""

    resource: str
    """The path segment after `/api/`."""
    columns: frozenset[str]
    """The columns of an entry. Entries outlive their records: no secrets, no texts of users."""

    def describe(self, row: Row) -> JsonObject:
        """Return the shown columns of a record."""
        return row.model_dump(mode="json", include=set(self.columns))


def _all_columns(resource: str, table: type[Row], *, exclude: str = "") -> AuditedType:
    """Show all columns: records of administrators hold no texts of users."""
    return AuditedType(resource, frozenset(table.model_fields) - {exclude})


def _only_columns(resource: str, *columns: str) -> AuditedType:
    return AuditedType(resource, frozenset({"id", *columns}))


AUDITED_TYPES: Mapping[type[Row], AuditedType] = {
    Assistant: _all_columns("assistants", Assistant),
    Tool: _all_columns("tools", Tool),
    AssistantTool: _all_columns("assistant-tools", AssistantTool),
    LlmProvider: _all_columns("providers", LlmProvider, exclude="encrypted_api_key"),
    LlmModel: _all_columns("models", LlmModel),
    Secret: _all_columns("secrets", Secret, exclude="encrypted_value"),
    User: _only_columns(
        "users", "role", "status", "is_invited", "assistant_id", "model", "daily_budget"
    ),
    Invite: _only_columns("invites", "role", "expires_at"),
    Thread: _only_columns("threads", "user_id", "assistant_id", "thread_id"),
    CronJob: _only_columns(
        "cron-jobs", "user_id", "type", "at", "cron_expression", "timezone", "chat_id", "is_active"
    ),
    Task: _only_columns("tasks", "user_id", "status", "due_at", "priority"),
    CalendarEvent: _only_columns("calendar", "user_id", "starts_at", "ends_at", "timezone"),
}
