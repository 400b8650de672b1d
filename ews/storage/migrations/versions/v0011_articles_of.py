"""The texts of a source, newest first, without reading all texts."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_index("ix_articles_source_available_at", "articles", ["source", "available_at"])
