"""A supply graph -> arrays, made once per version and patched where only weights change.

Nodes are numbered in the order of their ids, links in the order of buyer, item and supplier.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from graph.arrays import SupplyArrays, compile_arrays, patch_weights
from graph.places import Members, Places, places_of, producing
from graph.supply_nouns import (
    GROUPING,
    SHARE,
    Node,
    SupplyGraph,
    SupplyLink,
)

COMPLETE = 0.995  # shares of an input that add up to less leave something out


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What is kept on a graph until its version changes."""

    version: str
    places: Places
    links: tuple[SupplyLink, ...]  # by number


def compile_supply(graph: SupplyGraph) -> SupplyArrays:
    """The arrays of the newest rows of a graph (take `as_of` first for another day).

    Made once per version and kept on the graph. A weight that is a share is taken of what the
    buyer spends on the item; where no link of the graph is in currency, of 1. ValueError when the
    links of an input leave out some of it: `graph.tiers.fill_tiers` gives the rest a supplier.

    >>> from graph.supply import build_supply
    >>> nodes = [Node("firm:b", "firm", country="KR"), Node("firm:a", "firm", country="CN")]
    >>> arrays = compile_supply(build_supply(nodes, [SupplyLink("firm:a", "firm:b", "urea", 1e6)]))
    >>> arrays.names, arrays.link_supplier.tolist(), arrays.items
    (('firm:a', 'firm:b'), [0], ('urea',))
    """
    return _compiled(graph).places.arrays


def node_rows(graph: SupplyGraph) -> tuple[Node, ...]:
    """The row of each node of the arrays, by its number."""
    return tuple(_compiled(graph).places.nodes)


def link_rows(graph: SupplyGraph) -> tuple[SupplyLink, ...]:
    """The row of each link of the arrays, by its number: source, date, basis, route."""
    return _compiled(graph).links


def places(graph: SupplyGraph) -> Places:
    """The memberships of a graph's nodes and links, by the numbers of its arrays."""
    return _compiled(graph).places


def members(graph: SupplyGraph, target: str) -> Members:
    """What a shock on `target` falls on, nodes and links: see `Places.members`.

    >>> from graph.supply import build_supply
    >>> nodes = [Node("firm:b", "firm", country="KR"), Node("firm:a", "firm", country="CN")]
    >>> graph = build_supply(nodes, [
    ...     SupplyLink("firm:a", "firm:b", "urea", 1e6, route={"port:busan": 0.75})])
    >>> found = members(graph, "port:busan")
    >>> found.links.tolist(), found.link_share.tolist()
    ([0], [0.75])
    >>> members(graph, "country:CN").nodes.tolist()
    [0]
    """
    return places(graph).members(target)


def _compiled(graph: SupplyGraph) -> _Compiled:
    kept = graph.graph.get("compiled")
    if isinstance(kept, _Compiled) and kept.version == graph.graph.get("version"):
        return kept
    made = _compile(graph)
    graph.graph["compiled"] = made
    return made


def _compile(graph: SupplyGraph) -> _Compiled:
    rows = [data["node"] for _, data in graph.nodes(data=True)]
    nodes = producing(rows)
    number = {row.id: n for n, row in enumerate(nodes)}
    edges = graph.edges(data=True)
    links = sorted(
        (k for *_, data in edges for k in data.get("links", ())),
        key=lambda k: (number[k.buyer], k.item, number[k.supplier]),
    )
    if lacking := left_out(nodes, links):
        raise incomplete(lacking)
    items = tuple(sorted({k.item for k in links}))
    of_item = {item: n for n, item in enumerate(items)}
    spend = [row.spend for row in nodes]
    buyers = [number[k.buyer] for k in links]
    arrays = compile_arrays(
        len(nodes),
        [number[k.supplier] for k in links],
        buyers,
        [of_item[k.item] for k in links],
        [currency(k, spend[buyer]) for k, buyer in zip(links, buyers, strict=True)],
        essential=[k.essential for k in links],
        stock=[k.stock_days for k in links],
        lead=[k.lead_days for k in links],
        rho=[k.substitutability for k in links],
        ramp=[k.ramp_days for k in links],
        **of_nodes(nodes),
        items=items,
        version=str(graph.graph["version"]),
    )
    ways: dict[tuple[tuple[str, float], ...], int] = {}
    route = [ways.setdefault(tuple(sorted(k.route.items())), len(ways)) for k in links]
    holders = (row.id for row in rows if row.kind in GROUPING)
    found = places_of(
        nodes,
        with_stated_output(arrays, nodes),
        [dict(way) for way in ways],
        np.array(route, dtype=np.int64),
        holders,
    )
    return _Compiled(arrays.version, found, tuple(links))


class NodeFigures(TypedDict):
    """The arguments of `compile_arrays` that are about nodes."""

    final: list[float]
    slack: list[float]
    sector: list[int]
    names: tuple[str, ...]


def of_nodes(nodes: Sequence[Node]) -> NodeFigures:
    """What `compile_arrays` takes of nodes. A sector is a market; its number is by its code."""
    markets = {code: n for n, code in enumerate(sorted({r.sector for r in nodes} - {""}))}
    return {
        "final": [row.final for row in nodes],
        "slack": [row.slack for row in nodes],
        "sector": [markets.get(row.sector, -1) for row in nodes],
        "names": tuple(row.id for row in nodes),
    }


def with_stated_output(arrays: SupplyArrays, nodes: Sequence[Node]) -> SupplyArrays:
    """The arrays with the output that was stated, where one was."""
    stated = np.array([np.nan if r.output is None else r.output for r in nodes], dtype=np.float64)
    return replace(arrays, output=np.where(np.isnan(stated), arrays.output, stated))


def currency(link: SupplyLink, spend: Mapping[str, float]) -> float:
    """The weight of a link in currency a year, given what its buyer spends by item."""
    return link.weight * spend.get(link.item, 1.0) if link.unit == SHARE else link.weight


def left_out(nodes: Iterable[Node], links: Iterable[SupplyLink]) -> list[str]:
    """The inputs of the nodes of which the links do not say everything."""
    whole = {(row.id, item): spent for row in nodes for item, spent in row.spend.items()}
    bought: dict[tuple[str, str], float] = defaultdict(float)
    for link in links:
        key = link.buyer, link.item
        if link.unit == SHARE:
            bought[key] += link.weight * whole.setdefault(key, 1.0)
        else:
            bought[key] += link.weight
    return [
        f"links of {item} at {buyer} come to {bought[buyer, item]:.4g} of {spent:.4g}"
        for (buyer, item), spent in whole.items()
        if bought[buyer, item] < COMPLETE * spent
    ]


def incomplete(lacking: Sequence[str]) -> ValueError:
    shown = "; ".join(lacking[:20])
    return ValueError(f"{shown} ({len(lacking)} in all): graph.tiers.fill_tiers adds the rest")


def patch_compiled(graph: SupplyGraph, changed: SupplyGraph, links: Sequence[SupplyLink]) -> None:
    """Give `changed`, which differs from `graph` by these weights, the patched arrays of `graph`.

    Nothing is done where `graph` was never compiled, or where `changed` cannot be.
    """
    kept = graph.graph.get("compiled")
    if not isinstance(kept, _Compiled) or kept.version != graph.graph["version"]:
        return
    known, arrays = kept.places, kept.places.arrays

    def order(link: SupplyLink) -> tuple[int, str, int]:
        return known.number[link.buyer], link.item, known.number[link.supplier]

    at = [bisect_left(kept.links, order(link), key=order) for link in links]
    rows = list(kept.links)
    for n, link in zip(at, links, strict=True):
        rows[n] = link
    buyers = [known.nodes[known.number[k.buyer]] for k in links]
    starts = arrays.link_start[arrays.group_start]
    touched = {known.number[k.buyer] for k in links}
    beside = (rows[n] for b in touched for n in range(int(starts[b]), int(starts[b + 1])))
    if left_out((known.nodes[b] for b in touched), beside):
        return
    weights = [currency(k, buyer.spend) for k, buyer in zip(links, buyers, strict=True)]
    version = str(changed.graph["version"])
    patched = replace(patch_weights(arrays, at, weights), version=version)
    changed.graph["compiled"] = _Compiled(version, replace(known, arrays=patched), tuple(rows))
