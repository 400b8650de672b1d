"""Store: what was judged. Alerts, every change of them, rule sets, silences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from ews.model import Alert, AlertChange, AlertState, ChangeKind, RuleSet, Silence, Stage
from ews.storage import schema
from ews.storage.audit import Audited, AuditStore
from ews.storage.codec import Row, dump, from_json, load, to_json
from ews.storage.transactions import batches

ALERT = Row(Alert, schema.alerts)
RULESET = Row(RuleSet, schema.rulesets)
SILENCE = Row(Silence, schema.silences)
# Asked several times at every tick, and dearer to put together than to run.
OPEN_ALERTS = (
    sa.select(*ALERT.columns)
    .where(schema.OPEN_ALERT)
    .order_by(schema.alerts.c.raised_at, schema.alerts.c.id)
)
RULESETS = sa.select(*RULESET.columns).order_by(schema.rulesets.c.version.desc())
SILENCES = sa.select(*SILENCE.columns).order_by(schema.silences.c.ends_at, schema.silences.c.id)
SILENCES_AT = SILENCES.where(
    schema.silences.c.starts_at <= sa.bindparam("moment"),
    schema.silences.c.ends_at > sa.bindparam("moment"),
)


class AlertStore(AuditStore):
    def open_alerts(self) -> list[Alert]:
        """Alerts that are not resolved, oldest first."""
        with self._read() as connection:
            return [ALERT.read(row) for row in connection.execute(OPEN_ALERTS)]

    def ended_alerts(self, since: datetime) -> list[Alert]:
        """Alerts that ended at or after `since`, the latest end last."""
        table = schema.alerts
        return self._alerts(table.c.resolved_at >= since, order=table.c.resolved_at)

    def alert(self, id: str) -> Alert | None:
        """The alert of that id, or of the only id that begins so; ValueError when several do."""
        table = schema.alerts
        exact = self._alerts(table.c.id == id)
        if exact or not id:
            return next(iter(exact), None)
        alike = self._alerts(table.c.id.startswith(id, autoescape=True), limit=2)
        if len(alike) > 1:
            raise ValueError(f"several alerts begin with {id!r}; give more of the id")
        return next(iter(alike), None)

    def alerts(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        stage: Stage | None = None,
        state: AlertState | None = None,
        event_id: str | None = None,
        limit: int | None = None,
    ) -> list[Alert]:
        """Alerts raised in [since, until) that match all that is given, newest raised first."""
        table = schema.alerts
        where: list[ColumnElement[bool]] = []
        if since is not None:
            where.append(table.c.raised_at >= since)
        if until is not None:
            where.append(table.c.raised_at < until)
        if stage is not None:
            where.append(table.c.stage == stage.value)
        if state is not None:
            where.append(table.c.state == state.value)
        if event_id is not None:
            where.append(table.c.event_id == event_id)
        return self._alerts(*where, limit=limit)

    def alerts_as_of(self, at: datetime) -> list[Alert]:
        """Every alert as it stood at `at`, newest change first."""
        table = schema.alert_changes
        known = (
            sa.select(table.c.alert_id, sa.func.max(table.c.revision).label("revision"))
            .where(table.c.at <= at)
            .group_by(table.c.alert_id)
            .subquery()
        )
        newest = (table.c.alert_id == known.c.alert_id) & (table.c.revision == known.c.revision)
        query = sa.select(table.c.alert).join(known, newest)
        query = query.order_by(table.c.at.desc(), table.c.alert_id)
        with self._read() as connection:
            return [from_json(Alert, text) for text in connection.scalars(query)]

    def _alerts(
        self,
        *where: ColumnElement[bool],
        order: ColumnElement[Any] = schema.alerts.c.raised_at.desc(),
        limit: int | None = None,
    ) -> list[Alert]:
        query = sa.select(*ALERT.columns).where(*where)
        query = query.order_by(order, schema.alerts.c.id).limit(limit)
        with self._read() as connection:
            return [ALERT.read(row) for row in connection.execute(query)]

    # ----- changes

    def save_changes(self, changes: Sequence[AlertChange]) -> None:
        """Append the changes and bring their alerts up to date; a known change is left as it is.

        An alert's older revision never replaces a newer one. The event must be saved first
        (IntegrityError).
        """
        alerts = [ALERT.write(change.alert) for change in changes]
        rows: list[dict[str, object]] = [
            {
                "id": change.id,
                "alert_id": change.alert.id,
                "revision": change.alert.revision,
                "kind": change.kind.value,
                "at": change.at,
                "before": None if change.before is None else change.before.value,
                "reason": change.reason,
                "alert": to_json(change.alert),
                "routed": False,
                "more": _more(change),
            }
            for change in changes
        ]
        with self._write() as connection:
            store = self._on(connection)
            known = store._known_changes([change.id for change in changes])
            store._upsert(schema.alerts, alerts, newer=schema.alerts.c.revision)
            store._insert_new(schema.alert_changes, rows)
            store.audit([_audited(c) for c in changes if c.id not in known])

    def _known_changes(self, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        with self._read() as connection:
            for batch in batches(ids):
                query = sa.select(schema.alert_changes.c.id)
                found |= set(connection.scalars(query.where(schema.alert_changes.c.id.in_(batch))))
        return found

    def changes(
        self,
        alert_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AlertChange]:
        """Changes made in [since, until), oldest first."""
        table = schema.alert_changes
        where: list[ColumnElement[bool]] = []
        if alert_id is not None:
            where.append(table.c.alert_id == alert_id)
        if since is not None:
            where.append(table.c.at >= since)
        if until is not None:
            where.append(table.c.at < until)
        return self._changes(*where)

    def unrouted(self) -> list[AlertChange]:
        """Changes for which nobody has decided yet whom to tell, oldest first."""
        return self._changes(schema.UNROUTED)

    def any_unrouted(self) -> bool:
        query = sa.select(schema.alert_changes.c.id).where(schema.UNROUTED).limit(1)
        with self._read() as connection:
            return connection.scalar(query) is not None

    def _changes(self, *where: ColumnElement[bool]) -> list[AlertChange]:
        c = schema.alert_changes.c
        query = sa.select(c.alert, c.kind, c.at, c.before, c.reason, c.more).where(*where)
        query = query.order_by(c.at, c.alert_id, c.revision)
        with self._read() as connection:
            return [
                AlertChange(
                    from_json(Alert, alert),
                    ChangeKind(kind),
                    at,
                    None if before is None else Stage(before),
                    reason,
                    *_by_and_receivers(more),
                )
                for alert, kind, at, before, reason, more in connection.execute(query)
            ]


def _more(change: AlertChange) -> str | None:
    spare: dict[str, object] = {}
    if change.by:
        spare["by"] = change.by
    if change.receivers:
        spare["receivers"] = list(change.receivers)
    return dump(spare) if spare else None


def _by_and_receivers(more: str | None) -> tuple[str, tuple[str, ...]]:
    spare = load(more) if more else {}
    receivers = spare.get("receivers", [])
    assert isinstance(receivers, list)
    return str(spare.get("by", "")), tuple(receivers)


def _audited(change: AlertChange) -> Audited:
    return Audited(change.at, "change", change.alert.id, change.by or "rules", to_json(change))


class RuleStore(AuditStore):
    def ruleset_at(self, now: datetime) -> RuleSet | None:
        """The rule set in force: the newest version that is not planned for later."""
        with self._read() as connection:
            newest_first = map(RULESET.read, connection.execute(RULESETS))
            return next((one for one in newest_first if one.in_force(now)), None)

    def ruleset(self, version: int | None = None) -> RuleSet | None:
        """The rule set of that version, or the newest, planned or in force."""
        table = schema.rulesets
        query = sa.select(*RULESET.columns).order_by(table.c.version.desc()).limit(1)
        if version is not None:
            query = query.where(table.c.version == version)
        with self._read() as connection:
            row = connection.execute(query).first()
            return None if row is None else RULESET.read(row)

    def rulesets(self) -> list[RuleSet]:
        """Every rule set, oldest first."""
        query = sa.select(*RULESET.columns).order_by(schema.rulesets.c.version)
        with self._read() as connection:
            return [RULESET.read(row) for row in connection.execute(query)]

    def save_ruleset(self, ruleset: RuleSet) -> None:
        """Append a rule set. ValueError unless its version follows the newest (the first is 1).

        Saving the newest once more is no change.
        """
        with self._write() as connection:
            newest = self._on(connection).ruleset()
            if newest == ruleset:
                return
            expected = 1 if newest is None else newest.version + 1
            if ruleset.version != expected:
                raise ValueError(
                    f"rule set {ruleset.version} cannot be saved: the next version is {expected}; "
                    "somebody may have saved one meanwhile, so compare with the newest first"
                )
            connection.execute(sa.insert(schema.rulesets), RULESET.write(ruleset))
            self._on(connection).audit([
                Audited(ruleset.created_at, "ruleset", f"ruleset {ruleset.version}", ruleset.by,
                        to_json(ruleset)),
            ])  # fmt: skip

    def silences(self, at: datetime | None = None) -> list[Silence]:
        """Silences in force at `at` (start included, end not), or all, earliest end first."""
        query, given = (SILENCES, {}) if at is None else (SILENCES_AT, {"moment": at})
        with self._read() as connection:
            return [SILENCE.read(row) for row in connection.execute(query, given)]

    def save_silence(self, silence: Silence, at: datetime | None = None, by: str = "") -> None:
        """Insert or replace; a silence is ended early by saving it with an earlier end, then `at`
        and `by` say when and by whom."""
        with self._write() as connection:
            store = self._on(connection)
            if store.silence(silence.id) == silence:
                return
            store._upsert(schema.silences, [SILENCE.write(silence)])
            store.audit([
                Audited(at or silence.starts_at, "silence", silence.id, by or silence.by,
                        to_json(silence)),
            ])  # fmt: skip

    def silence(self, id: str) -> Silence | None:
        query = sa.select(*SILENCE.columns).where(schema.silences.c.id == id)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else SILENCE.read(row)
