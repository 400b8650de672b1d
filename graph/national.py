"""The national view as a supply graph: origins -> uses -> industries, and firms beside them.

Only the items that the shocks hit are compiled, each with every origin whose share of Korea's
import was read by the day. What no read share covers is an origin of its own, `origin:unknown:..`,
marked inferred: it is never spread over partners that nobody named. A use runs at 1 in normal
times, so its loss over a horizon is in days of normal use: what a use is worth was not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ews.model import Shock
from graph import reference as ref
from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays, compile_arrays
from graph.compile import Compiled, compile_network
from graph.firms import FirmLink, firm_slug
from graph.network import Network, origin, unknown_use
from graph.propagation import hits, recover_days, sailing_days
from graph.reference import Stock, Use
from graph.scenario import Hit, Scenario, scenario
from graph.shocks import settings

UNKNOWN = "unknown"  # the country of an origin that no read share covers
FOREVER = float("inf")
SUPPOSED = "supposed"  # the basis of what a reader asks to take as given


@dataclass(frozen=True, slots=True)
class LinkFact:
    """Where the weight of a link comes from."""

    seller: str  # node id
    buyer: str  # node id
    item: str
    country: str  # ISO2, "unknown" for the remainder, "" inside Korea
    weight: float
    basis: str  # stated | computed | own | inferred | assumed | synthetic
    period: str = ""
    citation: str = ""
    lead_basis: str = "assumed"


@dataclass(frozen=True, slots=True)
class StockFact:
    """Days of cover of an input group: a stated stock, the firm's own, or the assumed default."""

    buyer: str
    item: str
    days: float
    basis: str  # stated | own | assumed
    as_of: str = ""
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What one shock takes hold of: nodes that make less, or links that deliver less."""

    shock: Shock
    nodes: Ints
    links: Ints


@dataclass(frozen=True, slots=True)
class NationalModel:
    """A compiled view for one set of shocks, with the facts behind every link and stock."""

    on: date
    arrays: SupplyArrays
    numbers: Mapping[str, int]  # node id -> number
    links: tuple[LinkFact, ...]  # by link number
    stocks: tuple[StockFact, ...]  # by group number
    targets: tuple[Target, ...]
    uses: Mapping[str, Use]  # node id -> use
    unknown: tuple[tuple[str, str], ...]  # (item, origin or place) hit whose share was not read
    names: Mapping[str, str]  # of firms and their suppliers, as the firm wrote them

    @property
    def counted(self) -> bool:
        """Whether any shock takes hold of a flow whose share was read."""
        return any(len(target.nodes) or len(target.links) for target in self.targets)

    @property
    def buyers(self) -> tuple[str, ...]:
        """Uses, industries and firms, whose loss is reported: node ids."""
        kinds = ("use:", "industry:", "firm:")
        return tuple(name for name in self.arrays.names if name.startswith(kinds))

    def with_stock(self, days: float) -> NationalModel:
        """The same with so many days of cover, supposed, wherever a stock is kept."""
        stocks = tuple(
            replace(s, days=days, basis=SUPPOSED, as_of="", citation="") if s.days > 0 else s
            for s in self.stocks
        )
        cover = np.array([s.days for s in stocks], dtype=np.float64)
        return replace(self, stocks=stocks, arrays=replace(self.arrays, group_stock=cover))


@dataclass(frozen=True, slots=True)
class _Row:
    seller: str
    buyer: str
    commodity: str
    weight: float
    lead: int
    ramp: float
    rho: float
    stock: StockFact
    fact: LinkFact
    essential: int = ESSENTIAL  # without a word of the firm's the cautious reading


def national_model(
    network: Network, shocks: Sequence[Shock], on: date, firms: Sequence[FirmLink] = ()
) -> NationalModel:
    """The supply graph of what the shocks hit, with facts as known on the day.

    `firms`: the links of the firms that the viewer may see; the network's own are not used, so
    that no firm's data gets in unasked.

    >>> from datetime import UTC, datetime
    >>> from graph.network import build_network
    >>> notice = Shock("evt-1", "origin", "origin:CN:urea", 0.6, 0.9, 90.0,
    ...                datetime(2021, 10, 11, tzinfo=UTC), lag_days=4)
    >>> model = national_model(build_network(), [notice], date(2021, 10, 11))
    >>> [m for m in model.buyers if m.startswith("industry:4930")]   # trucks run on urea
    ['industry:49301']
    >>> model.stocks[0].days, model.stocks[0].basis
    (30.0, 'assumed')
    """
    compiled = compile_network(network)
    found = [hit for shock in shocks for hit in hits(shock, compiled)]
    named = {s.target.split(":", 1)[1] for s in shocks if s.target_kind == "firm"}
    sold = {link.item for link in firms if link.supplier and firm_slug(link.supplier) in named}
    model = whole_model(network, [*(hit.item for hit in found), *sorted(sold)], on, firms)
    targets = tuple(_target(shock, compiled, model, firms) for shock in shocks)
    reached = {model.links[n].item for t in targets for n in _links_of(model.arrays, t)}
    unread = ((h.item, h.place or ",".join(h.origins)) for h in found if h.item not in reached)
    return replace(model, targets=targets, unknown=tuple(dict.fromkeys(unread)))


def whole_model(
    network: Network, items: Iterable[str], on: date, firms: Sequence[FirmLink] = ()
) -> NationalModel:
    """The supply graph of the items as known on the day, with nothing done to it yet.

    >>> from graph.network import build_network
    >>> whole_model(build_network(), ["helium"], date(2026, 1, 5)).arrays.names[:2]
    ('origin:QA:helium', 'use:helium:1')
    """
    compiled = compile_network(network)
    rows: list[_Row] = []
    uses: dict[str, Use] = {}
    for item in dict.fromkeys(items):
        for use in compiled.uses.get(item) or (unknown_use(item),):
            uses[use.id] = use
            rows += _use_rows(compiled, item, use, on)
        rows += _firm_rows(firms, item)
    arrays, numbers = _compiled(rows)
    links, stocks = _facts(arrays, rows)
    names = {f"firm:{x.firm}": x.name for x in firms}
    names |= {seller_of(x): x.supplier for x in firms if x.supplier}
    return NationalModel(on, arrays, numbers, links, stocks, (), uses, (), names)


def _use_rows(compiled: Compiled, item: str, use: Use, on: date) -> Iterable[_Row]:
    """Links of the origins with a share read by the day, the rest, and the use's industry."""
    known = {c: ref.best_share(item, c, on, use.scope) for c in compiled.suppliers.get(item, ())}
    keep = ref.comparable(known.values())
    shares = {c: s for c, s in known.items() if s in keep and s is not None and s.share}
    if not shares:
        return
    total = sum(s.share or 0.0 for s in shares.values())
    stock = _stock(use, on)
    rho = settings()["times"]["substitutable"]
    for country, share in shares.items():
        seller = origin(country, item)
        part = (share.share or 0.0) / max(1.0, total)
        lead = round(sailing_days([country], item))
        fact = LinkFact(
            seller, use.id, item, country, part, share.basis, share.period, share.citation
        )
        yield _Row(seller, use.id, item, part, lead, recover_days(FOREVER, part), rho, stock, fact)
    if total < 1:
        seller = origin(UNKNOWN, item)
        fact = LinkFact(seller, use.id, item, UNKNOWN, 1 - total, "inferred")
        yield _Row(
            seller, use.id, item, 1 - total, 0, recover_days(FOREVER, None), rho, stock, fact
        )
    if use.ksic:
        yield _inside(use.id, f"industry:{use.ksic}", use)


def _inside(seller: str, buyer: str, use: Use) -> _Row:
    """An industry cannot do without its use: the cautious reading, assumed."""
    fact = LinkFact(seller, buyer, use.id, "", 1.0, use.basis, "", use.citation)
    return _Row(
        seller, buyer, use.id, 1.0, 0, 0.0, 0.0, StockFact(buyer, use.id, 0, "assumed"), fact
    )


def _stock(use: Use, on: date) -> StockFact:
    found: Stock | None = ref.best_stock(use.item, on, use.scope)
    if found is None:
        return StockFact(use.id, use.item, settings()["times"]["stock_days"], "assumed")
    return StockFact(
        use.id, use.item, found.days, "stated", found.as_of.isoformat(), found.citation
    )


def _firm_rows(firms: Sequence[FirmLink], item: str) -> Iterable[_Row]:
    """A firm's own links; what they leave open of its input comes from an unknown seller."""
    by_firm: dict[str, list[FirmLink]] = {}
    for link in firms:
        if link.item == item and link.share:
            by_firm.setdefault(link.firm, []).append(link)
    for firm, links in by_firm.items():
        buyer = f"firm:{firm}"
        total = sum(link.share or 0.0 for link in links)
        days = next((x.stock_days for x in links if x.stock_days is not None), None)
        assumed = StockFact(buyer, item, settings()["times"]["stock_days"], "assumed")
        day = next((x.stock_as_of for x in links if x.stock_as_of), "")
        if days is not None:
            own = StockFact(buyer, item, days, "own", day, "the firm")
        elif day:
            own = replace(assumed, citation=f"the firm's stock of {day} is too old to be used")
        else:
            own = assumed
        rho = settings()["times"]["substitutable"]
        kind = NON_ESSENTIAL if all(x.essential is False for x in links) else ESSENTIAL
        for link in links:
            seller = seller_of(link)
            basis = "synthetic" if link.synthetic else "own"
            sailing, lead_basis = sailing_days([link.country], item), "assumed"
            if link.lead_days is not None:
                sailing, lead_basis = link.lead_days, "own"
            fact = LinkFact(
                seller,
                buyer,
                item,
                link.country,
                link.share or 0.0,
                basis,
                link.period,
                link.source,
                lead_basis,
            )
            ramp = recover_days(FOREVER, link.share)
            yield _Row(
                seller, buyer, item, link.share or 0.0, round(sailing), ramp, rho, own, fact, kind
            )
        if total < 1 - 1e-9:
            seller = f"supplier:{UNKNOWN}:{item}"
            fact = LinkFact(seller, buyer, item, UNKNOWN, 1 - total, "inferred")
            ramp = recover_days(FOREVER, None)
            yield _Row(seller, buyer, item, 1 - total, 0, ramp, rho, own, fact, kind)


def seller_of(link: FirmLink) -> str:
    """The node that a firm's link buys from: the named supplier, or the origin itself."""
    if link.supplier:
        return f"supplier:{firm_slug(link.supplier)}:{link.country}:{link.item}"
    return origin(link.country, link.item)


def _compiled(rows: Sequence[_Row]) -> tuple[SupplyArrays, Mapping[str, int]]:
    names = list(dict.fromkeys(name for row in rows for name in (row.seller, row.buyer)))
    numbers = {name: n for n, name in enumerate(names)}
    items = list(dict.fromkeys(row.commodity for row in rows))
    commodity = {item: n for n, item in enumerate(items)}
    arrays = compile_arrays(
        len(names),
        [numbers[row.seller] for row in rows],
        [numbers[row.buyer] for row in rows],
        [commodity[row.commodity] for row in rows],
        [row.weight for row in rows],
        essential=[row.essential for row in rows],
        stock=[row.stock.days for row in rows],
        lead=[row.lead for row in rows],
        rho=[row.rho for row in rows],
        ramp=[row.ramp for row in rows],
        output=np.ones(len(names)),
        names=tuple(names),
        items=tuple(items),
    )
    return arrays, numbers


def _facts(
    arrays: SupplyArrays, rows: Sequence[_Row]
) -> tuple[tuple[LinkFact, ...], tuple[StockFact, ...]]:
    """The facts in the order of the compiled links and groups."""
    by_key = {(row.seller, row.buyer, row.commodity): row for row in rows}
    buyer, group = arrays.link_buyer, arrays.link_group
    ordered = [
        by_key[
            arrays.names[arrays.link_supplier[n]],
            arrays.names[buyer[n]],
            arrays.items[arrays.group_item[group[n]]],
        ]
        for n in range(arrays.links)
    ]
    stocks = [ordered[first].stock for first in arrays.link_start[:-1]]
    return tuple(row.fact for row in ordered), tuple(stocks)


def _target(
    shock: Shock, compiled: Compiled, model: NationalModel, firms: Sequence[FirmLink]
) -> Target:
    """The nodes or links that a shock takes hold of."""
    arrays = model.arrays
    struck = list(hits(shock, compiled))
    nodes: set[int] = set()
    cut: set[int] = set()
    for hit in struck:
        for n, fact in enumerate(model.links):
            if fact.item != hit.item or not fact.country:
                continue
            mine = hit.world or fact.country in hit.origins
            if mine and hit.place:
                cut.add(n)
            elif mine:
                nodes.add(int(arrays.link_supplier[n]))
    if shock.target_kind == "firm":
        slug = shock.target.split(":", 1)[1]
        sellers = {seller_of(x) for x in firms if x.supplier and firm_slug(x.supplier) == slug}
        nodes |= {n for n, name in enumerate(arrays.names) if name in sellers}
    return Target(shock, np.array(sorted(nodes), np.int64), np.array(sorted(cut), np.int64))


def _links_of(arrays: SupplyArrays, target: Target) -> Iterable[int]:
    yield from map(int, target.links)
    for node in target.nodes:
        yield from map(int, arrays.sold[arrays.sold_start[node] : arrays.sold_start[node + 1]])


def scenario_of(
    model: NationalModel,
    days: int,
    *,
    magnitude: float | Mapping[int, float] | None = None,
    duration: float = 1.0,
    delay: float = 0.0,
    recovery_days: float = 0.0,
) -> Scenario:
    """The shocks of a model day by day: day 0 is the start of the earliest shock.

    `magnitude` replaces every shock's own (a number, or by shock number); `duration` multiplies,
    `delay` moves the start in days; the flow comes back evenly over `recovery_days`.
    """
    first = min((t.shock.start for t in model.targets), default=None)
    capacity: list[Hit] = []
    deliveries: list[Hit] = []
    for n, target in enumerate(model.targets):
        shock = target.shock
        m = magnitude.get(n) if isinstance(magnitude, Mapping) else magnitude
        start = (shock.start - first).total_seconds() / 86400 if first is not None else 0.0
        recovery = "linear" if recovery_days > 0 else "step"
        for targets, hit in ((target.nodes, capacity), (target.links, deliveries)):
            if len(targets):
                hit.append(
                    Hit(
                        targets,
                        shock.magnitude if m is None else m,
                        max(0.0, start + shock.lag_days + delay),
                        shock.duration_days * duration,
                        recovery,
                        recovery_days,
                    )
                )
    return scenario(days, capacity, deliveries)


def shortage_days(model: NationalModel, level: Floats, threshold: float = 0.01) -> dict[str, int]:
    """Per use, industry and firm the first day on which more than `threshold` is short.

    `level` is T x nodes. Buyers that never run short are left out.
    """
    short = 1.0 - level > threshold
    found = {}
    for name in model.buyers:
        days = np.flatnonzero(short[:, model.numbers[name]])
        if len(days):
            found[name] = int(days[0])
    return found
