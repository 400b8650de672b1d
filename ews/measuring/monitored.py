"""Which series does which detector watch, and what share of the false-alarm budget has each?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np

from alerts.rulebook import OPTIONAL, false_alarms, setting
from ews.detectors.budget import Budget, Monitored, budget_for
from ews.detectors.calibration import class_of
from ews.detectors.derived import derive
from ews.detectors.numeric import detectors_of
from ews.detectors.panel import PER_YEAR, Panel
from ews.measuring.codes import codes_of, codes_under, watched_codes
from ews.model import Frequency, RuleSet, series_parts
from ews.storage.series_rows import Summary
from graph import CHOKEPOINTS, ITEMS

LEAST = {  # periods without which nothing is usual
    Frequency.DAY: 200, Frequency.WEEK: 52, Frequency.MONTH: 24, Frequency.QUARTER: 12,
    Frequency.YEAR: 8,
}  # fmt: skip
SILENT = timedelta(days=500)  # a series without a value for so long is monitored no more
TRADE = frozenset({"flows-kg", "flows-usd"})
# Of an item's budget, what is of Korea as a whole gets most, what is between others, or a part of
# a whole that is watched itself (tankers among all ships), least.
WHOLE, PARTNER, GAP, HINT = 3.0, 1.0, 0.3, 0.1
PASSAGES = frozenset({"transits", "port-calls"})  # all ships; other counts are parts of them
# Values that are revised are tested again: so much of the budget is kept for that (an assumption:
# a quarter of the values of the newest three periods).
RETESTS = 0.25


def numbers(ruleset: RuleSet) -> dict[str, float]:
    """The numbers of [series], the shipped ones where an older rule set lacks them."""
    return {key: setting(ruleset.rules, "series", key) for key in OPTIONAL["series"]}


def budget_of(ruleset: RuleSet) -> Budget:
    """What the rule set allows, by the codes that series use. An item with several codes has its
    budget for each of them."""
    rules = ruleset.rules
    own = false_alarms(rules)
    by_code = {code: own[item] for item in own for code in (*codes_of(item), *codes_under(item))}
    watched = [item.id for item in ITEMS.values() if item.watched]
    watched += [*sorted(watched_codes(rules)), *CHOKEPOINTS]  # every route to Korea is watched
    return budget_for(
        watched,
        by_code,
        setting(rules, "series", "false_alarms_per_week"),
        setting(rules, "series", "false_alarms_per_item_year"),
        setting(rules, "series", "false_alarms_per_watched_year"),
    )


def monitored(
    summaries: Sequence[Summary], now: datetime, young: bool = True
) -> Iterator[Monitored]:
    """Every detector on every series that it can judge at `now`, derived series among them; with
    `young` also, at no tests a year, on those that have too little past or ended long ago."""
    kinds = {measure: class_of(measure) for measure in {one.measure for one in summaries}}
    weighed = {
        _trade(s) for s in summaries
        if kinds[s.measure] == "flows-kg" and s.enough(now, LEAST[s.frequency], SILENT)
    }  # fmt: skip
    monthly = []
    for one in summaries:
        kind, enough = kinds[one.measure], one.enough(now, LEAST[one.frequency], SILENT)
        if kind in TRADE and one.frequency is Frequency.MONTH and enough:
            monthly.append(one.name)
        if kind == "flows-usd" and _trade(one) in weighed:
            continue  # money follows weight and prices: the same alarm twice
        if not (enough or young):
            continue
        week = one.frequency is Frequency.DAY  # days are judged as weeks
        per_year = PER_YEAR[Frequency.WEEK if week else one.frequency]
        yield from _watched(one.name, one.place, one.item, kind, per_year if enough else 0.0)
    for name in derived_names(monthly, now):
        _, measure, place, item = series_parts(name)
        yield from _watched(name, place, item, class_of(measure), PER_YEAR[Frequency.MONTH])


def _trade(one: Summary) -> tuple[str, str, str, str]:
    """The same of a series in weight and of one in money."""
    return one.provider, one.measure.partition("-")[0], one.place, one.item


def _watched(name: str, place: str, item: str, kind: str, per_year: float) -> Iterator[Monitored]:
    payer, weight = item if item != "-" else place, _weight(name, kind, place)
    per_year *= 1 + RETESTS
    for detector in detectors_of(kind):
        yield Monitored(name, detector.name, payer, per_year, weight)


def _weight(name: str, kind: str, place: str) -> float:
    if kind == "gaps":
        return GAP
    if kind in ("counts", "tonnage"):
        return WHOLE if series_parts(name)[1] in PASSAGES else HINT
    if place in ("KR", "WLD-KR") or "-" not in place:
        return WHOLE
    return PARTNER if place.endswith("-KR") else HINT


def derived_names(names: Iterable[str], now: datetime) -> tuple[str, ...]:
    """The series that follow from these (ews.detectors.derived)."""
    rows = tuple(names)
    shape = (len(rows), 1)
    never = np.full(shape, np.datetime64("NaT"), "M8[us]")
    month = np.array([now.date().replace(day=1)], "M8[D]")
    empty = Panel(rows, Frequency.MONTH, month, np.full(shape, np.nan), never, never, now)
    return derive(empty).names if rows else ()
