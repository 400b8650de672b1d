"""The supply graph that people see: checked rows -> a networkx DiGraph, versioned in two times.

Goods flow along the edges that carry `links`; an edge that carries `member` (a share) runs from a
country or a parent to what is part of it, one that carries `route` from a supplier to a port or
chokepoint that its goods pass. `node` of a node and `links` of an edge are the newest rows, `rows`
all of them, also those that were corrected. `graph.graph["version"]` is the hash of all rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import networkx as nx

from graph import reference as ref
from graph.arrays import patch_weights
from graph.places import Members, Places
from graph.supply_checks import check_supply, check_weights
from graph.supply_compile import (
    compile_supply,
    link_rows,
    members,
    node_rows,
    patch_compiled,
    places,
)
from graph.supply_nouns import (
    GROUPING,
    KINDS,
    Node,
    Problem,
    SupplyError,
    SupplyGraph,
    SupplyLink,
    in_force,
    known_nodes,
)

__all__ = [
    "GROUPING",
    "KINDS",
    "Members",
    "Node",
    "Places",
    "Problem",
    "SupplyError",
    "SupplyGraph",
    "SupplyLink",
    "all_links",
    "all_nodes",
    "as_of",
    "build_supply",
    "compile_supply",
    "held_links",
    "link_rows",
    "members",
    "node_rows",
    "patch_weights",
    "places",
    "reweigh",
]


def build_supply(nodes: Sequence[Node], links: Sequence[SupplyLink]) -> SupplyGraph:
    """A checked, frozen graph of the rows. SupplyError lists all that is wrong; nothing is built.

    >>> two = [Node("firm:a", "firm", country="CN"), Node("firm:b", "firm", country="KR")]
    >>> graph = build_supply(two, [SupplyLink("firm:a", "firm:b", "urea", 1e6)])
    >>> [link.item for link in graph["firm:a"]["firm:b"]["links"]]
    ['urea']
    >>> sorted(graph.predecessors("firm:b"))
    ['country:KR', 'firm:a']
    """
    if problems := check_supply(nodes, links):
        raise SupplyError(problems)
    return assemble(nodes, links, in_force(links))


def as_of(
    graph: SupplyGraph, valid_on: date | None = None, known_on: date | None = None
) -> SupplyGraph:
    """The graph as it stood on `valid_on`, by what was known on `known_on` (graph.supply_nouns).

    None is the end of time. A node that was not known yet is left out with its links.

    >>> a, b = Node("firm:a", "firm"), Node("firm:b", "firm")
    >>> graph = build_supply([a, b], [SupplyLink("firm:a", "firm:b", "urea", 1.0,
    ...                                          valid_to=date(2021, 10, 15))])
    >>> len(held_links(as_of(graph, date(2021, 10, 14)))), len(held_links(as_of(graph)))
    (1, 0)
    """
    nodes = known_nodes(all_nodes(graph), known_on)
    links = [
        link
        for link in in_force(all_links(graph), valid_on, known_on)
        if link.supplier in nodes and link.buyer in nodes
    ]
    return assemble(list(nodes.values()), links, links)


def reweigh(graph: SupplyGraph, weights: Mapping[tuple[str, str, str], float]) -> SupplyGraph:
    """The graph with other weights on some links, (supplier, buyer, item) -> weight.

    A new version; if the old one was compiled, its arrays are patched, not made anew. Only the
    newest rows change; basis and source stay. KeyError names a link that is not there; SupplyError
    when a weight cannot be.

    >>> a, b = Node("firm:a", "firm"), Node("firm:b", "firm")
    >>> graph = build_supply([a, b], [SupplyLink("firm:a", "firm:b", "urea", 1.0)])
    >>> compile_supply(reweigh(graph, {("firm:a", "firm:b", "urea"): 3.0})).link_weight.tolist()
    [3.0]
    """
    old = [_newest(graph, key) for key in weights]
    new = [replace(o, weight=w) for o, w in zip(old, weights.values(), strict=True)]
    inputs = {(link.buyer, link.item) for link in new}
    beside = [k for buyer in {b for b, _ in inputs} for k in _bought(graph, buyer)]
    kept = [k for k in beside if (k.buyer, k.item) in inputs and k.key not in weights]
    ends = dict.fromkeys(end for link in new for end in (link.supplier, link.buyer))
    if problems := check_weights([graph.nodes[end]["node"] for end in ends], [*new, *kept]):
        raise SupplyError(problems)
    changed: SupplyGraph = graph.copy()
    for before, after in zip(old, new, strict=True):
        edge = changed.edges[after.supplier, after.buyer]
        edge["rows"] = tuple(after if row is before else row for row in edge["rows"])
        edge["links"] = tuple(after if row is before else row for row in edge["links"])
    digest = graph.graph["digest"] - _digest(old) + _digest(new)
    changed.graph.update(_version(digest))
    changed.graph.pop("compiled", None)
    patch_compiled(graph, changed, new)
    nx.freeze(changed)
    return changed


def all_nodes(graph: SupplyGraph) -> list[Node]:
    """Every row of every node, also the corrected ones."""
    return [row for _, data in graph.nodes(data=True) for row in data["rows"]]


def all_links(graph: SupplyGraph) -> list[SupplyLink]:
    """Every row of every link, also the corrected and the ended ones."""
    return [row for *_, data in graph.edges(data=True) for row in data.get("rows", ())]


def held_links(graph: SupplyGraph) -> list[SupplyLink]:
    """The links that the graph shows: the newest, or those of its day."""
    return [row for *_, data in graph.edges(data=True) for row in data.get("links", ())]


def assemble(
    nodes: Sequence[Node], links: Sequence[SupplyLink], held: Sequence[SupplyLink]
) -> SupplyGraph:
    """A frozen graph of rows that were checked before (`build_supply` does), showing the `held`."""
    graph: SupplyGraph = nx.DiGraph()
    newest = known_nodes(nodes)
    rows: dict[str, list[Node]] = {}
    for node in nodes:
        rows.setdefault(node.id, []).append(node)
    for node_id, node in newest.items():
        graph.add_node(node_id, node=node, rows=tuple(rows[node_id]))
    for column, told in (("rows", links), ("links", held)):
        pairs: dict[tuple[str, str], list[SupplyLink]] = {}
        for link in told:
            pairs.setdefault((link.supplier, link.buyer), []).append(link)
        for (supplier, buyer), both in pairs.items():
            graph.add_edge(supplier, buyer, **{column: tuple(both)})
    for node in newest.values():
        for target, share in node.part_of.items():
            _place(graph, target)
            graph.add_edge(target, node.id, member=share)
    for link in links:
        for place, share in link.route.items():
            _place(graph, place)
            graph.add_edge(link.supplier, place, route=share)
    graph.graph.update(_version(_digest(nodes) + _digest(links)))
    nx.freeze(graph)
    return graph


def _place(graph: SupplyGraph, place: str) -> None:
    """A country, port or chokepoint of the reference tables that no row declared."""
    if place not in graph:
        kind, _, code = place.partition(":")
        told: ref.Country | ref.Port | ref.Chokepoint
        if kind == "country":
            told = ref.COUNTRIES[code]
        else:
            told = ref.PORTS[code] if kind == "port" else ref.CHOKEPOINTS[code]
        graph.add_node(place, node=Node(place, kind, en=told.en, ko=told.ko), rows=())


def _newest(graph: SupplyGraph, key: tuple[str, str, str]) -> SupplyLink:
    supplier, buyer, item = key
    for link in _bought(graph, buyer) if buyer in graph else ():
        if link.key == key:
            return link
    raise KeyError(f"no link by which {supplier} sells {item} to {buyer}")


def _bought(graph: SupplyGraph, buyer: str) -> list[SupplyLink]:
    return [k for *_, data in graph.in_edges(buyer, data=True) for k in data.get("links", ())]


def _digest(rows: Iterable[Node | SupplyLink]) -> int:
    """A sum of hashes: the order of rows does not matter, and one row is exchanged cheaply."""
    return sum(int.from_bytes(hashlib.sha256(repr(row).encode()).digest()[:16]) for row in rows)


def _version(digest: int) -> dict[str, object]:
    return {"digest": digest, "version": f"{digest % 2**128:032x}"[:12]}
