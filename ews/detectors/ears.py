"""EARS C1, C2 and C3: is this value far from the mean of the last seven? The baseline rival.

Hutwagner et al. 2003 (J Urban Health 80, i89-i96) and 2005 (Emerg Infect Dis 11, 314-316), in the
notation of Fricker et al. 2008 (Stat Med 27, 3407-3429): C1 and C2 are (x - mean) / sd over seven
earlier values, those just before it (C1) or those that end three before it (C2); C3 is the sum of
max(0, C2 - 1) over the value and the two before it. Published thresholds: 3, 3 and 2, upwards only.
Ours runs downwards too, with the same numbers mirrored; `up` tells which side a score is of.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import stdtr

from ews.detectors.panel import Bools, Floats, Panel, Scores

BASELINE = 7  # values in the baseline, as published
LAG = 2  # values between the baseline of C2 and the value judged, as published
MIN_SD = 0.5  # half a count, ours: seven equal values would make any other value infinitely odd
LEAST = 5  # ours: values of the seven that must not be missing

# Chance of a C3 as large (one side) for independent normal values, from 80 million simulated ones
# (`python -m tests.bench_outbreak --c3`). Beyond the last knot the same power law goes on.
C3_KNOTS = (0.01, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)
C3_TAILS = (0.444, 0.275, 0.166, 0.0634, 0.0264, 0.0119, 2.97e-3, 8.97e-4, 1.28e-4, 8.2e-6)


def deviations(values: Floats, lag: int, min_sd: float = MIN_SD) -> tuple[Floats, Floats]:
    """(C, mean), both [n, t]: each value's distance from its baseline in sds; NaN: not judged.

    >>> x = np.array([[1, 2, 3, 4, 5, 6, 7, 12.0, 4.0, 10.0]])
    >>> deviations(x, 0)[0][0, 7].round(4)  # mean 4, sd of 1..7 = 2.1602
    np.float64(3.7033)
    >>> deviations(x, 2)[0][0, 9].round(4)  # the same baseline, two values later
    np.float64(2.7775)
    """
    score = np.full(values.shape, np.nan)
    middle = np.full(values.shape, np.nan)
    first = BASELINE + lag
    if values.shape[1] <= first:
        return score, middle
    windows = sliding_window_view(values, BASELINE, axis=1)[:, : values.shape[1] - first]
    has = ~np.isnan(windows)
    number = has.sum(axis=2)
    enough = number >= LEAST
    mean = np.where(has, windows, 0.0).sum(axis=2) / np.maximum(number, 1)
    square = np.where(has, windows - mean[:, :, None], 0.0) ** 2
    sd = np.sqrt(square.sum(axis=2) / np.maximum(number - 1, 1))
    middle[:, first:] = np.where(enough, mean, np.nan)
    score[:, first:] = (values[:, first:] - middle[:, first:]) / np.maximum(sd, min_sd)
    return score, middle


def three(c2: Floats) -> Floats:
    """C3 upwards of each C2: what the last three exceed 1 by, summed; missing ones add nothing.

    >>> three(np.array([[0.0, 2.0, 1.5, 3.0]]))
    array([[0. , 1. , 1.5, 3.5]])
    """
    excess = np.maximum(np.nan_to_num(c2, nan=0.0) - 1.0, 0.0)
    total = excess.copy()
    total[:, 1:] += excess[:, :-1]
    total[:, 2:] += excess[:, :-2]
    return np.where(np.isnan(c2), np.nan, total)


def c1(panel: Panel, params: Mapping[str, float], last: int | None = None) -> Scores:
    """EARS C1, two-sided: |C1|, with the tail of Student's t on 6 degrees (a predicted value)."""
    return _plain("ears-c1", panel, params, 0, last)


def c2(panel: Panel, params: Mapping[str, float], last: int | None = None) -> Scores:
    """EARS C2, two-sided: as C1, with two values left out before the one judged."""
    return _plain("ears-c2", panel, params, LAG, last)


def c3(panel: Panel, params: Mapping[str, float], last: int | None = None) -> Scores:
    """EARS C3, two-sided: the larger of the sums upwards and downwards."""
    values, cut = _newest(panel, last, BASELINE + LAG + 2)
    deviation, mean = deviations(values, LAG, params.get("min_sd", MIN_SD))
    above, below = three(deviation), three(-deviation)
    up = above >= below
    score = np.maximum(above, below)
    tail = np.minimum(2.0 * c3_tail(score), 1.0)
    return _wide("ears-c3", panel, cut, last, (score, tail, mean), up)


def c3_tail(score: Floats) -> Floats:
    """One-sided chance of a C3 at least as large, log-log between the knots; 1 for a C3 of 0."""
    knots, tails = np.log(C3_KNOTS), np.log(C3_TAILS)
    at = np.log(np.maximum(score, 1e-9))
    slope = (tails[-1] - tails[-2]) / (knots[-1] - knots[-2])
    beyond = tails[-1] + slope * (at - knots[-1])
    inside = np.interp(at, knots, tails, left=0.0)
    tail: Floats = np.exp(np.where(at > knots[-1], beyond, inside))
    return np.where(np.isnan(score), np.nan, tail)


def _plain(
    name: str, panel: Panel, params: Mapping[str, float], lag: int, last: int | None
) -> Scores:
    values, cut = _newest(panel, last, BASELINE + lag)
    deviation, mean = deviations(values, lag, params.get("min_sd", MIN_SD))
    # A value minus a mean of seven has 1 + 1/7 times the variance of one value.
    quantile = np.abs(deviation) / np.sqrt(1.0 + 1.0 / BASELINE)
    tail = 2.0 * stdtr(BASELINE - 1, -quantile)
    return _wide(name, panel, cut, last, (np.abs(deviation), tail, mean), deviation > 0)


def _newest(panel: Panel, last: int | None, reach: int) -> tuple[Floats, int]:
    """The values that the newest `last` need (a score looks `reach` back), and where they begin."""
    cut = 0 if last is None else max(0, panel.values.shape[1] - last - reach)
    return panel.values[:, cut:], cut


def _wide(
    name: str,
    panel: Panel,
    cut: int,
    last: int | None,
    found: tuple[Floats, Floats, Floats],
    up: Bools,
) -> Scores:
    """Scores of the whole panel from those of its newest columns."""
    wide = Scores.silent(name, panel)
    begin = cut if last is None else max(cut, panel.values.shape[1] - last)
    for target, part in zip((wide.score, wide.tail, wide.expected), found, strict=True):
        target[:, begin:] = part[:, begin - cut :]
    wide.up[:, begin:] = up[:, begin - cut :]
    return wide
