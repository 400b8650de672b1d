"""What came of each source in a quarter of a day."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

COUNTS = ("turns", "unchanged", "failed", "texts", "figures", "new_texts", "new_figures")


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.PrimaryKeyConstraint("source", "at", name=op.f("pk_tallies")),
    )
    op.create_index("ix_tallies_at", "tallies", ["at"])
