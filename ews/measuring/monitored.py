"""Which series does which detector watch, and what share of the false-alarm budget has each?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from alerts.rulebook import OPTIONAL, false_alarms, setting
from ews.detectors.budget import Budget, Monitored, budget_for
from ews.detectors.calibration import class_of
from ews.detectors.derived import derive
from ews.detectors.numeric import detectors_of
from ews.detectors.panel import PER_YEAR, Panel
from ews.measuring.codes import codes_of, codes_under, watched_codes
from ews.measuring.weights import Weighed, weights
from ews.model import Frequency, RuleSet, series_parts
from ews.storage.series_rows import Summary
from graph import CHOKEPOINTS, ITEMS

LEAST = {  # periods without which nothing is usual
    Frequency.DAY: 200, Frequency.WEEK: 52, Frequency.MONTH: 24, Frequency.QUARTER: 12,
    Frequency.YEAR: 8,
}  # fmt: skip
SILENT = timedelta(days=500)  # a series without a value for so long is monitored no more
TRADE = frozenset({"flows-kg", "flows-usd"})
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
    summaries: Sequence[Summary],
    now: datetime,
    young: bool = True,
    sizes: Mapping[str, float] | None = None,
) -> Iterator[Monitored]:
    """Every detector on every series that it can judge at `now`, derived series among them; with
    `young` also, at no tests a year, on those that have too little past or ended long ago.
    `sizes`: how much came of a series in a year (`Store.sizes` of `weights.sized`)."""
    rows = list(_rows(summaries, now, young))
    live = [row for row, per_year in rows if per_year]
    weight = dict(zip((one.name for one in live), weights(live, sizes or {}), strict=True))
    for row, per_year in rows:
        for detector in detectors_of(row.kind):
            yield Monitored(
                row.name, detector.name, row.payer, per_year * (1 + RETESTS),
                weight.get(row.name, 0.0),
            )  # fmt: skip


def _rows(
    summaries: Sequence[Summary], now: datetime, young: bool
) -> Iterator[tuple[Weighed, float]]:
    """(series, values a year that are judged; 0 where it cannot be)."""
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
        payer = one.item if one.item != "-" else one.place
        yield Weighed(one.name, kind, payer), per_year if enough else 0.0
    for name in derived_names(monthly, now):
        _, measure, _, item = series_parts(name)
        yield Weighed(name, class_of(measure), item), PER_YEAR[Frequency.MONTH]


def _trade(one: Summary) -> tuple[str, str, str, str]:
    """The same of a series in weight and of one in money."""
    return one.provider, one.measure.partition("-")[0], one.place, one.item


def derived_names(names: Iterable[str], now: datetime) -> tuple[str, ...]:
    """The series that follow from these (ews.detectors.derived)."""
    rows = tuple(names)
    shape = (len(rows), 1)
    never = np.full(shape, np.datetime64("NaT"), "M8[us]")
    month = np.array([now.date().replace(day=1)], "M8[D]")
    empty = Panel(rows, Frequency.MONTH, month, np.full(shape, np.nan), never, never, now)
    return derive(empty).names if rows else ()
