"""How is the false-alarm budget set, shared out over the series, and kept?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from alerts.rulebook import false_alarms
from ews.detectors.achieved import (
    Achieved,
    Alarm,
    Rate,
    achieved,
    outcome_of,
)
from ews.detectors.budget import Allocation, Budget, Monitored, allocate
from ews.detectors.calibration import class_of, shipped
from ews.measuring.monitored import TRADE, budget_of, monitored, numbers
from ews.measuring.shares import limits_kept, ruleset_of
from ews.measuring.weights import sized
from ews.model import RuleSet, series_parts
from ews.reports.series_names import item_codes, payer, payer_label
from ews.reports.series_views import (
    BudgetReport,
    DetectorCost,
    ItemBudget,
    RateLine,
    SeriesBudget,
)
from ews.reports.views import Label
from ews.storage import Store
from ews.storage.series_rows import Summary

WINDOW = timedelta(days=365)  # achieved figures are of so long, or since the first turn
LAG = timedelta(days=100)  # a value is judged within so long after it became known (alarms.RECENT)
SHOWN = 50  # items of the budget
BY_ITEM = TRADE | {"shares", "gaps"}  # classes of measure that are read by item


@dataclass(frozen=True, slots=True)
class Shared:
    """The budget as it was shared out at one moment."""

    ruleset: RuleSet
    budget: Budget
    monitored: Sequence[Monitored]
    allocation: Allocation
    summaries: Sequence[Summary] = field(repr=False)
    tests_of: Mapping[str, Sequence[int]] = field(repr=False)  # series -> its rows of `monitored`
    one: bool = False  # of one series: its item's tests, and summaries of what is read beside it

    @property
    def params(self) -> Mapping[str, float]:
        return numbers(self.ruleset)

    def per_year(self, rows: Iterable[int]) -> float:
        """Expected false alarms a year of some tests, at most."""
        given = self.allocation
        return float(sum(given.alphas[at] * given.tests[at] for at in rows))


def shared(store: Store, now: datetime, ruleset: RuleSet | None = None) -> Shared:
    """The budget shared out over every series that had a value by `now`, under the rules of then."""
    ruleset = ruleset or ruleset_of(store, now)
    summaries = [_then(one, now) for one in store.summaries() if one.oldest and one.oldest <= now]
    watched = list(monitored(summaries, now, sizes=store.sizes(*sized(now), now)))
    budget = budget_of(ruleset)
    tests: dict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(watched):
        tests[one.series].append(at)
    return Shared(ruleset, budget, watched, allocate(watched, budget), summaries, tests)


def shared_of(store: Store, now: datetime, name: str) -> Shared | None:
    """The same for one series, from the tests of its item alone and what the service's limit left
    when the budget was last shared out; None when that is not known."""
    ruleset = ruleset_of(store, now)
    limits = limits_kept(store, ruleset, now)
    if limits is None:
        return None
    provider, measure, _, item = series_parts(name)
    # Trade is read by item, all else beside the same measure of its provider.
    of = ("", "") if class_of(measure) in BY_ITEM else (provider, measure)
    near = [one for one in store.summaries(item, of) if one.oldest]
    own = [one for one in near if payer(one.name) == payer(name)]
    watched = list(monitored(own, now, sizes=store.sizes(*sized(now), now, item)))
    budget = budget_of(ruleset)
    tests: dict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(watched):
        tests[one.series].append(at)
    return Shared(ruleset, budget, watched, allocate(watched, budget, limits), near, tests, True)


def _then(one: Summary, now: datetime) -> Summary:
    """The summary without what came after `now`."""
    return one if one.newest is None or one.newest <= now else replace(one, newest=now)


# --------------------------------------------------------------------------- of one series


def budget_of_series(found: Shared, name: str) -> SeriesBudget:
    """What the tests of a series may cost, and the limits above them."""
    measure, who = series_parts(name)[1], payer(name)
    given = found.allocation
    tests = tuple(
        DetectorCost(
            found.monitored[at].detector, float(given.tests[at]), float(given.alphas[at]),
            float(given.tests[at] * given.alphas[at]),
            shipped().basis(found.monitored[at].detector, measure),
        )
        for at in found.tests_of.get(name, ())
        if given.tests[at] > 0
    )  # fmt: skip
    return SeriesBudget(
        payer=payer_label(who),
        watched=who in found.budget.items,
        tests=tests,
        per_year=sum(one.per_year for one in tests),
        item_set=found.budget.of(who),
        item_per_year=given.expected_per_item_year(who),
        service_set=found.budget.per_week,
        service_per_week=given.expected_per_week,
        scaled=scaled(given),
    )


def scaled(given: Allocation) -> tuple[Label, ...]:
    return tuple(Label("scaled", one.en, one.ko) for one in given.scaled)


# --------------------------------------------------------------------------- what came


@dataclass(frozen=True, slots=True)
class Kept:
    """What came in a stretch of time, beside what was allowed."""

    since: datetime
    until: datetime
    found: Achieved

    @property
    def weeks(self) -> float:
        """0 for less than one: a first turn reads what gathered for long, and no rate is known."""
        weeks = (self.until - self.since) / timedelta(days=7)
        return weeks if weeks >= 1 else 0.0


def kept(store: Store, until: datetime, past: bool = False) -> Kept:
    """The year before `until`, or since the first turn of a detector if that is later.

    `past`: events count as they stood then, else as they stand now.
    """
    end = until + timedelta(microseconds=1)
    every = store.turns(until - WINDOW - LAG, end)
    turns = [one for one in every if one.at >= until - WINDOW]
    since = turns[0].at if turns else until
    # What a turn found had become known after the turn before it.
    before = max((one.at for one in every if one.at < since), default=since - LAG)
    detections = store.detections(before, end)
    ids = {one.event_id for one in detections if one.event_id}
    events = (
        {id_: store.event_as_of(id_, until) for id_ in ids} if past else dict(store.events_of(ids))
    )
    outcomes = {one.id: outcome_of(events.get(one.event_id)) for one in detections}
    alarmed = {one.series for one in detections}
    frequencies = {one.name: one.frequency for one in store.series(alarmed)}
    found = achieved(turns, detections, outcomes, before, end, frequencies)
    return Kept(since, until, found)


def rate_line(rate: Rate) -> RateLine:
    week = rate.per_week
    return RateLine(
        name=rate.name,
        expected=rate.expected,
        alarms=rate.alarms,
        real=rate.real,
        false=rate.false,
        open=rate.open,
        tests=rate.tests,
        per_week=week[0] if week else None,
        low=week[1] if week else None,
        high=week[2] if week else None,
        verdict=rate.verdict.value,
    )


def rate_of(name: str, alarms: Collection[Alarm], expected: float, came: Kept) -> RateLine:
    """The rate of a part of the alarms, against the false alarms that were allowed of it."""
    said = [one.real for one in alarms]
    rate = Rate(
        name, expected, len(said), said.count(True), said.count(False), said.count(None),
        weeks=came.weeks,
    )  # fmt: skip
    return rate_line(rate)


def achieved_of(found: Shared, came: Kept, name: str) -> tuple[RateLine, ...]:
    """What came of the series, of its item, and of the service.

    What was allowed is kept for each detector only: a series and an item are taken to have had the
    same share of it as they have of the budget now.
    """
    who, alarms, given = payer(name), came.found.alarms, found.allocation
    own = [one for one in alarms if one.series == name]
    item = [one for one in alarms if payer(one.series) == who]
    whole = given.expected_per_year
    allowed = (came.found.service.expected or 0.0) / whole if whole > 0 else 0.0
    return (
        rate_of("series", own, allowed * found.per_year(found.tests_of.get(name, ())), came),
        rate_of("item", item, allowed * given.expected_per_item_year(who), came),
        rate_line(replace(came.found.service, weeks=came.weeks)),
    )


# --------------------------------------------------------------------------- of the service


def budget_report(
    found: Shared, came: Kept, at: datetime, item: str = "", limit: int = SHOWN
) -> BudgetReport:
    """How the budget is set, shared out and kept; `item` looks for one. UnknownName when nothing
    is called so."""
    lines = _items(found, item)
    given = found.allocation
    params = found.params
    return BudgetReport(
        at=at,
        ruleset=found.ruleset.version,
        per_week_set=found.budget.per_week,
        per_week=given.expected_per_week,
        per_watched_year=params["false_alarms_per_watched_year"],
        per_item_year=params["false_alarms_per_item_year"],
        own=tuple(
            (payer_label(code), value)
            for code, value in sorted(false_alarms(found.ruleset.rules).items())
        ),
        series=sum(bool(_live(found, rows)) for rows in found.tests_of.values()),
        tests_per_year=float(given.tests.sum()),
        items=tuple(lines[:limit]),
        items_count=len(lines),
        scaled=scaled(given),
        since=came.since,
        service=rate_line(replace(came.found.service, weeks=came.weeks)),
        detectors=_lines(came.found.detectors, came),
        classes=_lines(came.found.classes, came),
    )


def _lines(rates: Iterable[Rate], came: Kept) -> tuple[RateLine, ...]:
    return tuple(rate_line(replace(one, weeks=came.weeks)) for one in rates)


def _live(found: Shared, rows: Iterable[int]) -> list[int]:
    return [at for at in rows if found.allocation.tests[at] > 0]


def _items(found: Shared, asked: str) -> list[ItemBudget]:
    """Items by what they may cost, the most first."""
    rows: dict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(found.monitored):
        rows[one.item].append(at)
    if asked.strip():
        wanted = _payers(asked, rows)
        rows = defaultdict(list, {who: at for who, at in rows.items() if who in wanted})
    lines = [_item(found, who, live) for who, at in rows.items() if (live := _live(found, at))]
    return sorted(lines, key=lambda one: (-one.per_year, one.payer.code))


def _payers(asked: str, known: Collection[str]) -> set[str]:
    if asked.strip() in known:
        return {asked.strip()}
    codes, begins = item_codes(asked)
    return {who for who in known if who in codes or (begins and who.startswith(begins))}


def _item(found: Shared, who: str, rows: Sequence[int]) -> ItemBudget:
    given = found.allocation
    alphas, tests = given.alphas[np.array(rows)], given.tests[np.array(rows)]
    return ItemBudget(
        payer=payer_label(who),
        watched=who in found.budget.items,
        series=len({found.monitored[at].series for at in rows}),
        per_year_set=found.budget.of(who),
        per_year=float(alphas @ tests),
        tests_per_year=float(tests.sum()),
        least_alpha=float(alphas.min()),
        most_alpha=float(alphas.max()),
    )


def kind_of(name: str) -> str:
    return class_of(series_parts(name)[1])
