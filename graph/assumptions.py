"""Which assumptions decide a report: how far the answer moves when each of them is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from graph.arrays import Floats
from graph.spreads import ASSUMED, Spread

STATED = "stated"
BINS = 12  # of equal count, for the share of variance: fewer runs than 5 a bin tell nothing
LEAST_RUNS = 5 * BINS


class AssumptionError(ValueError):
    """An assumption that does not say what it must, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that an answer hangs on, with the range in which it may lie.

    `basis` is stated (somebody published it: `source`) or assumed (we chose it).
    """

    name: str
    baseline: float
    low: float
    high: float
    basis: str = ASSUMED
    source: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        if not self.low <= self.baseline <= self.high:
            raise AssumptionError(
                f"{self.name}: the baseline {self.baseline} lies outside {self.low}..{self.high}"
            )
        if self.basis not in (STATED, ASSUMED):
            raise AssumptionError(f"{self.name}: basis is stated or assumed, not {self.basis!r}")
        if self.basis == STATED and not self.source:
            raise AssumptionError(f"{self.name}: what is stated needs its source")


@dataclass(frozen=True, slots=True)
class Decides:
    """One assumption, and what hangs on it; in the unit of the answer (days, currency, share)."""

    assumption: Assumption
    answer: float  # at the baseline of all
    answer_low: float  # when this one is at its low end, all others at their baselines
    answer_high: float
    moves: float  # the farther of the two ends from `answer`; inf when a shortage comes or goes
    flips: bool  # one of the two ends puts the report in another stage
    variance: float | None  # first-order share of the answer's variance, 0..1; None without draws
    rank_correlation: float | None  # with the answer, -1..1; None without draws


def assumption(spread: Spread, unit: str = "") -> Assumption:
    """A spread of the Monte Carlo as an assumption: its median, from P5 to P95.

    >>> from graph.spreads import lognormal
    >>> days = assumption(lognormal("duration", 10.0, 40.0), "d")
    >>> round(days.low, 6), round(days.baseline, 6), round(days.high, 6), days.basis
    (10.0, 20.0, 40.0, 'assumed')
    """
    stated = spread.source != ASSUMED
    return Assumption(
        spread.name,
        spread.middle,
        spread.low,
        spread.high,
        STATED if stated else ASSUMED,
        spread.source if stated else "",
        unit,
    )


def rank_assumptions(
    assumptions: Iterable[Assumption],
    answer: Callable[[Mapping[str, float]], float],
    *,
    stage: Callable[[float], object] | None = None,
    draws: Mapping[str, Floats] | None = None,
    answers: Floats | None = None,
) -> list[Decides]:
    """The assumptions, those first that change the stage of the report or else move the answer.

    `answer` gives the loss or the first day of shortage (inf: it never comes) for a value of every
    assumption; it is called once for the baselines and twice for each (a tornado). `stage` names
    the stage of an answer, such as "short before recovery". `draws` and `answers` are those of a
    Monte Carlo (`Bands.draws` and `Bands.losses()` or `.first_days()`): with them the share of
    variance counts what one-at-a-time ends cannot see, a bend in between. AssumptionError for two
    of one name, an answer that is not a number, or draws of other lengths.

    >>> stock = Assumption("stock", 30.0, 10.0, 60.0, unit="d")
    >>> lead = Assumption("lead", 20.0, 18.0, 22.0, "stated", "a port's schedule", "d")
    >>> first_day = lambda values: values["stock"] + values["lead"]
    >>> late = lambda day: "after recovery" if day > 40 else "before recovery"
    >>> ranked = rank_assumptions([lead, stock], first_day, stage=late)
    >>> [(one.assumption.name, one.moves, one.flips) for one in ranked]
    [('stock', 30.0, True), ('lead', 2.0, False)]
    """
    listed = list(assumptions)
    named = {one.name: one for one in listed}
    if len(named) < len(listed):
        raise AssumptionError("two assumptions carry one name: rename one")
    baselines = {name: one.baseline for name, one in named.items()}
    base = _answered(answer, baselines)
    ranked = []
    for one in listed:
        ends = [_answered(answer, {**baselines, one.name: end}) for end in (one.low, one.high)]
        variance, correlation = _from_draws(one.name, draws, answers)
        ranked.append(
            Decides(
                assumption=one,
                answer=base,
                answer_low=ends[0],
                answer_high=ends[1],
                moves=max(_apart(base, end) for end in ends),
                flips=stage is not None and any(stage(end) != stage(base) for end in ends),
                variance=variance,
                rank_correlation=correlation,
            )
        )
    return sorted(ranked, key=lambda d: (not d.flips, -d.moves, -(d.variance or 0.0)))


def _answered(answer: Callable[[Mapping[str, float]], float], values: dict[str, float]) -> float:
    found = float(answer(values))
    if math.isnan(found):
        raise AssumptionError(f"no answer for {values}; a shortage that never comes is inf")
    return found


def _apart(one: float, other: float) -> float:
    return 0.0 if one == other else abs(one - other)  # never and never do not differ


def _from_draws(
    name: str, draws: Mapping[str, Floats] | None, answers: Floats | None
) -> tuple[float | None, float | None]:
    if draws is None or answers is None or name not in draws:
        return None, None
    if len(draws[name]) != len(answers):
        raise AssumptionError(
            f"{name}: {len(draws[name])} draws for {len(answers)} answers; give those of one run"
        )
    return variance_share(draws[name], answers), rank_correlation(draws[name], answers)


def variance_share(values: Floats, answers: Floats) -> float | None:
    """First-order Sobol index of one input: the variance of the answer's mean over bins of it.

    What the scatter inside of the bins would give by chance is taken off (epsilon squared: Kelley
    1935). With answers that are never (inf) the variance is that of their ranks. None with fewer
    than 60 runs; 0 where the answer or the value is the same in all of them.

    >>> u = (np.arange(600.0) * 0.618034) % 1.0
    >>> v = (np.arange(600.0) * 0.754878) % 1.0
    >>> [round(variance_share(x, 3.0 * u + v) or 0.0, 1) for x in (u, v)]   # 9 and 1 of 10
    [0.9, 0.1]
    """
    n = len(answers)
    if n < LEAST_RUNS:
        return None
    found = answers if np.isfinite(answers).all() else rankdata(answers)
    total = float(((found - found.mean()) ** 2).sum())
    bins = _bins(values)
    count = int(bins.max()) + 1
    if total <= 0.0 or count < 2:
        return 0.0
    size = np.bincount(bins)
    means = np.bincount(bins, found) / size
    between = float(size @ (means - found.mean()) ** 2)
    by_chance = (count - 1) * (total - between) / (n - count)
    return min(1.0, max(0.0, (between - by_chance) / total))


def _bins(values: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """The bin of each value: one for each value when they are few, else of equal count."""
    few, which = np.unique(values, return_inverse=True)
    if len(few) > BINS:
        which = (np.argsort(np.argsort(values, kind="stable")) * BINS) // len(values)
    return np.asarray(which, dtype=np.intp)


def rank_correlation(values: Floats, answers: Floats) -> float:
    """Spearman's: 1 when the answer always rises with the value, 0 where either never changes.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([9.0, 30.0, np.inf]))
    1.0
    """
    one, other = (_centred(rankdata(x)) for x in (values, answers))
    scale = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / scale if scale > 0 else 0.0


def _centred(ranks: Floats | Sequence[float]) -> Floats:
    return np.asarray(ranks, dtype=np.float64) - float(np.mean(ranks))
