"""Why an exposure is believed: the hops from the place hit to the ministry that must know."""

from __future__ import annotations

from collections.abc import Sequence

from ews.model import Hop, Shock
from graph import reference as ref
from graph.firms import FirmLink
from graph.network import origin
from graph.reference import Share, Stock, Use

MOST_ORIGINS = 6  # shown of a route's origins, the largest first
BASES = {"assumed": "assumed", "observed": "computed", "inferred": "inferred"}


def _country(code: str) -> tuple[str, str]:
    country = ref.COUNTRIES.get(code)
    return (country.en, country.ko) if country else (code, code)


def _item(item: str) -> tuple[str, str]:
    return ref.ITEMS[item].en, ref.ITEMS[item].ko


def _percent(share: float, at_least: bool = False) -> str:
    text = f"{share * 100:.1f}".rstrip("0").rstrip(".") + "%"
    return f">= {text}" if at_least else text


def shock_hop(shock: Shock, source: str, target: str, who: tuple[str, str]) -> Hop:
    """The first hop: how much of the flow is lost, and on what basis."""
    kind, _, rest = shock.basis.partition(": ")
    lost = _percent(shock.magnitude)
    return Hop(
        source=source,
        target=target,
        label_en=f"{who[0]}: {lost} of the flow lost",
        label_ko=f"{who[1]}: 물량 {lost} 차질",
        weight=shock.magnitude,
        basis=BASES.get(kind, "assumed"),
        citation=rest or shock.basis,
    )


def share_hop(country: str, item: str, share: Share | None, target: str = "") -> Hop:
    """How much of Korea's import comes from the origin; unknown when no figure was read."""
    who, what = _country(country), _item(item)
    node = origin(country, item)
    if share is None or share.share is None:
        return Hop(
            source=node,
            target=target or f"item:{item}",
            label_en=f"{who[0]}'s share of Korea's imports of {what[0]} is not known",
            label_ko=f"{what[1]} 수입 중 {who[1]} 비중 미상",
            weight=None,
            basis="unknown",
        )
    figure = _percent(share.share, share.at_least)
    units = {"value": ("by value", "금액"), "quantity": ("by quantity", "물량")}
    en, ko = units.get(share.unit, ("unit not stated", "기준 미상"))
    scope = f", {share.scope}" if share.scope else ""
    return Hop(
        source=node,
        target=target or f"item:{item}",
        label_en=f"{who[0]} has {figure} of Korea's imports of {what[0]} ({en}{scope})",
        label_ko=f"{what[1]} 수입의 {figure}가 {who[1]}산 ({ko})",
        weight=share.share,
        basis=share.basis,
        period=share.period,
        citation=share.citation,
    )


def route_hops(
    place: str, item: str, found: Sequence[tuple[str, Share | None]], total: float | None
) -> tuple[Hop, ...]:
    """Origins that pass a strait or port, then the sum of their shares."""
    code = place.split(":", 1)[1]
    known = ref.CHOKEPOINTS.get(code) if place.startswith("chokepoint:") else ref.PORTS.get(code)
    where = (known.en, known.ko) if known else (code, code)
    what = _item(item)
    hops = [
        share_hop(country, item, share, target=place) for country, share in found[:MOST_ORIGINS]
    ]
    figure = "an unknown share" if total is None else _percent(total)
    ko = "비중 미상" if total is None else _percent(total)
    hops.append(
        Hop(
            source=place,
            target=f"item:{item}",
            label_en=f"{figure} of Korea's imports of {what[0]} comes by {where[0]}",
            label_ko=f"{what[1]} 수입의 {ko}가 {where[1]} 경유",
            weight=total,
            basis="unknown" if total is None else "computed",
            citation="sum of the shares above; the route is assumed by geography",
        )
    )
    return tuple(hops)


def stock_text(days: float, stock: Stock | None) -> tuple[str, str]:
    """The days of cover that were counted with and who stated them when, English and Korean.

    >>> stock_text(30, None)
    ('stock 30 days, assumed', '재고 30일분(가정)')
    """
    if stock is None:
        return f"stock {days:g} days, assumed", f"재고 {days:g}일분(가정)"
    who = f"{stock.citation.partition(', http')[0]}, {stock.as_of.isoformat()}"
    return f"stock {days:g} days, stated: {who}", f"재고 {days:g}일분({who})"


def use_hops(use: Use, stock: tuple[str, str] | None = None) -> tuple[Hop, ...]:
    """From the item to its use, the industry and the ministries in charge.

    `stock` (see `stock_text`) is said beside the use. Its basis is in the words: the hop's own
    basis and citation are those of the use.
    """
    en, ko = (f"; {text}" for text in stock) if stock else ("", "")
    hops = [
        Hop(
            source=f"item:{use.item}",
            target=use.id,
            label_en=use.en + en,
            label_ko=use.ko + ko,
            weight=None,
            basis=use.basis,
            citation=use.citation,
        )
    ]
    if industry := ref.INDUSTRIES.get(use.ksic):
        hops.append(
            Hop(
                source=use.id,
                target=f"industry:{use.ksic}",
                label_en=f"{industry.en} (KSIC {use.ksic})",
                label_ko=f"{industry.ko} (KSIC {use.ksic})",
                weight=None,
                basis="inferred",
                citation="match of item and industry is the analyst's",
            )
        )
    for code in use.ministries:
        ministry = ref.MINISTRIES[code]
        hops.append(
            Hop(
                source=use.id,
                target=f"ministry:{code}",
                label_en=ministry.en,
                label_ko=ministry.ko,
                weight=None,
                basis=use.ministry_basis,
                citation=use.citation if use.ministry_basis == "stated" else "",
            )
        )
    return tuple(hops)


def firm_hop(link: FirmLink, source: str) -> Hop:
    """From the place hit to the firm that buys there."""
    who, what = _country(link.country), _item(link.item)
    figure = ("an unknown share", "비중 미상")
    if link.share is not None:
        figure = (_percent(link.share), _percent(link.share))
    return Hop(
        source=source,
        target=f"firm:{link.firm}",
        label_en=f"{link.name} buys {figure[0]} of its {what[0]} from {who[0]}",
        label_ko=f"{link.name}: {what[1]}의 {figure[1]}를 {who[1]}에서 조달",
        weight=link.share,
        basis="synthetic" if link.synthetic else "stated" if link.share is not None else "unknown",
        period=link.period,
        citation=link.source,
    )
