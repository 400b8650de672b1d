"""What a firm's supply hangs on: each supplier, origin, strait, port and part that may be lost.

The graph is that of graph.declarations.supply_of_firm, but for one thing: what customers take is
counted at the products, so that a product stops on the day it cannot be made and the loss of one
is not the loss of all. What the firm buys for all of its products, each of them needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graph import reference as ref
from graph.arrays import YEAR_DAYS, Floats, Ints, SupplyArrays, compile_arrays
from graph.declarations import OTHERS, stated_first, supply_and_rows
from graph.firms import BomLine, FirmLink, StockLine, firm_slug

Row = FirmLink | BomLine | None
KINDS = ("supplier", "company", "country", "chokepoint", "port", "part", "made")


@dataclass(frozen=True)
class FirmSupply:
    """The supply graph of one owner's firms, and where each link of it was said."""

    arrays: SupplyArrays
    rows: tuple[Row, ...]  # m: the row that a link is of; None: made in the firm, or not said
    links: tuple[FirmLink, ...]
    boms: tuple[BomLine, ...]
    stocks: tuple[StockLine, ...]

    @cached_property
    def serving(self) -> Ints:
        """Nodes that customers take from: products, and firms that named none."""
        a = self.arrays
        kinds = np.array([name.startswith(("firm:", "part:")) for name in a.names])
        return np.flatnonzero(kinds & (a.final > 0) & (a.output > 0))

    @cached_property
    def sellers(self) -> NDArray[np.bool_]:
        """n: whether the node is a supplier that the firm names."""
        return np.array([name.startswith("supplier:") for name in self.arrays.names])

    @cached_property
    def own(self) -> Ints:
        """Input groups of the firm itself, in its products and parts."""
        mine = [not n.startswith(("supplier:", "origin:")) for n in self.arrays.names]
        return np.flatnonzero(np.array(mine)[self.arrays.group_buyer])

    @cached_property
    def value(self) -> float:
        """Currency a day: what customers take, at what its inputs cost."""
        at = self.serving
        return float((self.arrays.output[at] * self.arrays.final[at]).sum())


@dataclass(frozen=True, slots=True)
class Source:
    """What is held down: `nodes` make nothing, `links` deliver nothing."""

    kind: str  # of KINDS
    code: str  # slug, country, strait, port or part; several are joined by "+"
    names: tuple[str, ...]  # as the firm writes them; () where a table has the names
    nodes: Ints
    links: Ints
    confidence: float | None = None  # of a company: that the names are of one


def firm_supply(
    links: Sequence[FirmLink], boms: Sequence[BomLine] = (), stocks: Sequence[StockLine] = ()
) -> FirmSupply:
    """The graph of a firm's rows, with its customers at its products. ValueError without rows.

    >>> made = [BomLine("a", "A", "BUS", "TANK", 1.0, supplier="Works", country="CN")]
    >>> supply = firm_supply([FirmLink("a", "A", "urea", "CN", 1.0)], made)
    >>> [supply.arrays.names[n] for n in supply.serving]     # urea is needed by the bus
    ['part:a:BUS']
    >>> [supply.arrays.items[g] for g in supply.arrays.group_item[supply.own]]
    ['urea', 'TANK']
    """
    kept = tuple(stated_first(links))
    arrays, rows = supply_and_rows(kept, boms, stocks)
    arrays, rows = _sold_by_product(arrays, rows)
    return FirmSupply(arrays, rows, kept, tuple(boms), tuple(stocks))


def _sold_by_product(
    arrays: SupplyArrays, rows: Sequence[Row]
) -> tuple[SupplyArrays, tuple[Row, ...]]:
    names, buyer = arrays.names, arrays.link_buyer
    products: dict[int, list[tuple[int, float]]] = {}
    for e in range(arrays.links):
        if _sells_product(arrays, e):
            sold = (int(arrays.link_supplier[e]), float(arrays.link_weight[e]))
            products.setdefault(int(buyer[e]), []).append(sold)
    final = np.where([n.startswith("firm:") for n in names], arrays.output * YEAR_DAYS, 0.0)
    columns: list[tuple[int, int, float]] = []  # old link, buyer, weight
    for e in range(arrays.links):
        taken = products.get(int(buyer[e]))
        weight = float(arrays.link_weight[e])
        if taken is None:
            columns.append((e, int(buyer[e]), weight))
        elif _sells_product(arrays, e):
            final[arrays.link_supplier[e]] += weight
        else:
            whole = sum(w for _, w in taken)
            columns += [(e, product, weight * w / whole) for product, w in taken]
    final[list(products)] = 0.0
    old = np.array([one[0] for one in columns], dtype=np.int64)
    to = np.array([one[1] for one in columns], dtype=np.int64)
    item, group = arrays.group_item[arrays.link_group[old]], arrays.link_group[old]
    found = compile_arrays(
        arrays.nodes,
        arrays.link_supplier[old],
        to,
        item,
        [one[2] for one in columns],
        essential=arrays.group_class[group],
        stock=arrays.group_stock[group],
        lead=arrays.link_lead[old],
        rho=arrays.link_rho[old],
        ramp=arrays.link_ramp[old],
        final_sales=final,
        names=names,
        items=arrays.items,
    )
    order = np.lexsort((arrays.link_supplier[old], item, to))  # that of compile_arrays
    return found, tuple(rows[old[k]] for k in order)


def _sells_product(arrays: SupplyArrays, link: int) -> bool:
    ends = (arrays.link_supplier[link], arrays.link_buyer[link])
    supplier, buyer = (arrays.names[int(end)] for end in ends)
    return buyer.startswith("firm:") and supplier.startswith("part:")


# --------------------------------------------------------------------------- what may be lost


def sources(
    supply: FirmSupply, companies: Iterable[tuple[tuple[str, ...], float]] = ()
) -> list[Source]:
    """Everything that the firm's supply comes from or by, by kind. `companies`: names of suppliers
    that may be one company, with the confidence; each is a source beside those names.

    >>> both = [FirmLink("a", "A", "urea", "CN", 0.7, "Works"), FirmLink("a", "A", "lng", "QA", 1.0)]
    >>> [(one.kind, one.code) for one in sources(firm_supply(both))][:5]
    [('supplier', 'works'), ('country', 'CN'), ('country', 'QA'), ('chokepoint', 'hormuz'), ('chokepoint', 'malacca')]
    """
    names = supply.arrays.names
    sellers, places, made = _nodes(names)
    called: dict[str, list[str]] = {}
    every: list[FirmLink | BomLine] = [*supply.links, *supply.boms]
    for row in every:
        if row.supplier:
            written = called.setdefault(firm_slug(row.supplier), [])
            if row.supplier not in written:
                written.append(row.supplier)
    none = np.zeros(0, dtype=np.int64)
    found = [Source("supplier", slug, tuple(called.get(slug, [slug])), _ints(at), none)
             for slug, at in sorted(sellers.items())]  # fmt: skip
    for together, sure in companies:
        slugs = sorted({firm_slug(name) for name in together} & set(sellers))
        if len(slugs) > 1:
            at = [n for slug in slugs for n in sellers[slug]]
            found.append(Source("company", "+".join(slugs), together, _ints(at), none, sure))
    found += [Source("country", code, (), _ints(at), none) for code, at in sorted(places.items())]
    found += _ways(supply)
    found += [Source("part", code, (), none, _ints(at)) for code, at in _bought(supply).items()]
    feeds = {int(n) for n in supply.arrays.link_supplier}
    found += [Source("made", names[n].split(":", 2)[2], (), _ints([n]), none)
              for n in made if n in feeds]  # fmt: skip
    return found


def _nodes(names: Sequence[str]) -> tuple[dict[str, list[int]], dict[str, list[int]], list[int]]:
    """Nodes of each supplier and of each origin country, and those of parts."""
    sellers: dict[str, list[int]] = {}
    places: dict[str, list[int]] = {}
    made: list[int] = []
    for n, name in enumerate(names):
        kind, _, rest = name.partition(":")
        code = rest.partition(":")[0]
        if kind == "supplier":
            sellers.setdefault(code, []).append(n)
        elif kind == "origin" and code != OTHERS:
            places.setdefault(code, []).append(n)
        elif kind == "part":
            made.append(n)
    return sellers, places, made


def _ints(values: Iterable[int]) -> Ints:
    return np.unique(np.array(list(values), dtype=np.int64))


def _own_links(supply: FirmSupply) -> list[int]:
    """Links into the firm itself."""
    mine = set(supply.own.tolist())
    return [e for e, g in enumerate(supply.arrays.link_group.tolist()) if g in mine]


def _bought(supply: FirmSupply) -> dict[str, list[int]]:
    """Links of each good that comes from outside."""
    a = supply.arrays
    found: dict[str, list[int]] = {}
    for e in _own_links(supply):
        if not a.names[int(a.link_supplier[e])].startswith("part:"):
            found.setdefault(a.items[int(a.group_item[a.link_group[e]])], []).append(e)
    return found


def _ways(supply: FirmSupply) -> list[Source]:
    """Straits on the way, and the ports at which a country may load: of those it is not known
    which one, so ports that could be the one stand together, as if all went by them."""
    passing: dict[tuple[str, str], list[int]] = {}
    for e in _own_links(supply):
        start, item = shipped(supply.rows[e])
        route = ref.route_of(start, item) if start else None
        if route is None:
            continue
        loads = [p.id for p in ref.PORTS.values()
                 if (p.country, p.sea_region) == (start, ref.COUNTRIES[start].sea_region)]  # fmt: skip
        for strait in route.chokepoints:
            passing.setdefault(("chokepoint", strait), []).append(e)
        if loads and start != "KR":
            passing.setdefault(("port", "+".join(sorted(loads))), []).append(e)
    none = np.zeros(0, dtype=np.int64)
    return [Source(kind, code, (), none, _ints(at)) for (kind, code), at in sorted(passing.items())]


def shipped(row: Row) -> tuple[str, str]:
    """The country from which the goods of a row come by sea, and what they are; "" not said."""
    if row is None:
        return "", ""
    start = (row.shipped_from if isinstance(row, FirmLink) else "") or row.country
    return start, row.item


def struck(supply: FirmSupply, source: Source) -> Floats:
    """m: share of each link into the firm that is lost while the source is down, 0..1.

    >>> supply = firm_supply([FirmLink("a", "A", "urea", "CN", 0.7), FirmLink("a", "A", "urea", "VN", 0.3)])
    >>> country = next(one for one in sources(supply) if one.code == "CN")
    >>> struck(supply, country).tolist()
    [1.0, 0.0]
    """
    a = supply.arrays
    gone = np.zeros(a.nodes)
    gone[source.nodes] = 1.0
    # A supplier lacks what its origin lacks; it buys each good in one group.
    lost = np.bincount(a.link_buyer, a.link_part * gone[a.link_supplier], a.nodes)
    gone = np.where(supply.sellers, np.maximum(gone, np.minimum(lost, 1.0)), gone)
    share = gone[a.link_supplier]
    share[source.links] = 1.0
    return np.where(np.isin(a.link_group, supply.own), share, 0.0)


def moved_away(supply: FirmSupply, part: Floats, share: float) -> SupplyArrays:
    """The graph when so much (0..1) of what each struck link brings comes from where nothing is
    lost: what is left of a group's shares always arrives. `part` is that of `struck`.

    >>> supply = firm_supply([FirmLink("a", "A", "urea", "CN", 1.0)])
    >>> moved_away(supply, np.ones(1), 0.25).link_part.tolist()
    [0.75]
    """
    a = supply.arrays
    return replace(a, link_part=np.where(part > 0, a.link_part * (1.0 - share), a.link_part))


def unsaid(supply: FirmSupply) -> Mapping[str, int]:
    """How many rows leave out what the test needs, by what it is; 0 where all say it.

    >>> unsaid(firm_supply([FirmLink("a", "A", "urea", "CN", 0.7)]))["stock"]
    1
    """
    links, boms = supply.links, supply.boms
    every: list[FirmLink | BomLine] = [*links, *boms]
    held = {(one.firm, name) for one in supply.stocks for name in (one.item, one.part) if name}
    bought: dict[tuple[str, str], bool] = {}
    parents = {(line.firm, line.parent) for line in boms}
    for row in every:
        good = row.part or row.item
        if isinstance(row, BomLine) and (row.firm, row.part) in parents:
            continue
        known = bool({(row.firm, row.part), (row.firm, row.item)} & held)
        known = known or (isinstance(row, FirmLink) and row.stock_days is not None)
        bought[row.firm, good] = bought.get((row.firm, good), False) or known
    outside = [r for r in every if (r.firm, r.part) not in parents or not r.part]
    return {
        "bom": int(not boms),
        "stock": sum(not known for known in bought.values()),
        "goods": len(bought),
        "share": sum(one.share is None and one.spend is None for one in links),
        "lead": sum(one.lead_days is None for one in outside),
        "way": sum(one.lead_days is None and _unknown_way(one) for one in outside),
        "essential": sum(one.essential is None for one in every),
        "amount": sum(one.spend is None for one in links)
        + sum(one.price_usd is None for one in boms),
        "supplier": sum(not one.supplier for one in outside),
        "country": sum(not one.country for one in outside),
        "rows": len(every),
    }


def _unknown_way(row: FirmLink | BomLine) -> bool:
    start, item = shipped(row)
    return not start or ref.route_of(start, item) is None
