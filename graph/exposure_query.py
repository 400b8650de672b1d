"""Standing dependence, without any event: of an item, a country, an industry or a firm.

Plain facts for reports and pages. Every figure keeps its period and citation; what was not read
is None. Asked for a day (`on`), nothing of a period that ended later, nor a stock stated later, is
used or listed. When a figure of an ended period was published is mostly not known, so an answer
for a past day may know a share some months early.
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

MOST_COVERED = 1.02  # shares of one set may exceed the whole by what rounding adds, not by more


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
    stock: Stock | None = None  # that propagation would count with; None: its assumed default


@dataclass(frozen=True, slots=True)
class ItemDependence:
    item: Item
    partners: tuple[PartnerShare, ...]  # largest first
    hhi: float | None  # Herfindahl-Hirschman index of one consistent set, 0..1: a lower bound
    covered: float  # sum of the shares behind the index, 0..1; 0 without an index
    uses: tuple[UseOf, ...]
    chokepoints: tuple[tuple[str, float | None], ...]  # id, share of the import that passes
    stock: Stock | None  # newest that may still be used, of any scope; say its scope and as_of
    stocks: tuple[Stock, ...]  # every one stated by the day, of any scope and age, newest first


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
    found = [_partner(compiled, country, item, on) for country in compiled.suppliers.get(item, ())]
    rows = [row for row in found if row.used or row.others]
    rows.sort(key=lambda row: (-_size(row.used), row.country.code))
    figures = ref.comparable([row.used for row in rows])
    shares = _consistent(rows)
    stocks = ref.stocks_by(item, on)
    return ItemDependence(
        item=ref.ITEMS[item],
        partners=tuple(rows),
        hhi=sum(s * s for s in shares) if shares else None,
        covered=min(1.0, sum(shares)),
        uses=tuple(_use(u, on) for u in compiled.uses.get(item) or (unknown_use(item),)),
        chokepoints=_chokepoints(rows, figures),
        stock=next((s for s in stocks if ref.valid_stock(s, on)), None),
        stocks=stocks,
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
            partner,
            tuple(_use(u, on) for u in compiled.uses.get(item, ())),
        )
        for item in compiled.sold_by.get(country, ())
        if (partner := _partner(compiled, country, item, on)).used or partner.others
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
        mine = tuple(_use(u, on) for u in uses if u.ksic == ksic)
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
    rows = ref.ended_by(compiled.rows.get((country, item), ()), on)
    used = ref.choose_share(rows, on)
    others = tuple(s for s in rows if s is not used)
    return PartnerShare(ref.COUNTRIES[country], used, others, ref.route_of(country, item))


def _consistent(partners: Sequence[PartnerShare]) -> list[float]:
    """Shares that may be squared together: one unit, one scope, the newest figure per partner.

    Of the sets of about the newest time the one of most partners, then the one with most of the
    figures that are used, then the fullest. Empty when it adds up to more than it can: it is then
    not of one thing, and no index is better than a wrong one.
    """
    sets: dict[tuple[str, str], dict[str, list[Share]]] = {}
    for one in partners:
        for row in (*((one.used,) if one.used else ()), *one.others):
            by_partner = sets.setdefault((row.unit, row.scope), {})
            by_partner.setdefault(one.country.code, []).append(row)
    found = [ref.comparable(map(ref.choose_share, rows.values())) for rows in sets.values()]
    newest = set(map(id, ref.comparable(s for figures in found for s in figures)))
    used = {id(one.used) for one in partners}

    def standing(figures: Sequence[Share]) -> tuple[int, int, float]:
        mine = sum(id(s) in used for s in figures)
        return len(figures), mine, sum(s.share or 0.0 for s in figures)

    fresh = ([s for s in figures if id(s) in newest] for figures in found)
    shares = [s.share or 0.0 for s in max(fresh, key=standing, default=[])]
    return shares if sum(shares) <= MOST_COVERED else []


def _use(use: Use, on: date | None) -> UseOf:
    return UseOf(
        use,
        ref.INDUSTRIES.get(use.ksic),
        tuple(ref.MINISTRIES[m] for m in use.ministries),
        ref.best_stock(use.item, on, use.scope),
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
