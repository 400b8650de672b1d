"""What is known of an alert at a moment, from which its outcome can be decided?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ews.model import (
    Act,
    ActKind,
    Alert,
    Basis,
    Event,
    Observation,
    Outcome,
    Proof,
    Resolution,
    content_id,
)
from ews.storage import Store

EWS = "ews"  # who decided, where no person did
SAID = (ActKind.FALSE_ALARM, ActKind.CLOSE, ActKind.NOTE)
SERIES_YEARS = timedelta(days=8 * 365)
TWIN_DAYS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Found:
    """An outcome that something speaks for, before it is held against what was said earlier."""

    outcome: Outcome
    basis: Basis
    at: datetime
    proofs: tuple[Proof, ...]
    by: str = EWS
    note: str = ""
    key: str = ""  # id of the act it comes from: each act decides once

    def resolution(self, alert_id: str, before: Resolution | None) -> Resolution:
        id = content_id(
            "res", alert_id, self.basis, self.key, self.outcome, before.id if before else ""
        )
        return Resolution(
            id, alert_id, self.outcome, self.at, self.basis, self.by, self.proofs, self.note
        )


@dataclass(frozen=True, slots=True)
class Known:
    """An alert with what was known of it: acts of people, its events, figures, earlier decisions."""

    alert: Alert
    events: tuple[Event, ...] = ()
    acts: tuple[Act, ...] = ()  # of people who are of no firm, oldest first
    series: Mapping[str, tuple[Observation, ...]] = field(default_factory=dict)
    earlier: tuple[Resolution, ...] = ()
    twin: str = ""  # alert of the same happening that was raised before it
    twin_outcome: Outcome = Outcome.OPEN


def known_of(
    store: Store,
    alerts: Sequence[Alert],
    now: datetime,
    names: Mapping[str, Collection[str]],
    among: Sequence[Alert],
) -> list[Known]:
    """What the store knew of these alerts at `now`; `names` are the series of each alert, and
    `among` those where the twin of a duplicate may be."""
    ids = {alert.id for alert in alerts}
    acts = _acts(store, ids, now)
    events = _events(store, alerts, now)
    series = _series(store, {name for found in names.values() for name in found}, now)
    earlier: dict[str, list[Resolution]] = {}
    for one in store.resolutions(ids, until=now):
        earlier.setdefault(one.alert_id, []).append(one)
    found = []
    for alert in alerts:
        twin = _twin(alert, among) if _called_duplicate(acts.get(alert.id, ())) else ""
        found.append(
            Known(
                alert,
                tuple(e for id in members(alert) if (e := events.get(id)) is not None),
                tuple(acts.get(alert.id, ())),
                {name: series[name] for name in sorted(names.get(alert.id, ())) if name in series},
                tuple(earlier.get(alert.id, ())),
                twin,
            )
        )
    return found


def members(alert: Alert) -> list[str]:
    """Ids of its events, the one it was raised for first."""
    return list(dict.fromkeys((alert.event_id, *alert.members)))


def _called_duplicate(acts: Sequence[Act]) -> bool:
    return any(one.detail.get("reason") == "duplicate" for one in acts)


def _twin(alert: Alert, alerts: Sequence[Alert]) -> str:
    """The newest earlier alert that shares evidence, an event, or type, place and item with it."""
    before = [
        one for one in alerts
        if one.id != alert.id
        and timedelta(0) <= alert.raised_at - one.raised_at <= TWIN_DAYS
        and (one.raised_at, one.id) < (alert.raised_at, alert.id)
        and alike(alert, one)
    ]  # fmt: skip
    return max(before, key=lambda one: (one.raised_at, one.id)).id if before else ""


def alike(one: Alert, other: Alert) -> bool:
    """Do two alerts tell of the same happening, as far as their own facts show?"""
    if set(one.signals) & set(other.signals) or set(members(one)) & set(members(other)):
        return True
    places = set(one.countries) | set(one.chokepoints)
    there = places & (set(other.countries) | set(other.chokepoints))
    return one.type == other.type and bool(there) and bool(set(one.items) & set(other.items))


def _acts(store: Store, ids: Collection[str], now: datetime) -> dict[str, list[Act]]:
    """Acts that may speak of an outcome. A firm's person speaks as a word to us, not for the state."""
    firms = {person.name for person in store.people() if person.role == "firm"}
    found: dict[str, list[Act]] = {}
    for act in store.acts(kinds=SAID, until=now):
        if act.alert_id is not None and act.alert_id in ids and act.by not in firms:
            found.setdefault(act.alert_id, []).append(act)
    return found


def _events(store: Store, alerts: Sequence[Alert], now: datetime) -> dict[str, Event]:
    """The events as they were known then: without evidence that came later."""
    found: dict[str, Event] = {}
    for id, event in store.events_of({id for a in alerts for id in members(a)}).items():
        then = event if event.updated_at <= now else store.event_as_of(id, now)
        if then is not None:
            kept = tuple(one for one in then.evidence if one.available_at <= now)
            found[id] = then if len(kept) == len(then.evidence) else replace(then, evidence=kept)
    return found


def _series(
    store: Store, names: Collection[str], now: datetime
) -> dict[str, tuple[Observation, ...]]:
    found: dict[str, list[Observation]] = {}
    if names:
        for one in store.observations(now, since=now - SERIES_YEARS, series=sorted(names)):
            found.setdefault(one.series, []).append(one)
    return {name: tuple(values) for name, values in found.items()}
