"""What count is expected next, how sure is that, and how far do counts scatter around it?

A dynamic generalised linear model with a log link (West, Harrison & Migon 1985, JASA 80, 73-83),
in its linear Bayes form: log mean = level + season, the level drifts and has a slope, the season is
annual harmonics and, for daily series, weekly ones. It learns value by value, so it is causal. Values
are variance m + alpha m² around their mean m: the negative binomial of size 1 / alpha.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ews.detectors.panel import PER_YEAR, Bools, Days, Floats
from ews.model import Frequency

# Standard deviations of the log mean before anything is seen, all ours: traffic rarely doubles
# within a year, and its seasons rarely move it by more than a half.
FIRST_SD, SLOPE_SD, YEAR_SDS, WEEK_SD = 1.0, 0.2, (0.3, 0.15), 0.15
LEVEL_DRIFT, SLOPE_DRIFT = 0.05, 0.02  # sd that the level, and the slope, gain in a year
CLIP = 3.0  # sds: one value moves the baseline by no more (Gelper, Fried & Croux 2010 clip at 2)
CLIP_SCATTER = 4.0  # the same for the scatter; at 3 a skewed count's own tail would be cut
ALPHA, ALPHA_WEIGHT = 0.1, 10.0  # scatter assumed at first, worth this many values

_HARMONICS = {
    Frequency.DAY: 2,
    Frequency.WEEK: 2,
    Frequency.MONTH: 2,
    Frequency.QUARTER: 1,
    Frequency.YEAR: 0,
}


def seasons(periods: Days, frequency: Frequency) -> tuple[Floats, Floats]:
    """(columns [t, p], standard deviations [p]) of the seasonal terms of each period."""
    january = periods.astype("M8[Y]").astype("M8[D]")
    year = 2 * np.pi * (periods - january).astype(float) / 365.25
    week = 2 * np.pi * (periods.astype(int) % 7) / 7
    angles = [(k * year, YEAR_SDS[k - 1]) for k in range(1, _HARMONICS[frequency] + 1)]
    if frequency is Frequency.DAY:
        angles += [(k * week, WEEK_SD) for k in (1, 2, 3)]
    waves = [(wave(angle), sd) for angle, sd in angles for wave in (np.cos, np.sin)]
    columns = np.array([wave for wave, _ in waves]).reshape(len(waves), len(periods)).T
    return columns, np.array([sd for _, sd in waves])


class Baseline:
    """Expectations of n series. `learn` each period in turn; `expect` periods after those learnt."""

    def __init__(
        self, n: int, periods: Days, frequency: Frequency, params: Mapping[str, float]
    ) -> None:
        self.season, sds = seasons(periods, frequency)
        self.step = 1.0 / PER_YEAR[frequency]
        self.prior = np.concatenate([[FIRST_SD, SLOPE_SD], sds]) ** 2
        drift = np.zeros(len(self.prior))
        drift[0] = params.get("level_drift", LEVEL_DRIFT) ** 2 * self.step
        drift[1] = SLOPE_DRIFT**2 * self.step
        self.drift = drift
        self.state = np.zeros((n, len(self.prior)))
        self.cov = np.tile(np.diag(self.prior), (n, 1, 1))
        self.excess = np.zeros(n)
        self.weight = np.zeros(n)
        self.seen = np.zeros(n, np.intp)

    @property
    def alpha(self) -> Floats:
        """[n] variance of the values beyond Poisson, in squares of their mean."""
        prior = self._prior_weight()
        found = (self.excess + prior * ALPHA) / (self.weight + prior)
        return np.maximum(found, 0.0)

    @property
    def alpha_error(self) -> Floats:
        """[n] standard error of alpha, that of a variance of normal values."""
        return np.sqrt(2.0 / (self.weight + self._prior_weight()))

    def _prior_weight(self) -> Floats:
        usual = self.weight / np.maximum(self.seen, 1)
        return ALPHA_WEIGHT * np.where(self.weight > 0, usual, 1.0)

    def expect(self, column: int, ahead: int) -> tuple[Floats, Floats]:
        """(log mean, its variance), both [n], of a period `ahead` steps after the newest learnt."""
        look = np.concatenate([[1.0, ahead * self.step], self.season[column]])
        variance = (self.cov @ look) @ look + ahead * self.drift[0]
        return np.clip(self.state @ look, -5.0, 30.0), variance

    def learn(self, column: int, values: Floats, use: Bools) -> None:
        """Take in one period: `values` [n] where `use` says so; the others only age."""
        self._age()
        begins = use & (self.seen == 0)
        if begins.any():
            self.state[begins, 0] = np.log(values[begins] + 0.5)
            self.seen[begins] = 1
            use = use & ~begins
        look = np.concatenate([[1.0, 0.0], self.season[column]])
        toward = self.cov @ look
        known = toward @ look
        mean = np.exp(np.clip(self.state @ look, -5.0, 30.0))
        spread = 1.0 / mean + self.alpha + known
        off = np.where(use, values / mean - 1.0, 0.0)
        self._scatter(off, mean, known, spread, use)
        limit = CLIP * np.sqrt(spread)
        # While the scatter is hardly known, each value is trusted less: else the first weeks of a
        # series that scatters much would leave it too sure of its season for a year.
        gain = np.where(use, 1.0 / (spread + self.alpha_error), 0.0)[:, None] * toward
        self.state += gain * np.clip(off, -limit, limit)[:, None]
        self.cov -= gain[:, :, None] * toward[:, None, :]

    def reopen(self, which: Bools) -> None:
        """Doubt the baseline of these series again: what was thought an episode has come to stay."""
        self.cov[which] += 0.25 * np.diag(self.prior)

    def _age(self) -> None:
        self.state[:, 0] += self.step * self.state[:, 1]
        self.cov[:, 0, :] += self.step * self.cov[:, 1, :]
        self.cov[:, :, 0] += self.step * self.cov[:, :, 1]
        index = np.arange(2)
        self.cov[:, index, index] += self.drift[:2]

    def _scatter(
        self, off: Floats, mean: Floats, known: Floats, spread: Floats, use: Bools
    ) -> None:
        """Moments of the squared deviations, weighted by their precision."""
        square = np.minimum(off**2, CLIP_SCATTER**2 * spread)
        weight = np.where(use, spread**-2.0, 0.0)
        self.excess += weight * (square - 1.0 / mean - known)
        self.weight += weight
        self.seen += use
