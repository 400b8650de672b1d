"""Cycles that lock a loss in: which they are, and from how deep a loss they still come back.

A firm that must have what another makes, and can have it from nobody else, passes a loss on in
full. Where such links close a cycle, the loss comes back to where it began and goes round for ever,
unless stock bridges one round. A link of this kind is essential, the only one of its group and
without substitution (rho 0); property 10 of docs/propagation.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from graph.arrays import ESSENTIAL, Ints, SupplyArrays
from graph.scenario import Hit, scenario
from graph.steps import run


@dataclass(frozen=True, slots=True)
class LockingCycle:
    """A ring of sole essential suppliers: link k is what `nodes[k]` sells to the next node."""

    nodes: tuple[int, ...]
    links: tuple[int, ...]
    names: tuple[str, ...]
    stock_days: tuple[float, ...]  # S of the group that each link delivers to
    round_days: int  # days in which a loss goes round once: lead times and a day per hop

    @property
    def recovers_from(self) -> float:
        """Greatest share of any one node's capacity, lost for long, from which all comes back.

        While a node is down its own stock is kept, and all others of the ring run out. Once it
        is up again it must bridge one round out of that stock: depth x round_days <= S. Losses
        deeper than this share can lock in; with 0 every one that outlasts the stocks does. Of the
        ring by itself, without a market (`market=False`); other inputs can only hold it lower.
        """
        return min(1.0, min(self.stock_days) / self.round_days)


@dataclass(frozen=True, slots=True)
class LockedIn:
    """What a simulated hit leaves behind for good on a cycle."""

    cycle: LockingCycle
    magnitude: float
    duration_days: int
    level: float  # mean level of the cycle's nodes in the last round; 1 normal
    repeats: bool  # the last two rounds are equal: it goes round so for ever

    @property
    def locked(self) -> bool:
        """Whether the loss is still there, long after what caused it has ended."""
        return self.level < 1.0 - 1e-9


def locking_cycles(arrays: SupplyArrays) -> list[LockingCycle]:
    """For every link that can lock a loss in, a shortest cycle through it; each cycle once.

    So no such link is left unnamed, and the list is not longer than there are such links.
    Components are found on arrays (scipy); the cycles in them by one breadth-first search a link.

    >>> from graph.arrays import compile_arrays
    >>> ring = compile_arrays(4, [0, 1, 2, 3], [1, 2, 0, 0], [0, 1, 2, 3], [1.0] * 4,
    ...     stock=[2.0, 1.0, 0.0, 0.0], lead=1, names=["acid", "salt", "foil", "film"])
    >>> [(cycle.names, cycle.round_days) for cycle in locking_cycles(ring)]
    [(('acid', 'salt', 'foil'), 6)]
    """
    links = _sole_links(arrays)
    supplier, buyer = arrays.link_supplier[links], arrays.link_buyer[links]
    size = arrays.nodes
    ones = np.ones(len(links))
    strong = connected_components(
        csr_array((ones, (supplier, buyer)), shape=(size, size)), connection="strong"
    )[1]
    inside = links[strong[supplier] == strong[buyer]]
    graph: nx.DiGraph[int] = nx.DiGraph()
    for link in inside[np.argsort(arrays.link_lead[inside])]:  # of parallel links the slowest stays
        graph.add_edge(
            int(arrays.link_supplier[link]), int(arrays.link_buyer[link]), link=int(link)
        )
    rings = {_from_least(_ring(graph, *edge)) for edge in graph.edges}
    return [_named(arrays, graph, ring) for ring in sorted(rings, key=lambda r: (len(r), r))]


def never_recovers(
    arrays: SupplyArrays, cycle: LockingCycle, magnitude: float, duration_days: int
) -> LockedIn:
    """What is left of the level on a cycle when its first node loses `magnitude` for some days.

    Evidence by simulation (separate mode, downstream): the run goes on until stocks on the cycle
    must have run out and three rounds more. ValueError if the hit is no hit.

    >>> from graph.arrays import compile_arrays
    >>> pair = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0])
    >>> left = never_recovers(pair, locking_cycles(pair)[0], magnitude=0.5, duration_days=10)
    >>> left.level, left.repeats, left.locked
    (0.5, True, True)
    """
    if not (0.0 < magnitude <= 1.0 and duration_days >= 1):
        raise ValueError(
            f"a hit of {magnitude} for {duration_days} days is none; give 0..1 and 1 or more"
        )
    span = cycle.round_days
    settles = span * (2 + len(cycle.nodes)) + int(np.ceil(sum(cycle.stock_days) / magnitude))
    days = duration_days + settles + 3 * span
    hit = Hit(np.array(cycle.nodes[:1]), magnitude, 0.0, duration_days)
    level = run(arrays, scenario(days, [hit])).down[:, list(cycle.nodes)]
    return LockedIn(
        cycle=cycle,
        magnitude=magnitude,
        duration_days=duration_days,
        level=float(level[-span:].mean()),
        repeats=bool(np.allclose(level[-span:], level[-2 * span : -span], rtol=0, atol=1e-12)),
    )


def _sole_links(arrays: SupplyArrays) -> Ints:
    """Links by which an essential input comes from one supplier only, without substitution."""
    live = np.flatnonzero(arrays.link_weight > 0)
    group, supplier = arrays.link_group[live], arrays.link_supplier[live]
    first, last = np.full(arrays.groups, arrays.nodes), np.full(arrays.groups, -1)
    np.minimum.at(first, group, supplier)
    np.maximum.at(last, group, supplier)
    leak = np.zeros(arrays.groups)
    np.maximum.at(leak, group, arrays.link_rho[live])
    sole = (arrays.group_class == ESSENTIAL) & (first == last) & (leak == 0)
    return np.asarray(live[sole[group]])


def _ring(graph: nx.DiGraph[int], supplier: int, buyer: int) -> list[int]:
    """Nodes of a shortest cycle whose first hop is this one."""
    back: list[int] = nx.shortest_path(graph, buyer, supplier)
    return [supplier, *back[:-1]]


def _from_least(ring: list[int]) -> tuple[int, ...]:
    start = ring.index(min(ring))
    return tuple(ring[start:] + ring[:start])


def _named(arrays: SupplyArrays, graph: nx.DiGraph[int], ring: tuple[int, ...]) -> LockingCycle:
    hops = zip(ring, ring[1:] + ring[:1], strict=True)
    links = tuple(graph.edges[hop]["link"] for hop in hops)
    of = list(links)
    return LockingCycle(
        nodes=ring,
        links=links,
        names=tuple(arrays.names[node] for node in ring),
        stock_days=tuple(arrays.group_stock[arrays.link_group[of]].tolist()),
        round_days=int((arrays.link_lead[of] + 1).sum()),
    )
