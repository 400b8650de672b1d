"""Smoothers: the state of several robust smoothers of many series, stepped one period at a time.

Level, season and holiday effects are updated by the gains of a Kalman filter whose covariance is
kept diagonal; errors are clipped first, so that one wild value moves nothing for long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ews.detectors.panel import Bools, Floats

OFFSET: Final = 0.05  # of the usual size: docs/detectors.md, "Values and prices"
FLOOR: Final = 0.02  # a scale below 2% of a value is an accident of a still stretch
CLIP: Final = 2.5  # an error moves the model by no more than this many scales
MEMORY_YEARS: Final = 4.0  # a scale forgets older errors
LEVELS: Final = (0.1, 0.3, 0.8)  # gain of the level: a still series, a usual one, a random walk
# Years of past that the prior "no season" weighs; nought: a model without season and holidays.
SHRINKS: Final = (0.0, 1.0, 4.0)
HOLIDAY_PRIOR: Final = 4.0  # variance of a holiday's effect before one was seen, in error variances
FORGET_LOSS: Final = 0.97  # a smoother is judged by its errors of some three years of months
SIDE_PRIOR: Final = 6.0  # errors of both sides that a side's own scale must outweigh
WILD: Final = 16.0  # a squared error counts as no more than this when tails are judged
# Tails: mean square of errors in units of `ABS_TO_SD` times their mean size, which is 1 for a normal
# and nu/(nu-2) / (ABS_TO_SD E|t|)^2 for Student's t (Geary 1935 turned round); its prior is that of
# 5 degrees of freedom, the middle of what monthly trade shows, and weighs a year of months
# of each side.
TAIL_PRIOR: Final = 1.1777
TAIL_WEIGHT: Final = 18.0
FEW: Final = 6  # errors before clipping and weighing begin
ABS_TO_SD: Final = 1.2533141373155001  # sqrt(pi / 2): mean absolute error of a normal -> its sd


@dataclass(slots=True)
class Told:
    """What the smoothers say of one period, before its value is seen. [v, n] and [n] arrays."""

    forecasts: Floats  # [v, n]
    extra: Floats  # [v, n] variance of season and holidays not yet known, in error variances
    holidays: list[tuple[int, float]]  # those that lie in the period, and their share
    cell: int
    mean: Floats
    season: Floats
    wide: Floats  # variance of the mean's error against the usual one
    up: Floats
    down: Floats
    errors: Floats
    heavy_up: Floats  # mean square of the errors so far, see TAIL_PRIOR
    heavy_down: Floats


@dataclass(slots=True)
class Smoothers:
    """v smoothers of n series. `tell` of a period, then `learn` its value."""

    gains: Floats  # [v, 1] of the level
    shrinks: Floats  # [s, 1] of the smoothers with a season: the last s of the v
    keep: float  # what is kept of a scale's memory from one period to the next
    level: Floats  # [v, n]
    season: Floats  # [s, cells, n]
    wild: Floats  # [s, cells, n] deviation from the level that was clipped last time, or NaN
    counts: Floats  # [cells, n]
    holiday: Floats  # [s, h, n]
    doubt: Floats  # [s, h, n]
    loss: Floats  # [v, n]
    sums: Floats = field(init=False)  # [2, n] of absolute errors, below and above
    weights: Floats = field(init=False)  # [2, n] of errors
    squares: Floats = field(init=False)  # [2, n] of errors in units of their scale
    tried: Floats = field(init=False)  # [2, n] number of those
    seen: Floats = field(init=False)  # [n]
    size: Floats = field(init=False)  # [n] mean logarithm of the positive values
    sized: Floats = field(init=False)  # [n] how many those were

    def __post_init__(self) -> None:
        n = self.level.shape[1]
        self.sums, self.weights = np.zeros((2, n)), np.zeros((2, n))
        self.squares, self.tried = np.zeros((2, n)), np.zeros((2, n))
        self.seen, self.size, self.sized = np.zeros(n), np.zeros(n), np.zeros(n)

    @classmethod
    def start(cls, n: int, cells: int, holidays: int, per_year: float) -> Smoothers:
        """`cells` parts of a year; 0: no smoother has a season."""
        shrinks = SHRINKS if cells else SHRINKS[:1]
        v, s = len(LEVELS) * len(shrinks), len(LEVELS) * (len(shrinks) - 1)
        return cls(
            gains=np.tile(LEVELS, len(shrinks))[:, None],
            shrinks=np.repeat(shrinks[1:], len(LEVELS))[:, None],
            keep=1 - 1 / (MEMORY_YEARS * per_year),
            level=np.zeros((v, n)),
            season=np.zeros((s, max(cells, 1), n)),
            wild=np.full((s, max(cells, 1), n), np.nan),
            counts=np.zeros((max(cells, 1), n)),
            holiday=np.zeros((s, holidays, n)),
            doubt=np.full((s, holidays, n), HOLIDAY_PRIOR),
            loss=np.zeros((v, n)),
        )

    def offset(self) -> Floats:
        """[n] what is added to a size before its logarithm; NaN before a positive value was seen."""
        return np.where(self.sized > 0, OFFSET * np.exp(self.size), np.nan)

    def tell(self, cell: int, shares: Floats) -> Told:
        """What each series' own past makes likely for a period in `cell` with these holidays."""
        holidays = [(i, float(share)) for i, share in enumerate(shares) if share]
        calm, extra = self._calm(cell, holidays)
        forecasts = self.level + calm
        weights = np.exp((self.loss.min(axis=0) - self.loss) / 2)
        weights /= weights.sum(axis=0)
        wide = 1 + (weights * extra * (1 - self.gains)).sum(axis=0)
        down, up = self.sides() * np.sqrt(wide)
        heavy = self.heavy()
        return Told(
            forecasts=forecasts,
            extra=extra,
            holidays=holidays,
            cell=cell,
            mean=(weights * forecasts).sum(axis=0),
            season=(weights * calm).sum(axis=0),
            wide=wide,
            up=up,
            down=down,
            errors=self.weights.sum(axis=0),
            heavy_up=heavy[1],
            heavy_down=heavy[0],
        )

    def _calm(self, cell: int, holidays: list[tuple[int, float]]) -> tuple[Floats, Floats]:
        """[v, n] season and holidays of a period, and their variance in error variances."""
        calm = np.zeros_like(self.level)
        extra = np.zeros_like(self.level)
        on = len(self.level) - len(self.season)
        calm[on:] = self.season[:, cell]
        extra[on:] = 1 / (self.shrinks + self.counts[cell])
        for i, share in holidays:
            calm[on:] += share * self.holiday[:, i]
            extra[on:] += share * share * self.doubt[:, i]
        return calm, extra

    def heavy(self) -> Floats:
        """[2, n] mean square of errors below and above; what the other side did counts half."""
        squares = self.squares + self.squares[::-1] / 2 + TAIL_WEIGHT * TAIL_PRIOR
        heavy: Floats = squares / (self.tried + self.tried[::-1] / 2 + TAIL_WEIGHT)
        return heavy

    def sides(self) -> Floats:
        """[2, n] scale of errors below and above the mean, each shrunk towards that of both."""
        whole = self.sums.sum(axis=0) / np.maximum(self.weights.sum(axis=0), 1e-9)
        sides = (self.sums + SIDE_PRIOR * whole) / (self.weights + SIDE_PRIOR)
        scales: Floats = np.maximum(ABS_TO_SD * sides, FLOOR)
        return scales

    def learn(self, y: Floats, told: Told) -> None:
        """Take in the values of the period that was told of; a missing value changes nothing."""
        has = np.isfinite(y)
        value = np.where(has, y, 0.0)
        started = has & (self.seen > 0)
        whole = self.sums.sum(axis=0) / np.maximum(self.weights.sum(axis=0), 1e-9)
        scale = np.maximum(ABS_TO_SD * whole, FLOOR)
        many = self.weights.sum(axis=0) >= FEW
        gain = np.minimum(np.maximum(self.gains, 1 / (self.seen + 1)), 0.95)
        prior = gain / (1 - gain)
        spread = 1 + prior + told.extra
        error = np.where(started, value - told.forecasts, 0.0)
        size = scale * np.sqrt(spread * (1 - gain))  # of this smoother's error
        bound = np.where(many, CLIP, np.inf) * size
        clipped = np.clip(error, -bound, bound)
        loss = FORGET_LOSS * self.loss + np.minimum((error / size) ** 2, 9.0)
        self.loss = np.where(started & many, loss, self.loss)
        self._recur(error, np.abs(error) > bound, told.cell, started)
        self._move(clipped / spread, prior, told, started)
        self.level = np.where(has & (self.seen == 0), value, self.level)
        self.counts[told.cell] += started
        self._remember(value - told.mean, told.wide, scale, started & (self.seen > 1), many)
        self.seen = self.seen + has

    def _move(self, step: Floats, prior: Floats, told: Told, started: Bools) -> None:
        on = len(self.level) - len(self.season)
        self.level = self.level + prior * step
        part = step[on:]
        self.season[:, told.cell] += part / (self.shrinks + self.counts[told.cell])
        spread = 1 + prior[on:] + told.extra[on:]
        for i, share in told.holidays:
            lean = share * self.doubt[:, i]
            self.holiday[:, i] += lean * part
            self.doubt[:, i] -= np.where(started, lean * lean / spread, 0.0)

    def _recur(self, error: Floats, wild: Bools, cell: int, started: Bools) -> None:
        """What is wild in the same part of the year twice running is a season, not an accident."""
        on = len(self.level) - len(self.season)
        season, before = self.season[:, cell], self.wild[:, cell]
        now = season + error[on:]
        again = wild[on:] & ((before - season) * error[on:] > 0)
        nearer = np.where(np.abs(now - season) < np.abs(before - season), now, before)
        self.season[:, cell] = np.where(again, nearer, season)
        self.wild[:, cell] = np.where(started, np.where(wild[on:], now, np.nan), before)

    def _remember(
        self, error: Floats, wide: Floats, scale: Floats, told: Bools, many: Bools
    ) -> None:
        size = np.abs(error) / np.sqrt(wide)
        square = np.minimum((size / scale) ** 2, WILD)
        size = np.where(many, np.minimum(size, (CLIP + 0.5) * scale), size)
        above = error > 0
        sides = np.stack([told & ~above, told & above])
        self.squares += np.where(sides & many, square, 0.0)
        self.tried += sides & many
        keep = np.where(told, self.keep, 1.0)
        self.sums = keep * self.sums + np.where(sides, size, 0.0)
        self.weights = keep * self.weights + sides

    def measure(self, values: Floats) -> None:
        """Take in how large the positive values are, slowly: an offset must not jump."""
        positive = np.isfinite(values) & (values > 0)
        step = np.maximum(1 / 24, 1 / (self.sized + 1))
        gap = np.log(np.where(positive, values, 1.0)) - self.size
        self.size = self.size + np.where(positive, step * gap, 0.0)
        self.sized = self.sized + positive
