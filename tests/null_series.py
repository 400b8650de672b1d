"""Synthetic null series, in which nothing happens: what the detectors are tested and measured on.

Written apart from ews.tuning.null_series, to which the calibration is fitted: a test on the series
that a detector was fitted to would only show that it was fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ews.detectors.moons import regressors
from ews.detectors.panel import Floats, Panel, grid
from ews.model import Frequency

START = np.datetime64("2005-01-01")
NOW = datetime(2045, 1, 1, tzinfo=UTC)
Make = Callable[[np.random.Generator, int, int], Floats]  # dice, series, periods -> values


def panel(
    values: Floats,
    measure: str = "import-kg",
    frequency: Frequency = Frequency.MONTH,
    start: np.datetime64 = START,
) -> Panel:
    """A panel of these [n, t] values, each known on the day after its period."""
    unit = 7 if frequency is Frequency.WEEK else 31
    days = values.shape[1] * unit
    periods = grid(frequency, start, start + np.timedelta64(days, "D"))[: values.shape[1]]
    known = np.broadcast_to((periods + unit).astype("M8[us]"), values.shape).copy()
    known[np.isnan(values)] = np.datetime64("NaT")
    names = tuple(f"synthetic/{measure}/CN-KR/{i:06}" for i in range(len(values)))
    return Panel(names, frequency, periods, values, known, known.copy(), NOW)


def flows(dice: np.random.Generator, n: int, t: int, rho: float = 0.5, freedom: int = 5) -> Floats:
    """Lognormal flows about a level: AR(1) with Student's t shocks, sd 0.3 each, and a season."""
    shocks = dice.standard_t(freedom, (n, t + 40)) * 0.3 / np.sqrt(freedom / (freedom - 2))
    walk = np.zeros((n, t + 40))
    for i in range(1, t + 40):
        walk[:, i] = rho * walk[:, i - 1] + shocks[:, i]
    season = np.tile(dice.normal(0, 0.3, (n, 12)), (1, t // 12 + 1))[:, :t]
    values: Floats = np.exp(10 + walk[:, 40:] + season)
    return values


def lumpy(dice: np.random.Generator, n: int, t: int) -> Floats:
    """Few large orders: zero in six periods of ten, else lognormal with sd 1.5."""
    values: Floats = dice.lognormal(10, 1.5, (n, t)) * (dice.random((n, t)) < 0.4)
    return values


def prices(dice: np.random.Generator, n: int, t: int, freedom: int = 4) -> Floats:
    """Monthly means of a random walk in logarithms: 20 steps a month, wild and calm stretches."""
    wild = np.exp(np.repeat(dice.normal(0, 0.4, (n, t // 12 + 1)), 12, axis=1)[:, :t])
    steps = dice.standard_t(freedom, (n, t, 20)) * 0.05 / np.sqrt(20 * freedom / (freedom - 2))
    walk = np.cumsum((steps * wild[:, :, None]).reshape(n, -1), axis=1)
    values: Floats = np.exp(5 + walk).reshape(n, t, 20).mean(axis=2)
    return values


def pausing(dice: np.random.Generator, n: int, t: int) -> Floats:
    """Trades that pause: a pause begins in 2% of periods and goes on in half of its periods."""
    trades = np.ones((n, t), np.bool_)
    for i in range(1, t):
        trades[:, i] = dice.random(n) < np.where(trades[:, i - 1], 0.98, 0.5)
    values: Floats = np.where(trades, dice.lognormal(10, 0.4, (n, t)), 0.0)
    return values


def new_year_flows(dice: np.random.Generator, n: int, t: int) -> Floats:
    """Flows with a calm season that lose as much as half in a month that holds the whole New Year."""
    months = START.astype("M8[M]") + np.arange(t)
    shares = regressors(months.astype("M8[D]"), Frequency.MONTH)[0]
    values: Floats = np.exp(10 + dice.normal(0, 0.12, (n, t)) - 0.7 * shares)
    return values


def years_start(months: int) -> NDArray[np.bool_]:
    """[t] True in January and February."""
    found: NDArray[np.bool_] = (START.astype("M8[M]") + np.arange(months)).astype(int) % 12 < 2
    return found
