"""Threads that are deleted, and the bot that a job was made with."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "deleted_threads",
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", name="pk_deleted_threads"),
    )
    op.add_column("cron_jobs", sa.Column("bot_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("cron_jobs", "bot_id")
    op.drop_table("deleted_threads")
