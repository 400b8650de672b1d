"""What is done to a supply graph: capacity, links and demand lost, day by day.

A `Scenario` is what every engine of the time-stepped model takes; an `Outcome` is what it gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graph.arrays import Floats, Ints, SupplyArrays

RECOVERIES = ("step", "linear", "exponential")


class ScenarioError(ValueError):
    """A scenario that cannot be run, or not on this graph; the message says what to give."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One blow: `magnitude` (0..1) of the target is lost from `start_day` for `duration_days`.

    `recovery` says how it comes back afterwards: at once (step), evenly over `recovery_days`
    (linear), or with that time constant (exponential). ScenarioError for what is no blow.
    """

    targets: Ints  # node numbers, or link numbers, as the scenario's field says
    magnitude: float
    start_day: float = 0.0
    duration_days: float = float("inf")
    recovery: str = "step"
    recovery_days: float = 0.0
    member: Floats | None = None  # M: membership of each target, 0..1; None: wholly

    def __post_init__(self) -> None:
        targets = np.asarray(self.targets)
        if targets.ndim != 1 or (targets.dtype.kind not in "iu"):
            raise ScenarioError("targets of a hit are a list of whole numbers: of nodes or links")
        if len(targets) and targets.min() < 0:
            raise ScenarioError(f"target {targets.min()} is no node or link: they count from 0")
        if not 0.0 <= self.magnitude <= 1.0:
            raise ScenarioError(f"magnitude {self.magnitude} is no share lost; give 0..1")
        if not np.isfinite(self.start_day):
            raise ScenarioError(f"start_day {self.start_day} is no day; give a number")
        for name, days in (
            ("duration_days", self.duration_days),
            ("recovery_days", self.recovery_days),
        ):
            if not days >= 0.0:
                raise ScenarioError(f"{name} {days} is no length of time; give 0 or more days")
        if self.recovery not in RECOVERIES:
            raise ScenarioError(f"unknown recovery {self.recovery!r}; use one of {RECOVERIES}")
        if self.member is not None and (
            np.shape(self.member) != targets.shape or not _shares(self.member)
        ):
            raise ScenarioError(f"member is one share 0..1 for each of {len(targets)} targets")

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

    ScenarioError if there is not one day to run.

    >>> one = scenario(3, [Hit(np.array([4]), 0.5, 1), Hit(np.array([4, 7]), 0.5, 2)])
    >>> one.nodes.tolist(), one.psi.tolist()
    ([4, 7], [[0.0, 0.0], [0.5, 0.0], [0.75, 0.5]])
    """
    if days < 1:
        raise ScenarioError(f"a scenario of {days} days has nothing to run; give 1 or more")
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


def check_scenario(arrays: SupplyArrays, scenario: Scenario) -> Scenario:
    """The same scenario. ScenarioError for a target that the graph has not, or a loss beyond 0..1.

    Every engine asks this first: compiled code reads and writes where a target says. It costs as
    much as the scenario's own tables are long, whatever the size of the graph.

    >>> from graph.arrays import compile_arrays
    >>> pair = compile_arrays(2, [0], [1], [0], [1.0])
    >>> check_scenario(pair, scenario(3, [Hit(np.array([2]), 0.5)]))
    Traceback (most recent call last):
    ...
    graph.scenario.ScenarioError: nodes: a target outside 0..1; this graph has 2 of them
    """
    if scenario.days < 1:
        raise ScenarioError(
            f"a scenario of {scenario.days} days has nothing to run; give 1 or more"
        )
    for name, targets, lost, count in (
        ("nodes", scenario.nodes, scenario.psi, arrays.nodes),
        ("links", scenario.links, scenario.phi, arrays.links),
        ("buyers", scenario.buyers, scenario.delta, arrays.nodes),
    ):
        at, share = np.asarray(targets), np.asarray(lost)
        if at.ndim != 1 or at.dtype.kind not in "iu":
            raise ScenarioError(f"{name}: a list of whole numbers is due")
        if len(at) and not 0 <= at.min() <= at.max() < count:
            raise ScenarioError(
                f"{name}: a target outside 0..{count - 1}; this graph has {count} of them"
            )
        if (np.diff(at) <= 0).any():
            raise ScenarioError(f"{name}: list each target once, in rising order")
        if share.shape != (scenario.days, len(at)):
            raise ScenarioError(
                f"{name}: losses of shape {share.shape}; {scenario.days} days by {len(at)} are due"
            )
        if not _shares(share):
            raise ScenarioError(f"{name}: a loss that is no number or outside 0..1")
    return scenario


def _shares(values: Floats) -> bool:
    """Whether all are in 0..1; a NaN is not."""
    found = np.asarray(values)
    return not found.size or bool(found.min() >= 0.0 and found.max() <= 1.0)


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
    size: int  # nodes of the graph, listed or not

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
        """T: the level of one node, ones when it never moved. IndexError if there is no such."""
        if not 0 <= node < self.size:
            raise IndexError(f"no node {node}: this graph has the nodes 0..{self.size - 1}")
        at = int(np.searchsorted(self.nodes, node))
        if at < len(self.nodes) and self.nodes[at] == node:
            return np.asarray(self.level[:, at])
        return np.ones(len(self.level))

    def whole(self, nodes: int) -> Outcome:
        """The same with each of the graph's nodes listed. ValueError if it has not so many."""
        if nodes != self.size:
            raise ValueError(f"this graph has {self.size} nodes, not {nodes}")

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
