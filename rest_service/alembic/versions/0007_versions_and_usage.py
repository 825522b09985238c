"""Every version of assistants and tools; what each answer of a model cost."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TOKENS = ("prompt_tokens", "completion_tokens")
ASKED_BY = ("user_id", "assistant_id", "model", "provider")

FIRST_VERSIONS_OF_ASSISTANTS = """
INSERT INTO versions
    (id, object_type, object_id, number, configuration_version, content, created_at)
SELECT gen_random_uuid(), 'assistants', assistants.id, 1, configuration.version,
    json_build_object(
        'name', name,
        'is_secretary', is_secretary,
        'model', model,
        'fallback_models', fallback_models,
        'instructions', instructions,
        'assistant_type', assistant_type,
        'temperature', temperature,
        'max_output_tokens', max_output_tokens,
        'max_tool_calls', max_tool_calls,
        'max_context_messages', max_context_messages,
        'max_context_length', max_context_length,
        'openai_assistant_id', openai_assistant_id,
        'is_active', is_active,
        'tools', (
            SELECT coalesce(json_agg(json_build_object(
                'tool_id', link.tool_id,
                'name', tools.name,
                'sub_assistant_id', link.sub_assistant_id,
                'is_active', link.is_active
            ) ORDER BY tools.name COLLATE "C"), '[]'::json)
            FROM assistant_tool_link AS link JOIN tools ON tools.id = link.tool_id
            WHERE link.assistant_id = assistants.id
        )
    ),
    now()
FROM assistants, configuration
"""
FIRST_VERSIONS_OF_TOOLS = """
INSERT INTO versions
    (id, object_type, object_id, number, configuration_version, content, created_at)
SELECT gen_random_uuid(), 'tools', tools.id, 1, configuration.version,
    json_build_object(
        'name', name,
        'tool_type', tool_type,
        'description', description,
        'input_schema', input_schema,
        'assistant_id', assistant_id,
        'http_call', http_call,
        'effect_class', effect_class,
        'cache_seconds', cache_seconds,
        'is_active', is_active
    ),
    now()
FROM tools, configuration
"""


def upgrade() -> None:
    _create_versions()
    op.execute(FIRST_VERSIONS_OF_ASSISTANTS)
    op.execute(FIRST_VERSIONS_OF_TOOLS)
    op.add_column("turns", sa.Column("cost", sa.Numeric(), nullable=True))
    for column in TOKENS:
        op.alter_column("turns", column, type_=sa.BigInteger())
    _create_usage()


def downgrade() -> None:
    op.drop_table("usage")
    for column in TOKENS:
        least = f"least({column}, {2**31 - 1})"
        op.alter_column("turns", column, type_=sa.Integer(), postgresql_using=least)
    op.drop_column("turns", "cost")
    op.drop_table("versions")


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
    op.create_index("ix_usage_created_at", "usage", ["created_at"])
    for one in ASKED_BY:
        op.create_index(f"ix_usage_{one}_created_at", "usage", [one, "created_at"])
