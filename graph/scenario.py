"""What is done to a supply graph: capacity, links and demand lost, day by day.

A `Scenario` is what every engine of the time-stepped model takes; an `Outcome` is what it gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graph.arrays import Floats, Ints, SupplyArrays

RECOVERIES = ("step", "linear", "exponential")


@dataclass(frozen=True, slots=True)
class Hit:
    """One blow: `magnitude` (0..1) of the target is lost from `start_day` for `duration_days`.

    `recovery` says how it comes back afterwards: at once (step), evenly over `recovery_days`
    (linear), or with that time constant (exponential).
    """

    targets: Ints  # node numbers, or link numbers, as the scenario's field says
    magnitude: float
    start_day: float = 0.0
    duration_days: float = float("inf")
    recovery: str = "step"
    recovery_days: float = 0.0
    member: Floats | None = None  # M: membership of each target, 0..1; None: wholly

    def profile(self, days: int) -> Floats:
        """Share of the target lost on each of `days` days.

        >>> Hit(np.array([0]), 0.5, 1, 2, "linear", 2).profile(6).tolist()
        [0.0, 0.5, 0.5, 0.25, 0.0, 0.0]
        """
        t = np.arange(days, dtype=np.float64)
        since = t - self.start_day - self.duration_days  # days after the end
        on = (t >= self.start_day) & (since < 0)
        after = (t >= self.start_day) & (since >= 0)
        left = np.zeros(days)
        if self.recovery == "linear" and self.recovery_days > 0:
            left = np.clip(1.0 - (np.where(after, since, 0.0) + 1.0) / self.recovery_days, 0.0, 1.0)
        elif self.recovery == "exponential" and self.recovery_days > 0:
            left = np.exp(-(np.where(after, since, 0.0) + 1.0) / self.recovery_days)
        elif self.recovery not in RECOVERIES:
            raise ValueError(f"unknown recovery {self.recovery!r}; use one of {RECOVERIES}")
        return self.magnitude * (on + after * left)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Losses per day: rows are days 0..T-1, columns the listed nodes or links, values 0..1."""

    days: int
    nodes: Ints  # whose capacity is cut
    psi: Floats  # T x nodes: psi, share of capacity lost
    links: Ints  # whose deliveries are cut
    phi: Floats  # T x links: phi, share of the delivery lost on the way
    buyers: Ints  # whose final demand falls
    delta: Floats  # T x buyers: share of final demand lost
    probability: float = 1.0


def scenario(
    days: int,
    capacity: Iterable[Hit] = (),
    deliveries: Iterable[Hit] = (),
    demand: Iterable[Hit] = (),
    probability: float = 1.0,
) -> Scenario:
    """Hits put together: several on one target leave the product of what each leaves over.

    ValueError if there is not one day to run.

    >>> one = scenario(3, [Hit(np.array([4]), 0.5, 1), Hit(np.array([4, 7]), 0.5, 2)])
    >>> one.nodes.tolist(), one.psi.tolist()
    ([4, 7], [[0.0, 0.0], [0.5, 0.0], [0.75, 0.5]])
    """
    if days < 1:
        raise ValueError(f"a scenario of {days} days has nothing to run; give 1 or more")
    nodes, psi = _together(days, list(capacity))
    links, phi = _together(days, list(deliveries))
    buyers, delta = _together(days, list(demand))
    return Scenario(days, nodes, psi, links, phi, buyers, delta, probability)


def _together(days: int, hits: Sequence[Hit]) -> tuple[Ints, Floats]:
    none = np.zeros(0, dtype=np.int64)
    targets = np.unique(np.concatenate([none, *(h.targets for h in hits)]))
    left = np.ones((days, len(targets)))
    for hit in hits:
        where = np.searchsorted(targets, hit.targets)
        member = np.ones(len(where)) if hit.member is None else hit.member
        left[:, where] *= 1.0 - hit.profile(days)[:, None] * member[None, :]
    return targets, 1.0 - left


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario run: the level h (1 normal, 0 nothing) of every node that moved, day by day.

    Nodes that are not listed stayed at 1 all the time. `engine` and `switches` say what made the
    numbers; `residual` is the greatest change of the last day, so that a run that was cut while
    it still moved is seen.
    """

    nodes: Ints  # sorted
    level: Floats  # T x nodes: h
    down: Floats  # T x nodes: h^d, what inputs and capacity allow
    up: Floats  # T x nodes: h^u, what is ordered
    engine: str
    switches: str
    residual: float

    def loss(self, arrays: SupplyArrays) -> Floats:
        """V: loss of each listed node over the horizon, currency."""
        lost: Floats = (1.0 - self.level).sum(axis=0) * arrays.output[self.nodes]
        return lost

    def curve(self, arrays: SupplyArrays) -> Floats:
        """T: loss of all nodes on each day, currency."""
        lost: Floats = (1.0 - self.level) @ arrays.output[self.nodes]
        return lost

    def first_day(self, threshold: float = 1e-9) -> Ints:
        """Per listed node the first day on which it lost more than the threshold; -1 never."""
        hit = (1.0 - self.level) > threshold
        return np.where(hit.any(axis=0), hit.argmax(axis=0), -1)

    def of(self, node: int) -> Floats:
        """T: the level of one node, ones when it never moved."""
        at = int(np.searchsorted(self.nodes, node))
        if at < len(self.nodes) and self.nodes[at] == node:
            return np.asarray(self.level[:, at])
        return np.ones(len(self.level))

    def whole(self, nodes: int) -> Outcome:
        """The same with each of the graph's nodes listed."""

        def every(levels: Floats) -> Floats:
            full = np.ones((len(levels), nodes))
            full[:, self.nodes] = levels
            return full

        return replace(
            self,
            nodes=np.arange(nodes),
            level=every(self.level),
            down=every(self.down),
            up=every(self.up),
        )
