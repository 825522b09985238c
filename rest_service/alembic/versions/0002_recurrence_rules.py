"""Recurrence rules and local times of jobs, what becomes of their runs, and the clock."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002_recurrence_rules"
down_revision: str | None = "0001_initial_schema"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TIMESTAMP = sa.DateTime(timezone=True)


def _list_columns() -> dict[str, tuple[sa.Column[object], ...]]:
    return {
        "cron_jobs": (
            sa.Column("local_at", sa.DateTime()),
            sa.Column("rrule", sa.String(255)),
            sa.Column("last_fired_at", TIMESTAMP),
        ),
        "cron_job_runs": (
            sa.Column("reason", sa.String(255)),
            sa.Column("missed_count", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("first_missed_at", TIMESTAMP),
            sa.Column("is_skipped", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("acknowledged_at", TIMESTAMP),
            sa.Column("snoozed_job_id", sa.Uuid()),
        ),
    }


def upgrade() -> None:
    """Add the columns and the row of the clock."""
    for table, columns in _list_columns().items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "clock_state",
        sa.Column("id", sa.SmallInteger(), primary_key=True),
        sa.Column("offset_seconds", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("tzdata_version", sa.String(32)),
        sa.CheckConstraint("id = 1", name="ck_clock_state_single_row"),
    )
    op.execute("INSERT INTO clock_state (id) VALUES (1)")


def downgrade() -> None:
    """Remove them. Jobs with a rule are deleted, because 0.1.0 cannot fire them."""
    op.drop_table("clock_state")
    op.execute("DELETE FROM cron_jobs WHERE rrule IS NOT NULL")
    for table, columns in _list_columns().items():
        for column in columns:
            op.drop_column(table, column.name)
