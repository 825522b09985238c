"""The schema of version 0.1.0. From that version on, migrations are only added."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0001_initial_schema"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Tables = dict[str, tuple[sa.schema.SchemaItem, ...]]
TIMESTAMP = sa.DateTime(timezone=True)
NULLABLE_JSON = sa.JSON(none_as_null=True)

COUNT_CONFIGURATION = """
CREATE FUNCTION count_configuration() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE configuration SET version = version + 1;
    RETURN NULL;
END $$
"""
CONFIGURATION_TABLES = (
    "assistants",
    "tools",
    "assistant_tool_link",
    "llm_providers",
    "llm_models",
    "secrets",
)
"""Tables whose changes raise the version of the configuration."""

COUNT_USER = """
CREATE FUNCTION count_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := nextval('user_version');
    RETURN NEW;
END $$
"""
COUNT_THREAD = """
CREATE FUNCTION count_thread() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET version = version WHERE id = COALESCE(NEW.user_id, OLD.user_id);
    RETURN NULL;
END $$
"""
KEEP_AUDIT_LOG = """
CREATE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.result = 'refused' AND OLD.created_at < now() - interval '30 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is only added to';
END $$
"""
_THREAD_CHANGE = "AFTER INSERT OR UPDATE OF thread_id OR DELETE ON user_assistant_threads"
TRIGGERS = (
    ("count_users", "BEFORE UPDATE ON users", "ROW", "count_user"),
    ("count_threads", _THREAD_CHANGE, "ROW", "count_thread"),
    ("keep_audit_log", "BEFORE UPDATE OR DELETE ON audit_log", "ROW", "keep_audit_log"),
    ("keep_whole_audit_log", "BEFORE TRUNCATE ON audit_log", "STATEMENT", "keep_audit_log"),
)


def upgrade() -> None:
    op.execute("CREATE SEQUENCE user_version")
    for table, items in _tables().items():
        op.create_table(table, *items)
    _create_triggers()
    op.execute("INSERT INTO configuration (id, version) VALUES (1, 0)")


def downgrade() -> None:
    for table in reversed(_tables()):
        op.drop_table(table)
    for function in ("count_configuration", "count_user", "count_thread", "keep_audit_log"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP SEQUENCE user_version")


def _tables() -> Tables:
    """Return each table's columns, constraints and indexes, in the order of the foreign keys.

    Constraints and indexes get their names from the naming convention in `models/base.py`.
    """
    return _configuration_tables() | _user_tables() | _history_tables()


def _required(
    name: str, kind: sa.types.TypeEngine[Any], *items: Any, **options: Any
) -> sa.Column[Any]:
    return sa.Column(name, kind, *items, nullable=False, **options)


def _id_column() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid(), primary_key=True)


def _record_columns() -> tuple[sa.Column[Any], ...]:
    return _id_column(), _required("created_at", TIMESTAMP), _required("updated_at", TIMESTAMP)


def _user_column(*, index: bool = False) -> sa.Column[Any]:
    owner = sa.ForeignKey("users.id", ondelete="CASCADE")
    return _required("user_id", sa.Uuid(), owner, index=index)


def _configuration_tables() -> Tables:
    """Assistants, tools, models and secrets, with their versions."""
    return {
        "configuration": (
            sa.Column("id", sa.Integer(), primary_key=True),
            _required("version", sa.Integer(), server_default="0"),
        ),
        "assistants": (
            *_record_columns(),
            _required("name", sa.String(255), unique=True),
            _required("is_secretary", sa.Boolean()),
            sa.Column("model", sa.String(255)),
            sa.Column("fallback_models", NULLABLE_JSON),
            _required("instructions", sa.String()),
            _required("assistant_type", sa.String(50)),
            sa.Column("temperature", sa.Float()),
            sa.Column("max_output_tokens", sa.Integer()),
            sa.Column("max_tool_calls", sa.Integer()),
            sa.Column("max_context_messages", sa.Integer()),
            sa.Column("max_context_length", sa.Integer()),
            sa.Column("openai_assistant_id", sa.String(255)),
            _required("is_active", sa.Boolean()),
        ),
        "tools": (
            *_record_columns(),
            _required("name", sa.String(64), unique=True),
            _required("tool_type", sa.String(50)),
            _required("description", sa.String()),
            sa.Column("input_schema", NULLABLE_JSON),
            sa.Column("assistant_id", sa.Uuid(), sa.ForeignKey("assistants.id"), index=True),
            sa.Column("http_call", NULLABLE_JSON),
            sa.Column("effect_class", sa.String(16)),
            _required("cache_seconds", sa.Integer(), server_default=sa.text("0")),
            _required("is_active", sa.Boolean()),
        ),
        "assistant_tool_link": (
            *_record_columns(),
            _required(
                "assistant_id", sa.Uuid(), sa.ForeignKey("assistants.id", ondelete="CASCADE")
            ),
            _required(
                "tool_id", sa.Uuid(), sa.ForeignKey("tools.id", ondelete="CASCADE"), index=True
            ),
            sa.Column("sub_assistant_id", sa.Uuid(), sa.ForeignKey("assistants.id"), index=True),
            _required("is_active", sa.Boolean()),
            sa.UniqueConstraint("assistant_id", "tool_id"),
        ),
        "llm_providers": (
            *_record_columns(),
            _required("name", sa.String(255), unique=True),
            _required("base_url", sa.String(2048)),
            sa.Column("encrypted_api_key", sa.String()),
            _required("is_active", sa.Boolean()),
            _required("source", sa.String(16), server_default=sa.text("'administrator'")),
        ),
        "llm_models": (
            *_record_columns(),
            _required("provider_id", sa.Uuid(), sa.ForeignKey("llm_providers.id"), index=True),
            _required("provider_model_name", sa.String(255), unique=True),
            _required("api", sa.String(16)),
            _required("parameters", sa.JSON()),
            _required("capabilities", sa.JSON()),
            sa.Column("input_price", sa.Numeric(12, 6)),
            sa.Column("cached_input_price", sa.Numeric(12, 6)),
            sa.Column("output_price", sa.Numeric(12, 6)),
            _required("is_user_selectable", sa.Boolean(), server_default=sa.text("false")),
            _required("is_active", sa.Boolean()),
        ),
        "secrets": (
            *_record_columns(),
            _required("name", sa.String(64), unique=True),
            _required("origin", sa.String(2048)),
            _required("encrypted_value", sa.String()),
        ),
        "versions": (
            _id_column(),
            _required("object_type", sa.String(16)),
            _required("object_id", sa.Uuid()),
            _required("number", sa.Integer()),
            _required("configuration_version", sa.Integer()),
            sa.Column("caller", sa.String(16)),
            sa.Column("request_id", sa.String(128)),
            sa.Column("content", NULLABLE_JSON),
            sa.Column("restored_from", sa.Integer()),
            _required("created_at", TIMESTAMP),
            sa.UniqueConstraint("object_id", "number"),
        ),
    }


def _user_tables() -> Tables:
    """Users and what belongs to them."""
    return {
        "users": (
            *_record_columns(),
            _required("telegram_id", sa.BigInteger(), unique=True),
            _required("first_name", sa.String(255)),
            sa.Column("username", sa.String(255)),
            sa.Column("language_code", sa.String(35)),
            sa.Column("language", sa.String(8)),
            sa.Column("timezone", sa.String(64)),
            sa.Column("assistant_id", sa.Uuid(), sa.ForeignKey("assistants.id"), index=True),
            sa.Column("model", sa.String(255)),
            _required("rich_messages", sa.Boolean(), server_default=sa.text("true")),
            _required("role", sa.String(16)),
            _required("status", sa.String(16)),
            _required("is_invited", sa.Boolean()),
            sa.Column("daily_budget", sa.Numeric(12, 6)),
            _required(
                "version", sa.BigInteger(), server_default=sa.text("nextval('user_version')")
            ),
        ),
        "invites": (
            _id_column(),
            _required("code_hash", sa.String(64), unique=True),
            _required("role", sa.String(16)),
            _required("expires_at", TIMESTAMP),
            sa.Column("used_at", TIMESTAMP),
            sa.Column("used_by", sa.BigInteger()),
        ),
        "user_assistant_threads": (
            *_record_columns(),
            _required("user_id", sa.Uuid()),
            _required("assistant_id", sa.Uuid()),
            _required("thread_id", sa.Uuid()),
            _required("last_used_at", TIMESTAMP),
            sa.UniqueConstraint("user_id", "assistant_id"),
        ),
        "deleted_threads": (sa.Column("thread_id", sa.Uuid(), primary_key=True),),
        "cron_jobs": (
            *_record_columns(),
            _user_column(index=True),
            _required("type", sa.String(16)),
            _required("name", sa.String(255)),
            _required("text", sa.String()),
            sa.Column("at", TIMESTAMP),
            sa.Column("cron_expression", sa.String(255)),
            _required("timezone", sa.String(64)),
            _required("chat_id", sa.BigInteger()),
            sa.Column("bot_id", sa.BigInteger()),
            _required("priority", sa.String(16)),
            _required("is_active", sa.Boolean()),
            sa.Column("next_fire_at", TIMESTAMP),
            sa.Index("ix_cron_jobs_due", "next_fire_at", postgresql_where=sa.text("is_active")),
        ),
        "cron_job_runs": (
            _id_column(),
            _required("job_id", sa.Uuid(), sa.ForeignKey("cron_jobs.id", ondelete="CASCADE")),
            _required("scheduled_for", TIMESTAMP),
            _required("state", sa.String(16)),
            _required("claimed_at", TIMESTAMP),
            sa.Column("dispatched_at", TIMESTAMP),
            sa.Column("done_at", TIMESTAMP),
            sa.UniqueConstraint("job_id", "scheduled_for"),
            sa.Index(
                "ix_cron_job_runs_claimed",
                "claimed_at",
                postgresql_where=sa.text("state = 'claimed'"),
            ),
        ),
        "tasks": (
            *_record_columns(),
            _user_column(),
            _required("title", sa.String(500)),
            _required("status", sa.String(16)),
            sa.Column("due_at", TIMESTAMP),
            _required("priority", sa.String(16)),
            sa.Column("completed_at", TIMESTAMP),
            sa.Index(None, "user_id", "due_at", "created_at"),
            sa.Index(None, "user_id", "status", "due_at", "created_at"),
        ),
        "calendar_events": (
            *_record_columns(),
            _user_column(),
            _required("title", sa.String(255)),
            _required("starts_at", TIMESTAMP),
            _required("ends_at", TIMESTAMP),
            _required("timezone", sa.String(64)),
            _required("is_all_day", sa.Boolean()),
            _required("description", sa.String()),
            _required("location", sa.String(1024)),
            _required("attendees", sa.JSON()),
            sa.Column("google_event_id", sa.String(1024)),
            sa.Index(None, "user_id", "starts_at", "ends_at"),
        ),
    }


def _history_tables() -> Tables:
    """What was said, done and spent. These rows outlive the records they name: no foreign keys."""
    return {
        "messages": (
            _id_column(),
            _required("thread_id", sa.Uuid()),
            _required("user_id", sa.Uuid()),
            _required("assistant_id", sa.Uuid()),
            _required("message_id", sa.String(255)),
            _required("position", sa.Integer()),
            _required("role", sa.String(16)),
            _required("content", sa.String()),
            _required("payload", sa.JSON()),
            _required("is_in_context", sa.Boolean()),
            _required("created_at", TIMESTAMP),
            _required("turn_started_at", TIMESTAMP),
            sa.UniqueConstraint("message_id", "position"),
            sa.Index(None, "thread_id", "turn_started_at", "position"),
            sa.Index(None, "user_id", "turn_started_at"),
        ),
        "turns": (
            sa.Column("message_id", sa.String(255), primary_key=True),
            _required("user_id", sa.Uuid()),
            _required("assistant_id", sa.Uuid()),
            _required("thread_id", sa.Uuid(), index=True),
            _required("configuration_version", sa.Integer()),
            _required("status", sa.String(16)),
            _required("steps", sa.JSON()),
            _required("prompt_tokens", sa.BigInteger()),
            _required("completion_tokens", sa.BigInteger()),
            sa.Column("cost", sa.Numeric()),
            _required("started_at", TIMESTAMP),
            _required("finished_at", TIMESTAMP),
            sa.Index(None, "user_id", "started_at"),
        ),
        "usage": (
            _id_column(),
            _required("message_id", sa.String(255)),
            _required("step", sa.String(255)),
            _required("user_id", sa.Uuid()),
            _required("assistant_id", sa.Uuid()),
            _required("thread_id", sa.Uuid()),
            _required("model", sa.String(255)),
            _required("provider", sa.String(255)),
            _required("prompt_tokens", sa.BigInteger()),
            _required("cached_tokens", sa.BigInteger()),
            _required("completion_tokens", sa.BigInteger()),
            sa.Column("cost", sa.Numeric()),
            _required("seconds", sa.Float()),
            _required("created_at", TIMESTAMP, index=True),
            sa.UniqueConstraint("message_id", "step"),
            sa.Index(None, "assistant_id", "created_at"),
            sa.Index(None, "model", "created_at"),
            sa.Index(None, "provider", "created_at"),
            sa.Index(None, "user_id", "created_at"),
        ),
        "effects": (
            _id_column(),
            _required("user_id", sa.Uuid()),
            _required("kind", sa.String(64)),
            sa.Column("before", NULLABLE_JSON),
            sa.Column("after", NULLABLE_JSON),
            sa.Column("reversal", NULLABLE_JSON),
            sa.Column("undoes", sa.Uuid(), unique=True),
            _required("message_id", sa.String(255)),
            _required("step", sa.String(255)),
            _required("created_at", TIMESTAMP),
            sa.Index(None, "message_id", "step"),
            sa.Index(None, "user_id", "created_at"),
        ),
        "audit_log": (
            _id_column(),
            _required("caller", sa.String(16)),
            sa.Column("user_id", sa.Uuid()),
            _required("action", sa.String(64)),
            _required("object_type", sa.String(64)),
            sa.Column("object_id", sa.Uuid()),
            _required("path", sa.String()),
            _required("result", sa.String(16)),
            _required("status", sa.Integer()),
            sa.Column("request_id", sa.String(128)),
            sa.Column("after", NULLABLE_JSON),
            _required("suppressed_count", sa.Integer(), server_default="0"),
            _required("created_at", TIMESTAMP, index=True),
            sa.Index(None, "object_id", "created_at"),
            sa.Index(
                "ix_audit_log_refused", "created_at", postgresql_where=sa.text("result = 'refused'")
            ),
            sa.Index(None, "user_id", "created_at"),
        ),
        "idempotency_keys": (
            _id_column(),
            sa.Column("owner_id", sa.Uuid()),
            _required("key", sa.String(255)),
            _required("fingerprint", sa.String(64)),
            sa.Column("response", NULLABLE_JSON),
            _required("created_at", TIMESTAMP),
            sa.UniqueConstraint("owner_id", "key", postgresql_nulls_not_distinct=True),
        ),
    }


def _create_triggers() -> None:
    """Triggers raise the versions with every change, however it is made, and protect the log."""
    for function in (COUNT_CONFIGURATION, COUNT_USER, COUNT_THREAD, KEEP_AUDIT_LOG):
        op.execute(function)
    for table in CONFIGURATION_TABLES:
        op.execute(
            f"CREATE TRIGGER count_{table} AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION count_configuration()"
        )
    for name, event, level, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {event} FOR EACH {level} EXECUTE FUNCTION {function}()")
