"""Rows and edges of a network as tables that propagation reads, made once per version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.firms import FirmLink
from graph.network import Network, kind_of
from graph.reference import Share, Use, choose_share

Pair = tuple[str, str]  # (country, item)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Read-only view of one network version."""

    version: str
    rows: Mapping[Pair, tuple[Share, ...]]
    suppliers: Mapping[str, tuple[str, ...]]  # item -> countries, largest share first
    sold_by: Mapping[str, tuple[str, ...]]  # country -> items
    through: Mapping[str, tuple[Pair, ...]]  # chokepoint or port node -> origins
    uses: Mapping[str, tuple[Use, ...]]
    firms: Mapping[str, tuple[FirmLink, ...]]
    pairs: tuple[Pair, ...]
    items: tuple[str, ...]
    shares: sparse.csr_matrix  # pairs x items, newest best share, 0 where unknown
    _chosen: dict[tuple[str, str, date | None, str], Share | None] = field(default_factory=dict)

    def share(self, country: str, item: str, on: date | None, scope: str = "") -> Share | None:
        """THE figure for an origin as known on a day (reference.share_order), or None."""
        key = (country, item, on, scope)
        if key not in self._chosen:
            if len(self._chosen) > 50_000:
                self._chosen.clear()
            self._chosen[key] = choose_share(self.rows.get((country, item), ()), on, scope)
        return self._chosen[key]

    def item_losses(self, magnitudes: Floats) -> Floats:
        """Loss of each item's import for many scenarios at once.

        `magnitudes` is scenarios x pairs (0..1); the answer scenarios x items, capped at 1.
        Unknown shares count as nothing here: a screen, not an exposure.
        """
        losses = np.asarray((self.shares.T @ magnitudes.T).T, dtype=np.float64)
        return np.minimum(losses, 1.0)


def compile_network(network: Network) -> Compiled:
    """The tables of a network; kept on it until its version changes."""
    kept = network.graph.get("compiled")
    if isinstance(kept, Compiled) and kept.version == network.graph.get("version"):
        return kept
    compiled = _compile(network)
    network.graph["compiled"] = compiled
    return compiled


def _compile(network: Network) -> Compiled:
    rows: dict[Pair, tuple[Share, ...]] = {}
    through: dict[str, list[Pair]] = {}
    uses: dict[str, list[Use]] = {}
    for source, target, data in network.edges(data=True):
        kinds = (kind_of(source), kind_of(target))
        if kinds == ("origin", "item"):
            _, country, item = source.split(":", 2)
            rows[country, item] = tuple(data["shares"])
        elif kinds in (("origin", "chokepoint"), ("origin", "port")):
            _, country, item = source.split(":", 2)
            through.setdefault(target, []).append((country, item))
        elif kinds == ("item", "use"):
            uses.setdefault(source[5:], []).append(network.nodes[target]["use"])
    suppliers: dict[str, list[tuple[float, str]]] = {}
    sold_by: dict[str, list[str]] = {}
    pairs = tuple(sorted(rows))
    items = tuple(sorted({item for _, item in pairs}))
    column = {item: n for n, item in enumerate(items)}
    values = np.zeros(len(pairs))
    for n, (country, item) in enumerate(pairs):
        best = choose_share(rows[country, item])
        values[n] = (best.share or 0.0) if best else 0.0
        suppliers.setdefault(item, []).append((-values[n], country))
        sold_by.setdefault(country, []).append(item)
    places = (np.arange(len(pairs)), np.array([column[item] for _, item in pairs], dtype=np.intp))
    return Compiled(
        version=str(network.graph.get("version", "")),
        rows=rows,
        suppliers={item: tuple(c for _, c in sorted(found)) for item, found in suppliers.items()},
        sold_by={country: tuple(found) for country, found in sold_by.items()},
        through={node: tuple(found) for node, found in through.items()},
        uses={item: tuple(found) for item, found in uses.items()},
        firms=network.graph.get("firms", {}),
        pairs=pairs,
        items=items,
        shares=sparse.csr_matrix((values, places), shape=(len(pairs), len(items))),
    )
