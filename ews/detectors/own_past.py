"""How far does a value lie from what its own series did before?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from ews.detectors.panel import Floats

NORMAL = 1.4826  # the median absolute deviation of a normal variable times this is its sigma
# Student t with 4 degrees of freedom: shares and gaps of lumpy trade have outliers that a normal
# model would call impossible. The far tail is calibration's affair.
FREEDOM = 4.0


@dataclass(frozen=True, slots=True)
class Past:
    """From which earlier periods a value is judged."""

    lag: int  # the newest of them lies so many periods back
    span: int  # how many periods there are
    least: int  # values that must be known among them
    floor: float  # sigma is not below this: what is too small to matter


def medians(values: Floats) -> Floats:
    """[n] median of the known values of each row; NaN where none is known."""
    ordered = np.sort(values, axis=1)  # NaN last
    count = (~np.isnan(values)).sum(axis=1)
    rows = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1)
    found: Floats = (ordered[rows, low] + ordered[rows, high]) / 2
    return found


def departures(values: Floats, past: Past, last: int | None) -> tuple[Floats, Floats]:
    """([n, t], [n, t]) robust z of each value, and the median of the past it is judged from; NaN
    where the value is missing, the past too short, or the period older than the `last` newest."""
    z, centre = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    for at in judged(values.shape[1], last):
        stop = at - past.lag + 1
        window = values[:, max(0, stop - past.span) : max(0, stop)]
        if window.shape[1] < past.least:
            continue
        middle = medians(window)
        sigma = np.maximum(NORMAL * medians(np.abs(window - middle[:, None])), past.floor)
        enough = (~np.isnan(window)).sum(axis=1) >= past.least
        z[:, at] = np.where(enough, (values[:, at] - middle) / sigma, np.nan)
        centre[:, at] = np.where(enough, middle, np.nan)
    return z, np.where(np.isnan(z), np.nan, centre)


def judged(periods: int, last: int | None) -> range:
    """The places of the periods that are judged."""
    return range(0 if last is None else max(0, periods - last), periods)


def two_sided(z: Floats) -> Floats:
    """Nominal probability of a departure as large in either direction; NaN stays NaN."""
    return np.asarray(2 * stdtr(FREEDOM, -np.abs(z)), np.float64)
