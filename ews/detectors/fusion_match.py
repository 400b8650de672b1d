"""Which event does a number speak of? Same item, same place, and a time at which it should move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from ews.detectors.calibration import class_of
from ews.detectors.expectations import Expectation, Expectations, Family
from ews.detectors.fusion_odds import looked
from ews.detectors.numeric import detectors_of
from ews.model import Detection, Direction, Event, EventStatus, Phase, series_parts

Items = Mapping[str, tuple[str, ...]]
WORLD = frozenset({"WLD", "KR"})  # as a side of a flow, or a market: no place of an event
ENDED = frozenset({EventStatus.CLOSED, EventStatus.DISMISSED})
STORY, SERIES = "story:", "series:"
USUAL_P = 0.1


@dataclass(frozen=True, slots=True)
class Reading:
    """What the newest value of a series says, alarming or not."""

    series: str
    p: float  # calibrated, two-sided; the smallest of the detectors that judged the value
    direction: Direction  # of the value against what was expected
    move: float  # value / expected - 1; value - expected where the series is additive
    period: datetime  # first day
    found_at: datetime  # available_at of the value
    n_since: int = 0  # judged releases in a row within the usual range, up to this one
    scale: float | None = None  # usual sd of ln(value / expected) (fusion_scale)
    value: float | None = None
    synthetic: bool = False
    alarm: bool = False  # it passed its share of the false-alarm budget
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def calm(self) -> bool:
        """Within the range where nine of ten values lie when nothing happens."""
        return not self.alarm and self.believed > USUAL_P

    @property
    def believed(self) -> float:
        """p, less what it owes to the number of detectors that looked."""
        return looked(self.p, looks(series_parts(self.series)[1]))


@cache
def looks(measure: str) -> int:
    """Detectors in force that judge a value of that measure: the smallest p of so many is small."""
    return max(1, len(detectors_of(class_of(measure))))


def reading_of(detection: Detection, family: Family, scale: float | None = None) -> Reading:
    """An alarm as a reading. `scale` is taken from the detection's facts when it has one."""
    expected = detection.expected
    move = detection.facts.get("move", 0.0)
    if expected is not None:
        move = detection.value - expected
        if not family.additive:
            move = move / expected if expected > 0 else 0.0
    return Reading(
        detection.series,
        detection.p,
        detection.direction,
        move,
        detection.period,
        detection.found_at,
        scale=detection.facts.get("scale", scale),
        value=detection.value,
        synthetic=detection.synthetic,
        alarm=True,
        facts={"p": detection.p, "alpha": detection.alpha},
    )


# --------------------------------------------------------------------------- what and where


def linked(event: Event, series: str) -> bool:
    return SERIES + series in event.links


def numeric(event: Event) -> bool:
    """Does any series feed it?"""
    return any(link.startswith(SERIES) for link in event.links)


def storied(event: Event) -> bool:
    """Does any text feed it?"""
    return any(link.startswith(STORY) for link in event.links)


def item_ids(item: str, items: Items) -> tuple[str, ...]:
    """Items of the network that a series' item stands for; the code itself when it has none."""
    return () if item == "-" else items.get(item, (item,))


def sharing(event: Event, series: str, items: Items) -> int:
    """How many items could have moved the series: 1, and one for each that the event does not name."""
    ids = item_ids(series_parts(series)[3], items)
    return 1 + len(set(ids) - set(event.items)) if ids else 1


def places(series: str) -> frozenset[str]:
    """Codes of the places that the series is about; empty for a world market or a total."""
    _, measure, place, _ = series_parts(series)
    if measure.startswith("price-"):
        return frozenset()  # what is paid on one market is paid, sooner or later, on all
    if measure.startswith(("import-", "export-")) or measure == "gap":
        seller, _, buyer = place.partition("-")
        return frozenset({buyer if seller == "KR" else seller} - WORLD)
    return frozenset({place} - WORLD - {"-"})


def of_korea(series: str) -> bool:
    """Does it say what reaches Korea, or what a seller sells to all? A flow to others is a hint."""
    _, measure, place, _ = series_parts(series)
    flow = measure.startswith(("import-", "export-")) or measure == "gap"
    return not flow or place.partition("-")[2] in WORLD


def same_place(event: Event, series: str, table: Expectations) -> bool:
    """A series of a place speaks of events there; one of the world of events anywhere."""
    where = places(series)
    if not where:
        return True
    ways = frozenset[str]().union(*(table.way(place) for place in where))
    return bool(ways & {*event.countries, *event.chokepoints, *event.ports})


def same_item(event: Event, series: str, items: Items) -> bool:
    """A series of goods speaks of events that name the item; one of ships needs no item."""
    ids = item_ids(series_parts(series)[3], items)
    if not ids:
        return bool(places(series)) or bool(event.chokepoints or event.ports)
    return bool(set(ids) & set(event.items))


# --------------------------------------------------------------------------- when


def announced(event: Event) -> datetime:
    """When it was said, or began; not the day on which it will be in force."""
    onset = event.onset
    return onset if onset is not None and onset < event.first_seen else event.first_seen


def due(event: Event, row: Expectation) -> datetime:
    """From when a calm series speaks against it: its date in force, else as the table assumes."""
    if event.onset is not None and event.onset > event.first_seen:
        return event.onset
    return announced(event) + timedelta(days=row.due_days)


def active(event: Event, row: Expectation, family: Family, reading: Reading) -> bool:
    """Does the period touch the stretch in which the row expects something?

    What a series feeds already goes on for as long as the series does.
    """
    period, said = reading.period, announced(event)
    ends = period + timedelta(days=family.span_days)
    if ends <= said + timedelta(days=row.from_days):
        return False
    last = max(said, event.last_seen or said) if linked(event, reading.series) else said
    if row.before_due and not early(event, row, family, period):
        return False
    return period < last + timedelta(days=row.until_days)


def early(event: Event, row: Expectation, family: Family, period: datetime) -> bool:
    """Does most of the period lie before the measure is due (and the slack of the row)?"""
    middle = period + timedelta(days=family.span_days / 2)
    return middle < due(event, row) + timedelta(days=row.slack_days)


# --------------------------------------------------------------------------- the event


def rows_for(event: Event, reading: Reading, table: Expectations) -> tuple[Expectation, ...]:
    """The rows of the table that say something of this reading for this event."""
    family = table.family(series_parts(reading.series)[1])
    if family is None:
        return ()
    rows = table.of((event.type, *event.also), family.name)
    return tuple(row for row in rows if active(event, row, family, reading))


def fits(event: Event, reading: Reading, items: Items, table: Expectations) -> bool:
    """May the reading speak of the event?"""
    if event.status in ENDED or not rows_for(event, reading, table):
        return False
    if linked(event, reading.series):
        return True
    return same_item(event, reading.series, items) and same_place(event, reading.series, table)


def home(
    reading: Reading, events: Iterable[Event], items: Items, table: Expectations
) -> Event | None:
    """The one event that the reading belongs to: the one it feeds already, else the surest."""
    found = [event for event in events if fits(event, reading, items, table)]
    if not found:
        return None

    def rank(event: Event) -> tuple[bool, bool, bool, float, datetime, str]:
        rows = rows_for(event, reading, table)
        return (
            linked(event, reading.series),
            any(row.fulfils for row in rows),
            event.phase is not Phase.EASING,
            event.facts.get("text", event.probability),
            event.last_seen or event.updated_at,
            event.id,
        )

    return max(found, key=rank)
