"""The audit log cannot be truncated; what was refused a while ago may go."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEEP_ALL = """
CREATE OR REPLACE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to';
END $$
"""

KEEP_WHAT_WAS_DONE = """
CREATE OR REPLACE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
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
    op.add_column(
        "audit_log", sa.Column("left_out", sa.Integer(), server_default="0", nullable=False)
    )
    op.create_index(
        "ix_audit_log_refused",
        "audit_log",
        ["created_at"],
        postgresql_where=sa.text("result = 'refused'"),
    )
    op.execute(KEEP_WHAT_WAS_DONE)
    op.execute(
        "CREATE TRIGGER keep_whole_audit_log BEFORE TRUNCATE ON audit_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_whole_audit_log ON audit_log")
    op.execute(KEEP_ALL)
    op.drop_index("ix_audit_log_refused", table_name="audit_log")
    op.drop_column("audit_log", "left_out")
