"""Which series goes with an alert, and what is marked on it? As known at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.series_pictures import Marks
from ews.model import Event, Observation, series_parts
from ews.storage import Store

SHOWN = timedelta(days=365)  # of a series of days or weeks, beside an alert about it
SHOWN_SPARSE = timedelta(days=3 * 365)  # of one with so few values that a year shows nothing
SPARSE = 40  # values a year
PAST = timedelta(days=9 * 365)  # what the usual range is made of
SERIES = "series:"


def series_of(event: Event) -> str:
    """The series that spoke last for the event; "" when no number did."""
    feeding = {link.removeprefix(SERIES) for link in event.links if link.startswith(SERIES)}
    told = [one for one in event.evidence if one.signal_id in feeding]
    if told:
        return max(told, key=lambda one: (one.available_at, one.signal_id)).signal_id
    # events of an older version named it as their first evidence
    return event.evidence[0].signal_id if event.detector == "series" else ""


def watched(store: Store, event: Event, now: datetime) -> tuple[Sequence[Observation], Marks]:
    """The values of that series known at `now`, and what its picture marks; nothing without one."""
    name = series_of(event)
    if not name:
        return (), Marks()
    values = store.observations(now, since=now - PAST, series=name)
    recent = sum(one.observed_at >= now - SHOWN for one in values)
    alarms = store.detections(until=now + timedelta(microseconds=1), series=[name])
    described = store.series(names=[name])
    return values, Marks(
        alarms=frozenset(one.period for one in alarms),
        source=series_parts(name)[0],
        synthetic=any(one.synthetic for one in described),
        since=now - (SHOWN_SPARSE if recent < SPARSE else SHOWN),
    )
