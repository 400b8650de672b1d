"""ESRI's sweep as plain loops over a networkx graph: slow, and as close to the text as it gets."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, SupplyArrays
from graph.steps import SOLD_OUT, market_part

Losses = dict[int, float]


def links_as_networkx(arrays: SupplyArrays, part: Floats) -> nx.MultiDiGraph[int]:
    """Supplier to buyer, one edge a link, with what ESRI reads; `part` is Lu by link.

    Nodes carry sector and sales (as a share of the sector's); edges group, class, lost (Ld) and sold (Lu).

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(2, [0], [1], [0], [2.0])
    >>> links_as_networkx(chain, chain.link_sold_part).edges[0, 1, 0]["lost"]
    1.0
    """
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    part_of = market_part(arrays)
    for node in range(arrays.nodes):
        graph.add_node(node, sector=int(arrays.sector[node]), sales=float(part_of[node]))
    for group in range(arrays.groups):
        kind = int(arrays.group_class[group])
        of_all = float(arrays.group_part[group]) if kind == NON_ESSENTIAL else 1.0
        for link in range(arrays.link_start[group], arrays.link_start[group + 1]):
            graph.add_edge(
                int(arrays.link_supplier[link]),
                int(arrays.group_buyer[group]),
                group=group,
                kind=kind,
                lost=float(arrays.link_part[link]) * of_all,
                sold=float(part[link]),
            )
    return graph


def networkx_sweep(
    arrays: SupplyArrays, part: Floats, market: bool, down: bool
) -> Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]:
    """One sweep of a block of shocks, each in turn, by loops over the edges.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(2, [0], [1], [0], [2.0])
    >>> import numpy as np
    >>> psi = np.array([[1.0], [0.0]])
    >>> networkx_sweep(chain, chain.link_sold_part, False, True)(psi, psi, psi)[0].tolist()
    [[1.0], [1.0]]
    """
    graph = links_as_networkx(arrays, part)

    def sweep(psi: Floats, lost: Floats, unordered: Floats) -> tuple[Floats, Floats]:
        new_down, new_up = lost.copy(), unordered.copy()
        for shock in range(psi.shape[1]):
            hit, short, orders = (
                dict(enumerate(values[:, shock].tolist())) for values in (psi, lost, unordered)
            )
            sigma = standing_in(graph, short) if market else dict.fromkeys(graph, 1.0)
            for node in graph:
                if down:
                    new_down[node, shock] = _from_suppliers(graph, node, hit[node], short, sigma)
                new_up[node, shock] = _from_buyers(graph, node, hit[node], orders)
        return new_down, new_up

    return sweep


def standing_in(graph: nx.MultiDiGraph[int], loss: Losses) -> Losses:
    """sigma by node: the part of its loss that the rest of its market cannot make good.

    >>> from graph.arrays import compile_arrays
    >>> shops = compile_arrays(4, [0, 1, 2], [3, 3, 3], [0, 0, 1], [2.0, 1.0, 3.0],
    ...                        sector=[1, 1, 2, 3])
    >>> graph = links_as_networkx(shops, shops.link_sold_part)
    >>> sigma = standing_in(graph, {0: 0.0, 1: 0.5, 2: 0.75, 3: 0.0})
    >>> [round(sigma[node], 12) for node in (0, 1, 2)]
    [0.8, 0.4, 1.0]
    """
    left: dict[int, float] = {}
    for node, about in graph.nodes(data=True):
        left[about["sector"]] = left.get(about["sector"], 0.0) + about["sales"] * (1 - loss[node])
    sigma = {}
    for node, about in graph.nodes(data=True):
        rest = left[about["sector"]]
        alone = about["sector"] < 0 or rest <= SOLD_OUT
        sigma[node] = 1.0 if alone else min(1.0, about["sales"] / rest)
    return sigma


def _from_suppliers(
    graph: nx.MultiDiGraph[int], node: int, psi: float, loss: Losses, sigma: Losses
) -> float:
    short: dict[int, float] = {}
    spread = 0.0
    for supplier, _, link in graph.in_edges(node, data=True):
        missing = link["lost"] * sigma[supplier] * loss[supplier]
        if link["kind"] == ESSENTIAL:
            short[link["group"]] = short.get(link["group"], 0.0) + missing
        elif link["kind"] == NON_ESSENTIAL:
            spread += missing
    return min(1.0, max(psi, spread, *short.values()))


def _from_buyers(graph: nx.MultiDiGraph[int], node: int, psi: float, loss: Losses) -> float:
    lost = 0.0
    for _, buyer, link in graph.out_edges(node, data=True):
        lost += link["sold"] * loss[buyer]
    return min(1.0, max(psi, lost))
