"""Store: what numbers say. Detections, turns of the detectors, vulnerability of items."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from ews.model import Detection, DetectorTurn, Vulnerability
from ews.storage import schema
from ews.storage.codec import Row
from ews.storage.transactions import Transactions, batches

DETECTION = Row(Detection, schema.detections)
TURN = Row(DetectorTurn, schema.detector_turns)
VULNERABILITY = Row(Vulnerability, schema.vulnerabilities)


class SaidStore(Transactions):
    # ----- detections

    def save_detections(self, found: Sequence[Detection]) -> None:
        """Keep detections; one that is there already stays as it was first seen."""
        self._insert_new(schema.detections, [DETECTION.write(d, id=d.id) for d in found])

    def detections(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        series: Collection[str] | None = None,
        event_id: str | None = None,
        limit: int | None = None,
    ) -> list[Detection]:
        """Detections found in [since, until), newest first."""
        table = schema.detections
        where: list[sa.ColumnElement[bool]] = []
        if since is not None:
            where.append(table.c.found_at >= since)
        if until is not None:
            where.append(table.c.found_at < until)
        if event_id is not None:
            where.append(table.c.event_id == event_id)
        query = sa.select(*DETECTION.columns)
        found: list[Detection] = []
        with self._read() as connection:
            for batch in [None] if series is None else batches(dict.fromkeys(series)):
                inside = [] if batch is None else [table.c.series.in_(batch)]
                order = query.where(*where, *inside).order_by(table.c.found_at.desc(), table.c.id)
                found += [DETECTION.read(row) for row in connection.execute(order.limit(limit))]
        return sorted(found, key=lambda d: (d.found_at, d.id), reverse=True)[:limit]

    def save_turns(self, turns: Sequence[DetectorTurn]) -> None:
        self._insert_new(schema.detector_turns, [TURN.write(turn) for turn in turns])

    def turns(self, since: datetime, until: datetime) -> list[DetectorTurn]:
        """Turns of the detectors in [since, until), oldest first."""
        table = schema.detector_turns
        query = sa.select(*TURN.columns).where(table.c.at >= since, table.c.at < until)
        with self._read() as connection:
            rows = connection.execute(query.order_by(table.c.at, table.c.detector))
            return [TURN.read(row) for row in rows]

    # ----- vulnerability

    def save_vulnerabilities(self, rows: Sequence[Vulnerability]) -> None:
        """Keep the indices of a month, in place of those computed for it before."""
        self._upsert(schema.vulnerabilities, [VULNERABILITY.write(row) for row in rows])

    def vulnerability_months(self) -> list[datetime]:
        """Months that have indices, oldest first."""
        query = sa.select(schema.vulnerabilities.c.month).distinct()
        with self._read() as connection:
            return sorted(connection.scalars(query))

    def newest_vulnerabilities(self, until: datetime | None = None) -> list[Vulnerability]:
        """The newest row of each item, of months up to `until`; in the order of `vulnerabilities`."""
        table = schema.vulnerabilities
        newest = sa.select(table.c.item, sa.func.max(table.c.month).label("month"))
        if until is not None:
            newest = newest.where(table.c.month <= until)
        last = newest.group_by(table.c.item).subquery()
        same = (table.c.item == last.c.item) & (table.c.month == last.c.month)
        with self._read() as connection:
            rows = connection.execute(sa.select(*VULNERABILITY.columns).join(last, same))
            found = [VULNERABILITY.read(row) for row in rows]
        return sorted(found, key=lambda v: (v.score is None, -(v.score or 0), v.item))

    def vulnerabilities(
        self, month: datetime | None = None, items: Collection[str] | None = None
    ) -> list[Vulnerability]:
        """Indices of one month (or of all), the largest score first, unknown last."""
        table = schema.vulnerabilities
        where = [] if month is None else [table.c.month == month]
        found: list[Vulnerability] = []
        with self._read() as connection:
            for batch in [None] if items is None else batches(dict.fromkeys(items)):
                inside = [] if batch is None else [table.c.item.in_(batch)]
                query = sa.select(*VULNERABILITY.columns).where(*where, *inside)
                found += [VULNERABILITY.read(row) for row in connection.execute(query)]
        return sorted(found, key=lambda v: (v.score is None, -(v.score or 0), v.item, v.month))
