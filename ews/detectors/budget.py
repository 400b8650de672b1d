"""How unusual must a value be, so that false alarms stay within what the analyst accepts?

The unit of a budget is the expected number of false alarms. An item has one a year, the service
one a week, and every test gets its share, alpha: alarm when the calibrated p is at or below it.
Under the null a test alarms with probability alpha at most, so the tests of a year raise at most
the sum of their alphas in expectation, whether they depend on each other or not (expectations
add). This is the weighted Bonferroni procedure controlling the per-family error rate: Spjotvoll,
Ann. Math. Statist. 43 (1972) 398-411; weights: Genovese, Roeder, Wasserman, Biometrika 93 (2006)
509-524. Alarms of one series and direction that follow one another are one; counting every one,
as the sum does, errs on the safe side.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Word = TypeVar("Word", bound=Hashable)
WEEKS_PER_YEAR = 365.25 / 7
# Two a week is what one analyst can look into beside other work (the default the user named).
PER_WEEK = 2.0
# A watched item may be wrong once in two years: 30 of them are wrong 15 times a year, not the 104
# that the service's limit alone would allow. An item that nobody watches, once in ten years.
PER_WATCHED_YEAR = 0.5
PER_ITEM_YEAR = 0.1
# Urea was on no list: when the service's limit is short, items that nobody watches keep a quarter
# of it (or all they need, when that is less) before watched items are scaled down.
OTHERS_KEEP = 0.25
# However generous a budget, a value seen in one of twenty quiet periods is no evidence.
MOST_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Budget:
    """Expected false alarms that are accepted. ValueError when one is negative or no number."""

    per_week: float = PER_WEEK  # of the whole service
    per_item_year: float = PER_ITEM_YEAR  # of an item that is not in `items`
    items: Mapping[str, float] = field(default_factory=dict)  # watched item -> its own, a year

    def __post_init__(self) -> None:
        named = {"per_week": self.per_week, "per_item_year": self.per_item_year, **self.items}
        for name, value in named.items():
            if not 0 <= value < np.inf:
                raise ValueError(f"false-alarm budget of {name}: give a number from 0, not {value}")

    @property
    def per_year(self) -> float:
        return self.per_week * WEEKS_PER_YEAR

    def of(self, item: str) -> float:
        """Expected false alarms a year that the item may raise."""
        return self.items.get(item, self.per_item_year)


def budget_for(
    watched: Iterable[str],
    own: Mapping[str, float] | None = None,
    per_week: float = PER_WEEK,
    per_item_year: float = PER_ITEM_YEAR,
    per_watched_year: float = PER_WATCHED_YEAR,
) -> Budget:
    """The Budget of a list of watched items; `own` holds what an analyst set for single items."""
    return Budget(
        per_week, per_item_year, dict.fromkeys(watched, per_watched_year) | dict(own or {})
    )


@dataclass(frozen=True, slots=True)
class Monitored:
    """One detector on one series. `tests_per_year` 0: the series has too little past to be judged.

    `item` is whose budget pays: an HS code, an item id, or for a chokepoint or port its slug.
    `weight` may prefer series that matter more (a partner's share of imports); it must not be
    taken from the values that are tested. Detectors of one series share the weight of the series.
    """

    series: str
    detector: str
    item: str
    tests_per_year: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Scaled:
    """Who got less than was set, because the service's limit is lower."""

    watched: bool
    items: int
    asked: float  # expected false alarms a year, all of these items together
    given: float

    @property
    def en(self) -> str:
        who = "watched items" if self.watched else "items that nobody watches"
        return (
            f"{self.items:,} {who}: {self.asked:.1f} false alarms a year were allowed, "
            f"the limit of the whole service leaves {self.given:.1f}"
        )

    @property
    def ko(self) -> str:
        who = "관심 품목" if self.watched else "관심 목록에 없는 품목"
        return (
            f"{who} {self.items:,}개: 연간 오경보 {self.asked:.1f}건까지 허용했으나 "
            f"전체 한도에 따라 {self.given:.1f}건으로 줄임"
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What the limit of the whole service leaves of every item's budget."""

    watched: float  # factor of the items in `Budget.items`
    others: float
    scaled: tuple[Scaled, ...]
    per_year: float  # expected false alarms a year of the whole service


@dataclass(frozen=True, slots=True)
class Allocation:
    """The alpha of every monitored test, in the order in which they were given."""

    alphas: Floats  # [m]
    tests: Floats  # [m] tests a year; 0 where the series cannot be judged
    limits: Limits
    _row: Mapping[tuple[str, str], int]
    _item_years: Mapping[str, float]

    def alpha(self, series: str, detector: str) -> float:
        """What a calibrated p must not exceed. KeyError when it is not monitored."""
        return float(self.alphas[self._row[series, detector]])

    def alphas_of(self, names: Sequence[str], detector: str) -> Floats:
        """[n] the alpha of each series under that detector; 0 where it is not monitored."""
        row = self._row
        at = np.fromiter((row.get((name, detector), -1) for name in names), np.intp, len(names))
        return np.append(self.alphas, 0.0)[at]

    @property
    def scaled(self) -> tuple[Scaled, ...]:
        return self.limits.scaled

    @property
    def expected_per_year(self) -> float:
        return self.limits.per_year

    @property
    def expected_per_week(self) -> float:
        """Expected false alarms of the whole service, at most."""
        return self.expected_per_year / WEEKS_PER_YEAR

    def expected_per_item_year(self, item: str) -> float:
        """Expected false alarms of the item a year, at most; 0.0 when nothing of it is judged."""
        return self._item_years.get(item, 0.0)


def allocate(
    monitored: Sequence[Monitored], budget: Budget, limits: Limits | None = None
) -> Allocation:
    """Share the budgets out: within an item equally (or by weight) over its series, within a
    series equally over its detectors. ValueError when a pair of series and detector comes twice.

    `limits`: of the whole service, when only the tests of some items are given.
    No alpha exceeds `MOST_ALPHA`; what that leaves over is not spent elsewhere.
    """
    row = {(one.series, one.detector): at for at, one in enumerate(monitored)}
    if len(row) != len(monitored):
        raise ValueError("a detector watches a series once: drop the second of the pair")
    tests = np.maximum([one.tests_per_year for one in monitored], 0.0)
    names, item = _coded(one.item for one in monitored)
    own = np.array([budget.of(name) for name in names])
    cost = own[item] * _shares(monitored, item, tests > 0)  # false alarms a year, each test
    alphas = np.zeros(len(tests))
    np.divide(cost, tests, out=alphas, where=tests > 0)
    alphas = np.minimum(alphas, MOST_ALPHA)
    watched = np.array([name in budget.items for name in names], np.bool_)
    limits = limits or _fitted(alphas * tests, item, watched, budget.per_year)
    factor = np.where(watched, limits.watched, limits.others)
    alphas = alphas * factor[item] if len(names) else alphas
    spent = np.bincount(item, alphas * tests, len(names))
    return Allocation(alphas, tests, limits, row, dict(zip(names, spent.tolist(), strict=True)))


def _shares(monitored: Sequence[Monitored], item: Places, judged: NDArray[np.bool_]) -> Floats:
    """[m] the share of its item's budget that each test pays; the shares of an item add up to 1."""
    weight = np.array([one.weight for one in monitored], np.float64)
    if not np.all(np.isfinite(weight) & (weight >= 0)):
        raise ValueError("the weight of a monitored series must be a number from 0")
    weight = np.where(judged, weight, 0.0)
    # A series of a place or a pair of places may pay from one item only: code both together.
    names, series = _coded(zip((one.series for one in monitored), item.tolist(), strict=True))
    detectors = np.bincount(series, judged, len(names))
    weight = weight / np.maximum(detectors[series], 1.0)
    total = np.bincount(item, weight) if len(item) else np.empty(0)
    share = np.zeros(len(weight))
    np.divide(weight, total[item], out=share, where=weight > 0)
    return share


def _fitted(cost: Floats, item: Places, watched: NDArray[np.bool_], limit: float) -> Limits:
    """By how much the alphas of an item shrink so that all together keep the limit."""
    by_item = np.bincount(item, cost, len(watched))
    asked = {True: float(by_item[watched].sum()), False: float(by_item[~watched].sum())}
    kept = min(asked[False], OTHERS_KEEP * limit)
    given = {True: min(asked[True], limit - kept)}
    given[False] = min(asked[False], limit - given[True])
    factor = {True: 1.0, False: 1.0}
    scaled = []
    for who in (False, True):
        if given[who] < asked[who]:
            factor[who] = given[who] / asked[who]
            items = int((by_item[watched == who] > 0).sum())
            scaled.append(Scaled(who, items, asked[who], given[who]))
    return Limits(factor[True], factor[False], tuple(scaled), given[True] + given[False])


def _coded(words: Iterable[Word]) -> tuple[list[Word], Places]:
    """The different words in order of first use, and for each word its place among them."""
    place: dict[Word, int] = {}
    codes = [place.setdefault(word, len(place)) for word in words]
    return list(place), np.array(codes, np.intp)
