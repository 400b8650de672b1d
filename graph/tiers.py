"""Who stands where nobody was named: virtual suppliers, inferred from trade shares.

What a buyer spends on an item beyond its known links is laid on the countries from which the
country of the buyer imports that item. It is a guess about one firm from a figure of a nation, so
every such link is marked inferred, with a confidence. What no share covers stays `unknown`: one
supplier per item without a country, on which no event falls; it is never spread over partners.

Confidence = reliability of the share (high 0.8, medium 0.6, otherwise 0.4)
           x 0.5 if the share is of a part or of a wider group of the item
           x 0.9 for every year between the end of its period and the day
           x 1 / total where the shares of an item add up to a total above 1 (they are scaled to 1).
The factors are assumed: they rank guesses, they are not frequencies. `unknown` has confidence 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from graph import reference as ref
from graph.supply import all_links, all_nodes, assemble, held_links
from graph.supply_checks import check_supply
from graph.supply_nouns import SHARE, Node, SupplyError, SupplyGraph, SupplyLink

UNKNOWN = "unknown"
KNOWN_WELL = 0.995  # links that cover this much of an input leave nothing to infer
RELIABILITY = {"high": 0.8, "medium": 0.6}
OTHER_RELIABILITY = 0.4
MISFIT = 0.5
PER_YEAR = 0.9
HOLDER = "KR"  # the shipped shares are of the imports of this country
NATIONAL = ("item", "use", "industry")
ROUNDED = 1e-9  # less than this is what summing leaves


@dataclass(frozen=True, slots=True)
class Origin:
    """A country's part in the import of an item, as far as it can stand for one buyer's."""

    country: str
    share: float  # 0..1; those of an item add up to at most 1
    confidence: float
    source: str
    as_of: date


Origins = Callable[[str, date], Sequence[Origin]]  # item, day -> what was known by then


def import_origins(item: str, on: date) -> list[Origin]:
    """The countries that Korea imports an item from, by the figures of about one time.

    An HS code is read as the item it names, where it names one only. Empty when nothing was read.

    >>> [(o.country, o.share, round(o.confidence, 2))
    ...  for o in import_origins("artificial-graphite", date(2023, 12, 1))]
    [('CN', 0.943, 0.79)]
    """
    named = [item] if item in ref.ITEMS else [i.id for i in ref.items_by_hs(item)]
    if len(named) != 1:
        return []
    found = ref.comparable(ref.best_share(named[0], c, on) for c in ref.partners(named[0]))
    total = max(1.0, sum(s.share or 0.0 for s in found))
    return [
        Origin(s.partner, s.share / total, _confidence(s, on) / total, s.citation, s.period_end)
        for s in found
        if s.share
    ]


def _confidence(share: ref.Share, on: date) -> float:
    years = max(0.0, (on - share.period_end).days / 365.25)
    fit = 1.0 if share.fit == "item" else MISFIT
    known = RELIABILITY.get(share.reliability, OTHER_RELIABILITY)
    return float(known * fit * PER_YEAR**years)


def fill_tiers(graph: SupplyGraph, on: date, origins: Origins = import_origins) -> SupplyGraph:
    """The graph in which every stated spending is bought from somebody, known or inferred.

    A buyer's spending is `spend` of its node; for links given as shares without one it is 1. The
    rest that no link covers x the share of a country comes from `origin:CN:urea` if that is a
    node, else from the virtual `supplier:CN:urea`; what is left from `supplier:unknown:urea`. An
    origin from which the buyer said how much it takes gets no more. Only buyers in Korea, and
    items, uses and industries, which are Korean, have shares. Inferred links take class and stock
    of the known links of the input; sea routes and days are assumed. Take `as_of` first: the
    newest rows are what counts as known.

    >>> from graph.supply import build_supply
    >>> firm = Node("firm:b", "firm", country="KR", spend={"artificial-graphite": 100.0})
    >>> filled = fill_tiers(build_supply([firm], []), date(2023, 12, 1))
    >>> for k in all_links(filled):
    ...     print(k.supplier, round(k.weight, 3), round(k.confidence, 2))
    supplier:CN:artificial-graphite 0.943 0.79
    supplier:unknown:artificial-graphite 0.057 0.0
    """
    nodes: dict[str, Node] = {}
    links: list[SupplyLink] = []
    for gap in _gaps(graph):
        rest = 1.0
        for origin in origins(gap.item, on) if _imports(gap.buyer) else ():
            supplier = f"origin:{origin.country}:{gap.item}"
            if supplier not in graph:
                supplier = f"supplier:{origin.country}:{gap.item}"
            if supplier in gap.named:
                continue
            rest -= origin.share
            nodes.setdefault(supplier, _virtual(supplier, gap.item, origin))
            links.append(_link(gap, supplier, origin.share, origin))
        if rest > ROUNDED:
            supplier = f"supplier:{UNKNOWN}:{gap.item}"
            nodes.setdefault(supplier, _virtual(supplier, gap.item, None))
            links.append(_link(gap, supplier, rest, None))
    added = [node for name, node in nodes.items() if name not in graph]
    rows = [*all_nodes(graph), *added], [*all_links(graph), *links]
    if problems := check_supply(*rows):
        raise SupplyError(problems)
    return assemble(*rows, [*held_links(graph), *links])


@dataclass(frozen=True, slots=True)
class _Gap:
    """What a buyer takes of an item from nobody that is known."""

    buyer: Node
    item: str
    left: float  # in `unit`
    unit: str
    like: SupplyLink | None  # a known link of the same input
    named: frozenset[str]  # suppliers of the known links


def _gaps(graph: SupplyGraph) -> list[_Gap]:
    gaps = []
    for name, data in graph.nodes(data=True):
        buyer: Node = data["node"]
        known: dict[str, list[SupplyLink]] = {item: [] for item in buyer.spend}
        for *_, edge in graph.in_edges(name, data=True):
            for link in edge.get("links", ()):
                known.setdefault(link.item, []).append(link)
        for item, links in known.items():
            unit = links[0].unit if links else SHARE
            if unit != SHARE and item not in buyer.spend:
                continue  # the known links are all that is said about this input
            whole = 1.0 if unit == SHARE else buyer.spend[item]
            left = whole - sum(link.weight for link in links)
            if left > (1.0 - KNOWN_WELL) * whole:
                like = links[0] if links else None
                gaps.append(
                    _Gap(buyer, item, left, unit, like, frozenset(k.supplier for k in links))
                )
    return gaps


def _imports(buyer: Node) -> bool:
    return buyer.country == HOLDER or (not buyer.country and buyer.kind in NATIONAL)


def _virtual(supplier: str, item: str, origin: Origin | None) -> Node:
    country = ref.COUNTRIES[origin.country] if origin else None
    named = ref.ITEMS.get(item)
    of = (named.en if named else item, named.ko if named else item)
    return Node(
        supplier,
        "supplier",
        en=f"{of[0]} from {country.en}" if country else f"{of[0]}, supplier unknown",
        ko=f"{country.ko}산 {of[1]}" if country else f"{of[1]} 공급처 미상",
        country=country.code if country else "",
        basis="inferred",
        source=origin.source if origin else "",
        as_of=origin.as_of if origin else None,
        confidence=origin.confidence if origin else 0.0,
    )


def _link(gap: _Gap, supplier: str, share: float, origin: Origin | None) -> SupplyLink:
    sea = ref.route_of(origin.country, gap.item) if origin and _imports(gap.buyer) else None
    link = SupplyLink(
        supplier,
        gap.buyer.id,
        gap.item,
        gap.left * share,
        unit=gap.unit,
        lead_days=round(sea.sailing_days) if sea else 0,
        route={f"chokepoint:{point}": 1.0 for point in sea.chokepoints} if sea else {},
        basis="inferred",
        source=origin.source if origin else "",
        as_of=origin.as_of if origin else None,
        synthetic=gap.buyer.synthetic,
        confidence=origin.confidence if origin else 0.0,
    )
    if gap.like is None:
        return link
    kept = {k: v for k, v in gap.like.sources.items() if k in ("essential", "stock_days")}
    return replace(link, essential=gap.like.essential, stock_days=gap.like.stock_days, sources=kept)
