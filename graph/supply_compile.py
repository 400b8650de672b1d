"""A supply graph -> arrays, once per version; and what a country, port or item stands for there.

Nodes are numbered in the order of their ids, links in the order of buyer, item and supplier.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graph.arrays import Floats, Ints, SupplyArrays, compile_arrays, patch_weights
from graph.supply_nouns import (
    GROUPING,
    SHARE,
    Node,
    SupplyGraph,
    SupplyLink,
)

COMPLETE = 0.995  # shares of an input that add up to less leave something out


@dataclass(frozen=True, slots=True)
class Members:
    """What a target holds: nodes and links by number, and how much of each, 0..1."""

    nodes: Ints
    node_share: Floats
    links: Ints
    link_share: Floats


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What is kept on a graph until its version changes."""

    version: str
    arrays: SupplyArrays
    nodes: tuple[Node, ...]  # by number
    links: tuple[SupplyLink, ...]  # by number
    number: dict[str, int]


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
    return _compiled(graph).arrays


def node_rows(graph: SupplyGraph) -> tuple[Node, ...]:
    """The row of each node of the arrays, by its number."""
    return _compiled(graph).nodes


def link_rows(graph: SupplyGraph) -> tuple[SupplyLink, ...]:
    """The row of each link of the arrays, by its number: source, date, basis, route."""
    return _compiled(graph).links


def members(graph: SupplyGraph, target: str) -> Members:
    """What a shock on `target` falls on.

    A country or parent: the nodes that are part of it, by membership, through any number of
    levels. A port or chokepoint: the links that pass it, by route share. `sector:26` or
    `industry:26`: the nodes of that KSIC code and of the codes under it. `item:urea` and
    `origin:CN:urea`: that node if there is one, else or besides the links that carry the item
    (from that country). Any other node: itself. KeyError when the target is nothing known here.

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
    kept = _compiled(graph)
    kind, _, code = target.partition(":")
    nodes = _nodes_of(graph, kept, target)
    links: dict[int, float] = {}
    if kind in ("port", "chokepoint"):
        links = {n: k.route[target] for n, k in enumerate(kept.links) if target in k.route}
    elif kind in ("sector", "industry"):
        found = (n for n, row in enumerate(kept.nodes) if row.sector.startswith(code))
        nodes = dict.fromkeys(found, 1.0) | nodes
    elif kind == "item" and target not in kept.number:
        links = {n: 1.0 for n, k in enumerate(kept.links) if k.item == code}
    elif kind == "origin":
        links = _links_from(graph, kept, code, set(nodes))
    if not nodes and not links and target not in graph:
        raise KeyError(f"{target!r} is no node of this graph and nothing in it is part of that")
    return Members(*_numbered(nodes), *_numbered(links))


def _nodes_of(graph: SupplyGraph, kept: _Compiled, target: str) -> dict[int, float]:
    """Numbers of the target and of what is part of it, down all levels, with the membership."""
    share = {target: 1.0} if target in graph else {}
    ahead = list(share)
    while ahead:
        holder = ahead.pop()
        for _, held, data in graph.out_edges(holder, data=True):
            part = share[holder] * data.get("member", 0.0)
            if part > share.get(held, 0.0):
                share[held] = part
                ahead.append(held)
    return {kept.number[name]: part for name, part in share.items() if name in kept.number}


def _links_from(
    graph: SupplyGraph, kept: _Compiled, code: str, besides: set[int]
) -> dict[int, float]:
    """Links that carry an item from a country, `CN:urea`, except those of the listed nodes."""
    country, _, item = code.partition(":")
    inside = _nodes_of(graph, kept, f"country:{country}")
    return {
        n: inside[kept.number[k.supplier]]
        for n, k in enumerate(kept.links)
        if k.item == item and kept.number[k.supplier] in inside.keys() - besides
    }


def _numbered(shares: dict[int, float]) -> tuple[Ints, Floats]:
    numbers = np.array(sorted(shares), dtype=np.int64)
    return numbers, np.array([shares[int(n)] for n in numbers], dtype=np.float64)


def _compiled(graph: SupplyGraph) -> _Compiled:
    kept = graph.graph.get("compiled")
    if isinstance(kept, _Compiled) and kept.version == graph.graph.get("version"):
        return kept
    made = _compile(graph)
    graph.graph["compiled"] = made
    return made


def _compile(graph: SupplyGraph) -> _Compiled:
    rows = (data["node"] for _, data in graph.nodes(data=True))
    nodes = tuple(sorted((r for r in rows if r.kind not in GROUPING), key=lambda r: r.id))
    number = {row.id: n for n, row in enumerate(nodes)}
    edges = graph.edges(data=True)
    links = sorted(
        (k for *_, data in edges for k in data.get("links", ())),
        key=lambda k: (number[k.buyer], k.item, number[k.supplier]),
    )
    if lacking := _left_out(nodes, links):
        shown = "; ".join(lacking[:20])
        raise ValueError(f"{shown}: {len(lacking)} in all; graph.tiers.fill_tiers adds the rest")
    items = tuple(sorted({k.item for k in links}))
    of_item = {item: n for n, item in enumerate(items)}
    markets = {code: n for n, code in enumerate(sorted({r.sector for r in nodes} - {""}))}
    version = str(graph.graph["version"])
    arrays = compile_arrays(
        len(nodes),
        [number[k.supplier] for k in links],
        [number[k.buyer] for k in links],
        [of_item[k.item] for k in links],
        [_currency(nodes, number, k) for k in links],
        essential=[k.essential for k in links],
        stock=[k.stock_days for k in links],
        lead=[k.lead_days for k in links],
        rho=[k.substitutability for k in links],
        ramp=[k.ramp_days for k in links],
        final=[row.final for row in nodes],
        slack=[row.slack for row in nodes],
        sector=[markets.get(row.sector, -1) for row in nodes],
        names=tuple(number),
        items=items,
        version=version,
    )
    stated = np.array([np.nan if r.output is None else r.output for r in nodes], dtype=np.float64)
    output = np.where(np.isnan(stated), arrays.output, stated)
    return _Compiled(version, replace(arrays, output=output), nodes, tuple(links), number)


def _currency(kept_nodes: Sequence[Node], number: Mapping[str, int], link: SupplyLink) -> float:
    """The weight of a link in currency a year."""
    if link.unit != SHARE:
        return link.weight
    return link.weight * kept_nodes[number[link.buyer]].spend.get(link.item, 1.0)


def _left_out(nodes: Iterable[Node], links: Iterable[SupplyLink]) -> list[str]:
    """The inputs of the nodes of which the links do not say everything."""
    bought: dict[tuple[str, str], float] = defaultdict(float)
    whole = {(row.id, item): spent for row in nodes for item, spent in row.spend.items()}
    for link in links:
        key = link.buyer, link.item
        spent = whole.setdefault(key, 1.0) if link.unit == SHARE else 1.0
        bought[key] += link.weight * (spent if link.unit == SHARE else 1.0)
    return [
        f"links of {item} at {buyer} come to {bought[buyer, item]:.4g} of {spent:.4g}"
        for (buyer, item), spent in whole.items()
        if bought[buyer, item] < COMPLETE * spent
    ]


def patch_compiled(graph: SupplyGraph, changed: SupplyGraph, links: Sequence[SupplyLink]) -> None:
    """Give `changed`, which differs from `graph` by these weights, the patched arrays of `graph`.

    Nothing is done where `graph` was never compiled, or where `changed` cannot be.
    """
    kept = graph.graph.get("compiled")
    if not isinstance(kept, _Compiled) or kept.version != graph.graph["version"]:
        return
    order = [(kept.number[k.buyer], k.item, kept.number[k.supplier]) for k in links]
    at = [bisect_left(kept.links, key, key=lambda k: _place_of(kept, k)) for key in order]
    rows = list(kept.links)
    for n, link in zip(at, links, strict=True):
        rows[n] = link
    touched = {kept.number[k.buyer] for k in links}
    starts = kept.arrays.link_start[kept.arrays.group_start]
    beside = (rows[n] for b in touched for n in range(int(starts[b]), int(starts[b + 1])))
    if _left_out((kept.nodes[b] for b in touched), beside):
        return
    weights = [_currency(kept.nodes, kept.number, k) for k in links]
    version = str(changed.graph["version"])
    arrays = replace(patch_weights(kept.arrays, at, weights), version=version)
    changed.graph["compiled"] = replace(kept, version=version, arrays=arrays, links=tuple(rows))


def _place_of(kept: _Compiled, link: SupplyLink) -> tuple[int, str, int]:
    return kept.number[link.buyer], link.item, kept.number[link.supplier]
