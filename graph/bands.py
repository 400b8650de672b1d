"""What a Monte Carlo says: a loss, a day and a curve, each with its band and its own error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graph.arrays import Floats

TOTAL = "all"  # the watch that holds every node
PERCENTILES = (0.05, 0.50, 0.95)
TAIL = 0.95  # of CVaR95
MEAN_ERROR, TAIL_ERROR = 0.02, 0.05  # standard errors, relative, under which runs are enough
ROUNDING = 1e-12  # of summed weights


@dataclass(frozen=True, slots=True)
class Summary:
    """A loss, currency over the horizon, and the standard error that the finite runs leave."""

    mean: float
    p5: float
    p50: float
    p95: float
    cvar95: float
    mean_error: float
    p95_error: float
    cvar95_error: float


@dataclass(frozen=True, slots=True)
class Band:
    """One watch: `given` that the event comes, and `weighted` by its probability."""

    name: str
    given: Summary
    weighted: Summary
    hit_by: Floats  # T: probability, given the event, of being hit on day d or before
    hit_by_weighted: Floats  # T: the same times the event's probability
    first_day: tuple[float, float, float]  # P5, P50, P95 given the event; inf: it is never hit
    never: float  # share of runs in which it is never hit
    curve: Floats  # 3 x T: P5, P50, P95 of each day's loss given the event, currency
    curve_weighted: Floats  # 3 x T: the same when the event may not come
    runs: int
    runs_needed: int  # for errors of 2 % of the mean and 5 % of P95; more than `runs`: too few

    @property
    def enough(self) -> bool:
        return self.runs >= self.runs_needed


@dataclass(frozen=True, slots=True)
class Bands:
    """All runs of a Monte Carlo; W watches, the first of which is the total."""

    names: tuple[str, ...]  # W
    curves: Floats  # runs x T x W: loss, currency a day
    normal: Floats  # W: output at normal times, currency a day
    draws: Mapping[str, Floats]  # by spread, its value in each run
    probability: float  # of the event
    hit_share: float  # of a day's normal output; a watch that loses more is hit
    seed: int
    switches: str
    residual: float  # greatest change of the last day in any run: 0 when all had settled

    def losses(self, name: str = TOTAL) -> Floats:
        """By run: the loss over the horizon, currency. KeyError for what was not watched."""
        return np.asarray(self.curves[:, :, self._at(name)].sum(axis=1))

    def first_days(self, name: str = TOTAL) -> Floats:
        """By run: the first day that loses more than `hit_share` of normal output; inf never."""
        at = self._at(name)
        hit = self.curves[:, :, at] > self.hit_share * self.normal[at]
        return np.where(hit.any(axis=1), hit.argmax(axis=1), np.inf)

    def of(self, name: str = TOTAL) -> Band:
        """The band of one watch. KeyError for what was not watched."""
        losses, first = self.losses(name), self.first_days(name)
        days = np.arange(self.curves.shape[1])
        days_at = [quantile(first, level) for level in PERCENTILES]
        hit_by = (first[:, None] <= days).mean(axis=0)
        given = summary(losses)
        return Band(
            name=name,
            given=given,
            weighted=summary(losses, self.probability),
            hit_by=hit_by,
            hit_by_weighted=self.probability * hit_by,
            first_day=(days_at[0], days_at[1], days_at[2]),
            never=float(np.isinf(first).mean()),
            curve=_curve(self.curves[:, :, self._at(name)], 1.0),
            curve_weighted=_curve(self.curves[:, :, self._at(name)], self.probability),
            runs=len(losses),
            runs_needed=_needed(given, len(losses)),
        )

    def _at(self, name: str) -> int:
        if name not in self.names:
            raise KeyError(f"{name!r} was not watched; watched are {', '.join(self.names)}")
        return self.names.index(name)


def summary(losses: Floats, probability: float = 1.0) -> Summary:
    """Mean, quantiles and CVaR95 of losses that come with a probability, and are 0 otherwise.

    >>> certain = summary(np.arange(1.0, 101.0))
    >>> certain.mean, certain.p5, certain.p95, round(certain.cvar95, 9)
    (50.5, 5.0, 95.0, 98.0)
    >>> rare = summary(np.arange(1.0, 101.0), probability=0.1)
    >>> round(rare.mean, 9), rare.p50, rare.p95, round(rare.cvar95, 9)
    (5.05, 0.0, 50.0, 75.5)
    """
    p5, p50, p95 = (quantile(losses, q, probability) for q in PERCENTILES)
    excess = np.maximum(0.0, losses - p95)
    root = math.sqrt(len(losses))
    return Summary(
        mean=probability * float(losses.mean()),
        p5=p5,
        p50=p50,
        p95=p95,
        cvar95=cvar(losses, TAIL, probability),
        mean_error=probability * float(losses.std()) / root,
        p95_error=_quantile_error(losses, PERCENTILES[-1], probability),
        cvar95_error=probability * float(excess.std()) / root / (1.0 - TAIL),
    )


def quantile(losses: Floats, level: float, probability: float = 1.0) -> float:
    """The least loss that is not exceeded with probability `level`.

    >>> quantile(np.array([4.0, 2.0, 3.0, 1.0]), 0.5), quantile(np.array([4.0]), 0.5, 0.3)
    (2.0, 0.0)
    """
    return float(_ranked(np.sort(losses), level, probability))


def cvar(losses: Floats, level: float, probability: float = 1.0) -> float:
    """Mean loss of the worst 1 - level of cases (Acerbi & Tasche 2002: a run may count in part).

    ValueError for a level outside 0..1.

    >>> cvar(np.array([1.0, 2.0, 3.0, 4.0]), 0.5), cvar(np.array([1.0, 2.0, 3.0, 4.0]), 0.5, 0.25)
    (3.5, 1.25)
    """
    if not 0.0 <= level < 1.0:
        raise ValueError(f"give a CVaR level of 0 or more and below 1, not {level}")
    worst = np.sort(losses)[::-1]
    tail = 1.0 - level
    before = np.arange(len(worst)) * (probability / len(worst))
    weight = np.clip(tail - before, 0.0, probability / len(worst))
    return float(weight @ worst) / tail


def _inside(level: float, probability: float) -> float:
    """The level among the cases in which the event comes: below it all losses are 0."""
    return (level - (1.0 - probability)) / probability if probability > 0 else 0.0


def _ranked(ordered: Floats, level: float, probability: float) -> Floats:
    """The quantile of each column, of which the rows are in order."""
    # Not by interpolation: between a day and never, or a loss and none, there is nothing.
    n = len(ordered)
    rank = math.ceil(_inside(level, probability) * n - ROUNDING * n)
    return np.asarray(ordered[rank - 1] if rank > 0 else np.zeros(ordered.shape[1:]))


def _curve(curves: Floats, probability: float) -> Floats:
    ordered = np.sort(curves, axis=0)
    return np.stack([_ranked(ordered, level, probability) for level in PERCENTILES])


def _quantile_error(losses: Floats, level: float, probability: float) -> float:
    """Half of the span of the ranks that are one binomial standard error off, no shape assumed."""
    n, inside = len(losses), _inside(level, probability)
    if inside <= 0.0:
        return 0.0
    off = math.sqrt(n * inside * (1.0 - inside))
    ranks = np.clip(np.rint([n * inside - off, n * inside + off]).astype(int) - 1, 0, n - 1)
    low, high = np.sort(losses)[ranks]
    return float(high - low) / 2.0


def _needed(given: Summary, runs: int) -> int:
    parts = (
        (given.mean_error, MEAN_ERROR * given.mean),
        (given.p95_error, TAIL_ERROR * given.p95),
    )
    # A P95 of 0 has no relative error: the mean alone then says how many runs it takes.
    return math.ceil(
        max(runs * (error / allowed) ** 2 if allowed > 0 else 0.0 for error, allowed in parts)
    )
