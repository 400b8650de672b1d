"""What does an event become when a number speaks of it: fulfilled, refuted, or only surer?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from ews.detectors.expectations import Expectation, Expectations, Family
from ews.detectors.fusion_carry import (
    ratio,
    status_with,
)
from ews.detectors.fusion_evidence import from_level, title, with_evidence
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
    alone,
    attributed,
    fused,
    persistent,
    power,
    sizes,
    toward,
)
from ews.detectors.fusion_revised import read_anew, revised
from ews.detectors.fusion_scale import usual
from ews.model import Direction, Event, Phase, series_parts

FULFILLED = 10.0  # ratio from which a departure counts as the announced one
LEAST_DROP = 0.15  # and the share that must have gone: less harms nobody, however sure
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
    if (later := revised(event, readings)) and (
        family := table.family(series_parts(later[0].series)[1])
    ):
        anew = read_anew(event, later, family, items, table, FULFILLED)
        return _believed(anew, family, settings)
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
    shared = max(sharing(event, one.series, items) for one in readings)
    if shared > 1:
        facts["shared"] = float(shared)
    after = replace(event, facts=facts)
    row = spoken(event, rows, readings, family)
    if row is not None:
        said = weighed(facts, readings, row, family, shared)
        lr = f"lr.{family.name}.{row.direction.value}"
        if said[lr] >= facts.get(lr, 1.0) or _could_show(event, readings, row, shared, family):
            after = replace(event, facts={**facts, **said})
        after = _signed(after, row, said[lr], readings, family)
        if texts:
            after = _calm(after, row, readings, shared, family)
        else:
            after = _retold(after, readings, family, table)
    return _believed(_joined(event, after, readings), family, settings)


def _retold(
    event: Event, readings: Sequence[Reading], family: Family, table: Expectations
) -> Event:
    """What only figures tell is told by the newest of them: a headline must not say +26 % when the
    price has doubled since."""
    alarms = [one for one in readings if one.alarm]
    newest = min(alarms, key=lambda one: (one.p, one.series), default=None)
    kind = table.lone(family.name, newest.direction) if newest else None
    if newest is None or kind is None or kind.type != event.type:
        return event
    newest = from_level(event.facts, newest)
    return replace(
        event,
        title=title(newest),
        severity=max(event.severity, kind.severity(newest.move)),
        facts={**event.facts, kind.sign: round(abs(newest.move), 4)},
    )


def spoken(
    event: Event, rows: Sequence[Expectation], readings: Sequence[Reading], family: Family
) -> Expectation | None:
    """The row that a period speaks of: each period speaks once.

    Once a measure is due, what it brings; before, what the readings that alarm show, else whether
    buyers hurry: that nothing fell yet says nothing.
    """
    period = readings[0].period
    ways = {one.direction for one in readings if one.alarm}
    in_force = [row for row in rows if row.fulfils and not early(event, row, family, period)]
    shown = [row for row in rows if row.direction in ways]
    before = [row for row in rows if not row.fulfils]
    return next(iter([*in_force, *shown, *before]), None)


def weighed(
    facts: Mapping[str, float],
    readings: Sequence[Reading],
    row: Expectation,
    family: Family,
    shared: int,
) -> dict[str, float]:
    """Number of releases, sum of their z and ratio of all of them, with these readings as one more.

    Series of one flow are one witness: the mean of their z varies no more than each of them.
    """
    name = f"{family.name}.{row.direction.value}"
    z = mean(toward(one.believed, one.direction, row.direction) for one in readings)
    many = [sizes(row.effect, usual(one, family), shared, family.additive) for one in readings]
    means = [mean(one) for one in zip(*many, strict=True)]
    count, total = facts.get(f"n.{name}", 0.0) + 1, facts.get(f"z.{name}", 0.0) + z
    ratio_of_all = persistent(total, count, means, row.effect.weights, row.still)
    anew = persistent(z, 1.0, means, row.effect.weights, row.still)
    if anew > ratio_of_all and any(one.alarm for one in readings):
        # it may begin late: from the first release or from this one, each as likely as the other
        ratio_of_all, count, total = (ratio_of_all + anew) / 2, 1.0, z
    return {
        f"n.{name}": count,
        f"z.{name}": total,
        f"newest.{name}": z,
        f"lr.{name}": attributed(ratio_of_all, shared, family.tests_per_year),
    }


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
    move = from_level(event.facts, reading).move
    if "text" in facts:
        facts["fulfilled"] = 1.0
    if fell and "shared" in facts:
        facts["shared_drop"] = round(-move, 4)
    else:
        facts["move"] = round(move, 4)
    if fell and "shared" not in facts:
        facts["drop"] = round(-move, 4)
        facts["harm"] = min(3.0, 1.0 + 2.5 * -move)
    severity = max(event.severity, facts.get("harm", 0.0))
    return replace(event, facts=facts, phase=Phase.ACTUAL, severity=severity)


def _calm(
    event: Event, row: Expectation, readings: Sequence[Reading], shared: int, family: Family
) -> Event:
    """Counts releases that stay calm after the due date; enough of them, with power, refute."""
    if not row.fulfils or "fulfilled" in event.facts or readings[0].period < due(event, row):
        return event
    facts = dict(event.facts)
    key = f"calm.{family.name}"
    if any(toward(one.believed, one.direction, row.direction) >= CALM_Z for one in readings):
        facts.pop(key, None)
        facts.pop("refuted", None)
        return replace(event, facts=facts)
    facts[key] = facts.get(key, 0.0) + 1
    facts["power"] = round(_power(readings, row, family, shared, int(facts[key])), 3)
    if facts[key] >= max(REFUTING, family.calm_releases) and facts["power"] >= ENOUGH:
        facts["refuted"] = 1.0
    return replace(event, facts=facts)


def _could_show(
    event: Event, readings: Sequence[Reading], row: Expectation, shared: int, family: Family
) -> bool:
    """Would the effect have shown? A silence that was to be expected anyway changes nothing."""
    releases = int(event.facts.get(f"calm.{family.name}", 0.0)) + 1
    return _power(readings, row, family, shared, releases) >= ENOUGH


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
