"""Negative-binomial CUSUM: have counts moved away from what their own past makes expected?

A likelihood-ratio CUSUM (Hawkins & Olwell 1998; Höhle & Paul 2008, Comput Stat Data Anal 52,
4357-4368) on the one-step forecasts of `count_baseline`: up and down, for three sizes of shift side
by side. It tests against the edge of what the baseline may be, not its middle: an error of the
baseline lasts, and a CUSUM would add it up. A likelihood ratio has mean 1 when nothing happens, so a
score of s or more has a probability of at most 3 exp(-s) a side; the tail below is what simulation
makes of that bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ews.detectors.count_baseline import Baseline
from ews.detectors.nb_cusum_tails import TAILS
from ews.detectors.panel import Bools, Floats, Panel, Scores
from ews.model import Frequency

NAME: Final = "nb_cusum"
SHIFTS = np.array([0.75, 1.5, 3.0])  # sds; Watkins et al. 2008 use 2 alone
TURN = (
    3.0  # an excursion ends when its log-likelihood ratio has come down by this: exp(3) = 20 to 1
)
STALE = 14  # ... or when it has made no new top for as many periods
DOUBT = 1.5  # standard errors of the baseline's mean and scatter that are given away
GUARD = {Frequency.DAY: 14, Frequency.WEEK: 2, Frequency.MONTH: 1}  # newest values not learnt yet
LEAST = {Frequency.DAY: 56, Frequency.WEEK: 26, Frequency.MONTH: 24}  # values before it judges
# A score above SHUT stops the baseline from learning the excursion, for at most HOLD periods: then
# what looked like an episode is the new rule.
SHUT = float(np.log(1e5))
HOLD = {Frequency.DAY: 45, Frequency.WEEK: 8, Frequency.MONTH: 6}
ROWS = 512  # series at a time, so that their matrices stay in the cache


def score(panel: Panel, params: Mapping[str, float], last: int | None = None) -> Scores:
    """The larger of the two charts of each value; `up` tells which.

    Parameters, all optional: `per` (counts in a unit of value: 7 for weekly means of daily counts,
    the default of weekly panels; too large does no harm, the scatter that is learnt makes up for it),
    `least` and `guard` (periods), `doubt` (sds), `level_drift` (sd of the log level a year),
    `poisson` (1: variance = mean, as in a Poisson CUSUM). All periods are gone through whatever
    `last` is: 3 million monthly values take 2.3 s of one core.
    """
    found = Scores.silent(NAME, panel)
    for begin in range(0, len(panel.names), ROWS):
        rows = slice(begin, begin + ROWS)
        above, below, expected = charts(panel, rows, params)
        found.up[rows] = np.where(above == below, panel.values[rows] >= expected, above > below)
        found.score[rows] = np.maximum(above, below)
        found.expected[rows] = expected
    if last is not None:
        old = slice(0, max(0, found.score.shape[1] - last))
        found.score[:, old] = found.expected[:, old] = np.nan
        found.up[:, old] = False
    one_sided = np.where(
        found.up, *(tail_of(found.score, panel.frequency, up) for up in (True, False))
    )
    found.tail[...] = np.minimum(2.0 * one_sided, 1.0)
    return found


def tail_of(score: Floats, frequency: Frequency, up: bool) -> Floats:
    """Chance of a score at least as large on that side when nothing happens; 1 for a score of 0.

    Log-linear between the simulated knots of `nb_cusum_tails`; beyond the last one exp(-s), the slope
    of every likelihood-ratio CUSUM. Frequencies that were not simulated get the bound exp(-s).
    """
    tails = TAILS.get((frequency, up), (1.0,))
    knots = np.arange(len(tails), dtype=float)
    inside = np.interp(score, knots, np.log(tails))
    tail: Floats = np.exp(inside + np.minimum(knots[-1] - score, 0.0))
    return np.where(score > 0.0, tail, np.where(np.isnan(score), np.nan, 1.0))


def charts(panel: Panel, rows: slice, params: Mapping[str, float]) -> tuple[Floats, Floats, Floats]:
    """(upward score, downward score, expected), each [rows, t]; NaN where not judged."""
    frequency = panel.frequency
    per = params.get("per", 7.0 if frequency is Frequency.WEEK else 1.0)
    # No count is negative: such a value is a fault of its source and is not judged.
    values = np.where(panel.values[rows] >= 0.0, panel.values[rows] * per, np.nan)
    guard = int(params.get("guard", GUARD.get(frequency, 0)))
    least = int(params.get("least", LEAST.get(frequency, 12))) - guard
    base = Baseline(len(values), panel.periods, frequency, params)
    sums = _Sums(len(values))
    scores = np.full((2, *values.shape), np.nan)
    expected = np.full(values.shape, np.nan)
    for now in range(values.shape[1]):
        past = now - 1 - guard
        if past >= 0:
            _learn(base, past, values[:, past], sums, (guard, HOLD.get(frequency, 4)))
        judged = ~np.isnan(values[:, now]) & (base.seen >= least)
        mean, edges, alpha = _null(base, now, guard + 1, params)
        best = sums.move(ratios(np.where(judged, values[:, now], 0.0), edges, alpha), judged)
        scores[:, judged, now] = best[:, judged]
        expected[judged, now] = mean[judged] / per
    return scores[0], scores[1], expected


def _null(
    base: Baseline, now: int, ahead: int, params: Mapping[str, float]
) -> tuple[Floats, Floats, Floats]:
    """(mean [n], its upper and lower edge [2, n], alpha [n]) of a period if nothing happens."""
    log_mean, error = base.expect(now, ahead)
    doubt = params.get("doubt", DOUBT)
    alpha = base.alpha + doubt * base.alpha_error
    if params.get("poisson"):
        alpha = np.zeros_like(alpha)
    given = np.exp(doubt * np.sqrt(error))
    mean = np.exp(log_mean)
    return mean, mean * np.stack([given, 1.0 / given]), alpha + error


def ratios(values: Floats, edges: Floats, alpha: Floats) -> Floats:
    """[2, shifts, n] log-likelihood ratios of values [n]: means moved up and down against unmoved.

    `edges` [2, n] are the unmoved means; variances are mean + alpha mean². Down is the same factor
    as up the other way round, so that no mean falls below zero.

    >>> one = ratios(np.array([14.0]), np.array([[9.0], [9.0]]), np.array([0.0]))[0, 2]
    >>> one.round(4)  # Poisson, 9 to 18: 14 log 2 - 9
    array([0.7041])
    """
    mean = edges[:, None, :]
    factor = 1.0 + SHIFTS[:, None] * np.sqrt(1.0 / mean + alpha)
    factor[1] = 1.0 / factor[1]
    size = 1.0 / np.maximum(alpha, 1e-9)  # 1e-9: a Poisson, to nine digits
    thinned = -np.log1p((factor - 1.0) * mean / (size + mean))
    found: Floats = values * (np.log(factor) + thinned) + size * thinned
    return found


class _Sums:
    """The CUSUMs of n series: [up or down, shift, series]."""

    def __init__(self, n: int) -> None:
        self.sums = np.zeros((2, len(SHIFTS), n))
        self.tops = np.zeros((2, len(SHIFTS), n))
        self.ages = np.zeros((2, len(SHIFTS), n), np.intp)  # periods since the top
        self.quiet = np.full(n, 10**6)  # periods since the score was above SHUT
        self.held = np.zeros(n, np.intp)  # periods that the baseline has been kept from learning

    def move(self, ratio: Floats, judged: Bools) -> Floats:
        """[2, n] the best score of each side; a missing value moves nothing.

        A sum ends at zero, when it has come TURN below its top (a second CUSUM, on the evidence that
        the excursion is over), or when its top is STALE: a long excursion would ring for months.
        """
        moved = np.maximum(self.sums + ratio, 0.0)
        top = np.maximum(self.tops, moved)
        age = np.where(moved == top, 0, self.ages + 1)
        ended = (top - moved >= TURN) | (age >= STALE) | (moved == 0.0)
        self.sums = np.where(judged, np.where(ended, 0.0, moved), self.sums)
        self.tops = np.where(judged, np.where(ended, 0.0, top), self.tops)
        self.ages = np.where(judged, np.where(ended, 0, age), self.ages)
        best: Floats = self.sums.max(axis=1)
        self.quiet = np.where(best.max(axis=0) > SHUT, 0, self.quiet + 1)
        return best


def _learn(base: Baseline, past: int, values: Floats, sums: _Sums, limits: tuple[int, int]) -> None:
    """Let the baseline learn one period, unless it lies in an excursion that is not old yet."""
    guard, hold = limits
    shut = (sums.quiet <= guard) & (base.seen * base.step > 1.0)  # before, the season is not known
    sums.held = np.where(shut, sums.held + 1, 0)
    base.reopen((sums.held > 0) & (sums.held % (hold + 1) == 0))
    base.learn(past, values, ~np.isnan(values) & (~shut | (sums.held > hold)))
