"""How losses pass along the links of one graph version, packed for the ESRI kernels.

Nodes are renumbered by the number of their links: the few that everything reads lie together in
the cache, and rows of one length follow each other, which the processor foresees (half the time
of a sweep). Links that pass nothing on are left out; numbers of nodes and links are uint32. One
`Side` serves either direction: downstream from suppliers to buyers, upstream from buyers to
suppliers. A node's loss is the largest of the sums in its slots. Downstream a slot is
an essential input group, or all non-essential ones together; upstream each node has one slot.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays
from graph.esri import sold_part
from graph.steps import market_part

Numbers = NDArray[np.uint32]
Parts = NDArray[np.floating[Any]]  # float64, or float32 in the kernel of many shocks
NOBODY = np.uint32(2**32 - 1)  # the market of a node that shares one with nobody


class Side(NamedTuple):
    """One direction: what node i passes on, and what each slot of node j takes, by link."""

    push_start: Numbers  # n + 1: the links by which i passes its loss on
    push_slot: Numbers  # of each such link
    push_node: Numbers
    push_part: Floats  # 0..1
    slot_start: Numbers  # n + 1: the slots of j
    pull_start: Numbers  # slots + 1: the links of a slot
    pull_opens: NDArray[np.uint8]  # of each such link: 1 if it is the first of its slot
    pull_node: Numbers
    pull_part: Parts  # 0..1


class Market(NamedTuple):
    """Who can step in for whom; no markets at all when nobody may."""

    of: Numbers  # n: the market of each node, or NOBODY
    start: Numbers  # markets + 1
    member: Numbers
    sold: Parts  # n: s_out
    whole: Floats  # markets: what they sell before any shock


class Operators(NamedTuple):
    """Both directions of a graph, with the new number of each of its nodes."""

    number: Ints  # n: new number of each node of the arrays
    down: Side
    up: Side
    market: Market


def operators(
    arrays: SupplyArrays,
    *,
    market: bool = False,
    leak: bool = True,
    down: bool = True,
    up: bool = True,
) -> Operators:
    """The graph packed for the kernels; the switches are those of `graph.esri.esri`.

    Of the last two graphs asked for the result is kept: the same arrays give it again at once.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [0, 1], [1.0, 1.0])
    >>> packed = operators(chain)
    >>> packed.number.tolist(), packed.down.pull_node.tolist(), packed.up.pull_node.tolist()
    ([2, 0, 1], [2, 0], [1, 0])
    """
    return _operators(_Graph(arrays), market, leak, down, up)


class _Graph:
    """Arrays as a key: versions that were given by hand may be equal where graphs are not."""

    def __init__(self, arrays: SupplyArrays) -> None:
        self.arrays = arrays

    def __hash__(self) -> int:
        return hash(self.arrays.version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Graph) and self.arrays is other.arrays


@lru_cache(maxsize=2)
def _operators(graph: _Graph, market: bool, leak: bool, down: bool, up: bool) -> Operators:
    arrays = graph.arrays
    n, group = arrays.nodes, arrays.link_group
    buys = np.bincount(arrays.link_buyer, minlength=n)
    sells = np.bincount(arrays.link_supplier, minlength=n)
    number = np.empty(n, dtype=np.int64)
    number[np.lexsort((-sells, -buys))] = np.arange(n)
    supplier, buyer = number[arrays.link_supplier], number[arrays.link_buyer]
    kind = arrays.group_class[group]
    passed = np.where(kind == ESSENTIAL, 1.0, arrays.group_part[group]) * arrays.link_part
    listed = down & ((kind == ESSENTIAL) | (kind == NON_ESSENTIAL))
    within = np.where(kind == ESSENTIAL, group + 1, 0)  # which slot of the buyer
    none = np.zeros(arrays.links, dtype=np.int64)
    return Operators(
        number=number,
        down=_side(n, supplier, buyer, within, passed, listed),
        up=_side(n, buyer, supplier, none, sold_part(arrays, leak), np.full(arrays.links, up)),
        market=_market(arrays, number) if market else _no_market(n),
    )


def _side(
    nodes: int, source: Ints, target: Ints, within: Ints, part: Floats, listed: NDArray[np.bool_]
) -> Side:
    kept = np.flatnonzero(listed & (part > 0))
    slot_key = target[kept] * (within.max(initial=0) + 1) + within[kept]
    order = np.lexsort((source[kept], slot_key))
    kept, slot_key = kept[order], slot_key[order]
    source, target, part = source[kept], target[kept], part[kept]
    opens = np.diff(slot_key, prepend=-1) != 0
    first = np.flatnonzero(opens)
    slot = np.repeat(np.arange(len(first)), np.diff(first, append=len(kept)))
    by_source = np.argsort(source, kind="stable")
    return Side(
        push_start=_number(np.searchsorted(source[by_source], np.arange(nodes + 1))),
        push_slot=_number(slot[by_source]),
        push_node=_number(target[by_source]),
        push_part=part[by_source],
        slot_start=_number(np.searchsorted(target[first], np.arange(nodes + 1))),
        pull_start=_number(np.append(first, len(kept))),
        pull_opens=opens.astype(np.uint8),
        pull_node=_number(source),
        pull_part=part,
    )


def _market(arrays: SupplyArrays, number: Ints) -> Market:
    sector, sold = np.empty(arrays.nodes, np.int64), np.empty(arrays.nodes)
    sector[number], sold[number] = arrays.sector, market_part(arrays)
    listed = np.flatnonzero(sector >= 0)
    _, of = np.unique(sector[listed], return_inverse=True)
    every = np.full(arrays.nodes, NOBODY, dtype=np.uint32)
    every[listed] = of
    member = listed[np.argsort(of, kind="stable")]
    start = np.append(0, np.cumsum(np.bincount(of)))
    whole = np.bincount(np.sort(of), sold[member]).astype(np.float64)
    return Market(every, _number(start), _number(member), sold, whole)


def _no_market(nodes: int) -> Market:
    none = np.zeros(0, dtype=np.uint32)
    of = np.full(nodes, NOBODY, dtype=np.uint32)
    return Market(of, np.zeros(1, dtype=np.uint32), none, np.zeros(0), np.zeros(0))


def _number(values: NDArray[np.integer[Any]]) -> Numbers:
    return values.astype(np.uint32)
