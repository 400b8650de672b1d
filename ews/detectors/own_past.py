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
ALIKE = 0.9  # an earlier departure that is so large or larger was as large


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


@dataclass(frozen=True, slots=True)
class Departures:
    """[n, t] each; NaN where the value is missing, the past too short, or nobody asked."""

    z: Floats  # robust z of each value
    centre: Floats  # median of the past it is judged from
    often: Floats  # share of the past that began a departure as large to the same side

    def tail(self) -> Floats:
        """Nominal probability of a departure as large in either direction. What a series did before
        is no rarer than it was, however narrow its middle: a partner that every fifth month sells
        nothing leaves a share at 100% every fifth month."""
        tail: Floats = np.maximum(2 * stdtr(FREEDOM, -np.abs(self.z)), self.often)
        return tail


def departures(values: Floats, past: Past, last: int | None) -> Departures:
    """How far each value lies from its own past; of the `last` newest periods only, when given."""
    z, centre, often = (np.full(values.shape, np.nan) for _ in range(3))
    for at in judged(values.shape[1], last):
        stop = at - past.lag + 1
        window = values[:, max(0, stop - past.span) : max(0, stop)]
        if window.shape[1] < past.least:
            continue
        middle = medians(window)
        sigma = np.maximum(NORMAL * medians(np.abs(window - middle[:, None])), past.floor)
        enough = (~np.isnan(window)).sum(axis=1) >= past.least
        move = values[:, at] - middle
        z[:, at] = np.where(enough, move / sigma, np.nan)
        centre[:, at] = np.where(enough, middle, np.nan)
        often[:, at] = _begun(window - middle[:, None], move)
    none = np.isnan(z)
    return Departures(z, np.where(none, np.nan, centre), np.where(none, np.nan, often))


def _begun(before: Floats, move: Floats) -> Floats:
    """[n] share of the earlier values that began a run as far out as `move`, on its side. A run that
    lasts until now is the same departure, and does not count."""
    over = before * np.sign(move)[:, None] >= ALIKE * np.abs(move)[:, None]
    begun = over.sum(axis=1) - (over[:, 1:] & over[:, :-1]).sum(axis=1) - over[:, -1]
    share: Floats = begun / np.maximum((~np.isnan(before)).sum(axis=1), 1)
    return share


def judged(periods: int, last: int | None) -> range:
    """The places of the periods that are judged."""
    return range(0 if last is None else max(0, periods - last), periods)
