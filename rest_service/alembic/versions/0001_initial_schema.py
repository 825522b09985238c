"""The schema of version 0.1.0, as one migration. From that version on migrations are only added."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001_initial_schema"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = (
    "assistants",
    "audit_log",
    "configuration",
    "deleted_threads",
    "effects",
    "idempotency_keys",
    "invites",
    "llm_providers",
    "messages",
    "secrets",
    "turns",
    "usage",
    "user_assistant_threads",
    "versions",
    "llm_models",
    "tools",
    "users",
    "assistant_tool_link",
    "calendar_events",
    "cron_jobs",
    "tasks",
    "cron_job_runs",
)
"""In the order in which their foreign keys can be created."""

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


def upgrade() -> None:
    op.execute("CREATE SEQUENCE user_version")
    _create_assistants()
    _create_audit_log()
    _create_configuration()
    _create_deleted_threads()
    _create_effects()
    _create_idempotency_keys()
    _create_invites()
    _create_llm_providers()
    _create_messages()
    _create_secrets()
    _create_turns()
    _create_usage()
    _create_user_assistant_threads()
    _create_versions()
    _create_llm_models()
    _create_tools()
    _create_users()
    _create_assistant_tool_link()
    _create_calendar_events()
    _create_cron_jobs()
    _create_tasks()
    _create_cron_job_runs()
    _create_version_triggers()
    _create_audit_log_triggers()
    op.execute("INSERT INTO configuration (id, version) VALUES (1, 0)")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for function in ("count_configuration", "count_user", "count_thread", "keep_audit_log"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP SEQUENCE user_version")


def _create_version_triggers() -> None:
    """Versions rise with every change, whatever makes it: no code has to remember it."""
    for function in (COUNT_CONFIGURATION, COUNT_USER, COUNT_THREAD):
        op.execute(function)
    for table in CONFIGURATION_TABLES:
        op.execute(
            f"CREATE TRIGGER count_{table} AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION count_configuration()"
        )
    op.execute(
        "CREATE TRIGGER count_users BEFORE UPDATE ON users"
        " FOR EACH ROW EXECUTE FUNCTION count_user()"
    )
    op.execute(
        "CREATE TRIGGER count_threads AFTER INSERT OR UPDATE OF thread_id OR DELETE"
        " ON user_assistant_threads FOR EACH ROW EXECUTE FUNCTION count_thread()"
    )


def _create_audit_log_triggers() -> None:
    """Entries are only added; refusals may be deleted after 30 days."""
    op.execute(KEEP_AUDIT_LOG)
    op.execute(
        "CREATE TRIGGER keep_audit_log BEFORE UPDATE OR DELETE ON audit_log"
        " FOR EACH ROW EXECUTE FUNCTION keep_audit_log()"
    )
    op.execute(
        "CREATE TRIGGER keep_whole_audit_log BEFORE TRUNCATE ON audit_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log()"
    )


def _create_assistants() -> None:
    op.create_table(
        "assistants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("is_secretary", sa.Boolean(), nullable=False),
        sa.Column("model", sa.String(255), nullable=True),
        sa.Column("fallback_models", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("instructions", sa.String(), nullable=False),
        sa.Column("assistant_type", sa.String(length=50), nullable=False),
        sa.Column("temperature", sa.Float(), nullable=True),
        sa.Column("max_output_tokens", sa.Integer(), nullable=True),
        sa.Column("max_tool_calls", sa.Integer(), nullable=True),
        sa.Column("max_context_messages", sa.Integer(), nullable=True),
        sa.Column("max_context_length", sa.Integer(), nullable=True),
        sa.Column("openai_assistant_id", sa.String(255), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_assistants"),
        sa.UniqueConstraint("name", name="uq_assistants_name"),
    )


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("caller", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("object_type", sa.String(64), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(128), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("suppressed_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_created_at", "audit_log", ["created_at"])
    op.create_index("ix_audit_log_object_id_created_at", "audit_log", ["object_id", "created_at"])
    op.create_index(
        "ix_audit_log_refused",
        "audit_log",
        ["created_at"],
        postgresql_where=sa.text("result = 'refused'"),
    )
    op.create_index("ix_audit_log_user_id_created_at", "audit_log", ["user_id", "created_at"])


def _create_configuration() -> None:
    op.create_table(
        "configuration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_configuration"),
    )


def _create_deleted_threads() -> None:
    op.create_table(
        "deleted_threads",
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", name="pk_deleted_threads"),
    )


def _create_effects() -> None:
    op.create_table(
        "effects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reversal", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("undoes", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("step", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_effects"),
        sa.UniqueConstraint("undoes", name="uq_effects_undoes"),
    )
    op.create_index("ix_effects_message_id_step", "effects", ["message_id", "step"])
    op.create_index("ix_effects_user_id_created_at", "effects", ["user_id", "created_at"])


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("response", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_idempotency_keys"),
        sa.UniqueConstraint(
            "owner_id",
            "key",
            name="uq_idempotency_keys_owner_id_key",
            postgresql_nulls_not_distinct=True,
        ),
    )


def _create_invites() -> None:
    op.create_table(
        "invites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_invites"),
        sa.UniqueConstraint("code_hash", name="uq_invites_code_hash"),
    )


def _create_llm_providers() -> None:
    op.create_table(
        "llm_providers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("base_url", sa.String(2048), nullable=False),
        sa.Column("encrypted_api_key", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "source",
            sa.String(length=16),
            server_default=sa.text("'administrator'"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_llm_providers"),
        sa.UniqueConstraint("name", name="uq_llm_providers_name"),
    )


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("assistant_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("is_in_context", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("turn_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("message_id", "position", name="uq_messages_message_id_position"),
    )
    op.create_index(
        "ix_messages_thread_id_turn_started_at_position",
        "messages",
        ["thread_id", "turn_started_at", "position"],
    )
    op.create_index(
        "ix_messages_user_id_turn_started_at", "messages", ["user_id", "turn_started_at"]
    )


def _create_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(2048), nullable=False),
        sa.Column("encrypted_value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_secrets"),
        sa.UniqueConstraint("name", name="uq_secrets_name"),
    )


def _create_turns() -> None:
    op.create_table(
        "turns",
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("assistant_id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("configuration_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Numeric(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_turns"),
    )
    op.create_index("ix_turns_thread_id", "turns", ["thread_id"])
    op.create_index("ix_turns_user_id_started_at", "turns", ["user_id", "started_at"])


def _create_usage() -> None:
    op.create_table(
        "usage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("step", sa.String(255), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("assistant_id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("provider", sa.String(255), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Numeric(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage"),
        sa.UniqueConstraint("message_id", "step", name="uq_usage_message_id_step"),
    )
    op.create_index("ix_usage_assistant_id_created_at", "usage", ["assistant_id", "created_at"])
    op.create_index("ix_usage_created_at", "usage", ["created_at"])
    op.create_index("ix_usage_model_created_at", "usage", ["model", "created_at"])
    op.create_index("ix_usage_provider_created_at", "usage", ["provider", "created_at"])
    op.create_index("ix_usage_user_id_created_at", "usage", ["user_id", "created_at"])


def _create_user_assistant_threads() -> None:
    op.create_table(
        "user_assistant_threads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("assistant_id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_assistant_threads"),
        sa.UniqueConstraint(
            "user_id", "assistant_id", name="uq_user_assistant_threads_user_id_assistant_id"
        ),
    )


def _create_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("object_type", sa.String(16), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("configuration_version", sa.Integer(), nullable=False),
        sa.Column("caller", sa.String(length=16), nullable=True),
        sa.Column("request_id", sa.String(128), nullable=True),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("restored_from", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
        sa.UniqueConstraint("object_id", "number", name="uq_versions_object_id_number"),
    )


def _create_llm_models() -> None:
    op.create_table(
        "llm_models",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("provider_model_name", sa.String(255), nullable=False),
        sa.Column("api", sa.String(length=16), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("capabilities", sa.JSON(), nullable=False),
        sa.Column("input_price", sa.Numeric(precision=12, scale=6), nullable=True),
        sa.Column("cached_input_price", sa.Numeric(precision=12, scale=6), nullable=True),
        sa.Column("output_price", sa.Numeric(precision=12, scale=6), nullable=True),
        sa.Column(
            "is_user_selectable", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["llm_providers.id"], name="fk_llm_models_provider_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_llm_models"),
        sa.UniqueConstraint("provider_model_name", name="uq_llm_models_provider_model_name"),
    )
    op.create_index("ix_llm_models_provider_id", "llm_models", ["provider_id"])


def _create_tools() -> None:
    op.create_table(
        "tools",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("tool_type", sa.String(length=50), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("input_schema", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("assistant_id", sa.Uuid(), nullable=True),
        sa.Column("http_call", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("effect_class", sa.String(length=16), nullable=True),
        sa.Column("cache_seconds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["assistant_id"], ["assistants.id"], name="fk_tools_assistant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tools"),
        sa.UniqueConstraint("name", name="uq_tools_name"),
    )
    op.create_index("ix_tools_assistant_id", "tools", ["assistant_id"])


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("first_name", sa.String(255), nullable=False),
        sa.Column("username", sa.String(255), nullable=True),
        sa.Column("language_code", sa.String(35), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("timezone", sa.String(64), nullable=True),
        sa.Column("assistant_id", sa.Uuid(), nullable=True),
        sa.Column("model", sa.String(255), nullable=True),
        sa.Column("rich_messages", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("is_invited", sa.Boolean(), nullable=False),
        sa.Column("daily_budget", sa.Numeric(precision=12, scale=6), nullable=True),
        sa.Column(
            "version",
            sa.BigInteger(),
            server_default=sa.text("nextval('user_version')"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["assistant_id"], ["assistants.id"], name="fk_users_assistant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("telegram_id", name="uq_users_telegram_id"),
    )
    op.create_index("ix_users_assistant_id", "users", ["assistant_id"])


def _create_assistant_tool_link() -> None:
    op.create_table(
        "assistant_tool_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assistant_id", sa.Uuid(), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("sub_assistant_id", sa.Uuid(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assistant_id"],
            ["assistants.id"],
            name="fk_assistant_tool_link_assistant_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sub_assistant_id"], ["assistants.id"], name="fk_assistant_tool_link_sub_assistant_id"
        ),
        sa.ForeignKeyConstraint(
            ["tool_id"], ["tools.id"], name="fk_assistant_tool_link_tool_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_assistant_tool_link"),
        sa.UniqueConstraint(
            "assistant_id", "tool_id", name="uq_assistant_tool_link_assistant_id_tool_id"
        ),
    )
    op.create_index(
        "ix_assistant_tool_link_sub_assistant_id", "assistant_tool_link", ["sub_assistant_id"]
    )
    op.create_index("ix_assistant_tool_link_tool_id", "assistant_tool_link", ["tool_id"])


def _create_calendar_events() -> None:
    op.create_table(
        "calendar_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("is_all_day", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("location", sa.String(1024), nullable=False),
        sa.Column("attendees", sa.JSON(), nullable=False),
        sa.Column("google_event_id", sa.String(1024), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_calendar_events_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_events"),
    )
    op.create_index(
        "ix_calendar_events_user_id_starts_at_ends_at",
        "calendar_events",
        ["user_id", "starts_at", "ends_at"],
    )


def _create_cron_jobs() -> None:
    op.create_table(
        "cron_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cron_expression", sa.String(255), nullable=True),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("next_fire_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_cron_jobs_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cron_jobs"),
    )
    op.create_index(
        "ix_cron_jobs_due", "cron_jobs", ["next_fire_at"], postgresql_where=sa.text("is_active")
    )
    op.create_index("ix_cron_jobs_user_id", "cron_jobs", ["user_id"])


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_tasks_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
    )
    op.create_index(
        "ix_tasks_user_id_due_at_created_at", "tasks", ["user_id", "due_at", "created_at"]
    )
    op.create_index(
        "ix_tasks_user_id_status_due_at_created_at",
        "tasks",
        ["user_id", "status", "due_at", "created_at"],
    )


def _create_cron_job_runs() -> None:
    op.create_table(
        "cron_job_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("scheduled_for", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["cron_jobs.id"], name="fk_cron_job_runs_job_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cron_job_runs"),
        sa.UniqueConstraint(
            "job_id", "scheduled_for", name="uq_cron_job_runs_job_id_scheduled_for"
        ),
    )
    op.create_index(
        "ix_cron_job_runs_claimed",
        "cron_job_runs",
        ["claimed_at"],
        postgresql_where=sa.text("state = 'claimed'"),
    )
