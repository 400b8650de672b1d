"""Is this the same happening as one that is already told? Across items, outlets and languages.

Two reports are of one happening when they share their evidence; or, within the window, when they
are of one family of types and name one route, or of one type, in one place, on mostly the same items.
Measured on half a year of news: types of one family on one item and place were mostly two happenings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ews.model import Alert, AlertState, Ending, Event

HOME = "KR"  # a side of most measures that matter here: no place by itself


@dataclass(frozen=True, slots=True)
class Grouping:
    window: timedelta  # a report this long before or after what was told still belongs to it
    longest: timedelta = timedelta(days=60)  # then a new report begins a new alert
    reopen: timedelta = timedelta(days=7)  # an ended alert is joined, and opens again, for so long
    item_overlap: float = 0.5  # share of a report's items that the alert must name
    family_of: Mapping[str, str] = field(default_factory=dict)

    def alike(self, one: str, other: str) -> bool:
        family = self.family_of.get(one)
        return one == other or (family is not None and family == self.family_of.get(other))


@dataclass(slots=True)
class Outline:
    """What of an alert, and of the reports that joined it just now, tells it from another."""

    type: str
    since: datetime
    until: datetime
    places: set[str]
    items: set[str]
    routes: set[str]
    signals: set[str]

    def keys(self) -> Iterable[tuple[set[str], str]]:
        """What others may share with it, by kind."""
        return (self.items, "item"), (self.routes, "route"), (self.signals, "signal")

    def widen(self, other: Outline) -> None:
        self.since, self.until = min(self.since, other.since), max(self.until, other.until)
        for name in ("places", "items", "routes", "signals"):
            getattr(self, name).update(getattr(other, name))


def of_alert(alert: Alert) -> Outline:
    return Outline(
        type=alert.type,
        since=alert.raised_at,
        until=alert.updated_at,
        places=set(alert.countries),
        items=set(alert.items),
        routes={*alert.chokepoints, *alert.ports},
        signals=set(alert.signals),
    )


def of_event(event: Event) -> Outline:
    return Outline(
        type=event.type,
        since=event.first_seen,
        until=event.first_seen,
        places=set(event.countries),
        items=set(event.items),
        routes={*event.chokepoints, *event.ports},
        signals={one.signal_id for one in event.evidence},
    )


def joinable(alert: Alert, grouping: Grouping, now: datetime) -> bool:
    """May a new report join it? Not what was never so, nor what ended long ago."""
    if alert.state is not AlertState.RESOLVED:
        return True
    if alert.ending is Ending.RETRACTED or alert.resolved_at is None:
        return False
    return now - alert.resolved_at <= grouping.reopen


def likeness(event: Outline, alert: Outline, grouping: Grouping) -> float:
    """0 when these are two happenings; else higher the more they share."""
    if event.signals & alert.signals:
        return 9.0
    last = min(alert.until + grouping.window, alert.since + grouping.longest)
    if not alert.since - grouping.window <= event.since <= last:
        return 0.0
    same_type = event.type == alert.type
    if event.routes & alert.routes:
        return 3.0 + same_type if grouping.alike(event.type, alert.type) else 0.0
    shared = len(event.items & alert.items)
    if not same_type or not shared or shared < grouping.item_overlap * len(event.items):
        return 0.0
    return 1.0 + shared / len(event.items) if _same_place(event, alert) else 0.0


def _same_place(report: Outline, told: Outline) -> bool:
    """Abroad, Korea as a side is no common place. A report without a place says nothing against,
    unless a route led to the items that it shares."""
    if not report.places:
        return not told.routes
    abroad = report.places - {HOME}, told.places - {HOME}
    return bool(abroad[0] & abroad[1]) if all(abroad) else bool(report.places & told.places)


class Shelf:
    """Alerts by what they share with a report, so that a burst is not compared with all."""

    def __init__(self, alerts: Iterable[Alert], grouping: Grouping) -> None:
        self._grouping = grouping
        self._outlines: dict[str, Outline] = {}
        self._by_key: dict[str, dict[str, set[str]]] = {
            kind: defaultdict(set) for kind in ("item", "route", "signal")
        }
        self.touched: set[str] = set()  # put since somebody cleared it
        for alert in alerts:
            self.put(alert.id, of_alert(alert))

    def put(self, alert_id: str, outline: Outline) -> None:
        """Add an alert, or widen it by a report that joined."""
        self.touched.add(alert_id)
        known = self._outlines.setdefault(alert_id, outline)
        if known is not outline:
            known.widen(outline)
        for codes, kind in outline.keys():  # noqa: SIM118
            having = self._by_key[kind]
            for code in codes:
                having[code].add(alert_id)

    def drop(self, alert_id: str) -> None:
        """Take an alert off, with all that joined it."""
        outline = self._outlines.pop(alert_id, None)
        for codes, kind in outline.keys() if outline else ():
            having = self._by_key[kind]
            for code in codes:
                having[code].discard(alert_id)

    def find(self, event: Event) -> str | None:
        """The alert that is likest, the oldest of equals; None when the happening is new."""
        report = of_event(event)
        near: set[str] = set()
        for codes, kind in report.keys():  # noqa: SIM118
            having = self._by_key[kind]
            for code in codes:
                if code in having:
                    near |= having[code]
        found = [
            (-likeness(report, self._outlines[id_], self._grouping), self._outlines[id_].since, id_)
            for id_ in near
        ]
        best = min((one for one in found if one[0] < 0), default=None)
        return best[2] if best else None
