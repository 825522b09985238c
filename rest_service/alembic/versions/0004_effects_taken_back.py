"""Effects that take back another one."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("effects", sa.Column("undoes", sa.Uuid(), nullable=True))
    op.create_unique_constraint("uq_effects_undoes", "effects", ["undoes"])


def downgrade() -> None:
    op.drop_constraint("uq_effects_undoes", "effects", type_="unique")
    op.drop_column("effects", "undoes")
