"""What do new facts and the passing of time change? Events, deadlines, silence -> alert changes.

Everything is read and written in one transaction: what a person does to an alert meanwhile is
either seen here, or sees what was decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from alerts import rules
from alerts.contents import Reported
from alerts.happenings import silent_from
from ews.model import Alert, AlertChange, AlertState, Event, RuleSet
from ews.storage import Store
from ews.storage.judgings import judging
from graph import USES

LOOKBACK = timedelta(days=60)  # events that can still change
NETWORK = "propagate.network"  # in the store's meta: version of the network computed on last
REOPEN = timedelta(days=60)  # ended alerts that a new report may open again are at most so old


def judge(store: Store, ruleset: RuleSet, now: datetime) -> int:
    """Apply the rules to what changed since the last time; how many changes were written."""
    if not _Judge(store, ruleset, now).due():
        return 0  # asked every few seconds: no writer waits for nothing
    with store.begin() as tx:
        return _Judge(tx, ruleset, now).run()


@dataclass(frozen=True, slots=True)
class _Judge:
    tx: Store
    ruleset: RuleSet
    now: datetime

    def due(self) -> bool:
        """Whether there is an event, a new day, or a wait for a signature that has ended."""
        return bool(self._new_day() or self._events()) or any(
            alert.sign_by is not None and alert.sign_by <= self.now
            for alert in self.tx.open_alerts()
        )

    def _new_day(self) -> bool:
        return self.tx.get("evaluate.expired_on") != self.now.date().isoformat()

    def run(self) -> int:
        events, firing = self._events(), self.tx.open_alerts()
        new_day = self._new_day()
        pairs, changes = self._evaluated(events, firing) if events else ([], [])
        changes += rules.time_outs(_standing(firing, changes), self.ruleset, self.now)
        seen: dict[str, datetime] = {}
        if new_day:
            ended, seen = self._gone_quiet(_standing(firing, changes))
            changes += ended
        if not (changes or events or new_day):
            return 0
        self.tx.save_changes(changes)
        self._keep_what_went_in(changes, pairs, seen)
        self.tx.mark_evaluated(events)
        self.tx.put("evaluate.expired_on", self.now.date().isoformat())
        self.tx.put("evaluate.ruleset", str(self.ruleset.version))
        return len(changes)

    def _events(self) -> list[Event]:
        """Events that changed; all that are open when the rules did, with when they were heard of
        last."""
        events = self._on_record(self.tx.unevaluated())
        version = self.tx.get("evaluate.ruleset")
        if version not in (None, str(self.ruleset.version)):
            waiting = {event.id for event in events}
            rest = [e for e in self.tx.open_events(self.now - LOOKBACK) if e.id not in waiting]
            heard = {event.id: event.last_seen for event in rest}
            events += [replace(e, last_seen=heard[e.id]) for e in self._on_record(rest)]
        return events

    def _on_record(self, events: Sequence[Event]) -> list[Event]:
        """The events as their newest revision was first saved. Evidence that makes no revision is
        no reason to judge anew, and a backtest or a proof years later knows only what is on record.
        """
        kept = self.tx.events_on_record([event.id for event in events])
        return [kept.get(event.id, event) for event in events]

    def _evaluated(
        self, events: Sequence[Event], firing: Sequence[Alert]
    ) -> tuple[list[Reported], list[AlertChange]]:
        """What the rules looked at, and what it changes."""
        known = {id_: alert for alert in self._ended() for id_ in members_of(alert)}
        known |= {id_: alert for alert in firing for id_ in members_of(alert)}
        for event in events:
            if event.id not in known and (past := self.tx.alerts(event_id=event.id)):
                known[event.id] = past[0]
        pairs: list[Reported] = [(e, self.tx.exposures(event_id=e.id)) for e in events]
        further = self.tx.events_on_record(rules.fellows(pairs, known, self.ruleset, self.now))
        pairs += [(e, self.tx.exposures(event_id=e.id)) for e in further.values()]
        changes = rules.evaluate(pairs, known, self.ruleset, self.now)
        return pairs, [replace(change, alert=with_uses(change.alert)) for change in changes]

    def _gone_quiet(
        self, standing: Sequence[Alert]
    ) -> tuple[list[AlertChange], dict[str, datetime]]:
        """Ends of alerts without new evidence, and when their events had been heard of last."""
        last = self._last_seen(standing)
        ended = rules.expire(standing, last, self.ruleset, self.now)
        ids = [id_ for change in ended for id_ in members_of(change.alert)]
        return ended, {id_: last[id_] for id_ in ids if id_ in last}

    def _keep_what_went_in(
        self,
        changes: Sequence[AlertChange],
        pairs: Sequence[Reported],
        seen: Mapping[str, datetime],
    ) -> None:
        """So that any change can be made again, bit for bit (ews.tuning.reproduce)."""
        if changes:
            versions = self.tx.get(NETWORK) or "", code_version()
            number = self.ruleset.version
            self.tx.save_judging(judging(changes, pairs, number, seen, versions, self.now))

    def _ended(self) -> list[Alert]:
        """Alerts that ended not long ago, the latest end last."""
        return self.tx.ended_alerts(self.now - REOPEN)

    def _last_seen(self, alerts: Iterable[Alert]) -> dict[str, datetime]:
        ids = {id_ for alert in alerts for id_ in members_of(alert)}
        events = self.tx.events_of(ids)
        return {id_: silent_from(event) for id_, event in events.items()}


@cache
def code_version() -> str:
    """Version of the code and the reference data that a turn of the rules stands on."""
    digest = hashlib.sha256()
    room, here = Path(rules.__file__).parent, Path(__file__)
    data = [*room.glob("*.py"), here, here.with_name("model.py")]
    for one in sorted(data, key=lambda one: one.name):
        digest.update(one.name.encode() + b"\0" + one.read_bytes())
    digest.update(repr(sorted(USES.items())).encode())
    return digest.hexdigest()[:12]


def with_uses(alert: Alert) -> Alert:
    """The alert with every ministry and industry on record for its items: a computation keeps an
    event's strongest exposures only, and the use that is left out may be the one that matters."""
    uses = [use for item in (*alert.items, *alert.carried) for use in USES.get(item, ())]
    ministries = dict.fromkeys((*alert.ministries, *(m for use in uses for m in use.ministries)))
    industries = dict.fromkeys((*alert.industries, *(use.ksic for use in uses if use.ksic)))
    # An item that nothing was computed for has uses all the same.
    unlisted = tuple(item for item in alert.unlisted if not USES.get(item))
    return replace(
        alert, ministries=tuple(ministries), industries=tuple(industries), unlisted=unlisted
    )


def members_of(alert: Alert) -> tuple[str, ...]:
    """The events of an alert; alerts of old versions have one."""
    return tuple(dict.fromkeys((alert.event_id, *alert.members)))


def _standing(firing: Iterable[Alert], changes: Iterable[AlertChange]) -> list[Alert]:
    """Every alert that fires after these changes."""
    newest = {alert.id: alert for alert in firing}
    for change in changes:
        newest[change.alert.id] = change.alert
    return [alert for alert in newest.values() if alert.state is not AlertState.RESOLVED]
