"""Firms' rows by shape, with the firm's id beside them; viewers with hashed tokens."""

import json
import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "viewers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewers")),
    )
    op.create_index("ix_viewers_digest", "viewers", ["digest"], unique=True)
    op.create_table(
        "firm_files",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("shape", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "shape", name=op.f("pk_firm_files")),
    )
    rows = op.create_table(
        "firm_rows",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("shape", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("firm", sa.String(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "shape", "rank", name=op.f("pk_firm_rows")),
    )
    op.create_index("ix_firm_rows_firm", "firm_rows", ["firm"], unique=False)
    _move(op.get_bind(), rows)
    op.drop_table("firm_links")


def _move(connection: sa.Connection, rows: sa.Table) -> None:
    """Links of before, under the id that carries their owner; their exposures are made anew."""
    found = connection.exec_driver_sql("SELECT owner, rank, link FROM firm_links").all()
    for owner, rank, text in found:
        link = {**json.loads(text)}
        firm, mine = str(link.get("firm", "")), _slug(owner)
        link["firm"] = firm if firm == mine else f"{mine}/{firm}"
        link.pop("owner", None)
        kept = json.dumps(link, ensure_ascii=False, separators=(",", ":"))
        connection.execute(
            sa.insert(rows).values(
                owner=owner, shape="links", rank=rank, firm=link["firm"], row=kept
            )
        )
    connection.exec_driver_sql(
        "INSERT INTO firm_files (owner, shape, digest, rows, imported_at) "
        "SELECT owner, 'links', '', COUNT(*), 0 FROM firm_rows GROUP BY owner"
    )
    connection.exec_driver_sql(
        "UPDATE events SET propagated_revision = 0 WHERE id IN "
        "(SELECT event_id FROM exposures WHERE firm IS NOT NULL)"
    )
    connection.exec_driver_sql("DELETE FROM exposures WHERE firm IS NOT NULL")


def _slug(name: str) -> str:
    """graph.firms.firm_slug as it was in this version."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "-", folded).strip("-")
