"""Cycles that lock a loss in: which they are, and from how deep a loss they still come back.

A firm that must have what another makes, and can have it from nobody else, passes a loss on in
full. Where such links close a cycle, the loss comes back to where it began and goes round for ever,
unless stock bridges one round. A link of this kind is essential, the only one of its group and
without substitution (rho 0); property 10 of docs/propagation.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from graph.arrays import ESSENTIAL, Ints, SupplyArrays
from graph.scenario import Hit, scenario
from graph.steps import run

Hop = tuple[int, int]  # supplier and buyer
MOST_READS = 8_000_000  # links that a search for cycles reads at most: some seconds


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


class LockingCycles(list[LockingCycle]):
    """Cycles, shortest first, and what the search had no more reads for."""

    unnamed: int = 0  # links that can lock a loss in and are on none of these cycles
    unsearched: int = 0  # links of which a shorter cycle than these may exist; with the unnamed


def locking_cycles(arrays: SupplyArrays, *, reads: int = MOST_READS) -> LockingCycles:
    """For every link that can lock a loss in, a shortest cycle through it; each cycle once.

    So no such link is left unnamed, and the list is not longer than there are such links, as long
    as the search need not read more than `reads` links in all. First each link that is on no named
    cycle is searched, the small knots of firms before the large ones, then all others. When the
    reads are used up it ends; `unnamed` and `unsearched` then say how many links it left.

    >>> from graph.arrays import compile_arrays
    >>> ring = compile_arrays(4, [0, 1, 2, 3], [1, 2, 0, 0], [0, 1, 2, 3], [1.0] * 4,
    ...     stock=[2.0, 1.0, 0.0, 0.0], lead=1, names=["acid", "salt", "foil", "film"])
    >>> found = locking_cycles(ring)
    >>> [(cycle.names, cycle.round_days) for cycle in found], found.unnamed
    ([(('acid', 'salt', 'foil'), 6)], 0)
    """
    hops = _hops_on_cycles(arrays)
    sells, buys = _ends(hops), _ends((j, i) for i, j in hops)
    named: set[Hop] = set()
    rings: set[tuple[int, ...]] = set()
    left = set(hops)  # not searched yet
    for again in (False, True):
        for hop in hops:
            if reads > 0 and hop in left and (again or hop not in named):
                ring, read = _ring(sells, buys, hop)
                reads -= read
                left.remove(hop)
                rings.add(ring)
                named.update(_around(ring))
    found = LockingCycles(_named(arrays, hops, sorted(rings, key=lambda r: (len(r), r))))
    found.unnamed, found.unsearched = len(hops) - len(named), len(left)
    return found


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


def _hops_on_cycles(arrays: SupplyArrays) -> dict[Hop, int]:
    """The hops that lie on some cycle, each with its link; those of small knots of firms first."""
    links = _sole_links(arrays)
    supplier, buyer = arrays.link_supplier[links], arrays.link_buyer[links]
    size = (arrays.nodes, arrays.nodes)
    sales = csr_array((np.ones(len(links)), (supplier, buyer)), shape=size)
    knot = connected_components(sales, connection="strong")[1]
    inside = np.flatnonzero(knot[supplier] == knot[buyer])
    of = knot[supplier[inside]]
    order = np.lexsort(
        (arrays.link_lead[links[inside]], buyer[inside], supplier[inside], of, np.bincount(of)[of])
    )
    inside = inside[order]
    ends = zip(supplier[inside].tolist(), buyer[inside].tolist(), strict=True)
    return dict(zip(ends, links[inside].tolist(), strict=True))  # of parallel links the slowest


def _ends(hops: Iterable[Hop]) -> dict[int, list[int]]:
    """By the first end of each hop, its other ends."""
    to: dict[int, list[int]] = {}
    for i, j in hops:
        to.setdefault(i, []).append(j)
    return to


def _ring(
    sells: dict[int, list[int]], buys: dict[int, list[int]], hop: Hop
) -> tuple[tuple[int, ...], int]:
    """A shortest cycle through the hop, from its least node, and how many links were read.

    From the buyer onwards and from the supplier backwards, always the smaller rim by one step,
    until both meet; there is such a cycle.
    """
    supplier, buyer = hop
    after: dict[int, int] = {buyer: buyer}  # by node, the one before it on the way from the buyer
    before: dict[int, int] = {supplier: supplier}  # the one after it on the way to the supplier
    rims, read = ([buyer], [supplier]), 0
    meet = buyer if buyer == supplier else -1
    while meet < 0:
        onward = len(rims[0]) <= len(rims[1])
        to, seen, other = (sells, after, before) if onward else (buys, before, after)
        further: list[int] = []
        for node in rims[not onward]:
            read += len(to[node])
            for neighbour in to[node]:
                if neighbour not in seen:
                    seen[neighbour] = node
                    further.append(neighbour)
                    if neighbour in other:
                        meet = neighbour
                        break
            if meet >= 0:
                break
        rims = (further, rims[1]) if onward else (rims[0], further)
    ring = [*_back(after, meet)[::-1], *_back(before, meet)[1:]]
    start = ring.index(min(ring))
    return tuple(ring[start:] + ring[:start]), read


def _back(came: dict[int, int], node: int) -> list[int]:
    """The node and those that the search came by, back to where it began."""
    way = [node]
    while came[way[-1]] != way[-1]:
        way.append(came[way[-1]])
    return way


def _around(ring: tuple[int, ...]) -> Iterable[Hop]:
    return zip(ring, ring[1:] + ring[:1], strict=True)


def _named(
    arrays: SupplyArrays, hops: dict[Hop, int], rings: Iterable[tuple[int, ...]]
) -> Iterable[LockingCycle]:
    group = arrays.link_group
    for ring in rings:
        links = tuple(hops[hop] for hop in _around(ring))
        of = list(links)
        yield LockingCycle(
            nodes=ring,
            links=links,
            names=tuple(arrays.names[node] for node in ring),
            stock_days=tuple(arrays.group_stock[group[of]].tolist()),
            round_days=int((arrays.link_lead[of] + 1).sum()),
        )
