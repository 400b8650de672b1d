"""Proportions with intervals, quantiles, groups: the arithmetic of a score."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

Z95 = 1.959964
Json = dict[str, object]
R = TypeVar("R")


def wilson(hits: int, total: int) -> tuple[float, float] | None:
    """95% interval of a proportion; None when nothing was counted.

    >>> [round(x, 3) for x in wilson(8, 10)]
    [0.49, 0.943]
    """
    if total == 0:
        return None
    p = hits / total
    middle = p + Z95**2 / (2 * total)
    spread = Z95 * math.sqrt(p * (1 - p) / total + Z95**2 / (4 * total**2))
    scale = 1 + Z95**2 / total
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def proportion(hits: int, total: int) -> Json:
    interval = wilson(hits, total)
    return {
        "hits": hits,
        "of": total,
        "rate": round(hits / total, 4) if total else None,
        "interval": [round(x, 4) for x in interval] if interval else None,
    }


def quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest ranks."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def grouped(
    some: Sequence[R], key: Callable[[R], str], measure: Callable[[Sequence[R]], Json]
) -> Json:
    """`measure` over each group, groups in order of name."""
    groups: dict[str, list[R]] = {}
    for one in some:
        groups.setdefault(key(one), []).append(one)
    return {name: measure(groups[name]) for name in sorted(groups)}
