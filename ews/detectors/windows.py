"""Windows: is the newest stretch of a series unlike the stretches before it, whatever its length?

The statistic of a window of w periods is set against two scales: what the errors of single periods
imply when neighbours are correlated (first-order autoregression), and how large the same statistic
was in windows that had ended before this one began. Neither has seen the window itself, so a slow
drift cannot widen its own scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import stdtr

from ews.detectors.panel import Floats
from ews.detectors.smoothers import FLOOR

CLIP: Final = 3.0  # an error counts as no more than this many scales when scales are learned
START: Final = 6  # values before anything is clipped
LEAST: Final = 12  # errors before a scale is known
RHO_WEIGHT: Final = 24.0  # products of neighbours that the prior correlation weighs
RHO_MOST: Final = 0.9
IMPLIED_WEIGHT: Final = 6.0  # windows that the implied scale weighs against the observed ones
FREEDOM: Final = 5.0  # of the tail: the variance itself wanders, and windows to learn from are few


@dataclass(frozen=True, slots=True)
class Noise:
    """[n, t] what the periods up to and with t say of single errors."""

    scale: Floats  # NaN before LEAST errors were seen
    rho: Floats  # correlation of neighbours


@dataclass(frozen=True, slots=True)
class Judged:
    """[n, t] the window most unlike its past, over all widths."""

    z: Floats
    tail: Floats  # of the beginning of an alarm, with all widths looked at
    width: Floats


def noise_of(errors: Floats, prior_rho: float, keep: float) -> Noise:
    """Scale and neighbour correlation of [n, t] errors; a period's memory fades by `keep`.

    Errors are clipped, so that one wild value is not taken for a wild series; the correlation is
    shrunk towards `prior_rho`.
    """
    rows, length = errors.shape
    scale, rho = np.full((2, length, rows), np.nan)
    squares, weight, number, products, pairs = np.zeros((5, rows))
    before = np.full(rows, np.nan)
    for t, column in enumerate(np.ascontiguousarray(errors.T)):
        has = np.isfinite(column)
        error = _clipped(np.where(has, column, 0.0), squares, weight, number)
        fade = np.where(has, keep, 1.0)
        squares, weight = fade * squares + error**2, fade * weight + has
        both = has & np.isfinite(before)
        last = np.where(both, before, 0.0)
        fade = np.where(both, keep, 1.0)
        products = fade * products + error * last
        pairs = fade * pairs + np.where(both, (error**2 + last**2) / 2, 0.0)
        number, before = number + has, np.where(has, error, np.nan)
        scale[t] = np.where(number >= LEAST, _root(squares, weight), np.nan)
        prior = RHO_WEIGHT * _root(squares, weight) ** 2
        rho[t] = np.clip((products + prior_rho * prior) / (pairs + prior), 0.0, RHO_MOST)
    return Noise(scale.T, rho.T)


def inflation(rho: Floats, width: int) -> Floats:
    """Variance of a mean of `width` correlated errors against that of uncorrelated ones.

    >>> inflation(np.array([0.0, 0.5]), 2).tolist()
    [1.0, 1.5]
    """
    near = rho / (1 - rho)
    far = rho * (1 - rho**width) / (width * (1 - rho) ** 2)
    factor: Floats = 1 + 2 * (near - far)
    return factor


def standardised(statistic: Floats, implied: Floats, width: int, keep: float) -> Floats:
    """[n, t] the statistic in units of its scale, learned from windows that ended before.

    `implied[:, t]` is the scale that the errors up to and with t imply. How far the statistic was
    from what was implied is remembered by `keep`, longer than the scale itself need be.
    """
    ratio = statistic / later(implied, width)
    z = np.full(statistic.shape, np.nan)
    squares, weight, number = np.zeros((3, len(statistic)))
    columns = np.ascontiguousarray(ratio.T)
    for t in range(width, len(columns)):
        old = columns[t - width]
        has = np.isfinite(old)
        value = _clipped(np.where(has, old, 0.0), squares, weight, number)
        fade = np.where(has, keep, 1.0)
        squares, weight, number = fade * squares + value**2, fade * weight + has, number + has
        observed = squares / np.maximum(weight, 1e-9)
        windows = weight / width
        factor = (IMPLIED_WEIGHT + windows * observed) / (IMPLIED_WEIGHT + windows)
        z[:, t] = columns[t] / np.sqrt(factor)
    return z


def widest(z: Mapping[int, Floats], looks: float) -> Judged:
    """The most unlikely window of each period.

    The tail is the chance that an alarm begins, since that is what a false-alarm budget counts: one
    window of w periods shares most of its periods with the next, so that alarms of it come in runs
    of about sqrt(w); `looks` such tails of single periods are `looks / sqrt(w)` beginnings, never
    fewer than one.
    """
    widths = np.array(list(z))
    spread = np.sqrt(FREEDOM / (FREEDOM - 2))  # the scale is a standard deviation
    stack = np.stack(list(z.values()))
    size = np.where(np.isfinite(stack), np.abs(stack), 0.0)
    tails = 2 * stdtr(FREEDOM, -size * spread)
    tails *= np.maximum(looks / np.sqrt(widths), 1.0)[:, None, None]
    best = np.where(np.isfinite(stack), tails, np.inf).argmin(axis=0)[None]
    chosen, tail = (np.take_along_axis(array, best, axis=0)[0] for array in (stack, tails))
    return Judged(chosen, np.minimum(tail, 1.0), widths[best[0]].astype(float))


def sums(values: Floats, width: int, least: int) -> tuple[Floats, Floats]:
    """[n, t] sums over the `width` periods that end with t, and how many had a value.

    NaN where fewer than `least` had one.
    """
    has = np.isfinite(values)
    total = np.cumsum(np.where(has, values, 0.0), axis=1)
    count = np.cumsum(has, axis=1, dtype=float)
    for array in (total, count):
        array[:, width:] -= array[:, :-width].copy()
    return np.where(count >= least, total, np.nan), count


def later(values: Floats, by: int) -> Floats:
    """[n, t] the values of `by` periods before; NaN where there were none."""
    moved = np.full(values.shape, np.nan)
    if by < values.shape[1]:
        moved[:, by:] = values[:, : values.shape[1] - by]
    return moved


def _root(squares: Floats, weight: Floats) -> Floats:
    return np.maximum(np.sqrt(squares / np.maximum(weight, 1e-9)), FLOOR)


def _clipped(value: Floats, squares: Floats, weight: Floats, number: Floats) -> Floats:
    bound = np.where(number >= START, CLIP * _root(squares, weight), np.inf)
    return np.clip(value, -bound, bound)
