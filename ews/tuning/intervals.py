"""How sure is a figure over episodes? Bootstrap by family, with a fixed seed.

Episodes of one crisis are caught or missed together, so a family is drawn as one block. The same
number of blocks gives the same draws, which makes two scores over the same episodes comparable draw
by draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ews.tuning.numbers import Json, proportion

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
DRAWS = 1000
SEED = 20230701
LIMITS = (0.025, 0.975)
Tally = Sequence[tuple[str, bool]]  # (block, whether it is a hit)


def share(flags: Tally) -> Json:
    """A proportion with both intervals: Wilson, and bootstrap over the blocks."""
    document = proportion(sum(hit for _, hit in flags), len(flags))
    return document | {"bootstrap": rate_interval(flags)}


def rate_interval(flags: Tally) -> list[float] | None:
    """95% of the rates of the draws; None with fewer than two blocks."""
    names, hits, of = counted([flags])
    if len(names) < 2:
        return None
    return limits(rates(hits[0], of[0]))


def counted(tallies: Sequence[Tally]) -> tuple[list[str], list[Counts], list[Counts]]:
    """The blocks of all tallies in order of name, and for each tally hits and counts by block."""
    names = sorted({block for flags in tallies for block, _ in flags})
    place = {name: number for number, name in enumerate(names)}
    hits = [np.zeros(len(names), np.int64) for _ in tallies]
    of = [np.zeros(len(names), np.int64) for _ in tallies]
    for number, flags in enumerate(tallies):
        for block, hit in flags:
            hits[number][place[block]] += hit
            of[number][place[block]] += 1
    return names, hits, of


def rates(hits: Counts, of: Counts) -> Floats:
    """The rate in each draw; draws that hold nothing are nan."""
    weights = draws(len(hits))
    with np.errstate(invalid="ignore"):
        return np.asarray((weights @ hits) / (weights @ of), dtype=np.float64)


def limits(figures: Floats, digits: int = 4) -> list[float] | None:
    """95% of the figures that are numbers."""
    real = figures[~np.isnan(figures)]
    if not len(real):
        return None
    return [round(float(x), digits) for x in np.quantile(real, LIMITS)]


def median_interval(values: Iterable[tuple[str, float]]) -> list[float] | None:
    """95% interval of the median over (block, value) pairs; None with fewer than two blocks."""
    ordered = sorted(values, key=lambda pair: pair[1])
    names = sorted({block for block, _ in ordered})
    if len(names) < 2:
        return None
    place = {name: number for number, name in enumerate(names)}
    where = np.array([place[block] for block, _ in ordered])
    figures = np.array([value for _, value in ordered])
    reached = draws(len(names))[:, where].cumsum(axis=1)
    total = reached[:, -1:]
    # The two middle ranks of each draw; with an odd number of values they are one.
    low = (reached >= (total + 1) // 2).argmax(axis=1)
    high = (reached >= total // 2 + 1).argmax(axis=1)
    return limits((figures[low] + figures[high]) / 2, 3)


@lru_cache(maxsize=128)
def draws(blocks: int) -> Floats:
    """How often each block is in each draw, one draw a row."""
    dice = np.random.default_rng(SEED)
    picked = dice.integers(blocks, size=(DRAWS, blocks)) + np.arange(DRAWS)[:, None] * blocks
    counts = np.bincount(picked.ravel(), minlength=DRAWS * blocks)
    drawn = counts.reshape(DRAWS, blocks).astype(np.float64)
    drawn.setflags(write=False)
    return drawn
