"""Which probabilities were actually sent, of which alerts, and when?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from ews.model import Alert, ChangeKind, DeliveryState, Event
from ews.storage import Store

CHANCE, EVENT = "alert", "event"
ENDS = (ChangeKind.RESOLVED, ChangeKind.RETRACTED, ChangeKind.CLOSED)  # no forecast any more
Memory = dict[tuple[str, int], "Chance"]  # by alert and revision: what was sent never changes
Chance = tuple[float, str]  # the probability, and of what


@dataclass(frozen=True, slots=True)
class Sent:
    """What readers were told of an alert at one of its revisions, to however many receivers."""

    revision: int
    at: datetime
    chance: float
    of: str  # alert: its own chance | event: the probability of its event, where it had none yet


def sent_of(
    store: Store, alerts: Sequence[Alert], until: datetime, memory: Memory | None = None
) -> dict[str, tuple[Sent, ...]]:
    """The probabilities that messages carried to somebody by `until`, oldest first; an alert that
    nobody was told of, or whose probability is not known, is absent. `memory` spares a second
    question the reading."""
    ids = [alert.id for alert in alerts]
    gone = {
        one.notification_id: one.sent_at
        for one in store.deliveries_of(ids)
        if one.state is DeliveryState.SENT and one.sent_at is not None and one.sent_at <= until
    }
    first: dict[tuple[str, int], datetime] = {}
    for one in store.notifications_of(ids):
        if one.id in gone and one.bulletin is None and not one.edit and one.change not in ENDS:
            key = (one.alert_id, one.alert_revision)
            first[key] = min(first.get(key, gone[one.id]), gone[one.id])
    memory = {} if memory is None else memory
    memory |= _chances(store, alerts, {key for key in first if key not in memory})
    found: dict[str, list[Sent]] = {}
    for (id, revision), at in sorted(first.items()):
        if (told := memory.get((id, revision))) is not None:
            found.setdefault(id, []).append(Sent(revision, at, *told))
    return {id: tuple(some) for id, some in found.items()}


def _chances(store: Store, alerts: Sequence[Alert], wanted: Collection[tuple[str, int]]) -> Memory:
    then = _states(store, alerts, wanted)
    events = _revisions(store, [one for one in then.values() if one.chance is None])
    found: Memory = {}
    for key, alert in then.items():
        event = events.get((alert.event_id, alert.event_revision))
        if alert.chance is not None:
            found[key] = (alert.chance, CHANCE)
        elif event is not None:
            found[key] = (event.probability, EVENT)
    return found


def _states(
    store: Store, alerts: Sequence[Alert], wanted: Collection[tuple[str, int]]
) -> dict[tuple[str, int], Alert]:
    """Each alert as it stood at the revisions that were told."""
    if not wanted:
        return {}
    since = min(alert.raised_at for alert in alerts)
    return {
        key: change.alert
        for change in store.changes(since=since)
        if (key := (change.alert.id, change.alert.revision)) in wanted
    }


def _revisions(store: Store, alerts: Sequence[Alert]) -> dict[tuple[str, int], Event]:
    return {
        (event.id, event.revision): event
        for id in sorted({alert.event_id for alert in alerts})
        for event in store.event_revisions(id)
    }
