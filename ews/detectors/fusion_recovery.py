"""Is a departure over? Series that come back ease the event that they feed, and close it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ews.detectors.expectations import Expectations
from ews.detectors.fusion_carry import series_evidence
from ews.detectors.fusion_match import SERIES, Reading, storied
from ews.model import Event, EventStatus, Phase, series_parts


def recovered(event: Event, readings: Mapping[str, Reading], table: Expectations) -> Event:
    """EASING when every series that feeds it is back for some releases; closed after twice as many,
    where no text tells of it. A series that is silent may be anywhere: it keeps the event open.
    """
    names = [link.removeprefix(SERIES) for link in event.links if link.startswith(SERIES)]
    new = [readings[name] for name in names if name in readings]
    facts = dict(event.facts)
    for one in new:
        stamp = float(one.period.date().toordinal())
        if stamp > facts.get(f"at.{one.series}", 0.0):
            facts[f"at.{one.series}"] = stamp
            facts[f"back.{one.series}"] = float(_calm_releases(event, one, table))
    if facts == event.facts:
        return event
    event = replace(event, facts=facts)
    ratios = [_back(name, facts, table) for name in names]
    at = max(one.found_at for one in new)
    if min(ratios) >= 1 and "recovered" not in facts:
        event = _eased(event, at)
    if min(ratios) >= 2 and not storied(event) and event.status is not EventStatus.CLOSED:
        return replace(event, status=EventStatus.CLOSED, updated_at=max(event.updated_at, at))
    return event


def _calm_releases(event: Event, reading: Reading, table: Expectations) -> int:
    """Calm releases in a row; several may have come at once, all after the last departure."""
    if not reading.calm or not _half_way_back(event, reading):
        return 0
    told = [e.observed_at for e in series_evidence(event) if e.signal_id == reading.series]
    last = max((at for at in told if at is not None), default=reading.period)
    family = table.family(series_parts(reading.series)[1])
    passed = round((reading.period - last).days / family.span_days) if family else 0
    before = int(event.facts.get(f"back.{reading.series}", 0.0))
    return max(before + 1, min(reading.n_since, passed))


def _half_way_back(event: Event, reading: Reading) -> bool:
    """Nearer to the level that it left than to where it went? Else it is calm on a new level."""
    level = event.facts.get(f"level.{reading.series}")
    if level is None or reading.value is None:
        return True
    return abs(reading.value - level) <= abs(event.facts[f"off.{reading.series}"]) / 2


def _back(name: str, facts: Mapping[str, float], table: Expectations) -> float:
    """Calm releases in a row over those that it takes."""
    family = table.family(series_parts(name)[1])
    return facts.get(f"back.{name}", 0.0) / family.calm_releases if family else 0.0


def _eased(event: Event, at: datetime) -> Event:
    """What the numbers had shown is over; what only a text says is not."""
    gone = ("move", "drop", "shared_drop", "harm")
    facts = {
        k: v
        for k, v in event.facts.items()
        if k not in gone and not k.startswith(("level.", "off."))
    } | {"recovered": 1.0}
    shown = "fulfilled" in event.facts or not storied(event)
    return replace(
        event,
        facts=facts,
        phase=Phase.EASING if shown else event.phase,
        updated_at=max(event.updated_at, at),
    )
