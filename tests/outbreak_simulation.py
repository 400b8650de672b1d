"""The simulated outbreaks: which baselines, which pulses, which seeds? Fixed before any tuning.

Daily counts over three years; two to learn from, the third is judged. A baseline is Poisson or
negative binomial, around a mean with a log-linear trend, two annual harmonics and, in half of the
series, a weekend that differs. A pulse adds Poisson counts of mean (size x sd of the baseline at
its onset x shape) for some days. Sizes were set so that EARS lands where Watkins et al. 2008
found it, before the negative-binomial CUSUM was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ews.detectors.panel import Days, Floats, Panel, blocks, grid
from ews.model import Frequency

DAYS, LEARN = 1096, 731  # 2017-2019; judged: the days from LEARN on
LEVELS = (2.0, 8.0, 30.0)  # mean counts a day
SIZES_NB = (0.0, 10.0, 3.0)  # size r of the negative binomial (variance m + m²/r); 0: Poisson
PULSE_DAYS = (7, 14, 28)
PULSE_SIZES = (2.0, 4.0, 6.0)  # mean daily excess in sds of the baseline at the onset
HARD_SIZES = (1.0, 1.5)  # told beside the mean, not in it
DROPS = (0.3, 0.5, 0.7)  # share of the traffic that stays away: told too, not in the mean
SHAPES = ("step", "ramp", "epidemic")
SEED_THRESHOLDS, SEED_QUIET, SEED_PULSES = 20081, 20082, 20083  # Watkins 2008; none used twice
SEED_HARD, SEED_DROPS, SEED_TAILS = 20084, 20085, 20086
QUIET_SERIES, PULSE_REPEATS = 400, 12  # a kind of baseline; a cell of kind, days, size and shape


@dataclass(frozen=True, slots=True)
class Simulated:
    """Series with the truth beside them; `onset` is -1 where nothing was injected."""

    panel: Panel
    level: Floats  # [n]
    r: Floats  # [n] 0: Poisson
    onset: NDArray[np.intp]  # [n] column of the pulse's first day
    days: NDArray[np.intp]  # [n]
    size: Floats  # [n]
    shape: NDArray[np.intp]  # [n] index in SHAPES


def means(level: Floats, dice: np.random.Generator, days: int = DAYS) -> Floats:
    """[n, days] mean counts: level x trend x season x weekend, drawn for each series."""
    n, day = len(level), np.arange(days)

    def draw(low: float, high: float) -> Floats:
        return dice.uniform(low, high, (n, 1))

    year = 2 * np.pi * day / 365.25
    season = draw(0.1, 0.6) * np.cos(year + draw(0, 2 * np.pi))
    season += draw(0.0, 0.2) * np.cos(2 * year + draw(0, 2 * np.pi))
    trend = draw(-0.3, 0.3) * (day - days / 2) / 365.25
    differs = (dice.random((n, 1)) < 0.5) * draw(-0.4, 0.2)
    weekend = differs * ((day + 6) % 7 >= 5)  # 2017-01-01 was a Sunday
    return level[:, None] * np.exp(season + trend + weekend)


def counts(mean: Floats, r: Floats, dice: np.random.Generator) -> Floats:
    """Poisson where r is 0, else a Poisson whose rate is gamma: the negative binomial."""
    shape = np.where(r > 0, r, 1.0)[:, None]
    gamma = dice.gamma(np.broadcast_to(shape, mean.shape)) / shape
    return dice.poisson(np.where(r[:, None] > 0, mean * gamma, mean)).astype(float)


def profile(shape: str, days: int) -> Floats:
    """Excess of each day of a pulse, its mean 1.

    >>> profile("ramp", 3).tolist()
    [0.5, 1.0, 1.5]
    """
    at = (np.arange(days) + 0.5) / days
    if shape == "step":
        curve = np.ones(days)
    elif shape == "ramp":
        curve = np.arange(1.0, days + 1)
    else:  # an epidemic curve: log-normal, its peak at a quarter of its length
        curve = np.exp(-(np.log(at / 0.25) ** 2) / (2 * 0.6**2))
    return np.asarray(curve / curve.mean())


def kinds(repeats: int) -> tuple[Floats, Floats]:
    """(level, r) of `repeats` series of every kind of baseline."""
    level, r = np.meshgrid(LEVELS, SIZES_NB, indexing="ij")
    return np.repeat(level.ravel(), repeats), np.repeat(r.ravel(), repeats)


def quiet(seed: int, repeats: int = QUIET_SERIES) -> Simulated:
    """Series in which nothing happens."""
    dice = np.random.default_rng(seed)
    level, r = kinds(repeats)
    values = counts(means(level, dice), r, dice)
    none = np.full(len(level), -1)
    return Simulated(panel_from(values), level, r, none, none, np.zeros(len(level)), none)


def quiet_weeks(seed: int, repeats: int) -> Panel:
    """Five years of such days as weekly means, as the service judges them."""
    dice = np.random.default_rng(seed)
    level, r = kinds(repeats)
    return blocks(panel_from(counts(means(level, dice, 5 * 364), r, dice)))


def quiet_months(seed: int, repeats: int) -> Panel:
    """Ten years of monthly counts: thirty times the mean of a day, the same scatter a month."""
    dice = np.random.default_rng(seed)
    level, r = kinds(repeats)
    days = panel_from(np.zeros((1, 3652))).periods
    months, starts = np.unique(days.astype("M8[M]"), return_index=True)
    mean = np.add.reduceat(means(level, dice, len(days)), starts, axis=1)
    return panel_from(counts(mean, r, dice), Frequency.MONTH, months.astype("M8[D]"))


def pulses(
    seed: int = SEED_PULSES,
    repeats: int = PULSE_REPEATS,
    sizes: tuple[float, ...] = PULSE_SIZES,
    drop: bool = False,
) -> Simulated:
    """Series with one pulse each in the judged year: every kind, length, size and shape alike.

    `drop`: counts are taken away instead, each with probability size x shape (at most 1).
    """
    dice = np.random.default_rng(seed)
    cells = [(d, s, k) for d in PULSE_DAYS for s in sizes for k in range(len(SHAPES))]
    level, r = kinds(repeats * len(cells))
    cell = np.tile(np.repeat(np.arange(len(cells)), repeats), len(LEVELS) * len(SIZES_NB))
    days, size, shape = (np.array([one[i] for one in cells])[cell] for i in range(3))
    mean = means(level, dice)
    values = counts(mean, r, dice)
    onset = dice.integers(LEARN + 28, DAYS - max(PULSE_DAYS), len(level))
    at = mean[np.arange(len(level)), onset]
    sd = np.sqrt(at + np.where(r > 0, at**2 / np.where(r > 0, r, 1.0), 0.0))
    for row in range(len(level)):
        curve = size[row] * profile(SHAPES[shape[row]], days[row])
        days_of = values[row, onset[row] : onset[row] + days[row]]
        if drop:
            days_of -= dice.binomial(days_of.astype(int), np.minimum(curve, 1.0))
        else:
            days_of += dice.poisson(sd[row] * curve)
    return Simulated(panel_from(values), level, r, onset, days, size, shape)


def panel_from(
    values: Floats, frequency: Frequency = Frequency.DAY, periods: Days | None = None
) -> Panel:
    """A panel of simulated series (days from 2017-01-01), each value known on its first day."""
    if periods is None:
        first = np.datetime64("2017-01-01")
        periods = grid(frequency, first, first + (values.shape[1] - 1))
    known = np.broadcast_to(periods.astype("M8[us]"), values.shape)
    names = tuple(f"synthetic/transits/S{i}/-" for i in range(len(values)))
    return Panel(names, frequency, periods, values, known, known, datetime(2030, 1, 1, tzinfo=UTC))
