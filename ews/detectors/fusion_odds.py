"""How far does a number move a belief? Likelihood ratios of readings, bounded, and Bayes on odds.

A reading is its calibrated p value and the direction; p gives a normal score z, which is standard
normal when nothing happens. If the event is real and reaches the series, z has the mean
mu = |ln(1 + effect)| / scale for an effect of unknown size. The ratio of the two densities is
E[exp(mu z - mu^2 / 2)] over the assumed sizes, plus the chance that the series stays `still`
(normal mixture alternatives: Johnson & Rossell 2010, JRSS B 72:143). Every such ratio has mean one
when nothing happens, so means of ratios do too, whatever the dependence between the series
(e-values: Vovk & Wang 2021, Annals of Statistics 49:1736).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log1p, sqrt
from statistics import NormalDist

from ews.detectors.expectations import Effect
from ews.model import Direction

LEAST_LR, MOST_LR = 1 / 20, 50.0  # numbers correct a text; they never replace it
MOST_ALONE = 1e6  # of numbers without a text, before the cap on the probability
CAP = 0.97  # no number alone is surer: what else could have done it, nobody has listed
LEAST_P = 1e-15
OTHERS_PER_YEAR = 1.0  # moves as large of another item of the same code; assumed
SUCCESSIVE = 0.5  # weight of a further release: neighbours in time repeat part of what was said
LEVEL = NormalDist().inv_cdf(0.99)  # power is that of a one-sided test at 1 %
_NORMAL = NormalDist()


def toward(p: float, direction: Direction, expected: Direction) -> float:
    """z of a two-sided p, positive where the move is the expected one.

    >>> round(toward(0.05, Direction.DOWN, Direction.DOWN), 2)
    1.96
    >>> round(toward(0.05, Direction.UP, Direction.DOWN), 2)
    -1.96
    """
    half = min(max(p, LEAST_P), 1.0) / 2
    size = -_NORMAL.inv_cdf(half)
    return size if direction is expected else -size


def looked(p: float, looks: int) -> float:
    """A p that is the smallest of what so many detectors say (Bonferroni)."""
    return min(1.0, p * looks)


def sizes(effect: Effect, scale: float, sharing: int = 1, additive: bool = False) -> list[float]:
    """Means of z for each assumed share, in a series that `sharing` items share alike.

    `scale` is the series' usual standard deviation of ln(value / expected).
    """
    fall = effect.name == "fall"
    parts = [share / sharing for share in effect.shares]
    logs = parts if additive else [-log1p(-x) if fall else log1p(x) for x in parts]
    return [one / max(scale, 1e-6) for one in logs]


def likelihood_ratio(
    z: float, means: Sequence[float], weights: Sequence[float], still: float
) -> float:
    """P(z | the event is real) / P(z | nothing happens), not yet bounded but for overflow.

    It rises with z, never falls below `still`, and has mean one when nothing happens.
    """
    moved = sum(
        weight * exp(min(mean * z - mean * mean / 2, 600.0))
        for mean, weight in zip(means, weights, strict=True)
    )
    return still + (1 - still) * moved


def attributed(ratio: float, sharing: int, tests_per_year: float) -> float:
    """The ratio for one of `sharing` items of a code: the move may be any of the others'.

    What is compared is then no longer "nothing happens" but "nothing happens to this item", which
    holds a share of moves as large that the others made.
    """
    others = min(0.9, (sharing - 1) * OTHERS_PER_YEAR / tests_per_year)
    return ratio / (1 - others + others * ratio)


def bounded(ratio: float) -> float:
    return min(max(ratio, LEAST_LR), MOST_LR)


def persistent(
    total: float, count: float, means: Sequence[float], weights: Sequence[float], still: float
) -> float:
    """The ratio of `count` releases whose z add up to `total`: the size of the effect, and whether
    the series moves at all, are the same in all of them. Further releases count half."""
    grown = 1 + SUCCESSIVE * (count - 1)
    share = grown / count
    moved = sum(
        weight * exp(min(mean * total * share - grown * mean * mean / 2, 600.0))
        for mean, weight in zip(means, weights, strict=True)
    )
    return min(still + (1 - still) * moved, MOST_ALONE)


def updated(probability: float, ratio: float) -> float:
    """Bayes on odds. The probability stays inside 0..1, and 0 and 1 stay what they are.

    >>> round(updated(0.5, 4.0), 2), updated(0.0, 50.0), round(updated(1.0, 0.05), 9)
    (0.8, 0.0, 1.0)
    """
    return min(1.0, probability * ratio / (probability * ratio + 1 - probability))  # rounding


def fused(text: float, ratio: float) -> float:
    """The probability of a text with what the numbers say of it."""
    return updated(text, bounded(ratio))


def alone(ratio: float, real_per_year: float, tests_per_year: float) -> float:
    """The probability that a departure without any text is a real disruption.

    Per test, `real_per_year / tests_per_year` are real. The density at z decides, not the tail
    beyond it: of alarms just past the line more are false than of all alarms past it.
    """
    prior = min(real_per_year / tests_per_year, 0.5)
    return min(CAP, updated(prior, min(ratio, MOST_ALONE)))


def power(means: Sequence[float], weights: Sequence[float], releases: int = 1) -> float:
    """Probability that so many releases together would show the effect at 1 %, if it were there."""
    grown = sqrt(1 + SUCCESSIVE * (releases - 1))
    return sum(
        weight * _NORMAL.cdf(mean * grown - LEVEL)
        for mean, weight in zip(means, weights, strict=True)
    )
