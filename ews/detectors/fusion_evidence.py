"""How does a number become evidence of an event, and from which level did its series depart?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ews.detectors.expectations import expectations
from ews.detectors.fusion_carry import MAX_SERIES, series_evidence
from ews.detectors.fusion_match import SERIES, Reading
from ews.model import Event, Evidence, series_parts


def with_evidence(event: Event, readings: Sequence[Reading]) -> Event:
    """The event, fed by these series too: newest series evidence first, behind the texts."""
    new = {
        (one.series, one.period): evidence(from_level(event.facts, one) if one.alarm else one)
        for one in readings
    }
    links = tuple(dict.fromkeys((*event.links, *(SERIES + one.series for one in readings))))
    old = series_evidence(event)
    texts = tuple(one for one in event.evidence if one not in old)
    kept = {(one.signal_id, one.observed_at): one for one in old} | new
    series = sorted(kept.values(), key=lambda one: (one.available_at, one.title), reverse=True)
    heard = max(one.found_at for one in readings)
    again = {f"back.{one.series}" for one in readings if one.alarm}
    if again:
        again.add("taken_back")
    facts = {k: v for k, v in event.facts.items() if k not in again}
    for one in readings:
        facts |= _departed(one, facts)
    if any(one.synthetic for one in readings):
        facts["synthetic"] = 1.0
    if event.detector == "series":  # how long silence is none
        spans = [_span(one) for one in readings]
        facts["pace"] = max(facts.get("pace", 0.0), *spans)
    return replace(
        event,
        links=links,
        evidence=(*texts, *series[:MAX_SERIES]),
        facts=facts,
        last_seen=max(event.last_seen or event.updated_at, heard),
        updated_at=max(event.updated_at, heard),
    )


def _departed(reading: Reading, facts: Mapping[str, float]) -> dict[str, float]:
    """From which level a series departed, and how far: a detector learns a new level within months,
    and would call it usual. The first level holds until the series is back."""
    level = facts.get(f"level.{reading.series}", _level(reading))
    if not reading.alarm or level is None or reading.value is None:
        return {}
    off = reading.value - level
    far = facts.get(f"off.{reading.series}", 0.0)
    return {
        f"level.{reading.series}": level,
        f"off.{reading.series}": off if abs(off) > abs(far) else far,
    }


def from_level(facts: Mapping[str, float], reading: Reading) -> Reading:
    """The reading with its move counted from the level that the series left, where that is further:
    a detector that has learnt half of a new level calls what is left of the departure small."""
    level = facts.get(f"level.{reading.series}")
    family = expectations().family(series_parts(reading.series)[1])
    if level is None or reading.value is None or family is None:
        return reading
    if not family.additive and level <= 0:
        return reading
    off = reading.value - level
    move = off if family.additive else off / level
    further = move * reading.move > 0 and abs(move) > abs(reading.move)
    return replace(reading, move=move) if further else reading


def _span(reading: Reading) -> float:
    """Days from one figure of the series to the next."""
    family = expectations().family(series_parts(reading.series)[1])
    return float(family.span_days) if family else 0.0


def _level(reading: Reading) -> float | None:
    """What the value was compared with; None where that is not known."""
    family = expectations().family(series_parts(reading.series)[1])
    if reading.value is None or family is None:
        return None
    if family.additive:
        return reading.value - reading.move
    return reading.value / (1 + reading.move) if reading.move > -1 else None


def evidence(reading: Reading) -> Evidence:
    """A number as evidence. Its title is `title`, which alerts.series_words says in words."""
    provider = series_parts(reading.series)[0]
    return Evidence(
        signal_id=reading.series,
        independence=provider,
        available_at=reading.found_at,
        title=title(reading),
        outlet=provider,
        observed_at=reading.period,
    )


def title(reading: Reading) -> str:
    """`comtrade/export-kg/CN-KR/250410 -68% (2023-12)`: names and languages come where it is shown."""
    measure = series_parts(reading.series)[1]
    day = "%Y-%m" if measure.startswith(("import", "export", "price", "hhi", "top", "gap")) else ""
    moved = f"{reading.move:+.2f}" if measure in ("gap", "pressure") else f"{reading.move:+.0%}"
    return f"{reading.series} {moved} ({reading.period.strftime(day or '%Y-%m-%d')})"
