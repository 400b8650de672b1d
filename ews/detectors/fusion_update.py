"""What does an event become when a number speaks of it: fulfilled, refuted, or only surer?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log1p
from statistics import mean

from ews.detectors.expectations import Expectation, Expectations, Family, expectations
from ews.detectors.fusion_carry import (
    MAX_SERIES,
    ratio,
    series_evidence,
    status_with,
)
from ews.detectors.fusion_match import (
    SERIES,
    Items,
    Reading,
    due,
    early,
    of_korea,
    rows_for,
    sharing,
    storied,
)
from ews.detectors.fusion_odds import (
    EARLY_STILL,
    alone,
    attributed,
    fused,
    likelihood_ratio,
    power,
    sizes,
    successive,
    toward,
)
from ews.model import Direction, Event, Evidence, Phase, series_parts

FULFILLED = 10.0  # ratio from which a departure counts as the announced one
LEAST_DROP = 0.15  # and the share that must have gone: less harms nobody, however sure
IMPLIED_Z = 1.5  # z from which p and the move say how far the series usually moves
CALM_Z = 1.0  # a value below this z in the expected direction is calm
ENOUGH = 0.8  # power that a calm series must have had to refute
REFUTING = 3  # calm releases after the due date that refute, at least
SURGE = 3.0  # ratio from which stock-building is told


@dataclass(frozen=True, slots=True)
class Settings:
    """What an analyst may set ([series] of the rules)."""

    # Real disruptions of one series in a year. Assumed: about one in three years for a watched item.
    real_per_item_year: float = 0.3


def told_by(
    event: Event,
    readings: Sequence[Reading],
    items: Items,
    table: Expectations,
    settings: Settings,
) -> Event:
    """The event after readings of one family and one period. Each period counts once.

    Calm readings speak only against what texts alone say: what the numbers have shown was so, and
    that it ends is no reason to doubt it.
    """
    texts = storied(event) or event.detector == "news"
    if not texts or "fulfilled" in event.facts:
        readings = [one for one in readings if one.alarm]
    family = table.family(series_parts(readings[0].series)[1]) if readings else None
    rows = rows_for(event, readings[0], table) if readings else ()
    if family is None or not rows:
        return event
    stamp = float(readings[0].period.date().toordinal())
    seen = f"seen.{family.name}"
    if stamp <= event.facts.get(seen, 0.0) or not of_korea(readings[0].series):
        alarms = [one for one in readings if one.alarm and SERIES + one.series not in event.links]
        return with_evidence(event, alarms) if alarms else event
    facts = {**event.facts, seen: stamp}
    if texts:
        facts.setdefault("text", event.probability)
    shares = [sharing(event, one.series, items) for one in readings]
    if max(shares) > 1:
        facts["shared"] = float(max(shares))
    pairs = list(zip(readings, shares, strict=True))
    by_row = [mean(_ratio(event, one, row, family, n) for one, n in pairs) for row in rows]
    # Before a measure is in force nobody knows which comes first: the rows are averaged.
    said = mean(by_row)
    if said >= 1 or _could_show(event, readings, rows, max(shares), family):
        facts[f"lr.{family.name}"] = successive(facts.get(f"lr.{family.name}"), said)
    after = replace(event, facts=facts)
    for row, ratio_of_row in zip(rows, by_row, strict=True):
        after = _signed(after, row, ratio_of_row, readings, family)
    if texts:
        after = _calm(after, rows, readings, max(shares), family)
    return _believed(_joined(event, after, readings), family, settings)


def _ratio(event: Event, reading: Reading, row: Expectation, family: Family, shared: int) -> float:
    z = toward(reading.believed, reading.direction, row.direction)
    means = sizes(row.effect, usual(reading, family), shared, family.additive)
    soon = row.fulfils and early(event, row, family, reading.period)
    still = max(row.still, EARLY_STILL) if soon else row.still
    said = likelihood_ratio(z, means, row.effect.weights, still)
    return attributed(said, shared, family.tests_per_year)


def usual(reading: Reading, family: Family) -> float:
    """The scale on which the reading is judged: the series' own, or the table's where that is unknown.

    Never smaller than p and the move imply together. A calibrated p is no smaller than null data can
    show; with a smaller scale a fall of 60 % in a very even series would be too small to be one.
    """
    z = toward(reading.p, Direction.UP, Direction.UP)
    moved = abs(reading.move if family.additive else log1p(max(reading.move, -0.99)))
    implied = moved / z if z >= IMPLIED_Z else 0.0
    known = reading.scale if reading.scale is not None and reading.scale > 0 else None
    return max(known or (0.0 if implied else family.scale), implied)


def _signed(
    event: Event, row: Expectation, said: float, readings: Sequence[Reading], family: Family
) -> Event:
    """Facts, phase and severity of a strong reading in the expected direction."""
    strongest = max(readings, key=lambda one: toward(one.p, one.direction, row.direction))
    if strongest.direction is not row.direction:
        return event
    if row.fulfils and said >= FULFILLED and abs(strongest.move) >= LEAST_DROP:
        return _shown(event, strongest, row.direction is Direction.DOWN and not family.additive)
    if not row.fulfils and row.before_due and said >= SURGE:
        return replace(event, facts={**event.facts, "surge": round(strongest.move, 4)})
    return event


def _shown(event: Event, reading: Reading, fell: bool) -> Event:
    """The numbers show it. The drop of a code that several items share is not this item's."""
    facts = {k: v for k, v in event.facts.items() if k not in ("refuted", "recovered", "move")}
    facts["p"] = reading.p
    if "text" in facts:
        facts["fulfilled"] = 1.0
    if fell and "shared" in facts:
        facts["shared_drop"] = round(-reading.move, 4)
    else:
        facts["move"] = round(reading.move, 4)
    if fell and "shared" not in facts:
        facts["drop"] = round(-reading.move, 4)
        facts["harm"] = min(3.0, 1.0 + 2.5 * -reading.move)
    severity = max(event.severity, facts.get("harm", 0.0))
    return replace(event, facts=facts, phase=Phase.ACTUAL, severity=severity)


def _calm(
    event: Event,
    rows: Sequence[Expectation],
    readings: Sequence[Reading],
    shared: int,
    family: Family,
) -> Event:
    """Counts releases that stay calm after the due date; enough of them, with power, refute."""
    facts = dict(event.facts)
    key = f"calm.{family.name}"
    for row in rows:
        if not row.fulfils or "fulfilled" in facts or readings[0].period < due(event, row):
            continue
        if any(toward(one.believed, one.direction, row.direction) >= CALM_Z for one in readings):
            facts.pop(key, None)
            facts.pop("refuted", None)
            continue
        facts[key] = facts.get(key, 0.0) + 1
        facts["power"] = round(_power(readings, row, family, shared, int(facts[key])), 3)
        if facts[key] >= max(REFUTING, family.calm_releases) and facts["power"] >= ENOUGH:
            facts["refuted"] = 1.0
        break  # one count per release
    return replace(event, facts=facts)


def _could_show(
    event: Event,
    readings: Sequence[Reading],
    rows: Sequence[Expectation],
    shared: int,
    family: Family,
) -> bool:
    """Would the effect have shown? A silence that was to be expected anyway changes nothing."""
    releases = int(event.facts.get(f"calm.{family.name}", 0.0)) + 1
    return max(_power(readings, row, family, shared, releases) for row in rows) >= ENOUGH


def _power(
    readings: Sequence[Reading], row: Expectation, family: Family, shared: int, releases: int
) -> float:
    """Power of the best series whose scale was measured; 0 when none was: then nothing is refuted."""
    scales = [one.scale for one in readings if one.scale]
    if not scales:
        return 0.0
    means = sizes(row.effect, min(scales), shared, family.additive)
    return power(means, row.effect.weights, releases)


def _joined(before: Event, after: Event, readings: Sequence[Reading]) -> Event:
    """Links and evidence of the alarms, and of what else made the announcement come true."""
    newly = "fulfilled" in after.facts and "fulfilled" not in before.facts
    strong = [one for one in readings if one.alarm or (newly and one.p <= 0.05)]
    return with_evidence(after, strong) if strong else after


def with_evidence(event: Event, readings: Sequence[Reading]) -> Event:
    """The event, fed by these series too: newest series evidence first, behind the texts."""
    new = {(one.series, one.period): evidence(one) for one in readings}
    links = tuple(dict.fromkeys((*event.links, *(SERIES + one.series for one in readings))))
    old = series_evidence(event)
    texts = tuple(one for one in event.evidence if one not in old)
    kept = {(one.signal_id, one.observed_at): one for one in old} | new
    series = sorted(kept.values(), key=lambda one: (one.available_at, one.title), reverse=True)
    heard = max(one.found_at for one in readings)
    again = {f"back.{one.series}" for one in readings if one.alarm}
    facts = {k: v for k, v in event.facts.items() if k not in again}
    for one in readings:
        facts |= _departed(one, facts)
    if any(one.synthetic for one in readings):
        facts["synthetic"] = 1.0
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


def _believed(event: Event, family: Family, settings: Settings) -> Event:
    """Probability and status, from the text and from the numbers."""
    said = ratio(event.facts)
    if "text" not in event.facts:
        sure = alone(said, settings.real_per_item_year, family.tests_per_year)
        return replace(event, probability=sure)
    return replace(
        event,
        probability=fused(event.facts["text"], said),
        status=status_with(event.status, event.facts),
    )
