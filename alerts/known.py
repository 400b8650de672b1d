"""Which alerts may a new report belong to? By its event, or by likeness; kept from moment to moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from alerts.groups import Grouping, Shelf, joinable, of_alert
from ews.model import Alert, AlertState

NEVER = datetime.min.replace(tzinfo=UTC)


class Known:
    """The alerts in their newest revision, as one turn of the rules sees them."""

    def __init__(self, alerts: Mapping[str, Alert], grouping: Grouping, now: datetime) -> None:
        self._homes = _homes(alerts)
        self._alerts = newest(self._homes.values())
        self.shelf = Shelf(
            (a for a in self._alerts.values() if joinable(a, grouping, now)), grouping
        )

    def home(self, event_id: str) -> Alert | None:
        """The alert of that event."""
        return self._homes.get(event_id)

    def alert(self, alert_id: str | None) -> Alert | None:
        return self._alerts.get(alert_id or "")


def newest(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """Each alert once, in its newest revision."""
    found: dict[str, Alert] = {}
    for alert in alerts:
        if alert.id not in found or found[alert.id].revision < alert.revision:
            found[alert.id] = alert
    return found


def _homes(alerts: Mapping[str, Alert]) -> dict[str, Alert]:
    """The alert of each event, in its newest revision; a firing one before one that ended."""
    known = newest(alerts.values())
    ordered = sorted(
        known.values(), key=lambda a: (a.state is not AlertState.RESOLVED, a.raised_at)
    )
    homes = {event_id: alert for alert in ordered for event_id in alert.members}
    return homes | {event_id: known[alert.id] for event_id, alert in alerts.items()}


class Standing(Known):
    """Known alerts that are kept up to date from turn to turn, as a pipeline's store keeps them."""

    def __init__(self, grouping: Grouping, remembered: timedelta) -> None:
        super().__init__({}, grouping, NEVER)
        self._grouping = grouping
        self._remembered = remembered  # an alert that ended longer ago is found by its founder only
        self._of_event: dict[str, list[str]] = {}
        self._ended: dict[str, Alert] = {}  # those on the shelf
        self._past: dict[str, Alert] = {}
        self._now = NEVER
        self._shelf_life = min(grouping.reopen, remembered)
        self._oldest: datetime | None = None  # no end of those on the shelf is older
        self.firing: dict[str, Alert] = {}

    def turn(self, event_ids: Iterable[str], now: datetime) -> None:
        """A turn begins for these events: what ended long ago is off the shelf."""
        self._now = now
        if self._oldest is None or now - self._oldest > self._shelf_life:
            for id_ in [one.id for one in self._ended.values() if not self._shelved(one)]:
                del self._ended[id_]
                self.shelf.drop(id_)
            ends = (one.resolved_at for one in self._ended.values() if one.resolved_at)
            self._oldest = min(ends, default=now)
        old = [found for id_ in event_ids if (found := self._founded(id_)) is not None]
        self._past = {id_: alert for alert in old for id_ in (*alert.members, alert.event_id)}
        for alert in old:
            if joinable(alert, self._grouping, now) and alert.id not in self._ended:
                self.shelf.put(alert.id, of_alert(alert))

    def home(self, event_id: str) -> Alert | None:
        near = [a for id_ in self._of_event.get(event_id, ()) if self._near(a := self._alerts[id_])]
        return max(near, key=_precedence) if near else self._past.get(event_id)

    def take(self, changed: Sequence[Alert]) -> None:
        """The turn has ended, and these alerts have changed."""
        for alert in changed:
            self._alerts[alert.id] = alert
            for id_ in (alert.event_id, *alert.members):
                of_event = self._of_event.setdefault(id_, [])
                if alert.id not in of_event:
                    of_event.append(alert.id)
            fires = alert.state is not AlertState.RESOLVED
            for kept, inside in ((self.firing, fires), (self._ended, not fires)):
                kept.pop(alert.id, None)
                if inside and (fires or self._shelved(alert)):
                    kept[alert.id] = alert
        for id_ in {*self.shelf.touched, *(alert.id for alert in changed)}:
            self.shelf.drop(id_)
            if (now := self.firing.get(id_) or self._ended.get(id_)) is not None:
                self.shelf.put(id_, of_alert(now))
        self.shelf.touched.clear()

    def _near(self, alert: Alert) -> bool:
        return alert.resolved_at is None or self._now - alert.resolved_at <= self._remembered

    def _shelved(self, alert: Alert) -> bool:
        return self._near(alert) and joinable(alert, self._grouping, self._now)

    def _founded(self, event_id: str) -> Alert | None:
        """The newest alert named after the event, where none that is near holds it."""
        held = [self._alerts[id_] for id_ in self._of_event.get(event_id, ())]
        if any(self._near(alert) for alert in held):
            return None
        mine = [alert for alert in held if alert.event_id == event_id]
        return max(mine, key=lambda alert: alert.raised_at, default=None)


def _precedence(alert: Alert) -> tuple[bool, datetime, str]:
    """A firing alert before one that ended, then the newest."""
    fires = alert.state is not AlertState.RESOLVED
    return fires, (alert.raised_at if fires else alert.resolved_at or alert.updated_at), alert.id
