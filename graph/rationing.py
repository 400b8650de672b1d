"""How a node that makes less than is asked of it shares it out: what each buyer gets.

Shares are of normal: a claim wants `wanted` times its normal delivery, which takes `part` of its
supplier's normal output, and the supplier makes `made` of that. All rules give out all that is
made and give nobody more than is wanted.
Source: Inoue & Todo 2019, rationing 0 (proportional), 1 (final-last) and 2 (order-ratio).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graph.arrays import Floats

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Claims:
    """What is wanted of nodes that cannot meet all of it."""

    part: Floats  # of the supplier's normal output
    owner: NDArray[np.integer]  # the supplier, a node number
    wanted: Floats  # share of normal
    final: Mask  # whether it is final demand


def order_ratio(claims: Claims, made: Floats, floor: float) -> Floats:
    """What each claim gets when the lowest ratio of order to normal order is served first.

    That is all claims of a supplier up to one level and none above what it wants, so nobody gets
    less than the lesser of its order and its normal part of what is made: any floor is kept.

    >>> three = Claims(np.array([0.5, 0.25, 0.25]), np.zeros(3, int), np.array([3.0, 0.4, 1.0]),
    ...     np.array([False, False, True]))
    >>> order_ratio(three, np.array([0.7]), 0.0).round(3).tolist()
    [0.8, 0.4, 0.8]
    """
    open_ = np.ones(len(claims.wanted), dtype=bool)  # not served in full
    while True:
        rest = np.bincount(claims.owner, claims.part * open_, len(made))
        served = np.where(open_, 0.0, claims.part * claims.wanted)
        left = made - np.bincount(claims.owner, served, len(made))
        level = np.divide(left, rest, out=np.full(len(made), np.inf), where=rest > 0)[claims.owner]
        covered = open_ & (claims.wanted < level)
        if not covered.any():
            return np.where(open_, level, claims.wanted)
        open_ &= ~covered  # what they leave raises the level for the others


def proportional(claims: Claims, made: Floats, floor: float) -> Floats:
    """What each claim gets: the floor for all, the rest in proportion to what is still wanted.

    >>> three = Claims(np.array([0.5, 0.25, 0.25]), np.zeros(3, int), np.array([3.0, 0.4, 1.0]),
    ...     np.array([False, False, True]))
    >>> proportional(three, np.array([0.7]), 0.0).round(3).tolist()
    [1.135, 0.151, 0.378]
    """
    kept, rest = _floored(claims, made, floor)
    open_ = claims.wanted - kept
    return np.asarray(kept + open_ * _met(claims, rest, claims.part * open_))


def final_last(claims: Claims, made: Floats, floor: float) -> Floats:
    """What each claim gets: the floor for all, then firms in proportion, final demand the rest.

    >>> three = Claims(np.array([0.5, 0.25, 0.25]), np.zeros(3, int), np.array([1.0, 0.4, 1.0]),
    ...     np.array([False, False, True]))
    >>> final_last(three, np.array([0.7]), 0.0).round(3).tolist()
    [1.0, 0.4, 0.4]
    """
    kept, rest = _floored(claims, made, floor)
    open_ = claims.part * (claims.wanted - kept)
    firms, last = np.where(claims.final, 0.0, open_), np.where(claims.final, open_, 0.0)
    to_firms = firms * _met(claims, rest, firms)
    rest = np.maximum(0.0, rest - np.bincount(claims.owner, to_firms, len(made)))
    return np.asarray(kept + (to_firms + last * _met(claims, rest, last)) / claims.part)


def _floored(claims: Claims, made: Floats, floor: float) -> tuple[Floats, Floats]:
    """What each claim gets before rationing, and what each supplier has left then."""
    kept = np.minimum(claims.wanted, floor * made[claims.owner])
    rest = made - np.bincount(claims.owner, claims.part * kept, len(made))
    return kept, np.maximum(0.0, rest)


def _met(claims: Claims, rest: Floats, wanted: Floats) -> Floats:
    """Per claim the share of what is wanted that its supplier's rest covers, at most 1."""
    total = np.bincount(claims.owner, wanted, len(rest))
    share = np.divide(rest, total, out=np.zeros(len(rest)), where=total > 0)
    met: Floats = np.minimum(1.0, share)[claims.owner]
    return met


RATIONING: dict[str, Callable[[Claims, Floats, float], Floats]] = {
    "order-ratio": order_ratio,
    "proportional": proportional,
    "final-last": final_last,
}
