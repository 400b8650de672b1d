"""Which alerts may a new report belong to? By its event, or by likeness; kept from moment to moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from alerts.groups import Grouping, Shelf, joinable
from ews.model import Alert, AlertState


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
