"""The record types of the audit log, and the columns that it shows."""

from collections.abc import Mapping
from dataclasses import dataclass

from smart_kit.contracts.base import JsonObject

from .. import models
from ..models.base import Row


@dataclass(frozen=True)
class AuditedType:
    """A record type."""

    resource: str
    """The path segment after `/api/`."""
    columns: frozenset[str]
    """The columns of an entry. Entries outlive their records: no secrets, no texts of users."""

    def select_columns(self, row: Row) -> JsonObject:
        """Return the shown columns of a record."""
        return row.model_dump(mode="json", include=set(self.columns))


def _audit_all_columns(resource: str, table: type[Row], *, exclude: str = "") -> AuditedType:
    """Show all columns: records of administrators hold no texts of users."""
    return AuditedType(resource, frozenset(table.model_fields) - {exclude})


def _audit_columns(resource: str, *columns: str) -> AuditedType:
    return AuditedType(resource, frozenset({"id", *columns}))


AUDITED_TYPES: Mapping[type[Row], AuditedType] = {
    models.Assistant: _audit_all_columns("assistants", models.Assistant),
    models.Tool: _audit_all_columns("tools", models.Tool),
    models.AssistantTool: _audit_all_columns("assistant-tools", models.AssistantTool),
    models.LlmProvider: _audit_all_columns(
        "providers", models.LlmProvider, exclude="encrypted_api_key"
    ),
    models.LlmModel: _audit_all_columns("models", models.LlmModel),
    models.Secret: _audit_all_columns("secrets", models.Secret, exclude="encrypted_value"),
    models.User: _audit_columns(
        "users", "role", "status", "is_invited", "assistant_id", "model", "daily_budget"
    ),
    models.Invite: _audit_columns("invites", "role", "expires_at"),
    models.Thread: _audit_columns("threads", "user_id", "assistant_id", "thread_id"),
    models.CronJob: _audit_columns(
        "cron-jobs", "user_id", "type", "at", "cron_expression", "timezone", "chat_id", "is_active"
    ),
    models.Task: _audit_columns("tasks", "user_id", "status", "due_at", "priority"),
    models.CalendarEvent: _audit_columns("calendar", "user_id", "starts_at", "ends_at", "timezone"),
}
