"""Smoothing: what does a series' own past make likely for its next value, and how sure is that?

One pass over time, all series at once: robust exponential smoothing with season and moving
holidays (Gelper, Fried & Croux 2010, "Robust forecasting with exponential and Holt-Winters
smoothing"), several of them side by side, averaged by how well each foretold this series so far.
Seasonal, change-point and stock-building detectors all read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, stdtr

from ews.detectors.moons import regressors
from ews.detectors.panel import PER_YEAR, Bools, Days, Floats, Panel
from ews.detectors.smoothers import ABS_TO_SD, Smoothers
from ews.model import Frequency

Params = Mapping[str, float]

SIZES = (
    "import-",
    "export-",
    "transits",
    "tanker-transits",
    "container-transits",
    "capacity",
    "port-",
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """[n, t] arrays: everything at t but `y` comes from before t. NaN where nothing is known yet."""

    y: Floats  # the value on the model's scale: log, log with an offset, or as it is
    mean: Floats  # what was likely for y
    season: Floats  # the part of `mean` that is season and holidays
    up: Floats  # scale of errors above the mean
    down: Floats  # scale of errors below
    errors: Floats  # effective number of errors behind the scale
    heavy_up: Floats  # mean square of earlier errors above in units of the scale: 1 for normal ones
    heavy_down: Floats
    seen: Floats  # number of values before t
    offset: Floats  # added to the value before the logarithm
    logs: Bools  # [n] the model's scale is a logarithm

    def newest(self, last: int | None) -> Forecast:
        """The same for the newest `last` periods only; for all when that is None."""
        if last is None:
            return self
        cut = slice(max(self.y.shape[1] - last, 0), None)
        arrays = {f.name: getattr(self, f.name)[:, cut] for f in fields(self) if f.name != "logs"}
        return Forecast(**arrays, logs=self.logs)

    def z(self) -> Floats:
        """[n, t] errors in units of the scale of their side."""
        error = self.y - self.mean
        z: Floats = error / np.where(error > 0, self.up, self.down)
        return z

    def tail(self, z: Floats) -> Floats:
        """[n, t] two-sided probability of errors as far out, by each side's own Student's t."""
        heavy = np.where(z > 0, self.heavy_up, self.heavy_down)
        tail: Floats = 2 * stdtr(freedom(heavy), -np.abs(z))
        return tail

    def expected(self) -> Floats:
        """[n, t] the forecast in the panel's unit."""
        return self.unscaled(self.mean)

    def unscaled(self, y: Floats) -> Floats:
        """[n, t] values on the model's scale, in the panel's unit."""
        logs = self.logs[:, None]
        sizes = np.maximum(np.exp(np.where(logs, y, 0.0)) - self.offset, 0)
        values: Floats = np.where(logs, sizes, y)
        return values


def least_seen(frequency: Frequency) -> int:
    """Values that must lie before the first that is judged: two years, ten at least."""
    return max(10, int(2 * PER_YEAR[frequency]))


def is_price(panel: Panel) -> Bools:
    return np.array([m.startswith("price-") for m in panel.measures()], np.bool_)


def is_size(panel: Panel) -> Bools:
    """Quantities, values and counts: never negative, zero is a value."""
    return np.array([m.startswith(SIZES) for m in panel.measures()], np.bool_)


def cells(periods: Days, frequency: Frequency) -> NDArray[np.int64]:
    """[t] which part of the year a period is: month, week (of 52), quarter, or all the same.

    >>> cells(np.array(["2024-02-01", "2024-12-01"], "M8[D]"), Frequency.MONTH).tolist()
    [1, 11]
    """
    months = periods.astype("M8[M]").astype(int) % 12
    if frequency is Frequency.WEEK:
        day = (periods - periods.astype("M8[Y]").astype("M8[D]")).astype(int)
        week: NDArray[np.int64] = np.minimum(day // 7, 51)
        return week
    if frequency is Frequency.MONTH:
        return months.astype(np.int64)
    if frequency is Frequency.QUARTER:
        return (months // 3).astype(np.int64)
    return np.zeros(len(periods), np.int64)


def forecast(panel: Panel, params: Params) -> Forecast:
    """One-step forecasts of every value from the values before it.

    `params`: "season" 0 and "holidays" 0 switch those off. Prices are read as logarithms, sizes as
    logarithms with an offset, all else (indices, shares, gaps) as it is.
    """
    seasonal = params.get("season", 1.0) > 0 and panel.frequency in CELLS
    moving = regressors(panel.periods, panel.frequency)
    if params.get("holidays", 1.0) <= 0:
        moving = np.zeros_like(moving)
    sizes, logs = is_size(panel), is_size(panel) | is_price(panel)
    where = cells(panel.periods, panel.frequency) if seasonal else np.zeros(len(panel.periods), int)
    out = {name: np.full(panel.values.shape[::-1], np.nan) for name in _KEPT}
    for start in range(0, len(panel.names), BLOCK):
        rows = slice(start, start + BLOCK)
        values = np.ascontiguousarray(panel.values[rows].T)
        smoothers = Smoothers.start(
            values.shape[1],
            CELLS[panel.frequency] if seasonal else 0,
            len(moving),
            PER_YEAR[panel.frequency],
        )
        part = {name: array[:, rows] for name, array in out.items()}
        _run(smoothers, values, (sizes[rows], logs[rows]), where, moving, part)
    return Forecast(logs=logs, **{k: np.ascontiguousarray(v.T) for k, v in out.items()})


def _run(
    smoothers: Smoothers,
    values: Floats,
    kinds: tuple[Bools, Bools],
    where: NDArray[np.int64],
    moving: Floats,
    out: dict[str, Floats],
) -> None:
    """Step [t, n] values of sizes and logs through the smoothers; what was told is put into `out`."""
    sizes, logs = kinds
    for t, column in enumerate(values):
        offset = np.where(sizes, smoothers.offset(), 0.0)
        told = smoothers.tell(int(where[t]), moving[:, t])
        for name in _TOLD:
            out[name][t] = getattr(told, name)
        out["y"][t] = _scaled(column, offset, logs)
        out["offset"][t], out["seen"][t] = offset, smoothers.seen
        # the first value of a size has no offset yet, and starts the level all the same
        smoothers.learn(_scaled(column, np.where(np.isnan(offset), 0.0, offset), logs), told)
        smoothers.measure(column)


def freedom(heavy: Floats) -> Floats:
    """Degrees of freedom of Student's t whose errors have this mean square; 3 to 30.

    >>> freedom(np.array([1.0, 1.1777, 9.0])).round(1).tolist()
    [30.0, 5.0, 3.0]
    """
    found: Floats = np.interp(heavy, _SQUARES[::-1], _FREEDOMS[::-1])
    return found


_FREEDOMS = np.array([3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0])
_MEAN_SIZE = 2 * np.sqrt(_FREEDOMS / np.pi) / (_FREEDOMS - 1)
_MEAN_SIZE *= np.exp(gammaln((_FREEDOMS + 1) / 2) - gammaln(_FREEDOMS / 2))
_SQUARES = _FREEDOMS / (_FREEDOMS - 2) / (ABS_TO_SD * _MEAN_SIZE) ** 2
_TOLD = ("mean", "season", "up", "down", "errors", "heavy_up", "heavy_down")
_KEPT = ("y", "offset", "seen", *_TOLD)
BLOCK = 4000  # series that are stepped together: their state then stays in the processor's cache
CELLS = {Frequency.WEEK: 52, Frequency.MONTH: 12, Frequency.QUARTER: 4}


def _scaled(values: Floats, offset: Floats, logs: Bools) -> Floats:
    shifted = values + offset
    positive = shifted > 0  # False for NaN, too
    scaled: Floats = np.where(logs, np.log(np.where(positive, shifted, 1.0)), values)
    return np.where(logs & ~positive, np.nan, scaled)
