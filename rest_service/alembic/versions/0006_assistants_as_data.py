"""What models are asked, by whom and at which price; tools that call an address."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COUNTED = ("llm_providers", "llm_models")
PRICES = ("input_price", "cached_input_price", "output_price")
LIMITS = ("max_output_tokens", "max_tool_calls", "max_context_messages", "max_context_length")

THE_ENVIRONMENTS = """
UPDATE llm_providers SET source = 'environment' WHERE id = (
    SELECT id FROM llm_providers
    WHERE updated_at < created_at + interval '1 second' AND NOT EXISTS (
        SELECT FROM audit_log WHERE object_id = llm_providers.id AND action = 'create_provider'
    )
    ORDER BY created_at, id LIMIT 1
)
"""
"""The one that a first start has written by itself, if nobody has changed it since."""
UNTOUCHED = """
DELETE FROM llm_models
WHERE updated_at < created_at + interval '1 second'
    AND parameters::text = '{}' AND capabilities::text = '["tools"]'
    AND NOT EXISTS (
        SELECT FROM audit_log WHERE object_id = llm_models.id AND action = 'create_model'
    )
"""
"""What it has written with it: the next start writes it anew, with what it takes and under the
environment's provider, for until now the environment decided who was asked."""
VISION = """
UPDATE llm_models SET capabilities =
    replace(capabilities::text, '"images"', '"vision"')::json
"""
STREAMED = """
UPDATE llm_models SET capabilities =
    CASE json_array_length(capabilities)
        WHEN 0 THEN '["streaming"]'
        ELSE rtrim(capabilities::text, '] ') || ', "streaming"]'
    END::json
WHERE capabilities::jsonb <> '["embeddings"]'
"""
"""Until now every answer was streamed, whatever a record said; what makes embeddings only, gives
none."""
IMAGES = """
UPDATE llm_models SET capabilities = coalesce(
    (
        SELECT json_agg(CASE one WHEN 'vision' THEN 'images' ELSE one END)
        FROM json_array_elements_text(capabilities) AS one WHERE one <> 'streaming'
    ),
    '[]'::json
)
"""


def upgrade() -> None:
    _widen_llm()
    _widen_assistants()
    _widen_tools()
    op.add_column("users", sa.Column("model", sa.String(255), nullable=True))
    op.add_column("users", sa.Column("daily_budget", sa.Numeric(12, 6), nullable=True))
    for statement in (THE_ENVIRONMENTS, UNTOUCHED, VISION, STREAMED):
        op.execute(statement)
    for table in COUNTED:
        op.execute(
            f"CREATE TRIGGER count_{table} AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION count_configuration()"
        )


def downgrade() -> None:
    for table in COUNTED:
        op.execute(f"DROP TRIGGER count_{table} ON {table}")
    op.execute(IMAGES)
    for column in ("daily_budget", "model"):
        op.drop_column("users", column)
    for column in ("cache_seconds", "effect_class", "http_call"):
        op.drop_column("tools", column)
    for column in (*LIMITS, "temperature", "fallback_models"):
        op.drop_column("assistants", column)
    for column in ("is_choosable", *PRICES):
        op.drop_column("llm_models", column)
    op.drop_column("llm_providers", "source")


def _widen_llm() -> None:
    op.add_column(
        "llm_providers",
        sa.Column(
            "source",
            sa.String(length=16),
            server_default=sa.text("'administrator'"),
            nullable=False,
        ),
    )
    for price in PRICES:
        op.add_column("llm_models", sa.Column(price, sa.Numeric(12, 6), nullable=True))
    op.add_column(
        "llm_models",
        sa.Column("is_choosable", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def _widen_assistants() -> None:
    column = sa.Column("fallback_models", sa.JSON(none_as_null=True), nullable=True)
    op.add_column("assistants", column)
    op.add_column("assistants", sa.Column("temperature", sa.Float(), nullable=True))
    for limit in LIMITS:
        op.add_column("assistants", sa.Column(limit, sa.Integer(), nullable=True))


def _widen_tools() -> None:
    op.add_column("tools", sa.Column("http_call", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("tools", sa.Column("effect_class", sa.String(length=16), nullable=True))
    op.add_column(
        "tools",
        sa.Column("cache_seconds", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
