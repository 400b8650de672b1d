"""One scenario of the time-stepped model, visiting only what changes: the numbers of graph.steps.

Downstream (what inputs allow) an input group wakes on the day on which the first missing delivery
is due, and sleeps again when nothing is missing and its stock is full. Upstream (what is ordered)
a node tells its suppliers of a change when it has changed. The two sides do not meet in the
separate mode, so each has a frontier of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graph.arrays import Floats, Ints, SupplyArrays
from graph.frontier_days import TINY, fall_off, fall_short
from graph.scenario import Outcome, Scenario, check_scenario
from graph.steps import first_loss, last_change, market_part


def run_frontier(
    arrays: SupplyArrays,
    scenario: Scenario,
    *,
    market: bool = False,
    theta: float = 0.0,
) -> Outcome:
    """The outcome of graph.steps.run, of the nodes that moved only, at the cost of these alone.

    `theta`: a node tells its suppliers of a change of its orders only when it is more than this
    since it last told; until its orders have once fallen by more, it counts as unmoved. 0 is exact.
    Otherwise h^u is off by no more than the bound in `switches`; h^d is exact whatever theta is.
    ValueError for a theta below 0, ScenarioError when the scenario does not fit the graph.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> chain = compile_arrays(3, [0], [1], [0], [1.0], stock=3.0, lead=2)
    >>> closed = scenario(8, [Hit(np.array([0]), 1.0)])
    >>> moved = run_frontier(chain, closed)
    >>> moved.nodes.tolist(), moved.first_day().tolist()
    ([0, 1], [0, 6])
    """
    if not theta >= 0:
        raise ValueError(f"theta is a smallest change, 0 or more, not {theta}")
    check_scenario(arrays, scenario)
    below, down = _downstream(arrays, scenario, market)
    above, up = _upstream(arrays, scenario, theta)
    touched = np.zeros(arrays.nodes, dtype=np.bool_)
    touched[below] = touched[above] = True
    nodes = np.flatnonzero(touched)
    inputs, orders = _levels(nodes, below, down), _levels(nodes, above, up)
    level = orders.copy()
    short = np.searchsorted(nodes, below)
    level[:, short] = np.minimum(inputs[:, short], orders[:, short])
    said = f"separate; market {'on' if market else 'off'}"
    if theta:
        bound = error_bound(arrays, scenario.days, theta)
        said += f"; theta {theta:g}: h^u within {bound:.2g}, h^d exact"
    return Outcome(
        nodes=nodes,
        level=level,
        down=inputs,
        up=orders,
        engine="frontier",
        switches=said,
        residual=last_change(1.0 - level[-2:]),
        size=arrays.nodes,
    )


def _levels(nodes: Ints, moved: NDArray[np.int32], loss: Floats) -> Floats:
    """T x nodes: what the loss (T x moved) leaves of each; by days, to touch memory once."""
    level = np.ones((len(loss), len(nodes)))
    at = np.searchsorted(nodes, moved)
    for today, lost in zip(level, loss, strict=True):
        today[at] = 1.0 - lost
    return level


def error_bound(arrays: SupplyArrays, days: int, theta: float) -> float:
    """How far h^u can be off: theta is left unsaid each day, and a share 1 - f of it goes on.

    >>> from graph.arrays import compile_arrays
    >>> error_bound(compile_arrays(2, [0], [1], [0], [1.0], final=0.5), 60, 1e-6)
    2e-06
    """
    goes_on = np.where(arrays.final < 1, 1.0 - arrays.final, arrays.sold_weight > 0)
    most = float(goes_on.max(initial=0.0))
    return theta * (1.0 + (min(days, most / (1.0 - most)) if most < 1 else days))


def _downstream(
    arrays: SupplyArrays, scenario: Scenario, market: bool
) -> tuple[NDArray[np.int32], Floats]:
    """The nodes whose inputs or capacity fell short, and l^d of each (T x nodes)."""
    n, g = arrays.nodes, arrays.groups
    listed = arrays.sector >= 0
    part = market_part(arrays) if market else np.zeros(0)
    sells = np.bincount(arrays.sector[listed], part[listed]) if market else np.zeros(0)
    cut = np.zeros(arrays.links if len(scenario.links) else 0, dtype=np.int32)
    if len(cut):
        cut[scenario.links] = np.arange(1, len(scenario.links) + 1)
    # Asked for here, not in the kernel: the pages of these that nobody touches cost nothing.
    nodes, moved, loss = fall_short(
        (arrays.group_buyer, arrays.group_class, arrays.group_part),
        (arrays.link_start, arrays.link_supplier, arrays.link_part, arrays.link_lead),
        (arrays.link_rho, arrays.link_ramp, arrays.sold_start, arrays.sold),
        (scenario.nodes, scenario.psi, scenario.links, scenario.phi, cut),
        first_loss(scenario),
        (arrays.sector if market else arrays.sector[:0], part, sells),
        (np.zeros(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.int32)),
        (np.empty(n), np.empty(n), np.empty(n, np.int32)),
        (arrays.group_stock, np.zeros(g), np.zeros(g, np.bool_), np.empty(g, np.int64)),
        np.empty(g),
    )
    return nodes[:moved], loss[:, :moved]


def _upstream(
    arrays: SupplyArrays, scenario: Scenario, theta: float
) -> tuple[NDArray[np.int32], Floats]:
    """The nodes whose orders or capacity fell, and l^u of each (T x nodes)."""
    n = arrays.nodes
    nodes, moved, loss = fall_off(
        (
            arrays.group_start,
            arrays.link_start,
            arrays.link_supplier,
            arrays.link_sold_part,
        ),
        (scenario.nodes, scenario.psi, scenario.buyers, scenario.delta, arrays.final),
        (np.zeros(n), np.zeros(n), np.zeros(n)),
        (np.zeros(n), np.zeros(n), np.zeros(n, np.int32), np.zeros(n, np.int32)),
        (np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)),
        max(theta, TINY),
    )
    return nodes[:moved], loss[:, :moved]
