"""What one node's loss was made of, day by day: its own blow, its suppliers, its routes, its buyers.

Of what binds on a day (ties within a millionth share equally) every link bears the part that it
brought; stocks are laid out again from the levels, so that only what an engine gives is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays
from graph.scenario import Outcome, Scenario
from graph.steps import SOLD_OUT, first_loss

TIE = 1e-6  # relative: what is so near to the greatest binds too
FOREIGN = 1e-3  # a level that is off by more is not of this graph and scenario


class TraceError(ValueError):
    """An outcome that cannot be explained by the graph and scenario given with it."""


@dataclass(frozen=True, slots=True)
class Causes:
    """Shares of a node's loss on each of T days, by K links and by the node's own; 1 in sum.

    On a day without loss all are 0.
    """

    links: Ints  # K
    lag: Ints  # K: days from the loss at the other end to the loss here
    through: Floats  # T x K: handed on by the node at the other end
    route: Floats  # T x K: lost on the way
    own: Floats  # T: its own capacity
    demand: Floats  # T: its own final demand


@dataclass(frozen=True)
class Trace:
    """A graph, what was done to it and what came of it: all that is asked for causes."""

    arrays: SupplyArrays
    outcome: Outcome
    scenario: Scenario

    @cached_property
    def onset(self) -> int:
        return first_loss(self.scenario)

    @cached_property
    def sold(self) -> Floats:
        """By market: normal sales of all of its nodes."""
        listed = self.arrays.sector >= 0
        sales = np.bincount(self.arrays.sector[listed], self.arrays.sold_weight[listed])
        return np.asarray(sales, dtype=np.float64)

    @property
    def days(self) -> int:
        return len(self.outcome.level)

    @property
    def market(self) -> bool:
        return "market on" in self.outcome.switches

    def lost(self, side: str, nodes: Ints) -> Floats:
        """T x nodes: the losses of one side (down or up); 0 for nodes that never moved."""
        levels = self.outcome.down if side == "down" else self.outcome.up
        return 1.0 - _columns(self.outcome.nodes, levels, nodes, 1.0)

    def psi(self, node: int) -> Floats:
        """T: the share of the node's capacity that was taken."""
        return _columns(self.scenario.nodes, self.scenario.psi, np.array([node]), 0.0)[:, 0]

    def fits(self, side: str, node: int, loss: Floats) -> None:
        """TraceError when the outcome has another loss than the causes add up to."""
        off = np.abs(self.lost(side, np.array([node]))[:, 0] - loss)
        if off.max() > FOREIGN:
            day = int(off.argmax())
            raise TraceError(
                f"the outcome loses {off[day]:.3g} more or less at node "
                f"{self.arrays.names[node]!r} on day {day} than its causes: "
                "pass the graph and scenario that made it, in separate mode"
            )


def _columns(listed: Ints, values: Floats, asked: Ints, absent: float) -> Floats:
    """The columns of what is asked, `absent` where it is not listed; `listed` is sorted."""
    found = np.full((len(values), len(asked)), absent)
    known = _known(listed, asked)
    found[:, known] = values[:, np.searchsorted(listed, asked[known])]
    return found


def _known(listed: Ints, asked: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which of the asked are listed; np.isin would sort a million of them for every node."""
    if not len(listed):
        return np.zeros(len(asked), dtype=np.bool_)
    at = np.minimum(np.searchsorted(listed, asked), len(listed) - 1)
    return np.asarray(listed[at] == asked)


def _late(values: Floats, lag: Ints) -> Floats:
    """T x K: each column as many days later as its lag says, 0 before."""
    day = np.arange(len(values))[:, None] - lag
    return np.where(day >= 0, np.take_along_axis(values, np.maximum(day, 0), axis=0), 0.0)


def down_causes(trace: Trace, node: int) -> Causes:
    """Why the node's own capacity and inputs held it down.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> from graph.steps import run
    >>> two = compile_arrays(3, [0, 1], [2, 2], [0, 0], [3.0, 1.0])
    >>> blow = scenario(3, [Hit(np.array([0]), 0.5), Hit(np.array([1]), 0.5)])
    >>> down_causes(Trace(two, run(two, blow), blow), 2).through[1].tolist()
    [0.75, 0.25]
    """
    links, gone, phi = _missing(trace, node)
    lag = trace.arrays.link_lead[links].astype(np.int64) + 1
    gone, phi = _late(gone, lag), _late(phi, lag)
    late = trace.arrays.link_part[links] * (gone + phi * (1.0 - gone))
    groups, starts, of_group = np.unique(
        _group_of(trace.arrays, node, links), return_index=True, return_inverse=True
    )
    miss = np.add.reduceat(late, starts, axis=1) if len(starts) else late
    psi = trace.psi(node)
    short, loss = _short(trace.arrays, groups, miss, psi)
    trace.fits("down", node, loss)
    own, by_group = _binding(trace.arrays, groups, short, psi, loss)
    by_link = by_group[:, of_group] * _parts(late, miss[:, of_group])
    # What route and supplier took together is shared by what each takes, the other first or last.
    both = gone + phi * (1.0 - gone)
    return Causes(
        links=links,
        lag=lag,
        through=by_link * _parts(gone * (1.0 - phi / 2.0), both),
        route=by_link * _parts(phi * (1.0 - gone / 2.0), both),
        own=own,
        demand=np.zeros(trace.days),
    )


def _parts(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _missing(trace: Trace, node: int) -> tuple[Ints, Floats, Floats]:
    """The links by which the node missed something: of each, what was not sent and what was lost."""
    arrays, scenario = trace.arrays, trace.scenario
    first, last = arrays.link_start[arrays.group_start[node : node + 2]]
    links = np.arange(first, last)
    moving = _known(trace.outcome.nodes, arrays.link_supplier[links])
    links = links[moving | _known(scenario.links, links)]
    loss = _not_made_good(trace, arrays.link_supplier[links].astype(np.int64))
    since = np.maximum(0, np.arange(trace.days) - trace.onset)[:, None]
    ramp = arrays.link_ramp[links]
    grown = np.where(ramp > 0, -np.expm1(-since / np.where(ramp > 0, ramp, 1.0)), 1.0)
    gone = (1.0 - arrays.link_rho[links] * grown) * loss
    phi = _columns(scenario.links, scenario.phi, links, 0.0)
    moved = (gone > 0).any(axis=0) | (phi > 0).any(axis=0)
    return links[moved], gone[:, moved], phi[:, moved]


def _not_made_good(trace: Trace, suppliers: Ints) -> Floats:
    """T x suppliers: sigma l^d, their loss that the rest of their market did not step in for."""
    arrays, loss = trace.arrays, trace.lost("down", suppliers)
    if not trace.market:
        return loss
    for k in np.unique(arrays.sector[suppliers]):
        if k < 0:
            continue
        others = trace.outcome.nodes[arrays.sector[trace.outcome.nodes] == k]
        left = trace.sold[k] - trace.lost("down", others) @ arrays.sold_weight[others]
        mine = np.flatnonzero(arrays.sector[suppliers] == k)
        sells = np.broadcast_to(arrays.sold_weight[suppliers[mine]], (trace.days, len(mine)))
        full = np.ones((trace.days, len(mine)))
        left = np.broadcast_to(left[:, None], full.shape)
        enough = left > SOLD_OUT * trace.sold[k]
        loss[:, mine] *= np.minimum(1.0, np.divide(sells, left, out=full, where=enough))
    return loss


def _group_of(arrays: SupplyArrays, node: int, links: Ints) -> Ints:
    first, last = arrays.group_start[node : node + 2]
    inside = np.searchsorted(arrays.link_start[first : last + 1], links, side="right") - 1
    return np.asarray(first + inside, dtype=np.int64)


def _short(arrays: SupplyArrays, groups: Ints, miss: Floats, psi: Floats) -> tuple[Floats, Floats]:
    """T x groups: what is short after stocks, and T: the loss that it forces on the buyer."""
    full = arrays.group_stock[groups]
    essential = arrays.group_class[groups] == ESSENTIAL
    nu = np.where(arrays.group_class[groups] == NON_ESSENTIAL, arrays.group_part[groups], 0.0)
    stock, short, loss = full, np.zeros_like(miss), np.zeros(len(miss))
    for t, missed in enumerate(miss):
        short[t] = np.maximum(0.0, missed - stock)
        forced = max(short[t][essential].max(initial=0.0), nu @ short[t])
        loss[t] = min(1.0, max(psi[t], forced))
        stock = np.clip(stock - missed + np.where(essential, loss[t], 0.0), 0.0, full)
    return short, loss


def _binding(
    arrays: SupplyArrays, groups: Ints, short: Floats, psi: Floats, loss: Floats
) -> tuple[Floats, Floats]:
    """T, and T x groups: the shares of the loss that its own blow and each group bear."""
    kind = arrays.group_class[groups]
    alone = np.where(kind == ESSENTIAL, short, 0.0)
    spread = np.where(kind == NON_ESSENTIAL, arrays.group_part[groups], 0.0) * short
    added = spread.sum(axis=1)
    least = (loss * (1.0 - TIE))[:, None]
    options = np.column_stack([psi, added, alone])
    binds = (options >= least) & (options > 0)
    equal = _parts(binds.astype(np.float64), np.broadcast_to(_count(binds), binds.shape))
    together = equal[:, 1:2] * _parts(spread, np.broadcast_to(added[:, None], spread.shape))
    return equal[:, 0], equal[:, 2:] + together


def _count(binds: NDArray[np.bool_]) -> Floats:
    return np.asarray(binds.sum(axis=1, keepdims=True), dtype=np.float64)


def up_causes(trace: Trace, node: int) -> Causes:
    """Why the node was ordered less from: its buyers' losses of the day before, and final demand.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> from graph.steps import run
    >>> one = compile_arrays(2, [0], [1], [0], [1.0], final=0.5)
    >>> less = scenario(3, demand=[Hit(np.array([0, 1]), 0.5)])
    >>> why = up_causes(Trace(one, run(one, less), less), 0)
    >>> why.through.ravel().tolist(), why.demand.tolist()
    ([0.0, 0.5, 0.5], [1.0, 0.5, 0.5])
    """
    arrays, scenario = trace.arrays, trace.scenario
    links = np.sort(arrays.sold[arrays.sold_start[node] : arrays.sold_start[node + 1]])
    groups = np.searchsorted(arrays.link_start, links, side="right") - 1
    buyers = arrays.group_buyer[groups].astype(np.int64)
    moved = _known(trace.outcome.nodes, buyers)
    links, buyers = links[moved], buyers[moved]
    lag = np.ones(len(links), dtype=np.int64)
    fewer = arrays.link_sold_part[links] * _late(trace.lost("up", buyers), lag)
    node_demand = _columns(scenario.buyers, scenario.delta, np.array([node]), 0.0)[:, 0]
    final = arrays.final[node] * node_demand
    orders, psi = final + fewer.sum(axis=1), trace.psi(node)
    loss = np.maximum(psi, orders)
    trace.fits("up", node, loss)
    binds = np.column_stack([psi, orders]) >= (loss * (1.0 - TIE))[:, None]
    binds &= (loss > 0)[:, None]
    equal = _parts(binds.astype(np.float64), np.broadcast_to(_count(binds), binds.shape))
    by_orders = equal[:, 1] * _parts(np.ones(trace.days), orders)
    return Causes(
        links=links,
        lag=lag,
        through=by_orders[:, None] * fewer,
        route=np.zeros_like(fewer),
        own=equal[:, 0],
        demand=by_orders * final,
    )
