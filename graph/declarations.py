"""What a firm declared, put together: its links for the network, and its own supply graph.

Values that the firm did not give are assumed, and named here: SUBSTITUTE_RHO and SUBSTITUTE_RAMP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from statistics import median

import numpy as np

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, SupplyArrays, compile_arrays
from graph.firms import BomLine, FirmLink, StockLine, firm_slug
from graph.reference import ITEMS, STOCK_DAYS_VALID, route_of

SUBSTITUTE_RHO = 0.5  # assumed: of a part with a named substitute, what that replaces in the end
SUBSTITUTE_RAMP = 60.0  # assumed: days until it has come to 1 - 1/e of that
OTHERS = "others"  # the sellers of what no link speaks of; no event is of them


def links_of(
    links: Iterable[FirmLink], stocks: Iterable[StockLine] = (), on: date | None = None
) -> list[FirmLink]:
    """The links that the network takes: of known items, each good of a firm from one file.

    What a firm says of its shares (links) goes before what its import declarations add up to, so
    that nothing counts twice. A stock row goes before the stock of a link, if it is not too old on
    the day (`in_date`); of one that is too old the link keeps the day only.

    >>> said = FirmLink("a", "A", "urea", "CN", 0.9)
    >>> declared = FirmLink("a", "A", "urea", "VN", 1.0, spend=10.0, source="declarations")
    >>> [(one.country, one.stock_days) for one in links_of(
    ...     [declared, said], [StockLine("a", "A", 12.0, "urea")])]
    [('CN', 12.0)]
    """
    rows = {(one.firm, one.item): one for one in stocks if one.item}
    kept = stated_first([link for link in links if link.item in ITEMS])
    return [_stocked(one, rows.get((one.firm, one.item)), on) for one in kept]


def _stocked(link: FirmLink, stock: StockLine | None, on: date | None) -> FirmLink:
    if stock is None:
        return link
    day = stock.as_of.isoformat() if stock.as_of else ""
    if in_date(stock, on):
        return replace(link, stock_days=stock.days, stock_as_of=day)
    return link if link.stock_days is not None else replace(link, stock_as_of=day)


def in_date(stock: StockLine, on: date | None) -> bool:
    """Whether a stock still tells of the day: at most a year old then, or without a date. One that
    was counted after the day is the nearest that the firm gave.

    >>> counted = StockLine("a", "A", 12.0, "urea", as_of=date(2024, 1, 1))
    >>> in_date(counted, date(2024, 12, 31)), in_date(counted, date(2025, 1, 1))
    (True, False)
    """
    return on is None or stock.as_of is None or (on - stock.as_of).days <= STOCK_DAYS_VALID


def stated_first(links: Sequence[FirmLink]) -> list[FirmLink]:
    """The links without what is declared of a good whose shares the firm states itself.

    >>> said = FirmLink("a", "A", "hs:8471300000", "CN", 0.9)
    >>> declared = FirmLink("a", "A", "hs:8471300000", "VN", 1.0, source="declarations")
    >>> [one.country for one in stated_first([declared, said])]
    ['CN']
    """
    return [one for one, by in zip(links, overridden(links), strict=True) if not by]


def overridden(links: Sequence[FirmLink]) -> list[str]:
    """For each link the shape of file that goes before it, so that it does not count; "" for none.

    >>> said = FirmLink("a", "A", "urea", "CN", 0.9)
    >>> declared = FirmLink("a", "A", "urea", "VN", 1.0, source="declarations")
    >>> overridden([declared, said])
    ['links', '']
    """
    stated = {(one.firm, one.item) for one in links if not _declared(one)}
    return ["links" if _declared(one) and (one.firm, one.item) in stated else "" for one in links]


def _declared(link: FirmLink) -> bool:
    return "declarations" in link.source


@dataclass(slots=True)
class _Columns:
    """Links of the graph as they are found; nodes and commodities numbered by name."""

    nodes: dict[str, int] = field(default_factory=dict)
    goods: dict[str, int] = field(default_factory=dict)
    rows: list[tuple[int, int, int, float]] = field(default_factory=list)  # sup, buy, good, weight
    essential: list[int] = field(default_factory=list)
    stock: list[float] = field(default_factory=list)
    lead: list[int] = field(default_factory=list)
    rho: list[float] = field(default_factory=list)
    of: list[FirmLink | BomLine | None] = field(default_factory=list)

    def add(
        self,
        supplier: str,
        buyer: str,
        good: str,
        weight: float,
        essential: bool = True,
        stock: float = 0.0,
        lead: float = 0.0,
        rho: float = 0.0,
        of: FirmLink | BomLine | None = None,
    ) -> None:
        ends = [self.nodes.setdefault(name, len(self.nodes)) for name in (supplier, buyer)]
        self.rows.append((*ends, self.goods.setdefault(good, len(self.goods)), weight))  # type: ignore[arg-type]
        self.essential.append(ESSENTIAL if essential else NON_ESSENTIAL)
        self.stock.append(stock)
        self.lead.append(round(lead))
        self.rho.append(rho)
        self.of.append(of)


def supply_of_firm(
    links: Sequence[FirmLink], boms: Sequence[BomLine] = (), stocks: Sequence[StockLine] = ()
) -> SupplyArrays:
    """The supply graph of firms from their own rows, for graph.steps.run and its kernels.

    Nodes: `origin:<country>:<good>` -> `supplier:<slug>:<good>` -> `part:<firm>:<part>` (what the bill
    of materials has made in the firm) -> `firm:<slug>`; a link without a supplier comes from its
    origin. A good is an item, `hs:<code>`, or a part. What the shares leave over comes from
    `origin:others:<good>`. Weights are USD where the firm gave amounts; a good without one weighs
    as the median good does. Lead days are those stated, else the days at sea (assumed by
    geography). An input of unsaid need is essential; a product is a part of the firm's output, so
    the loss of one is not the loss of all. ValueError when there are no links and no parts.

    >>> arrays = supply_of_firm([FirmLink("a", "A", "urea", "CN", 0.7, stock_days=20.0)])
    >>> list(arrays.names)
    ['origin:CN:urea', 'firm:a', 'origin:others:urea']
    >>> arrays.link_part.round(2).tolist(), arrays.group_stock.tolist(), arrays.link_lead.tolist()
    ([0.7, 0.3], [20.0], [3, 3])
    """
    return supply_and_rows(links, boms, stocks)[0]


def supply_and_rows(
    links: Sequence[FirmLink], boms: Sequence[BomLine] = (), stocks: Sequence[StockLine] = ()
) -> tuple[SupplyArrays, tuple[FirmLink | BomLine | None, ...]]:
    """`supply_of_firm`, and for each link of it the row that it is of; None: no row says it.

    >>> arrays, rows = supply_and_rows([FirmLink("a", "A", "urea", "CN", 0.7)])
    >>> [row and row.country for row in rows]
    ['CN', None]
    """
    if not links and not boms:
        raise ValueError("a firm without links and parts has no supply graph; import a file first")
    columns = _Columns()
    days = _Days(stocks)
    made = _Made.of(boms, links)
    goods = _goods(links)
    usual = median([w for w in map(_spend, goods.values()) if w] or [1.0])
    for (firm, good), rows in goods.items():
        weight = _spend(rows) or usual
        for buyer, part in made.users(firm, rows):
            _bought(columns, rows, good, buyer, weight * part, days)
    _parts(columns, boms, made, {(f, g) for f, g in goods}, usual, days)
    order = np.lexsort(np.array([row[:3] for row in columns.rows], dtype=np.int64).T[[0, 2, 1]])
    return _compiled(columns), tuple(columns.of[k] for k in order)  # the order of compile_arrays


def _goods(links: Sequence[FirmLink]) -> dict[tuple[str, str], list[FirmLink]]:
    """Links by firm and good: the part where one is named, else the item."""
    found: dict[tuple[str, str], list[FirmLink]] = {}
    for link in links:
        found.setdefault((link.firm, link.part or link.item), []).append(link)
    return found


def _spend(rows: Sequence[FirmLink]) -> float:
    """USD of a good; 0 when a link has no amount."""
    amounts = [row.spend for row in rows]
    return sum(a for a in amounts if a) if all(a is not None for a in amounts) else 0.0


def _shares(rows: Sequence[FirmLink]) -> list[float]:
    """A share for every link: stated, by amount, or an even part of what is left over."""
    if all(row.share is None for row in rows) and (total := _spend(rows)):
        return [(row.spend or 0.0) / total for row in rows]
    left = max(0.0, 1.0 - sum(row.share or 0.0 for row in rows))
    unsaid = sum(row.share is None for row in rows)
    return [left / unsaid if row.share is None else row.share for row in rows]


class _Days:
    """Days in stock of a firm's good: of its stock rows, else as its link says."""

    def __init__(self, stocks: Sequence[StockLine]) -> None:
        self.of = {(one.firm, name): one.days for one in stocks
                   for name in (one.item, one.part) if name}  # fmt: skip

    def get(self, firm: str, *names: str) -> float | None:
        return next((self.of[firm, n] for n in names if (firm, n) in self.of), None)


@dataclass(frozen=True, slots=True)
class _Made:
    """Which parts are made in the firm, and which of them take a bought good."""

    parents: frozenset[tuple[str, str]]  # firm, part that has a line of its own
    takers: Mapping[tuple[str, str], list[tuple[str, float]]]  # firm, good -> parents, weights

    @classmethod
    def of(cls, boms: Sequence[BomLine], links: Sequence[FirmLink]) -> _Made:
        parents = frozenset((line.firm, line.parent) for line in boms)
        takers: dict[tuple[str, str], list[tuple[str, float]]] = {}
        for line in boms:
            if (line.firm, line.part) not in parents:
                for good in {line.part, line.item} - {""}:
                    taken = takers.setdefault((line.firm, good), [])
                    taken.append((line.parent, line.quantity * (line.price_usd or 1.0)))
        return cls(parents, takers)

    def users(self, firm: str, rows: Sequence[FirmLink]) -> list[tuple[str, float]]:
        """Node ids that take the good, each with its part of it: parts of the firm, or itself."""
        for good in (rows[0].part, rows[0].item):
            if taken := self.takers.get((firm, good)):
                whole = sum(weight for _, weight in taken)
                return [(f"part:{firm}:{parent}", weight / whole) for parent, weight in taken]
        return [(f"firm:{firm}", 1.0)]


def _bought(
    columns: _Columns,
    rows: Sequence[FirmLink],
    good: str,
    buyer: str,
    weight: float,
    days: _Days,
) -> None:
    """The links by which one node gets one good."""
    first = rows[0]
    said = next((row.stock_days for row in rows if row.stock_days is not None), 0.0)
    held = days.get(first.firm, first.part, first.item)
    need = next((row.essential for row in rows if row.essential is not None), True)
    stock = said if held is None else held
    leads = [_lead(row) for row in rows]
    shares = _shares(rows)
    for row, share, lead in zip(rows, shares, leads, strict=True):
        if share > 0:
            _from(columns, row, good, buyer, weight * share, need, stock, lead, 0.0)
    rest = 1.0 - sum(shares)
    if rest > 0.005:
        source = f"origin:{OTHERS}:{first.item}"
        columns.add(source, buyer, good, weight * rest, need, stock, max(leads))


def _from(
    columns: _Columns,
    row: FirmLink | BomLine,
    good: str,
    buyer: str,
    weight: float,
    need: bool,
    stock: float,
    lead: float,
    rho: float,
) -> None:
    """From the supplier that is named, and to it from its origin; from the origin without one."""
    start = f"origin:{row.country or OTHERS}:{row.item or good}"
    if row.supplier:
        node = f"supplier:{firm_slug(row.supplier)}:{row.item or good}"
        columns.add(start, node, row.item or good, weight, of=row)
        start = node
    columns.add(start, buyer, good, weight, need, stock, lead, rho, of=row)


def _lead(row: FirmLink | BomLine) -> float:
    """Days that the firm stated, else at sea from where it is shipped; 0 when neither is known."""
    if row.lead_days is not None:
        return row.lead_days
    start = (row.shipped_from if isinstance(row, FirmLink) else "") or row.country
    route = route_of(start, row.item) if start else None
    return route.sailing_days if route is not None else 0.0


def _parts(
    columns: _Columns,
    boms: Sequence[BomLine],
    made: _Made,
    linked: set[tuple[str, str]],
    usual: float,
    days: _Days,
) -> None:
    """Lines of the bill of materials: parts made in the firm, and bought ones without a link."""
    groups: dict[tuple[str, str, str], list[BomLine]] = {}
    for line in boms:
        groups.setdefault((line.firm, line.parent, line.part), []).append(line)
    used = {(line.firm, line.part) for line in boms}
    for (firm, parent, part), lines in groups.items():
        if (firm, part) not in made.parents and {(firm, part), (firm, lines[0].item)} & linked:
            continue  # its links say more
        worth = lines[0].quantity * (lines[0].price_usd or usual) / len(lines)
        need = lines[0].essential is not False
        rho = SUBSTITUTE_RHO if lines[0].substitute else 0.0
        stock = days.get(firm, part, lines[0].item) or 0.0
        buyer = f"part:{firm}:{parent}"
        if (firm, part) in made.parents:
            columns.add(f"part:{firm}:{part}", buyer, part, worth, need, stock, rho=rho)
            continue
        for line in lines:
            _from(columns, line, part, buyer, worth, need, stock, _lead(line), rho)
    for firm, product in sorted(made.parents - used):
        worth = sum(row[3] for row in columns.rows if row[1] == columns.nodes.get(f"part:{firm}:{product}"))  # fmt: skip
        columns.add(f"part:{firm}:{product}", f"firm:{firm}", product, worth, False)


def _compiled(columns: _Columns) -> SupplyArrays:
    """Links compiled; a firm sells what its inputs cost, all of it to final demand."""
    count = len(columns.nodes)
    final = [0.0] * count
    names = list(columns.nodes)
    for _, buyer, _, weight in columns.rows:
        if names[buyer].startswith("firm:"):
            final[buyer] += weight
    supplier, buyer_, good, weights = zip(*columns.rows, strict=True)
    return compile_arrays(
        count,
        supplier,
        buyer_,
        good,
        weights,
        essential=columns.essential,
        stock=columns.stock,
        lead=columns.lead,
        rho=columns.rho,
        ramp=[SUBSTITUTE_RAMP if rho else 0.0 for rho in columns.rho],
        final_sales=final,
        names=tuple(names),
        items=tuple(columns.goods),
    )
