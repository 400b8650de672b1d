"""Store: what a backtest plays. Revisions of a period, when they were detected, how much came in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from ews.model import Event
from ews.storage import schema
from ews.storage.events import EVENT
from ews.storage.schema_base import EPOCH
from ews.storage.transactions import Transactions, batches
from ews.storage.value_rows import DAY


@dataclass(frozen=True, slots=True)
class Kept:
    """One revision of an event, as first saved."""

    event_id: str
    revision: int
    at: datetime  # of its newest evidence
    event: str  # JSON of the event


class TapeStore(Transactions):
    def revisions(self, since: datetime, until: datetime) -> list[Kept]:
        """Revisions of events recorded in [since, until), oldest first."""
        table = schema.event_revisions
        query = (
            sa.select(table.c.event_id, table.c.revision, table.c.recorded_at, table.c.event)
            .where(table.c.recorded_at >= since, table.c.recorded_at < until)
            .order_by(table.c.recorded_at, table.c.event_id, table.c.revision)
        )
        with self._read() as connection:
            return [Kept(*row) for row in connection.execute(query)]

    def heard(self, since: datetime) -> dict[str, datetime]:
        """When each event that was heard of at or after `since` was heard of last."""
        table = schema.events
        query = sa.select(table.c.id, table.c.seen_at).where(table.c.seen_at >= since)
        with self._read() as connection:
            return {id_: at for id_, at in connection.execute(query)}

    def rows_of_events(self, ids: Collection[str]) -> list[Event]:
        """Events as they are now, in the order of their ids."""
        found = []
        with self._read() as connection:
            for batch in batches(sorted(ids)):
                query = sa.select(*EVENT.columns).where(schema.events.c.id.in_(batch))
                rows = connection.execute(query.order_by(schema.events.c.id))
                found += [EVENT.read(row) for row in rows]
        return found

    def detected(self, since: datetime, until: datetime) -> dict[datetime, set[datetime]]:
        """For each moment at which articles came in [since, until): when they were detected."""
        table = schema.articles
        query = sa.select(table.c.available_at, table.c.detected_at).where(
            table.c.available_at >= since, table.c.available_at < until,
            table.c.detected_at.is_not(None),
        )  # fmt: skip
        found: dict[datetime, set[datetime]] = {}
        with self._read() as connection:
            for came, done in connection.execute(query.distinct()):
                found.setdefault(came, set()).add(done)
        return found

    def collected(self, since: datetime, until: datetime) -> dict[date, int]:
        """Articles and figures that became known on each UTC day of [since, until)."""
        counts: dict[date, int] = {}
        with self._read() as connection:
            for table in (schema.articles, schema.series_values):
                day = sa.type_coerce(table.c.available_at, sa.BigInteger) // DAY
                query = sa.select(day, sa.func.count()).where(
                    table.c.available_at >= since, table.c.available_at < until
                )
                for number, count in connection.execute(query.group_by(day)):
                    on = (EPOCH + timedelta(days=number)).date()
                    counts[on] = counts.get(on, 0) + count
        return dict(sorted(counts.items()))
