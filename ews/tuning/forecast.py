"""How many messages will each receiver get in the next period, for what comes in then? With 80%
intervals.

Messages per thousand collected items, as a rate that drifts: the Gamma-Poisson filter of Harvey and
Fernandes (1989, J. Bus. Econ. Stat. 7, 407-417), in which what is older counts less. Twice as many
items do not tell of twice as many happenings, so a day counts by a power of what came in. Messages
come in bursts, so the variance of fortnights against what the rate says (quasi-Poisson, shared
between receivers where counts are few) widens the interval; so does the doubt on the rate, and that
no two periods are alike. The constants were chosen on January-June 2023, the Korean press of August-
December 2025 and 2021 (docs/tuning.md, "Expected load"), never on the half year it is measured on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MEMORY = 0.99  # what a week counts against the one after it
DRIFT = 0.2  # relative spread of a rate between one period and the next
POWER = 0.8  # twice as many items in a day: 2 ** POWER times as many messages
POWER_DOUBT = 0.3  # spread of that power
BLOCK_DAYS = 14  # messages of one burst fall into one block
SHARED = 10  # blocks of all receivers that a receiver's own dispersion is mixed with
PRIOR = 0.5  # messages; a receiver that was told nothing may still be told something
LEVELS = (0.1, 0.9)  # of the 80% interval
THOUSAND = 1_000
MOST = 200_000  # no interval is searched further

Floats = NDArray[np.float64]


class Load(Protocol):
    """What is read of a receiver's load (ews.tuning.loads.ReceiverLoad)."""

    @property
    def budget_per_day(self) -> int | None: ...
    @property
    def told_by_day(self) -> Mapping[date, int]: ...
    @property
    def held_by_day(self) -> Mapping[date, int]: ...


@dataclass(frozen=True, slots=True)
class Fit:
    """What is known of one receiver's rate."""

    messages: float  # that it stands on, older ones counted less
    volume: float  # what came in, each day's thousands to POWER, likewise
    dispersion: float  # variance of a fortnight's messages over their mean
    budget_per_day: int | None = None
    most_in_a_day: int = 0


@dataclass(frozen=True, slots=True)
class LoadModel:
    """The rates of all receivers, as a period showed them."""

    fits: Mapping[str, Fit]
    days: int
    collected: int
    thousands_a_day: float  # on days on which anything came in


@dataclass(frozen=True, slots=True)
class Expected:
    """Messages in a period: their mean, and the least and the most of the 80% interval."""

    mean: float
    low: float
    high: float


def fit_load(
    loads: Mapping[str, Load], collected: Mapping[date, int], *, matched: bool = False
) -> LoadModel:
    """The rates behind the messages that were told (`matched`: told or held) in a period.

    `collected` names every day of the period on which something came in.
    """
    if not collected or not sum(collected.values()):
        raise ValueError("nothing was collected in that period: a load cannot be fitted on it")
    days = _days(collected)
    items = np.array([collected.get(day, 0) for day in days], dtype=float) / THOUSAND
    volume = items**POWER
    counts = {name: _counts(load, days, matched) for name, load in loads.items()}
    spread = _dispersions(counts, volume)
    weight = MEMORY ** (np.arange(len(days))[::-1] / 7)
    fits = {
        name: Fit(
            messages=float((weight * found).sum()) + PRIOR,
            volume=float((weight * volume).sum()),
            dispersion=spread[name],
            budget_per_day=None if matched else loads[name].budget_per_day,
            most_in_a_day=int(found.max(initial=0)),
        )
        for name, found in counts.items()
    }
    return LoadModel(fits, len(days), int(sum(collected.values())), float(items[items > 0].mean()))


def predict(model: LoadModel, collected: int, days: int) -> dict[str, Expected]:
    """Messages to each receiver in so many days in which so many items come in."""
    daily = collected / THOUSAND / days
    if not daily:
        return dict.fromkeys(model.fits, Expected(0.0, 0.0, 0.0))
    other = POWER_DOUBT * math.log(daily / model.thousands_a_day)
    volume = days * daily**POWER
    return {name: _expected(fit, volume, days, other) for name, fit in model.fits.items()}


def _expected(fit: Fit, volume: float, days: int, other: float) -> Expected:
    """Negative binomial with the variance of bursts, of the doubt on the rate, of its drift, and of
    the doubt on what another volume does."""
    mean = fit.messages / fit.volume * volume
    known = fit.messages / fit.dispersion * MEMORY ** (days / 14)  # in the middle of the period
    variance = mean * fit.dispersion + mean**2 * (1 / known + DRIFT**2 + other**2)
    low, high = quantiles(mean, variance, LEVELS)
    cap = _cap(fit, days)
    return Expected(min(mean, cap), min(low, cap), min(high, cap))


def _cap(fit: Fit, days: int) -> float:
    """A budget that was never broken bounds what is told; an urgent message may break one."""
    budget = fit.budget_per_day
    return math.inf if budget is None or fit.most_in_a_day > budget else float(budget * days)


def _days(collected: Mapping[date, int]) -> list[date]:
    first, last = min(collected), max(collected)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _counts(load: Load, days: Sequence[date], matched: bool) -> Floats:
    """Messages by day. A receiver's day may end after the period's: it belongs to the last."""
    place = {day: number for number, day in enumerate(days)}
    found = np.zeros(len(days))
    for by_day in (load.told_by_day, load.held_by_day) if matched else (load.told_by_day,):
        for day, count in by_day.items():
            found[place.get(day, -1 if day > days[-1] else 0)] += count
    return found


# --------------------------------------------------------------------------- bursts


def _dispersions(counts: Mapping[str, Floats], volume: Floats) -> dict[str, float]:
    """Of each receiver, its own mixed with that of all; never less than Poisson's 1."""
    own = {name: _dispersion(found, volume) for name, found in counts.items()}
    blocks = sum(free for _, free in own.values())
    shared = sum(chi for chi, _ in own.values()) / blocks if blocks else 1.0
    return {
        name: max(1.0, (chi + max(1.0, shared) * SHARED) / (free + SHARED))
        for name, (chi, free) in own.items()
    }


def _dispersion(found: Floats, volume: Floats) -> tuple[float, int]:
    """Pearson's chi-squared of the blocks against the rate of the whole, and its degrees of freedom."""
    number = len(found) // BLOCK_DAYS
    cut = number * BLOCK_DAYS
    blocks = found[len(found) - cut :].reshape(number, BLOCK_DAYS).sum(1)
    came = volume[len(volume) - cut :].reshape(number, BLOCK_DAYS).sum(1)
    if number < 2 or not blocks.sum():
        return 0.0, 0
    expected = blocks.sum() / came.sum() * came
    some = expected > 0
    chi = float(((blocks - expected)[some] ** 2 / expected[some]).sum())
    return chi, int(some.sum()) - 1


# --------------------------------------------------------------------------- quantiles


def quantiles(mean: float, variance: float, levels: Sequence[float]) -> list[float]:
    """The least counts whose cumulative probability reaches each level (rising), of a negative
    binomial with that mean and variance; of a Poisson where the variance is not larger.

    >>> quantiles(4.0, 4.0, (0.1, 0.9))
    [2.0, 7.0]
    """
    if mean <= 0:
        return [0.0 for _ in levels]
    wide = variance > mean * (1 + 1e-9)
    size = mean**2 / (variance - mean) if wide else math.inf
    log_p = size * math.log(mean / variance) if wide else -mean
    found: list[float] = []
    reached, count = math.exp(log_p), 0
    while len(found) < len(levels):
        if reached >= levels[len(found)] or count >= MOST:
            found.append(float(count))
            continue
        count += 1
        step = (count - 1 + size) * (1 - mean / variance) if wide else mean
        log_p += math.log(step / count)
        reached += math.exp(log_p)
    return found


def pinball(quantile: float, actual: float, level: float) -> float:
    """The loss of a quantile against what came (Koenker and Bassett 1978); less is better."""
    above = actual - quantile
    return max(level * above, (level - 1) * above)


def interval_score(expected: Expected, actual: float) -> float:
    """Width plus what lies outside, weighted (Gneiting and Raftery 2007); less is better."""
    alpha = 1 - (LEVELS[1] - LEVELS[0])
    outside = max(expected.low - actual, 0.0) + max(actual - expected.high, 0.0)
    return expected.high - expected.low + 2 / alpha * outside
