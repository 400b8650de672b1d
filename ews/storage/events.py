"""Store: what happened and whom it touches. Events with every revision, shocks, exposures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from ews.model import Event, EventStatus, Exposure, Shock
from ews.storage import schema
from ews.storage.codec import Row, from_json, to_json
from ews.storage.kept import keep_exposures
from ews.storage.transactions import Transactions, batches

EVENT = Row(Event, schema.events)
SHOCK = Row(Shock, schema.shocks)
EXPOSURE = Row(Exposure, schema.exposures)


class EventStore(Transactions):
    def save_events(self, events: Sequence[Event]) -> None:
        """Insert or replace events, and keep the first saved form of every revision for good.

        An older revision never replaces a newer one. Evidence that makes no new revision changes
        the event but not its revision, so `events_as_of` shows no evidence that came later.
        """
        rows = [
            EVENT.write(
                event,
                seen_at=event.last_seen or event.updated_at,
                propagated_revision=0,
                evaluated_revision=0,
            )
            for event in events
        ]
        revisions = [
            {
                "event_id": event.id,
                "revision": event.revision,
                "recorded_at": event.updated_at,
                "event": to_json(event),
            }
            for event in events
        ]
        progress = ("propagated_revision", "evaluated_revision")
        with self._write() as connection:
            store = self._on(connection)
            store._upsert(schema.events, rows, keep=progress, newer=schema.events.c.revision)
            store._insert_new(schema.event_revisions, revisions)

    def event(self, id: str) -> Event | None:
        return next(iter(self._events(schema.events.c.id == id)), None)

    def events(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        status: EventStatus | None = None,
        limit: int | None = None,
    ) -> list[Event]:
        """Events alive in [since, until): seen at or after `since`, first seen before `until`.

        Newest seen first.
        """
        table = schema.events
        where: list[ColumnElement[bool]] = []
        if since is not None:
            where.append(table.c.seen_at >= since)
        if until is not None:
            where.append(table.c.first_seen < until)
        if status is not None:
            where.append(table.c.status == status.value)
        return self._events(*where, order=table.c.seen_at.desc(), limit=limit)

    def events_of(self, ids: Collection[str]) -> dict[str, Event]:
        """Events by id; an unknown id is absent."""
        found: dict[str, Event] = {}
        for batch in batches(dict.fromkeys(ids)):
            found.update((event.id, event) for event in self._events(schema.events.c.id.in_(batch)))
        return found

    def events_on_record(self, ids: Collection[str]) -> dict[str, Event]:
        """Events by id, in that order, as their newest revision was first saved; an unknown id is
        absent."""
        events, kept = schema.events, schema.event_revisions
        newest = (kept.c.event_id == events.c.id) & (kept.c.revision == events.c.revision)
        query = sa.select(events.c.id, kept.c.event).join(kept, newest)
        found: dict[str, Event] = {}
        with self._read() as connection:
            for batch in batches(dict.fromkeys(ids)):
                rows = connection.execute(query.where(events.c.id.in_(batch)))
                found |= {id_: from_json(Event, text) for id_, text in rows}
        return {id_: found[id_] for id_ in dict.fromkeys(ids) if id_ in found}

    def open_events(self, since: datetime) -> list[Event]:
        """Events neither closed nor dismissed, seen at or after `since`, oldest first."""
        table = schema.events
        return self._events(schema.OPEN_EVENT, table.c.seen_at >= since, order=table.c.first_seen)

    def events_as_of(self, at: datetime) -> list[Event]:
        """Every event as it was known at `at`: its newest revision recorded by then."""
        table = schema.event_revisions
        known = (
            sa.select(table.c.event_id, sa.func.max(table.c.revision).label("revision"))
            .where(table.c.recorded_at <= at)
            .group_by(table.c.event_id)
            .subquery()
        )
        newest = (table.c.event_id == known.c.event_id) & (table.c.revision == known.c.revision)
        query = sa.select(table.c.event).join(known, newest)
        query = query.order_by(table.c.recorded_at.desc(), table.c.event_id)
        with self._read() as connection:
            return [from_json(Event, text) for text in connection.scalars(query)]

    def event_revisions(self, event_id: str) -> list[Event]:
        """The event as first saved at each of its revisions, oldest first."""
        table = schema.event_revisions
        query = sa.select(table.c.event).where(table.c.event_id == event_id)
        with self._read() as connection:
            texts = connection.scalars(query.order_by(table.c.revision))
            return [from_json(Event, text) for text in texts]

    def _events(
        self,
        *where: ColumnElement[bool],
        order: ColumnElement[datetime] = schema.events.c.updated_at,
        limit: int | None = None,
    ) -> list[Event]:
        query = sa.select(*EVENT.columns).where(*where)
        query = query.order_by(order, schema.events.c.id).limit(limit)
        with self._read() as connection:
            return [EVENT.read(row) for row in connection.execute(query)]

    # ----- what is still to do

    def unpropagated(self) -> list[Event]:
        """Events with a revision that was not laid on the network yet, oldest first."""
        return self._events(schema.UNPROPAGATED)

    def unevaluated(self) -> list[Event]:
        """Events with a revision that no rule has seen, oldest first.

        Only once that revision is propagated: rules read exposures, and an event judged without
        its own would never be judged again.
        """
        table = schema.events
        propagated = table.c.propagated_revision >= table.c.revision
        return self._events(schema.UNEVALUATED, propagated)

    def mark_evaluated(self, events: Sequence[Event]) -> None:
        """The rules have seen these revisions; a newer revision saved meanwhile stays waiting."""
        table = schema.events
        if not events:
            return
        mark = (
            sa.update(table)
            .where(table.c.id == sa.bindparam("of"))
            .where(table.c.evaluated_revision < sa.bindparam("seen"))
            .values(evaluated_revision=sa.bindparam("seen"))
        )
        with self._write() as connection:
            connection.execute(mark, [{"of": e.id, "seen": e.revision} for e in events])

    def save_propagation(
        self, event: Event, shocks: Sequence[Shock], exposures: Sequence[Exposure]
    ) -> None:
        """Replace the event's shocks and exposures (given strongest first) and mark it propagated."""
        table = schema.events
        shock_rows = [SHOCK.write(shock, rank=rank) for rank, shock in enumerate(shocks)]
        exposure_rows = [
            EXPOSURE.write(exposure, id=exposure.id, rank=rank, loss=exposure.loss)
            for rank, exposure in enumerate(exposures)
        ]
        mark = (
            sa.update(table)
            .where(table.c.id == event.id, table.c.propagated_revision < event.revision)
            .values(propagated_revision=event.revision)
        )
        with self._write() as connection:
            store = self._on(connection)
            keep_exposures(connection, event, EXPOSURE)
            for old in (schema.shocks, schema.exposures):
                connection.execute(sa.delete(old).where(old.c.event_id == event.id))
            store._insert_new(schema.shocks, shock_rows)
            store._insert_new(schema.exposures, exposure_rows)
            connection.execute(mark)

    # ----- whom it touches

    def shocks(self, event_id: str) -> list[Shock]:
        table = schema.shocks
        query = sa.select(*SHOCK.columns).where(table.c.event_id == event_id)
        with self._read() as connection:
            return [SHOCK.read(row) for row in connection.execute(query.order_by(table.c.rank))]

    def exposures(
        self,
        event_id: str | None = None,
        item: str | None = None,
        industry: str | None = None,
        country: str | None = None,
        firm: str | None = None,
        ids: Collection[str] | None = None,
    ) -> list[Exposure]:
        """Exposures that match all that is given. `country` is the supplier hit (origin).

        Of one event: in the order they were saved; by `ids`: in that order; otherwise the largest
        expected loss first, unknown last.
        """
        table = schema.exposures
        asked = {
            table.c.event_id: event_id,
            table.c.item: item,
            table.c.industry: industry,
            table.c.origin: country,
            table.c.firm: firm,
        }
        where = [column == value for column, value in asked.items() if value is not None]
        rank: list[ColumnElement[Any]] = [table.c.rank]
        if event_id is None:
            rank = [table.c.loss.is_(None), (table.c.loss * table.c.probability).desc(), *rank]
        query = sa.select(*EXPOSURE.columns).where(*where).order_by(*rank, table.c.id)
        with self._read() as connection:
            if ids is None:
                return [EXPOSURE.read(row) for row in connection.execute(query)]
            found = {
                exposure.id: exposure
                for batch in batches(dict.fromkeys(ids))
                for row in connection.execute(query.where(table.c.id.in_(batch)))
                for exposure in [EXPOSURE.read(row)]
            }
        return [found[id] for id in dict.fromkeys(ids) if id in found]
