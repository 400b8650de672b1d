"""Rows of what holds without any event: shares, uses, routes, concentration, a firm's own links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache

from ews.reports.names import label, labels
from ews.reports.then import CLASHING, NO_FIGURE
from ews.reports.views import (
    DependenceLine,
    Label,
    LinkLine,
    Passage,
    RouteLine,
    ShareLine,
    UseLine,
)
from graph import Network, build_network
from graph.compile import compile_network
from graph.declarations import overridden
from graph.exposure_query import ItemDependence, exposure_of_item
from graph.firms import FirmLink
from graph.reference import ITEMS, USES, best_share, route_of

Pair = tuple[str, str]  # item, partner


@cache
def network() -> Network:
    """The shipped network, without any firm's links."""
    return build_network()


def loaded_at(port: str) -> list[Pair]:
    """The (item, partner) pairs that may load at a port, by geography."""
    found = compile_network(network()).through.get(f"port:{port}", ())
    return [(item, country) for country, item in found]


def dependence_lines(items: Iterable[str], on: date) -> tuple[DependenceLine, ...]:
    """Concentration, passages and stocks of each item, as of that day."""
    return tuple(
        _dependence_line(exposure_of_item(network(), item, on)) for item in items if item in ITEMS
    )


def _dependence_line(found: ItemDependence) -> DependenceLine:
    stock = found.stock
    figures = any(partner.used is not None for partner in found.partners)
    return DependenceLine(
        item=label("item", found.item.id),
        hhi=found.hhi,
        covered=None if found.hhi is None else found.covered,
        passages=tuple(Passage(label("chokepoint", c), share) for c, share in found.chokepoints),
        stock_days=stock.days if stock else None,
        stock_as_of=stock.as_of.isoformat() if stock else "",
        stock_citation=stock.citation if stock else "",
        why_unknown=None if found.hhi is not None else CLASHING if figures else NO_FIGURE,
    )


def share_lines(pairs: Iterable[Pair], on: date) -> tuple[ShareLine, ...]:
    """The share that propagation uses on that day for each pair; largest first, unknown last."""
    lines = [_share_line(pair, on) for pair in pairs]
    return tuple(sorted(lines, key=_share_order))


def _share_line(pair: Pair, on: date) -> ShareLine:
    item, partner = label("item", pair[0]), label("country", pair[1])
    share = best_share(*pair, on)
    if share is None or share.period_end > on:
        return ShareLine(item, partner, None, "", "", "unknown", "", "", "", False, False)
    return ShareLine(
        item, partner, share.share, share.unit, share.period, share.basis, share.citation,
        share.reliability, share.scope, share.at_least, share.stale,
    )  # fmt: skip


def _share_order(line: ShareLine) -> tuple[bool, float, str]:
    return line.share is None, -(line.share or 0.0), line.partner.code


def use_lines(
    items: Iterable[str], industries: frozenset[str] | None = None
) -> tuple[UseLine, ...]:
    """Every domestic use of the items (in those industries, where given); a use left out is how urea went to the wrong ministry."""
    return tuple(
        UseLine(
            item=label("item", item),
            use=Label(use.id, use.en, use.ko),
            industry=label("industry", use.ksic) if use.ksic else None,
            ministries=labels("ministry", use.ministries),
            basis=use.basis,
            ministry_basis=use.ministry_basis,
            citation=use.citation,
        )
        for item in items
        for use in USES.get(item, ())
        if industries is None or use.ksic in industries
    )


def route_lines(pairs: Iterable[Pair]) -> tuple[RouteLine, ...]:
    """The sea route of each pair, where the table has one; the same way of a partner once."""
    found: dict[tuple[str, tuple[str, ...]], RouteLine] = {}
    for item, partner in pairs:
        route = route_of(partner, item)
        if route is not None and route.chokepoints:
            line = RouteLine(
                label("item", item),
                label("country", partner),
                labels("chokepoint", route.chokepoints),
                route.sailing_days,
            )
            found.setdefault((partner, route.chokepoints), line)
    return tuple(found.values())


def firm_label(row: Mapping[str, object], whose: bool = False) -> Label:
    """The firm of a stored row, as it writes itself; with its owner where several have it."""
    name = str(row.get("name") or row["firm"])
    if whose and row["owner"] != name:
        name = f"{name} ({row['owner']})"
    return Label(str(row["firm"]), name, name)


def link_lines(rows: Sequence[Mapping[str, object]]) -> tuple[LinkLine, ...]:
    """Imported supplier links as rows; those that others of the same good go before are marked."""
    links = [FirmLink.from_row(row) for row in rows]
    ways = zip(rows, links, overridden(links), strict=True)
    return tuple(_link_line(row, link, by) for row, link, by in ways)


def _link_line(row: Mapping[str, object], link: FirmLink, by: str) -> LinkLine:
    route = route_of(link.shipped_from or link.country, link.item)
    sailing = None if route is None else route.sailing_days
    return LinkLine(
        owner=str(row.get("owner", "")),
        firm=firm_label(row),
        supplier=link.supplier,
        country=label("country", link.country),
        item=label("item", link.item),
        share=link.share,
        stock_days=link.stock_days,
        lead_days=sailing if link.lead_days is None else link.lead_days,
        synthetic=link.synthetic,
        lead_basis="assumed" if link.lead_days is None else "own",
        overridden_by=by,
    )
