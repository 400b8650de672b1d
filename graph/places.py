"""What a country, port, industry or item stands for in the arrays of a supply graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graph.arrays import Floats, Ints, SupplyArrays
from graph.supply_nouns import GROUPING, Node


@dataclass(frozen=True, slots=True)
class Members:
    """What a target holds: nodes and links by number (sorted), and how much of each, 0..1."""

    nodes: Ints
    node_share: Floats
    links: Ints
    link_share: Floats


@dataclass(frozen=True, slots=True)
class Places:
    """Memberships of one compiled graph."""

    nodes: Sequence[Node]  # by number
    number: Mapping[str, int]
    arrays: SupplyArrays
    routes: Sequence[Mapping[str, float]]  # the different routes, port or chokepoint -> share
    route: Ints  # m: which of them each link takes
    holders: frozenset[str]  # countries, ports and chokepoints that were declared or are used
    held: Mapping[str, Sequence[tuple[str, float]]]  # holder -> what is part of it, membership

    def members(self, target: str) -> Members:
        """What a shock on `target` falls on.

        A country or parent: the nodes that are part of it, by membership, through any number of
        levels. A port or chokepoint: the links that pass it, by route share. `sector:26` or
        `industry:26`: the nodes of that KSIC code and of the codes under it. `item:urea` and
        `origin:CN:urea`: that node if there is one, and the links that carry the item (from that
        country) and do not come from that node. Any other node: itself and its parts. KeyError
        when nothing here is, or is part of, the target.
        """
        kind, _, code = target.partition(":")
        nodes = self._parts(target)
        links = np.zeros(0, dtype=np.int64), np.zeros(0)
        if kind in ("port", "chokepoint"):
            links = self._through(target)
        elif kind in ("sector", "industry") and code:
            same = (n for n, row in enumerate(self.nodes) if row.sector.startswith(code))
            nodes = {**dict.fromkeys(same, 1.0), **nodes}
        elif kind == "item" and target not in self.number:
            links = self._carrying(code, dict.fromkeys(range(len(self.nodes)), 1.0))
        elif kind == "origin":
            country, _, item = code.partition(":")
            inside = self._parts(f"country:{country}")
            links = self._carrying(item, {n: p for n, p in inside.items() if n not in nodes})
        if not nodes and not len(links[0]) and target not in self.holders:
            raise KeyError(f"{target!r} is nothing in this graph, and nothing is part of it")
        at = np.array(sorted(nodes), dtype=np.int64)
        return Members(at, np.array([nodes[int(n)] for n in at], dtype=np.float64), *links)

    def _parts(self, target: str) -> dict[int, float]:
        """Numbers of the target and of what is part of it, down all levels, with membership."""
        part = {target: 1.0}
        ahead = [target]
        while ahead:
            holder = ahead.pop()
            for held, share in self.held.get(holder, ()):
                if part[holder] * share > part.get(held, 0.0):
                    part[held] = part[holder] * share
                    ahead.append(held)
        return {self.number[name]: share for name, share in part.items() if name in self.number}

    def _through(self, place: str) -> tuple[Ints, Floats]:
        of_route = np.array([route.get(place, 0.0) for route in self.routes], dtype=np.float64)
        if not len(of_route):
            return np.zeros(0, dtype=np.int64), of_route
        share = of_route[self.route]
        links = np.flatnonzero(share)
        return links, share[links]

    def _carrying(self, item: str, suppliers: Mapping[int, float]) -> tuple[Ints, Floats]:
        if item not in self.arrays.items:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        share = np.zeros(len(self.nodes))
        share[list(suppliers)] = list(suppliers.values())
        code = self.arrays.items.index(item)
        of_link = share[self.arrays.link_supplier]
        links = np.flatnonzero(
            (self.arrays.group_item[self.arrays.link_group] == code) & (of_link > 0)
        )
        return links, of_link[links]


def places_of(
    nodes: Sequence[Node],
    arrays: SupplyArrays,
    routes: Sequence[Mapping[str, float]],
    route: Ints,
    declared: Iterable[str],
) -> Places:
    """The memberships of producing nodes (by number) and of links (by their route's number)."""
    held: dict[str, list[tuple[str, float]]] = {}
    for row in nodes:
        for target, share in row.part_of.items():
            held.setdefault(target, []).append((row.id, share))
    passed = {place for way in routes for place in way}
    number = {row.id: n for n, row in enumerate(nodes)}
    return Places(nodes, number, arrays, routes, route, frozenset(declared) | passed, held)


def producing(rows: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes that arrays have, in the order of their numbers: by id."""
    return tuple(sorted((r for r in rows if r.kind not in GROUPING), key=lambda r: r.id))
