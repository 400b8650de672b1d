"""Which curve leads from a nominal tail to the rate of false alarms? Null data -> Calibration.

With x = -ln(tail) and y = -ln(p):

- as far as at least `WELL` runs support it, the curve is the empirical one, each count replaced
  by its upper 95% Poisson limit, wider where runs come together in a period or a series;
- beyond that the excess of the peaks is generalised Pareto (Pickands, Ann. Statist. 3 (1975)
  119-131; runs declustering: Coles, An Introduction to Statistical Modeling of Extreme Values,
  2001, 5.3), fitted on the `MANY` highest, shape and scale one standard error to the cautious
  side and the shape never below 0, because no tail is known to end;
- with fewer peaks than `WELL` its shape is `THIN_SHAPE` and its mean the upper limit of the mean
  excess, never below that of the nominal tail.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv
from scipy.stats import genpareto

from ews.detectors.calibration import SMALLEST, Calibration, Curve
from ews.detectors.panel import Bools, Floats

SYNTHETIC = "synthetic"  # the basis whose curves have a floor
WELL = 100  # runs that support a point of the empirical curve: its limit lies within a fifth of it
MANY = 400  # runs that the tail beyond it is fitted on: the shape then is known to about 0.05
THIN = 10  # fewer runs than this say nothing of a tail
TAIL = 0.1  # a level that more tests than this exceed is not in the tail
# The shape of x when a detector believes in the normal and the truth is Student t with 4 degrees
# of freedom: x is about half of z squared, and P(z^2 > s) falls with s to the power -4/2.
THIN_SHAPE = 0.5
SURE = 0.95  # of the upper limits
# x at which a curve has points: steps of 1/4 to 10 (tail 4.5e-5), then a tenth of x each.
KNOTS = np.concatenate([np.arange(0.0, 10.0, 0.25), 10.0 * 1.1 ** np.arange(44)])


@dataclass(frozen=True, slots=True)
class Null:
    """What a detector said of series in which nothing is known to have happened."""

    tails: Floats  # [n, t] NaN: not judged
    up: Bools  # [n, t]
    floor: float = 1.0  # synthetic null data lower no p below this times its nominal tail


def fit(
    nulls: Mapping[tuple[str, str, str], Sequence[Null]], on: Iterable[str] = ()
) -> Calibration:
    """Curves of (detector, class, basis). None where fewer than `THIN` runs were seen; and a curve
    whose tail rests on fewer than `WELL` gives way to another basis that has more."""
    curves = [curve_of(*key, some) for key, some in sorted(nulls.items())]
    found = [one for one in curves if one is not None]
    well = {(one.detector, one.kind) for one in found if one.runs >= WELL}
    kept = [one for one in found if one.runs >= WELL or (one.detector, one.kind) not in well]
    return Calibration(tuple(kept), tuple(on))


def curve_of(detector: str, kind: str, basis: str, nulls: Sequence[Null]) -> Curve | None:
    """The curve of null data; None when even the largest tails are too few to say anything."""
    judged = [~np.isnan(one.tails) for one in nulls]
    tests = sum(int(one.sum()) for one in judged)
    parts = [(-np.log(np.clip(one.tails, SMALLEST, 1.0)), one.up) for one in nulls]
    if not tests:
        return None
    begun = [[_begun(x, up, knot) for x, up in parts] for knot in KNOTS]
    # A low level is exceeded nearly always, in few long runs: what exceeds a higher one exceeds it.
    counts = [float(sum(part.sum() for part in one)) for one in begun]
    runs = np.maximum.accumulate(counts[::-1])[::-1]
    if runs[0] < THIN:
        return None
    spread = np.array([_dispersion(one, judged) for one in begun])
    last, base = (_last(runs / spread, runs / tests, least) for least in (WELL, MANY))
    y = -np.log(np.minimum(_upper(runs, spread)[: last + 1] / tests, 1.0))
    y = np.maximum(np.maximum.accumulate(y), 0.0)
    y[0] = 0.0  # every tail is at most 1
    x = KNOTS[: last + 1]
    peaks = np.concatenate([_peaks(one, up, KNOTS[base]) for one, up in parts])
    scale, shape = _tail(peaks - KNOTS[base], float(spread[base]))
    scale += shape * float(x[-1] - KNOTS[base])  # the same tail, seen from the last point
    return Curve(
        detector, kind, basis, sum(int(one.any(axis=1).sum()) for one in judged), tests,
        int(len(peaks) / spread[base]), tuple(np.round(x, 4).tolist()),
        tuple(np.round(y, 4).tolist()), round(scale, 4), round(shape, 4),
        max(one.floor for one in nulls) if basis == SYNTHETIC else 0.0,
    )  # fmt: skip


def _dispersion(begun: Sequence[Bools], judged: Sequence[Bools]) -> float:
    """How much more the runs of a period, or of a series, vary than a Poisson count would, at
    least 1. Series of one source meet the same shocks, and some series err more than others: runs
    that come together count for less than as many alone."""
    return max(1.0, *(_pearson(begun, judged, axis) for axis in (0, 1)))


def _pearson(begun: Sequence[Bools], judged: Sequence[Bools], axis: int) -> float:
    """Pearson's statistic over its degrees of freedom, of counts along an axis."""
    counts = np.concatenate([one.sum(axis=axis) for one in begun])
    tests = np.concatenate([one.sum(axis=axis) for one in judged])
    usual = counts.sum() * tests / tests.sum()
    there = usual > 0
    if there.sum() < 2:
        return 1.0
    return float(((counts - usual)[there] ** 2 / usual[there]).sum()) / (int(there.sum()) - 1)


def _last(runs: Floats, share: Floats, least: int) -> int:
    """The highest knot that `least` runs support; where none is in the tail, the first that is."""
    rare = np.flatnonzero((share <= TAIL) & (runs >= THIN))
    supported = int(np.flatnonzero(runs >= min(least, runs.max()))[-1])
    return max(supported, int(rare[0])) if len(rare) else supported


def _begun(x: Floats, up: Bools, level: float) -> Bools:
    """[n, t] where a run at or above the level begins; another direction begins another run."""
    over = x >= level
    begun = over.copy()
    begun[:, 1:] &= ~(over[:, :-1] & (up[:, 1:] == up[:, :-1]))
    return begun


def _peaks(x: Floats, up: Bools, level: float) -> Floats:
    """The highest x of each run at or above the level."""
    over = x >= level
    begun = _begun(x, up, level)
    at = np.flatnonzero(begun[over])
    return np.maximum.reduceat(x[over], at) if len(at) else np.empty(0)


def _upper(runs: Floats, spread: Floats) -> Floats:
    """Upper limit of the mean of counts that vary `spread` times as much as a Poisson count
    (Garwood 1936 for the count of independent ones)."""
    return spread * np.asarray(gammaincinv(runs / spread + 1, SURE), np.float64)


def _tail(excess: Floats, spread: float) -> tuple[float, float]:
    """(scale, shape) of the excess over a level, to the cautious side."""
    n = len(excess) / spread
    mean = float(excess.mean())
    if n < WELL:
        most = n * mean / float(gammaincinv(n, 1 - SURE))
        return max(1.0, most) * (1 - THIN_SHAPE), THIN_SHAPE
    fitted, _, width = (float(one) for one in genpareto.fit(excess, floc=0))
    # Asymptotic errors of the maximum-likelihood estimates (Smith 1984; Coles 2001, 4.3).
    wide = 1 + max(fitted, -0.4)
    shape = fitted + wide / math.sqrt(n)
    scale = width * (1 + math.sqrt(2 * wide / n))
    if shape <= 0:  # a tail that ends: exponential with the mean excess instead
        return max(scale, mean * (1 + 1 / math.sqrt(n))), 0.0
    return scale, shape
