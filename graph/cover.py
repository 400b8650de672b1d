"""How long stocks last under a scenario, and by which day a replacement must be ordered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from graph.arrays import Floats, Ints, SupplyArrays
from graph.scenario import Outcome, Scenario
from graph.steps import first_loss, standing_in

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Cover:
    """One input group: when its deliveries begin to fail, and how long its stock then lasts.

    `NEVER` (infinity) where it does not come to that within the scenario's days.
    """

    group: int
    impact_day: float  # first day on which less arrives than is used
    missing: float  # mean share of a day's use that is missing, over the days on which any is
    stock_days: float  # days of normal use in hand
    cover_days: float  # from the impact day until the stock is used up
    lag_days: float  # from the order until a replacement may be used
    order_by_day: float  # impact day + cover - lag: negative when it is too late already

    @property
    def too_late(self) -> bool:
        """Even an order on day 0 arrives after the stock is used up."""
        return self.order_by_day < 0


def days_of_cover(
    arrays: SupplyArrays,
    scenario: Scenario,
    outcome: Outcome,
    lag_days: ArrayLike,
    groups: Iterable[int] | None = None,
    *,
    market: bool = False,
) -> list[Cover]:
    """Cover of each asked group (None: all), in the order asked; `lag_days` one for all or each.

    With a steady loss rate the cover is stock over rate. ValueError for an unknown group.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> from graph.steps import run
    >>> two = compile_arrays(3, [0, 1], [2, 2], [0, 0], [8.0, 2.0], stock=12.0, lead=3)
    >>> closed = scenario(60, [Hit(np.array([0]), 0.75)])
    >>> one = days_of_cover(two, closed, run(two, closed), lag_days=30)[0]
    >>> one.impact_day, round(one.missing, 9), round(one.cover_days, 6), round(one.order_by_day, 6)
    (4.0, 0.6, 20.0, -6.0)
    """
    asked = np.arange(arrays.groups) if groups is None else np.array(list(groups), dtype=np.int64)
    missed = missing_share(arrays, scenario, outcome, asked, market=market)
    lags = np.broadcast_to(np.asarray(lag_days, dtype=np.float64), (len(asked),))
    return [
        _cover(int(g), missed[:, k], float(arrays.group_stock[g]), float(lags[k]))
        for k, g in enumerate(asked)
    ]


def _cover(group: int, missed: Floats, stock: float, lag: float) -> Cover:
    short = np.flatnonzero(missed > 0)
    if not len(short):
        return Cover(group, NEVER, 0.0, stock, NEVER, lag, NEVER)
    first = int(short[0])
    used = np.cumsum(missed)
    gone = np.flatnonzero(used > stock)
    cover = NEVER
    if len(gone):
        t = int(gone[0])
        before = used[t] - missed[t]
        cover = t - first + (stock - before) / missed[t]
    return Cover(
        group=group,
        impact_day=float(first),
        missing=float(missed[short].mean()),
        stock_days=stock,
        cover_days=float(cover),
        lag_days=lag,
        order_by_day=float(first + cover - lag),
    )


def missing_share(
    arrays: SupplyArrays,
    scenario: Scenario,
    outcome: Outcome,
    groups: Ints,
    *,
    market: bool = False,
) -> Floats:
    """T x groups: share of a day's normal use that does not arrive on each day, before stock.

    ValueError for an unknown group.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> from graph.steps import run
    >>> two = compile_arrays(3, [0, 1], [2, 2], [0, 0], [3.0, 1.0], lead=1)
    >>> closed = scenario(4, [Hit(np.array([0]), 1.0)])
    >>> missing_share(two, closed, run(two, closed), np.array([0])).ravel().tolist()
    [0.0, 0.0, 0.75, 0.75]
    """
    if len(groups) and not (groups.min() >= 0 and groups.max() < arrays.groups):
        raise ValueError(f"a group must be one of 0..{arrays.groups - 1}")
    missed = np.zeros((scenario.days, len(groups)))
    for k, g in enumerate(groups):
        links = np.arange(arrays.link_start[g], arrays.link_start[g + 1])
        lost = lost_share(arrays, scenario, outcome, links, market=market)
        for column, e in enumerate(links):
            lag = int(arrays.link_lead[e]) + 1
            missed[lag:, k] += arrays.link_part[e] * lost[: max(0, scenario.days - lag), column]
    return missed


def lost_share(
    arrays: SupplyArrays,
    scenario: Scenario,
    outcome: Outcome,
    links: Ints,
    *,
    market: bool = False,
) -> Floats:
    """T x links: d_e, the share of its normal delivery that each link does not send on each day.

    That of graph.steps, for a few links out of many, from an outcome that any engine made.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> from graph.steps import run
    >>> two = compile_arrays(2, [0], [1], [0], [1.0], rho=0.5)
    >>> closed = scenario(2, [Hit(np.array([0]), 1.0)], [Hit(np.array([0]), 0.5)])
    >>> lost_share(two, closed, run(two, closed), np.array([0])).ravel().tolist()
    [0.75, 0.75]
    """
    supplier = arrays.link_supplier[links].astype(np.int64)
    since = np.maximum(0, np.arange(scenario.days) - first_loss(scenario))[:, None]
    ramp = arrays.link_ramp[links]
    grown = np.where(ramp > 0, -np.expm1(-since / np.where(ramp > 0, ramp, 1.0)), 1.0)
    loss = down_loss(outcome, supplier)
    if market:
        loss *= _stood_in(arrays, outcome, supplier)
    gone = (1.0 - arrays.link_rho[links] * grown) * loss
    phi = np.zeros(gone.shape)
    at = {int(e): k for k, e in enumerate(scenario.links)}
    for column, e in enumerate(links):
        if int(e) in at:
            phi[:, column] = scenario.phi[:, at[int(e)]]
    return np.asarray(gone + phi * (1.0 - gone))


def down_loss(outcome: Outcome, nodes: Ints) -> Floats:
    """T x nodes: l^d, what inputs and capacity took; 0 for nodes that never moved.

    >>> one = Outcome(np.array([4]), np.ones((2, 1)), np.array([[1.0], [0.25]]), np.ones((2, 1)),
    ...               "reference", "", 0.0, 5)
    >>> down_loss(one, np.array([3, 4])).tolist()
    [[0.0, 0.0], [0.0, 0.75]]
    """
    loss = np.zeros((len(outcome.down), len(nodes)))
    if not len(outcome.nodes):
        return loss
    at = np.minimum(np.searchsorted(outcome.nodes, nodes), len(outcome.nodes) - 1)
    moved = outcome.nodes[at] == nodes
    loss[:, moved] = 1.0 - outcome.down[:, at[moved]]
    return loss


def _stood_in(arrays: SupplyArrays, outcome: Outcome, nodes: Ints) -> Floats:
    """T x nodes: sigma of the asked nodes."""
    every = np.zeros(arrays.nodes)
    rows = []
    for down in outcome.down:
        every[outcome.nodes] = 1.0 - down
        rows.append(standing_in(arrays, every)[nodes])
    return np.array(rows)
