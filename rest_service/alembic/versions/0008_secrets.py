"""Secrets that rest tools name."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
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
    op.execute(
        "CREATE TRIGGER count_secrets AFTER INSERT OR UPDATE OR DELETE ON secrets"
        " FOR EACH STATEMENT EXECUTE FUNCTION count_configuration()"
    )


def downgrade() -> None:
    op.drop_table("secrets")
