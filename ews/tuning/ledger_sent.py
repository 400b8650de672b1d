"""Which probabilities were actually sent, of which alerts, and when?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ews.model import Alert, DeliveryState, Event
from ews.storage import Store

CHANCE, EVENT = "alert", "event"


@dataclass(frozen=True, slots=True)
class Sent:
    """What readers were told of an alert at one of its revisions, to however many receivers."""

    revision: int
    at: datetime
    chance: float
    of: str  # alert: its own chance | event: the probability of its event, where it had none yet


def sent_of(store: Store, alerts: Sequence[Alert], until: datetime) -> dict[str, tuple[Sent, ...]]:
    """The probabilities that messages carried to somebody by `until`, oldest first; an alert that
    nobody was told of, or whose probability is not known, is absent."""
    ids = [alert.id for alert in alerts]
    gone = {
        one.notification_id: one.sent_at
        for one in store.deliveries_of(ids)
        if one.state is DeliveryState.SENT and one.sent_at is not None and one.sent_at <= until
    }
    first: dict[tuple[str, int], datetime] = {}
    for one in store.notifications_of(ids):
        if one.id in gone and one.bulletin is None and not one.edit:
            key = (one.alert_id, one.alert_revision)
            first[key] = min(first.get(key, gone[one.id]), gone[one.id])
    then = _states(store, alerts, first, until)
    events = _revisions(store, [one for one in then.values() if one.chance is None])
    found: dict[str, list[Sent]] = {}
    for (id, revision), at in sorted(first.items()):
        alert = then.get((id, revision))
        if alert is not None and (told := _told(alert, revision, at, events)) is not None:
            found.setdefault(id, []).append(told)
    return {id: tuple(some) for id, some in found.items()}


def _states(
    store: Store,
    alerts: Sequence[Alert],
    wanted: Mapping[tuple[str, int], datetime],
    until: datetime,
) -> dict[tuple[str, int], Alert]:
    """Each alert as it stood at the revisions that were told."""
    if not wanted:
        return {}
    since = min(alert.raised_at for alert in alerts)
    return {
        key: change.alert
        for change in store.changes(since=since)
        if change.at <= until and (key := (change.alert.id, change.alert.revision)) in wanted
    }


def _revisions(store: Store, alerts: Sequence[Alert]) -> dict[tuple[str, int], Event]:
    return {
        (event.id, event.revision): event
        for id in sorted({alert.event_id for alert in alerts})
        for event in store.event_revisions(id)
    }


def _told(
    alert: Alert, revision: int, at: datetime, events: Mapping[tuple[str, int], Event]
) -> Sent | None:
    if alert.chance is not None:
        return Sent(revision, at, alert.chance, CHANCE)
    event = events.get((alert.event_id, alert.event_revision))
    return None if event is None else Sent(revision, at, event.probability, EVENT)
