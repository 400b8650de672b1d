"""What does an alert say that it reaches? Never less than before, never without a dependent ministry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerts.changing import put
from ews.model import Alert, Event, Exposure, Phase

ITEMS_OF_A_ROUTE = 6  # named first when the text names no item; further ones only for a ministry
EXPOSURES_KEPT = 24
SIGNALS_KEPT = 80
UNKNOWN_USE = ":unknown"
Reported = tuple[Event, Sequence[Exposure]]


@dataclass(frozen=True, slots=True)
class Content:
    """Every field of an alert that says what it is about."""

    countries: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    chokepoints: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    ministries: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    exposure_ids: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    phase: Phase | None = None

    def on(self, alert: Alert) -> Alert:
        return put(alert, **{name: getattr(self, name) for name in Content.__slots__})


def content(reports: Sequence[Reported], before: Alert | None = None) -> Content:
    """What these reports (the weightiest first) add to what was told before.

    A firm's own exposure says nothing here: an alert is read by everybody.
    """
    events = [event for event, _ in reports]
    exposures = [one for _, found in reports for one in found if one.firm is None]
    old = before or Content()
    items = _joined((code for report in reports for code in _items(*report)), old.items)
    reached = _joined((e.item for e in exposures), old.carried)
    return Content(
        countries=_joined((code for e in events for code in e.countries), old.countries),
        items=items,
        carried=tuple(code for code in reached if code not in items),
        chokepoints=_joined((code for e in events for code in e.chokepoints), old.chokepoints),
        ports=_joined((code for e in events for code in e.ports), old.ports),
        ministries=_joined((m for e in exposures for m in e.ministries), old.ministries),
        industries=_joined((e.industry for e in exposures if e.industry), old.industries),
        unlisted=_unlisted(events, exposures, before),
        exposure_ids=_joined((e.id for e in exposures), old.exposure_ids)[:EXPOSURES_KEPT],
        signals=_joined(
            (one.signal_id for e in events for one in reversed(e.evidence)), old.signals
        )[:SIGNALS_KEPT],
        phase=_phase([*(e.phase for e in events), old.phase]),
    )


def additions(before: Alert, after: Content) -> list[str]:
    """Items, routes, countries and ministries that the alert has not named before."""
    names = ("items", "chokepoints", "ports", "countries", "ministries")
    told = {code for name in names for code in getattr(before, name)}
    return [code for name in names for code in getattr(after, name) if code not in told]


def begins(before: Alert, after: Content) -> bool:
    """Was it a threat so far, and happens now?"""
    return before.phase is Phase.THREAT and after.phase is Phase.ACTUAL


def _joined(now: Iterable[str], before: tuple[str, ...]) -> tuple[str, ...]:
    """What holds now, then what was told before: an alert never forgets whom it reached."""
    return tuple(dict.fromkeys((*now, *before)))


def _items(event: Event, exposures: Sequence[Exposure]) -> tuple[str, ...]:
    """Named items; else those that the route carries most, and one for each ministry that depends."""
    if event.items:
        return event.items
    public = [one for one in exposures if one.firm is None]
    items = list(dict.fromkeys(one.item for one in public))[:ITEMS_OF_A_ROUTE]
    served = {m for one in public if one.item in items for m in one.ministries}
    for one in public:
        if not served.issuperset(one.ministries):
            items.append(one.item)
            served.update(one.ministries)
    return tuple(dict.fromkeys(items))


def _unlisted(
    events: Sequence[Event], exposures: Sequence[Exposure], before: Alert | None
) -> tuple[str, ...]:
    """Items that are reached and have no domestic use on record: nobody knows who depends on them."""
    listed = {e.item for e in exposures if e.use_id and not e.use_id.endswith(UNKNOWN_USE)}
    told = before.unlisted if before else ()
    if before and before.witnesses:  # what another report found a use for stays listed
        listed |= set(before.items) - set(told)
    reached = _joined((code for e in events for code in e.items), ())
    reached = _joined((*reached, *(e.item for e in exposures)), told)
    return tuple(item for item in reached if item not in listed)


def _phase(phases: Iterable[Phase | None]) -> Phase | None:
    told = set(phases)
    return next((phase for phase in (Phase.ACTUAL, Phase.THREAT) if phase in told), None)
