"""What does an event become when a figure that fed it is revised? The newest period is read anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

from ews.detectors.expectations import Effect, Expectations, Family
from ews.detectors.fusion_carry import series_evidence
from ews.detectors.fusion_evidence import title, with_evidence
from ews.detectors.fusion_match import Items, Reading, sharing, storied
from ews.detectors.fusion_odds import attributed, persistent, sizes, toward
from ews.detectors.fusion_scale import usual
from ews.model import Direction, Event

SHOWN = ("fulfilled", "drop", "shared_drop", "harm", "move")  # what strong figures had shown
SIGNS = ("surge", "fall", "rise", "dependence", "gap")


@dataclass(frozen=True, slots=True)
class _Counted:
    """By what the newest period of a family was counted."""

    name: str  # family.direction
    direction: Direction
    effect: Effect
    still: float


def revised(event: Event, readings: Sequence[Reading]) -> list[Reading]:
    """Those that are a later vintage of a figure that is evidence already."""
    told = {(one.signal_id, one.observed_at): one.available_at for one in series_evidence(event)}
    return [
        one
        for one in readings
        if (before := told.get((one.series, one.period))) is not None and one.found_at > before
    ]


def read_anew(
    event: Event,
    readings: Sequence[Reading],
    family: Family,
    items: Items,
    table: Expectations,
    shown_from: float,
) -> Event:
    """The event with the newest period of a family counted as its figures say now.

    Only that period can be taken back; an older one is part of a sum already. What no longer
    reaches `shown_from` is not shown any more.
    """
    by = _counted(event, family, table)
    stamp = float(readings[0].period.date().toordinal())
    if by is None or stamp != event.facts.get(f"seen.{family.name}"):
        return event
    shared = max(sharing(event, one.series, items) for one in readings)
    z = mean(toward(one.believed, one.direction, by.direction) for one in readings)
    many = [sizes(by.effect, usual(one, family), shared, family.additive) for one in readings]
    means = [mean(one) for one in zip(*many, strict=True)]
    facts = dict(event.facts)
    facts[f"z.{by.name}"] += z - facts[f"newest.{by.name}"]
    facts[f"newest.{by.name}"] = z
    ratio = persistent(
        facts[f"z.{by.name}"], facts[f"n.{by.name}"], means, by.effect.weights, by.still
    )
    facts[f"lr.{by.name}"] = attributed(ratio, shared, family.tests_per_year)
    if not any(one.alarm for one in readings):
        weak = facts[f"lr.{by.name}"] < shown_from
        gone = (*SIGNS, *SHOWN) if weak else SIGNS
        facts = {key: value for key, value in facts.items() if key not in gone}
        facts["taken_back"] = 1.0
    after = with_evidence(replace(event, facts=facts), readings)
    return after if storied(event) else replace(after, title=title(readings[0]))


def _counted(event: Event, family: Family, table: Expectations) -> _Counted | None:
    for direction in Direction:
        name = f"{family.name}.{direction.value}"
        if f"newest.{name}" not in event.facts:
            continue
        rows = [row for row in table.of((event.type, *event.also), family.name)
                if row.direction is direction]  # fmt: skip
        if "text" in event.facts and rows:
            return _Counted(name, direction, rows[0].effect, rows[0].still)
        if (kind := table.lone(family.name, direction)) is not None:
            return _Counted(name, direction, kind.effect, 0.0)
    return None
