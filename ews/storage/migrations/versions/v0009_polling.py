"""How sources and hosts are polled, and the bodies that came."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    _sources()
    op.create_table(
        "hosts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=True),
        sa.Column("robots", sa.Text(), nullable=True),
        sa.Column("robots_status", sa.Integer(), nullable=True),
        sa.Column("robots_at", sa.BigInteger(), nullable=True),
        sa.Column("more", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_hosts")),
    )
    _raws()


def _sources() -> None:
    with op.batch_alter_table("sources") as table:
        table.add_column(sa.Column("why", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("circuit", sa.String(), nullable=False, server_default="closed"))
        table.add_column(sa.Column("opened_at", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("moved_to", sa.String(), nullable=True))
        table.add_column(sa.Column("moved_at", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("changed_at", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("every_s", sa.Integer(), nullable=True))
        table.add_column(sa.Column("more", sa.Text(), nullable=True))
        table.add_column(sa.Column("memory", sa.Text(), nullable=True))
    with op.batch_alter_table("sources") as table:
        for name in ("why", "failures", "circuit"):
            table.alter_column(name, server_default=None)


def _raws() -> None:
    op.create_table(
        "bodies",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_bodies")),
    )
    op.create_table(
        "raws",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("page", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("parsed", sa.Boolean(), nullable=False),
        sa.Column("more", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sha256"], ["bodies.sha256"], name=op.f("fk_raws_sha256"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source", "at", "page", name=op.f("pk_raws")),
    )
    op.create_index("ix_raws_at", "raws", ["at"])
    op.create_index("ix_raws_sha256", "raws", ["sha256"])
