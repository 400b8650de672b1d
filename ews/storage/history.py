"""Store: what was known then. Events, tags and exposures as of a past moment; and the things that
never change, to be held against the audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from ews.model import Delivery, Event, Exposure, TaggedArticle
from ews.storage import schema
from ews.storage.alerts import AlertStore, RuleStore
from ews.storage.codec import from_json, to_json
from ews.storage.events import EventStore
from ews.storage.kept import unpacked
from ews.storage.people import PeopleStore
from ews.storage.texts import TAGGED


class HistoryStore(EventStore, AlertStore, RuleStore, PeopleStore):
    def event_as_of(self, event_id: str, at: datetime) -> Event | None:
        """The newest revision of the event that was recorded by then."""
        table = schema.event_revisions
        query = (
            sa.select(table.c.event)
            .where(table.c.event_id == event_id, table.c.recorded_at <= at)
            .order_by(table.c.revision.desc())
            .limit(1)
        )
        with self._read() as connection:
            text = connection.scalar(query)
            return None if text is None else from_json(Event, text)

    def events_recorded(self, after: datetime, until: datetime) -> list[Event]:
        """Each event that had a revision recorded in (after, until], as the newest of them, oldest
        first."""
        table = schema.event_revisions
        inside = sa.and_(table.c.recorded_at > after, table.c.recorded_at <= until)
        query = sa.select(table.c.event_id, table.c.event).where(inside)
        query = query.order_by(table.c.recorded_at, table.c.event_id, table.c.revision)
        newest: dict[str, str] = {}
        with self._read() as connection:
            for id_, text in connection.execute(query):
                newest.pop(id_, None)
                newest[id_] = text
        return [from_json(Event, text) for text in newest.values()]

    def tagged_as_of(self, article_id: str, at: datetime) -> TaggedArticle | None:
        """What the classifier of then had said of the article; None when it had not spoken."""
        table = schema.tagged
        query = (
            sa.select(*TAGGED.columns)
            .where(table.c.article_id == article_id, table.c.tagged_at <= at)
            .order_by(table.c.tagged_at.desc(), table.c.model.desc())
            .limit(1)
        )
        with self._read() as connection:
            row = connection.execute(query).first()
            return None if row is None else TAGGED.read(row)

    def exposures_of_revision(self, event_id: str, revision: int) -> list[Exposure] | None:
        """The exposures of no firm that were computed for that revision of the event, strongest
        first; None when they were not kept (no alert named the event when they were replaced)."""
        events, table = schema.events, schema.exposure_revisions
        current = sa.select(events.c.propagated_revision).where(events.c.id == event_id)
        kept = sa.select(table.c.exposures).where(
            table.c.event_id == event_id, table.c.revision == revision
        )
        with self._read() as connection:
            if connection.scalar(current) == revision:
                found = self._on(connection).exposures(event_id=event_id)
                return [one for one in found if one.firm is None]
            data = connection.scalar(kept)
        return None if data is None else unpacked(data)

    def deliveries_as_of(self, alert_id: str, at: datetime) -> dict[str, Delivery]:
        """By notification: what had been sent or given up by then, as the audit has it."""
        rows = self.audit_rows(subject=alert_id, until=at)
        found = [from_json(Delivery, row.body) for row in rows if row.kind == "delivery"]
        return {one.notification_id: one for one in found}

    def audited_things(self) -> Iterator[tuple[str, str, datetime, str]]:
        """Kind, name, time and JSON of everything that never changes once it is on record."""
        for ruleset in self.rulesets():
            yield "ruleset", str(ruleset.version), ruleset.created_at, to_json(ruleset)
        for act in self.acts():
            yield "act", act.id, act.at, to_json(act)
        for id in self._changed_alerts():
            for change in self.changes(alert_id=id):
                name = f"{id} revision {change.alert.revision}"
                yield "change", name, change.at, to_json(change)

    def _changed_alerts(self) -> Sequence[str]:
        column = schema.alert_changes.c.alert_id
        with self._read() as connection:
            return connection.scalars(sa.select(column).distinct().order_by(column)).all()
