"""How far apart are two samples, how far apart were such samples before, and could it be chance?

The p-values take each text for itself, which texts of one happening are not: they say little alone.
A finding also needs an effect that matters and that is well beyond what the weeks of the reference
show against each other (`past`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
BINS = 10  # of the population stability index: tenths of the reference
SEEN = 0.5  # added to each bin, so that an empty one has a logarithm
LEAST = 100  # in the window and in the reference, for a test
LEAST_ALERTS = 30


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of the window with its reference."""

    __test__ = False  # no test of pytest's

    subject: str  # scores:p_event, mix:type, share:screened, source:NAME
    kind: str  # scores | mix | share | silent | fewer | more
    effect: float  # PSI, Jensen-Shannon divergence, difference of shares, ratio to the usual
    past: float | None  # largest of the same among the weeks of the reference
    limit: float  # the effect from which it is a finding
    p: float
    n: int  # in the window
    n_reference: int
    facts: Mapping[str, str] = field(default_factory=dict)  # what moved, for words
    q: float = 1.0  # p adjusted over all tests of this look (Benjamini-Hochberg)
    found: bool = False


def psi(now: Counts, then: Counts) -> float:
    """Population stability index over tenths of the reference."""
    edges = _tenths(then)
    a, b = _share(np.add.reduceat(now, edges)), _share(np.add.reduceat(then, edges))
    return float(((a - b) * np.log(a / b)).sum())


def _tenths(then: Counts) -> NDArray[np.int64]:
    """Where bins begin, each with about a tenth of the reference."""
    below = np.concatenate(([0], np.cumsum(then)[:-1])) / max(1, then.sum())
    wanted = np.arange(BINS) / BINS
    return np.unique(np.searchsorted(below, wanted, side="left").clip(0, len(then) - 1))


def _share(counts: Counts) -> Floats:
    found: Floats = (counts + SEEN) / (counts.sum() + SEEN * len(counts))
    return found


def kolmogorov(now: Counts, then: Counts) -> tuple[float, float]:
    """(D, p) of the two-sample Kolmogorov-Smirnov test on the steps of the histogram; ties make p
    larger than it is."""
    n, m = int(now.sum()), int(then.sum())
    gap = float(np.abs(np.cumsum(now) / n - np.cumsum(then) / m).max())
    return gap, float(stats.kstwobign.sf(gap * math.sqrt(n * m / (n + m))))


def divergence(now: Counts, then: Counts) -> float:
    """Jensen-Shannon divergence, in bits."""
    a, b = now / now.sum(), then / then.sum()
    return float(_parts(a, b).sum())


def _parts(a: Floats, b: Floats) -> Floats:
    middle = (a + b) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(a > 0, a * np.log2(a / middle), 0.0)
        right = np.where(b > 0, b * np.log2(b / middle), 0.0)
    found: Floats = (left + right) / 2
    return found


def g_test(now: Counts, then: Counts) -> float:
    """p of the G-test that both are of one mix; rare kinds are taken together."""
    table = np.array([now, then], np.float64)
    expected = table.sum(0) * now.sum() / table.sum()
    rare = expected < 5
    if rare.any():
        table = np.column_stack([table[:, ~rare], table[:, rare].sum(1)])
    table = table[:, table.sum(0) > 0]
    if table.shape[1] < 2:
        return 1.0
    return float(stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").pvalue)


def most_moved(
    keys: Sequence[str], now: Counts, then: Counts
) -> tuple[str, float, float]:  # fmt: skip
    """The kind that makes most of the divergence, with its share then and now."""
    a, b = now / now.sum(), then / then.sum()
    at = int(np.argmax(_parts(a, b)))
    return keys[at], float(b[at]), float(a[at])


def middle(histogram: Counts) -> float:
    """The median."""
    total = np.cumsum(histogram)
    return float(np.searchsorted(total, total[-1] / 2) + 0.5) / len(histogram)


def adjusted(p: Sequence[float]) -> list[float]:
    """Benjamini-Hochberg."""
    if not p:
        return []
    found = stats.false_discovery_control(np.clip(np.array(p), 0.0, 1.0), method="bh")
    return [float(one) for one in np.atleast_1d(found)]


def spread(values: Sequence[float]) -> float:
    """A robust standard deviation: of the distances to the median."""
    return 1.4826 * float(np.median(np.abs(np.array(values) - np.median(values))))
