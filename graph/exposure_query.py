"""Standing dependence, without any event: of an item, a country, an industry or a firm.

Plain facts for reports and pages. Every figure keeps its period and citation; what was not read
is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from graph import reference as ref
from graph.compile import Compiled, compile_network
from graph.firms import FirmLink
from graph.network import Network, unknown_use
from graph.reference import Country, Industry, Item, Ministry, Route, Share, Stock, Use


@dataclass(frozen=True, slots=True)
class PartnerShare:
    """One supplier of an item: the figure used, and the other figures that were read."""

    country: Country
    used: Share | None
    others: tuple[Share, ...]
    route: Route | None


@dataclass(frozen=True, slots=True)
class UseOf:
    """A domestic use with the industry and the ministries in charge."""

    use: Use
    industry: Industry | None
    ministries: tuple[Ministry, ...]


@dataclass(frozen=True, slots=True)
class ItemDependence:
    item: Item
    partners: tuple[PartnerShare, ...]  # largest first
    hhi: float | None  # Herfindahl-Hirschman index of the known shares, 0..1: a lower bound
    covered: float  # sum of the shares behind the index, 0..1
    uses: tuple[UseOf, ...]
    chokepoints: tuple[tuple[str, float | None], ...]  # id, share of the import that passes
    stock: Stock | None
    stocks: tuple[Stock, ...]


@dataclass(frozen=True, slots=True)
class CountryDependence:
    country: Country
    rows: tuple[tuple[Item, PartnerShare, tuple[UseOf, ...]], ...]  # largest share first


@dataclass(frozen=True, slots=True)
class IndustryDependence:
    industry: Industry
    rows: tuple[tuple[ItemDependence, tuple[UseOf, ...]], ...]  # most concentrated item first


@dataclass(frozen=True, slots=True)
class FirmDependence:
    firm: str
    name: str
    synthetic: bool
    links: tuple[FirmLink, ...]
    items: tuple[ItemDependence, ...]  # what Korea as a whole has of the same items


class UnknownName(LookupError):
    """A name that the network does not hold; the message suggests near ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        near = get_close_matches(name, list(known), 3, 0.6)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        super().__init__(f"unknown {kind} {name!r}{hint}")


def exposure_of_item(network: Network, item: str, on: date | None = None) -> ItemDependence:
    """Who sells the item to Korea, how concentrated, by which straits, for which uses.

    >>> from graph.network import build_network
    >>> found = exposure_of_item(build_network(), "helium")
    >>> [(p.country.code, p.used.share) for p in found.partners]
    [('QA', 0.647), ('US', 0.285), ('RU', 0.051)]
    >>> round(found.hhi, 3), found.chokepoints[0]
    (0.502, ('hormuz', 0.647))
    """
    if item not in ref.ITEMS:
        raise UnknownName("item", item, ref.ITEMS)
    compiled = compile_network(network)
    rows = [_partner(compiled, country, item, on) for country in compiled.suppliers.get(item, ())]
    rows.sort(key=lambda row: (-_size(row.used), row.country.code))
    figures = ref.comparable([row.used for row in rows])
    shares = [s.share for s in figures if s.share is not None]
    return ItemDependence(
        item=ref.ITEMS[item],
        partners=tuple(rows),
        hhi=sum(s * s for s in shares) if shares else None,
        covered=min(1.0, sum(shares)),
        uses=tuple(_use(u) for u in compiled.uses.get(item) or (unknown_use(item),)),
        chokepoints=_chokepoints(rows, figures),
        stock=ref.best_stock(item, on),
        stocks=tuple(ref.STOCKS.get(item, ())),
    )


def exposure_of_country(
    network: Network, country: str, on: date | None = None
) -> CountryDependence:
    """What Korea buys there, as far as figures were read, the largest share first."""
    if country not in ref.COUNTRIES:
        raise UnknownName("country", country, ref.COUNTRIES)
    compiled = compile_network(network)
    rows = [
        (
            ref.ITEMS[item],
            _partner(compiled, country, item, on),
            tuple(_use(u) for u in compiled.uses.get(item, ())),
        )
        for item in compiled.sold_by.get(country, ())
    ]
    rows.sort(key=lambda row: (not row[0].watched, -_size(row[1].used), row[0].id))
    return CountryDependence(ref.COUNTRIES[country], tuple(rows))


def exposure_of_industry(network: Network, ksic: str, on: date | None = None) -> IndustryDependence:
    """The imported items that an industry uses, the most concentrated first."""
    if ksic not in ref.INDUSTRIES:
        raise UnknownName("industry (KSIC code)", ksic, ref.INDUSTRIES)
    compiled = compile_network(network)
    rows = []
    for item, uses in compiled.uses.items():
        mine = tuple(_use(u) for u in uses if u.ksic == ksic)
        if mine:
            rows.append((exposure_of_item(network, item, on), mine))
    rows.sort(key=lambda row: (-(row[0].hhi or 0.0), row[0].item.id))
    return IndustryDependence(ref.INDUSTRIES[ksic], tuple(rows))


def exposure_of_firm(network: Network, firm: str, on: date | None = None) -> FirmDependence:
    """A firm's own links, with Korea's dependence on the same items beside them."""
    compiled = compile_network(network)
    every = [link for links in compiled.firms.values() for link in links]
    links = [link for link in every if firm in (link.firm, link.name)]
    if not links:
        raise UnknownName("firm", firm, {link.firm for link in every})
    links.sort(key=lambda link: (-(link.share or 0.0), link.item, link.country))
    return FirmDependence(
        firm=links[0].firm,
        name=links[0].name,
        synthetic=any(link.synthetic for link in links),
        links=tuple(links),
        items=tuple(
            exposure_of_item(network, item, on) for item in dict.fromkeys(x.item for x in links)
        ),
    )


def _size(share: Share | None) -> float:
    return (share.share or 0.0) if share else 0.0


def _partner(compiled: Compiled, country: str, item: str, on: date | None) -> PartnerShare:
    used = compiled.share(country, item, on)
    others = tuple(s for s in compiled.rows.get((country, item), ()) if s is not used)
    return PartnerShare(ref.COUNTRIES[country], used, others, ref.route_of(country, item))


def _use(use: Use) -> UseOf:
    return UseOf(
        use,
        ref.INDUSTRIES.get(use.ksic),
        tuple(ref.MINISTRIES[m] for m in use.ministries),
    )


def _chokepoints(
    rows: Sequence[PartnerShare], figures: Sequence[Share]
) -> tuple[tuple[str, float | None], ...]:
    passing: dict[str, float] = {}
    for row in rows:
        for code in row.route.chokepoints if row.route else ():
            share = row.used.share if row.used in figures and row.used else None
            passing[code] = passing.get(code, 0.0) + (share or 0.0)
    found = [(code, round(min(1.0, total), 4) or None) for code, total in passing.items()]
    return tuple(sorted(found, key=lambda pair: (-(pair[1] or 0.0), pair[0])))
