"""Numbers and texts of one happening -> one event, with one probability (docs/fusion.md).

Whichever came first keeps its id; what comes later joins it. A number that no text explains is an
event of its own; a text that comes after it takes that event over. Pure: the same arguments give the
same events, and an order of arguments is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ews.detectors.expectations import Alone, Expectations, Family, expectations
from ews.detectors.fusion_board import Board
from ews.detectors.fusion_carry import carry, series_evidence, turned
from ews.detectors.fusion_evidence import evidence, title, with_evidence
from ews.detectors.fusion_match import (
    SERIES,
    Items,
    Reading,
    fits,
    item_ids,
    numeric,
    of_korea,
    places,
    reading_of,
    storied,
)
from ews.detectors.fusion_odds import alone, likelihood_ratio, sizes, toward
from ews.detectors.fusion_recovery import recovered
from ews.detectors.fusion_scale import usual
from ews.detectors.fusion_update import Settings, told_by
from ews.detectors.news import material
from ews.model import (
    Detection,
    Direction,
    Event,
    EventStatus,
    Phase,
    content_id,
    series_parts,
)

__all__ = ["Reading", "Settings", "fuse", "joined"]

CHOKEPOINTS = frozenset({"transits", "tanker-transits", "container-transits", "capacity"})
MODEL = "fusion.v1"


def fuse(
    events: Sequence[Event],
    detections: Sequence[Detection],
    open_events: Mapping[str, Event],
    readings: Mapping[str, Reading],
    items: Items,
    settings: Settings | None = None,
) -> list[Event]:
    """The events of this turn: those given, joined and moved by numbers, and those that numbers make.

    `events` are the news events of this turn, `open_events` all that can still change, as stored (by
    id); `detections` this turn's alarms; `readings` the newest reading of each series that an open
    event waits for or is fed by (by name); `items` gives the network's items of an HS6 code.
    """
    table, settings = expectations(), settings or Settings()
    board = Board(open_events, items, table)
    ids = set()
    for event in events:
        board.put(taken := _adopted(event, board, open_events))
        ids.add(taken.id)
    alarms = _alarms(detections, readings, table)
    told = {(one.series, one.period) for one in alarms}
    quiet = [one for _, one in sorted(readings.items()) if (one.series, one.period) not in told]
    for group in _grouped(alarms + quiet, items, table):
        _tell(group, board, settings)
    for event in list(board.events.values()):
        if numeric(event):
            board.put(recovered(event, readings, table))
    return [
        _revised(open_events.get(key), event)
        for key, event in board.events.items()
        if key in ids or event != open_events.get(key)
    ]


def joined(detections: Iterable[Detection], events: Iterable[Event]) -> list[Detection]:
    """The detections with the id of the event that each became or joined."""
    feeds: dict[str, str] = {}
    for event in sorted(events, key=lambda one: (one.last_seen or one.updated_at, one.id)):
        feeds |= {link: event.id for link in event.links if link.startswith(SERIES)}
    return [replace(one, event_id=feeds.get(SERIES + one.series, "")) for one in detections]


# --------------------------------------------------------------------------- readings


def _alarms(
    detections: Sequence[Detection], readings: Mapping[str, Reading], table: Expectations
) -> list[Reading]:
    """One reading for each series, period and direction: the smallest p of its detectors."""
    best: dict[tuple[str, object, Direction], Reading] = {}
    for one in sorted(detections, key=lambda d: (d.period, d.series, d.p, d.detector)):
        family = table.family(series_parts(one.series)[1])
        if family is not None:
            known = readings.get(one.series)
            alarm = reading_of(one, family, known.scale if known else None)
            best.setdefault((one.series, one.period, one.direction), alarm)
    return list(best.values())


def _grouped(readings: Sequence[Reading], items: Items, table: Expectations) -> list[list[Reading]]:
    """Readings of one family, place, item and period, in order of period: one witness each."""
    groups: dict[tuple[object, ...], list[Reading]] = defaultdict(list)
    for one in sorted(readings, key=lambda r: (r.period, r.series, r.direction)):
        _, measure, _, item = series_parts(one.series)
        family = table.family(measure)
        if family is not None and (one.alarm or of_korea(one.series)):
            where = tuple(sorted(places(one.series)))
            what = (item_ids(item, items), _ship(measure), of_korea(one.series))
            key = (one.period, family.name, where, *what)
            groups[key].append(one)
    return list(groups.values())


def _ship(measure: str) -> bool:
    return measure.startswith("port-")


def _tell(group: Sequence[Reading], board: Board, settings: Settings) -> None:
    """Readings of one witness: each goes to its event, or makes one that the others join."""
    by_home: dict[str, list[Reading]] = defaultdict(list)
    for one in group:
        event = board.home(one)
        if event is not None:
            by_home[event.id].append(one)
        elif one.alarm and (new := departure(one, board.items, board.table, settings)) is not None:
            board.put(new)
    for key, mine in by_home.items():
        board.put(told_by(board.events[key], mine, board.items, board.table, settings))


# --------------------------------------------------------------------------- new events


def departure(
    first: Reading, items: Items, table: Expectations, settings: Settings
) -> Event | None:
    """The event of an alarm that no text explains; None when the move harms nobody who buys here."""
    _, measure, place, item = series_parts(first.series)
    family = table.family(measure)
    kind = table.lone(family.name, first.direction) if family else None
    if family is None or kind is None or place.startswith("KR-"):
        return None
    if kind.sign == "surge" and not of_korea(first.series):
        return (
            None  # that another country stocks up is a hint where something is open, else nothing
        )
    ratio = _lone_ratio(first, kind, family)
    ids = item_ids(item, items)
    where = places(first.series)
    event = Event(
        id=content_id("evt", "series", first.series, first.period.date()),
        type=kind.type,
        also=(),
        status=EventStatus.SUSPECTED,
        phase=kind.phase,
        probability=alone(ratio, settings.real_per_item_year, family.tests_per_year),
        severity=kind.severity(first.move),
        countries=tuple(sorted(code for code in where if len(code) == 2 and code.isupper())),
        items=ids,
        ports=(place,) if _ship(measure) else (),
        chokepoints=(place,) if measure in CHOKEPOINTS else (),
        firms=(),
        title=title(first),
        first_seen=first.found_at,
        updated_at=first.found_at,
        evidence=(evidence(first),),
        detector="series",
        onset=first.period,
        model=MODEL,
        facts=_facts(first, kind, family, ratio, len(ids)),
        last_seen=first.found_at,
        links=(SERIES + first.series,),
    )
    return with_evidence(event, [first])


def _lone_ratio(reading: Reading, kind: Alone, family: Family) -> float:
    z = toward(reading.believed, reading.direction, kind.direction)
    means = sizes(kind.effect, usual(reading, family), 1, family.additive)
    return likelihood_ratio(z, means, kind.effect.weights, 0.0)


def _facts(
    reading: Reading, kind: Alone, family: Family, ratio: float, shared: int
) -> dict[str, float]:
    name = f"{family.name}.{kind.direction.value}"
    facts = {
        **reading.facts,
        kind.sign: round(abs(reading.move), 4),
        f"lr.{name}": ratio,
        f"n.{name}": 1.0,
        f"z.{name}": (z := toward(reading.believed, reading.direction, kind.direction)),
        f"newest.{name}": z,
        f"seen.{family.name}": float(reading.period.date().toordinal()),
    }
    if shared > 1:
        facts["shared"] = float(shared)
    if kind.sign == "fall":
        facts["shared_drop" if shared > 1 else "drop"] = round(-reading.move, 4)
    if kind.sign != "fall" or shared <= 1:
        facts["move"] = round(reading.move, 4)
    return facts


# --------------------------------------------------------------------------- texts after numbers


def _adopted(event: Event, board: Board, open_events: Mapping[str, Event]) -> Event:
    """A new story that tells what a departure showed before becomes the next state of that event."""
    if event.id in open_events or not storied(event):
        return event
    waiting = [
        one
        for one in board.events.values()
        if numeric(one) and not storied(one) and one.phase is not Phase.EASING
        if any(_explains(event, series, one, board) for series in _feeding(one))
    ]
    if not waiting:
        return event
    first = max(waiting, key=lambda one: (one.last_seen or one.updated_at, one.id))
    return carry(first, event)


def _feeding(event: Event) -> list[Reading]:
    """The series evidence of an event, as far as matching needs it."""
    return [
        Reading(one.signal_id, 1.0, Direction.UP, 0.0, one.observed_at, one.available_at)
        for one in series_evidence(event)
        if one.observed_at is not None
    ]


def _explains(story: Event, series: Reading, departed: Event, board: Board) -> bool:
    """Would the story have moved the series then? Its text may come up to LATE_DAYS after."""
    earlier = replace(
        story, first_seen=min(story.first_seen, departed.first_seen), onset=series.period
    )
    late = story.first_seen - series.found_at
    return late.days <= LATE_DAYS and fits(earlier, series, board.items, board.table)


LATE_DAYS = 60  # a text that explains a departure comes within about two monthly releases


# --------------------------------------------------------------------------- revisions


def _revised(before: Event | None, event: Event) -> Event:
    """`revision` rises only when a reader must think again."""
    if before is None or before == event:
        return event
    if material(before, event) or turned(before, event):
        return replace(event, revision=before.revision + 1)
    return replace(event, revision=before.revision, updated_at=before.updated_at)
