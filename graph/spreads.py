"""What is believed about one number that nobody knows exactly, and draws of it that keep still.

A draw depends on the seed, the name of the spread and the index of the scenario, and on nothing
else (Philox, a counter-based generator: Salmon et al. 2011). So every worker draws the same number
for the same scenario, and two runs that differ in one assumption share all other draws (common
random numbers).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtri

from graph.arrays import Floats

ASSUMED = "assumed"
PERT_WEIGHT = 4.0  # of the mode against each end, as in the Program Evaluation and Review Technique
P95 = float(ndtri(0.95))  # of the normal distribution
BLOCK = 4  # numbers that Philox makes at one value of its counter
MANTISSA = 53  # bits of a double


class SpreadError(ValueError):
    """A spread that does not say what it must, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of one number. Make one by `fixed`, `pert`, `lognormal` or `choice`.

    Spreads of the same name are drawn from the same random numbers, whatever their values.
    `source` is where the values were read, else `assumed`.
    """

    name: str
    shape: str
    values: tuple[float, ...]
    source: str = ASSUMED

    def at(self, u: Floats) -> Floats:
        """The quantiles at u, each in 0..1."""
        return SHAPES[self.shape](self.values, u)

    @property
    def low(self) -> float:
        """P5: where a tornado starts."""
        return float(self.at(np.array([0.05]))[0])

    @property
    def middle(self) -> float:
        """P50."""
        return float(self.at(np.array([0.5]))[0])

    @property
    def high(self) -> float:
        """P95: where a tornado ends."""
        return float(self.at(np.array([0.95]))[0])


def fixed(name: str, value: float, source: str = ASSUMED) -> Spread:
    """A number without doubt.

    >>> fixed("start", 3.0).at(np.array([0.1, 0.9])).tolist()
    [3.0, 3.0]
    """
    return _sound(Spread(name, "fixed", (value,), source))


def pert(name: str, low: float, mode: float, high: float, source: str = ASSUMED) -> Spread:
    """Beta-PERT: a beta distribution between two ends, with its mode. SpreadError out of order.

    >>> half = pert("magnitude", 0.0, 0.5, 1.0)
    >>> half.at(np.array([0.0, 0.5, 1.0])).round(9).tolist()
    [0.0, 0.5, 1.0]
    """
    if not low <= mode <= high:
        raise SpreadError(f"{name}: give low <= mode <= high, not {low}, {mode}, {high}")
    return _sound(Spread(name, "pert", (low, mode, high), source))


def lognormal(name: str, p5: float, p95: float, source: str = ASSUMED) -> Spread:
    """The lognormal with these two quantiles, both above 0. SpreadError otherwise.

    >>> days = lognormal("duration", 10.0, 40.0)
    >>> days.at(np.array([0.05, 0.5, 0.95])).round(6).tolist()
    [10.0, 20.0, 40.0]
    """
    if not 0.0 < p5 <= p95:
        raise SpreadError(f"{name}: give 0 < p5 <= p95, not {p5}, {p95}")
    return _sound(Spread(name, "lognormal", (p5, p95), source))


def choice(name: str, *values: float, source: str = ASSUMED) -> Spread:
    """One of the values, each as likely; name a value twice to make it twice as likely.

    >>> choice("class", 1.0, 0.5, 2.0).at(np.array([0.1, 0.5, 0.9])).tolist()
    [1.0, 0.5, 2.0]
    """
    if not values:
        raise SpreadError(f"{name}: give at least one value to choose from")
    return _sound(Spread(name, "choice", values, source))


def _sound(spread: Spread) -> Spread:
    if not spread.name or not spread.source:
        raise SpreadError("a spread needs a name and a source; without a source it is 'assumed'")
    if not np.isfinite(spread.values).all():
        raise SpreadError(f"{spread.name}: give finite numbers, not {spread.values}")
    return spread


def _fixed(values: tuple[float, ...], u: Floats) -> Floats:
    return np.full(len(u), values[0])


def _pert(values: tuple[float, ...], u: Floats) -> Floats:
    low, mode, high = values
    if low == high:
        return np.full(len(u), low)
    a = 1.0 + PERT_WEIGHT * (mode - low) / (high - low)
    b = 1.0 + PERT_WEIGHT * (high - mode) / (high - low)
    return np.asarray(low + (high - low) * betaincinv(a, b, u))


def _lognormal(values: tuple[float, ...], u: Floats) -> Floats:
    low, high = np.log(values)
    return np.asarray(np.exp((low + high) / 2.0 + (high - low) / 2.0 / P95 * ndtri(u)))


def _choice(values: tuple[float, ...], u: Floats) -> Floats:
    return np.asarray(values)[np.minimum((u * len(values)).astype(np.int64), len(values) - 1)]


SHAPES: dict[str, Callable[[tuple[float, ...], Floats], Floats]] = {
    "fixed": _fixed,
    "pert": _pert,
    "lognormal": _lognormal,
    "choice": _choice,
}


def draw(spreads: Iterable[Spread], seed: int, n: int, first: int = 0) -> dict[str, Floats]:
    """By name, the n values of scenarios first..first + n - 1.

    SpreadError when two different spreads carry one name, or the seed is outside
    0..2**64 - 1.

    >>> spreads = [pert("magnitude", 0.2, 0.5, 0.9), lognormal("duration", 10.0, 40.0)]
    >>> whole = draw(spreads, seed=7, n=100)
    >>> part = draw(spreads[1:], seed=7, n=10, first=90)   # alone, and from the middle
    >>> bool((whole["duration"][90:] == part["duration"]).all())
    True
    """
    named: dict[str, Spread] = {}
    for spread in spreads:
        if named.setdefault(spread.name, spread) != spread:
            raise SpreadError(
                f"two spreads are named {spread.name!r} and differ: rename one, or use one twice"
            )
    skip = first % BLOCK
    return {
        name: spread.at(_uniform(seed, name, (first // BLOCK, 0), skip + n)[skip:])
        for name, spread in named.items()
    }


def draw_each(spread: Spread, seed: int, index: int, k: int) -> Floats:
    """k values for scenario `index`, one for each of k targets, that do not depend on each other.

    >>> stock = lognormal("stock", 0.5, 2.0)
    >>> few, more = draw_each(stock, 7, 3, 2), draw_each(stock, 7, 3, 5)
    >>> bool((few == more[:2]).all()), len(set(more.tolist()))
    (True, 5)
    """
    return spread.at(_uniform(seed, spread.name, (0, index + 1), k))


def _uniform(seed: int, name: str, counter: tuple[int, int], n: int) -> Floats:
    """n numbers strictly between 0 and 1."""
    if not 0 <= seed < 2**64:
        raise SpreadError(f"give a seed in 0..2**64 - 1, not {seed}")
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    stream = np.random.Philox(
        key=np.array([seed, key], dtype=np.uint64),
        counter=np.array([*counter, 0, 0], dtype=np.uint64),
    )
    bits = np.asarray(stream.random_raw(n), dtype=np.uint64) >> np.uint64(64 - MANTISSA)
    # The top value would round to 1: half a step is taken off it instead of added.
    return np.minimum((bits.astype(np.float64) + 0.5) * 2.0**-MANTISSA, 1.0 - 2.0**-MANTISSA)
