"""A firm network that was made up, with the statistics of the real ones: for tests and benches.

No firm of it exists. The national networks (Hungary, Ecuador, Japan) are closed; what is public of
them is their shape: scale-free with degree exponents 2 to 2.4, few big buyers, inputs that are
essential or not by pair of sectors.
"""

from __future__ import annotations

import numpy as np

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, NONE, Floats, Ints, SupplyArrays, compile_arrays

OUT_EXPONENT = 2.3  # of the number of buyers; published networks have 2 to 2.4
IN_EXPONENT = 2.6  # of the number of suppliers; its greatest is then about 20,000 of a million
CLASS_PARTS = {NONE: 0.30, NON_ESSENTIAL: 0.35, ESSENTIAL: 0.35}  # of pairs of sectors
TYPICAL_WEIGHT = 1e6  # currency a year of the median link
WEIGHT_SPREAD = 1.5  # standard deviation of the logarithm of a link's weight


def synthetic_network(
    nodes: int,
    links: int,
    *,
    sectors: int = 100,
    final: float = 0.3,
    seed: int = 0,
    stock_days: tuple[float, float] = (0, 20),
    lead_days: tuple[int, int] = (0, 5),
) -> SupplyArrays:
    """An invented network of exactly so many firms and links; the same seed gives the same bits.

    Numbers of buyers are Pareto with exponent 2.3, numbers of suppliers with 2.6, joined at random
    (configuration model) without self-loops or doubles; those are replaced by links drawn evenly.
    What a firm sells is the commodity of its sector, so an input group is (buyer, sector of the
    supplier), and its class hangs on the two sectors. `final` is every firm's share sold to final
    demand; stocks are even over `stock_days`, lead times over the whole days of `lead_days`, ends
    included; nothing is substitutable. The version starts with `synthetic`. ValueError when so
    many links do not fit between so few firms.

    >>> made = synthetic_network(50, 200, sectors=5, seed=1)
    >>> made.nodes, made.links, made.version.startswith("synthetic")
    (50, 200, True)
    """
    if nodes < 2 or not 0 <= links <= nodes * (nodes - 1) // 2:
        raise ValueError(
            f"{links} links do not fit between {nodes} synthetic firms; "
            "ask for at most half of all pairs"
        )
    rng = np.random.default_rng(seed)
    sector = _sectors(nodes, sectors, rng)
    supplier, buyer = _pairs(nodes, links, rng)
    # In the order of the input groups already, so that compiling has nothing to sort.
    key = np.sort((buyer * sectors + sector[supplier]) * nodes + supplier)
    supplier, group = key % nodes, key // nodes
    buyer, item = group // sectors, group % sectors
    kinds = rng.choice(list(CLASS_PARTS), size=(sectors, sectors), p=list(CLASS_PARTS.values()))
    return compile_arrays(
        nodes,
        supplier,
        buyer,
        item,
        TYPICAL_WEIGHT * rng.lognormal(0.0, WEIGHT_SPREAD, links),
        essential=kinds[item, sector[buyer]],
        stock=rng.uniform(*stock_days, links),
        lead=rng.integers(lead_days[0], lead_days[1] + 1, links),
        final=final,
        sector=sector,
        items=[f"sector-{k}" for k in range(sectors)],
        version=f"synthetic-{nodes}-{links}-{sectors}-{final}-{seed}-{stock_days}-{lead_days}",
    )


def _sectors(nodes: int, sectors: int, rng: np.random.Generator) -> Ints:
    """n: the sector of each firm; sectors are of uneven size, as real ones are."""
    sizes = rng.dirichlet(np.ones(sectors))
    return np.asarray(rng.choice(sectors, size=nodes, p=sizes), dtype=np.int64)


def _pairs(nodes: int, links: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Suppliers and buyers of `links` different links, none of a firm with itself."""
    supplier = _ends(_pareto(nodes, OUT_EXPONENT, rng), links)
    buyer = rng.permutation(_ends(_pareto(nodes, IN_EXPONENT, rng), links))
    keys = _different(supplier * nodes + buyer, nodes)
    while len(keys) < links:
        short = links - len(keys)
        more = rng.integers(0, nodes * nodes, short + short // 8 + 8)
        keys = _different(np.append(keys, more), nodes)
    if len(keys) > links:
        keys = np.delete(keys, rng.choice(len(keys), len(keys) - links, replace=False))
    return keys // nodes, keys % nodes


def _different(keys: Ints, nodes: int) -> Ints:
    """The different pairs (supplier * nodes + buyer) that are no self-loops, sorted."""
    keys = np.sort(keys)
    keep = keys // nodes != keys % nodes
    keep[1:] &= keys[1:] != keys[:-1]
    return np.asarray(keys[keep], dtype=np.int64)


def _pareto(nodes: int, exponent: float, rng: np.random.Generator) -> Floats:
    """n: expected degrees up to a factor, with density k^-exponent, none above all the others."""
    drawn = rng.pareto(exponent - 1.0, nodes) + 1.0
    most = float(nodes) ** (1.0 / (exponent - 1.0))
    return np.asarray(np.minimum(drawn, most), dtype=np.float64)


def _ends(expected: Floats, links: int) -> Ints:
    """Link ends, each firm repeated as often as is expected of it, rounded up or down."""
    until = np.floor(np.cumsum(expected) / expected.sum() * links + 0.5)
    until[-1] = links
    return np.repeat(np.arange(len(expected)), np.diff(until, prepend=0).astype(np.int64))
