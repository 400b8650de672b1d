"""Series with their vintages in a narrow table; what the numeric detectors said; vulnerability."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    _series()
    _said()
    _move()
    op.drop_index("ix_observations_undetected", table_name="observations")
    op.drop_index("ix_observations_series", table_name="observations")
    op.drop_table("observations")


def _series() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("provider", "measure", "place")
        ),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("frequency", sa.String(), nullable=True),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("unit", "source", "currency", "classification", "valuation", "title")
        ),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("oldest_period", sa.BigInteger(), nullable=True),
        sa.Column("newest_period", sa.BigInteger(), nullable=True),
        sa.Column("newest_available", sa.BigInteger(), nullable=True),
        sa.Column("saved", sa.Integer(), nullable=False),
        sa.Column("scored", sa.Integer(), nullable=False),
        sa.Column("scored_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("name", name=op.f("uq_series_name")),
    )
    op.create_index("ix_series_item", "series", ["item"])
    op.create_index("ix_series_measure", "series", ["measure"])
    op.create_table(
        "series_values",
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("period", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("calendar", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["series.id"], name=op.f("fk_series_values_series_id")
        ),
        sa.PrimaryKeyConstraint(
            "series_id", "period", "available_at", name=op.f("pk_series_values")
        ),
        sqlite_with_rowid=False,
    )


def _said() -> None:
    op.create_table(
        "detections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("detector", sa.String(), nullable=False),
        sa.Column("period", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("expected", sa.Double(), nullable=True),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("score", "p", "alpha")),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("revised", sa.Boolean(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("more", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detections")),
    )
    for column in ("found_at", "series", "event_id"):
        op.create_index(f"ix_detections_{column}", "detections", [column])
    op.create_table(
        "detector_turns",
        sa.Column("detector", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("tests", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Double(), nullable=False),
        sa.Column("alarms", sa.Integer(), nullable=False),
        sa.Column("more", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("detector", "at", name=op.f("pk_detector_turns")),
    )
    op.create_table(
        "vulnerabilities",
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("month", sa.BigInteger(), nullable=False),
        sa.Column("computed_at", sa.BigInteger(), nullable=False),
        sa.Column("weights", sa.String(), nullable=False),
        sa.Column("indices", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("more", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("item", "month", name=op.f("pk_vulnerabilities")),
    )
    op.create_index("ix_vulnerabilities_month", "vulnerabilities", ["month"])


def _move() -> None:
    """The values of old, each vintage once: a value that was fetched again unchanged is no news."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT series, min(unit), min(source), min(observed_at), max(observed_at), max(available_at), "
            "min(CASE WHEN detected THEN 1 ELSE 0 END) FROM observations GROUP BY series"
        )
    ).all()
    insert = sa.text(
        "INSERT INTO series (id, name, provider, measure, place, item, unit, source, currency, "
        "classification, valuation, title, synthetic, oldest_period, newest_period, "
        "newest_available, saved, "
        "scored, scored_until) VALUES (:id, :name, :provider, :measure, :place, :item, :unit, "
        ":source, '', '', '', '', :synthetic, :oldest, :period, :available, 1, :scored, :until)"
    )
    for number, (name, unit, source, oldest, period, available, seen) in enumerate(rows, start=1):
        provider, measure, place, item = (name.split("/") + ["-"] * 3)[:4]
        connection.execute(
            insert,
            {
                "id": number, "name": name, "provider": provider, "measure": measure,
                "place": place, "item": item, "unit": unit, "source": source, "synthetic": False,
                "oldest": oldest, "period": period, "available": available, "scored": int(bool(seen)),
                "until": available if seen else None,
            },
        )  # fmt: skip
    connection.execute(
        sa.text(
            "INSERT INTO series_values (series_id, period, available_at, value, calendar) "
            "SELECT id, observed_at, available_at, value, 0 FROM (SELECT s.id AS id, "
            "o.observed_at AS observed_at, o.available_at AS available_at, o.value AS value, "
            "lag(o.value) OVER (PARTITION BY o.series, o.observed_at ORDER BY o.available_at, o.id) "
            "AS before FROM observations o JOIN series s ON s.name = o.series) moved "
            "WHERE before IS NULL OR before <> value"
        )
    )
