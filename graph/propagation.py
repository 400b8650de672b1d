"""Shocks become exposures: which domestic use loses how much of its input, when, by which path.

One hop of shares and stocks. For a supplier with share s of Korea's import of an item, a shock
that takes magnitude m of its flow for d days after a notice of l days, and a stock of k days:

    loss             s * m                 of the item's import
    impact day       l + sailing days      when the last cargo shipped before has landed
    time to survive  k / (s * m)           days until the stock has filled the gap
    time to recover  min(d, substitute)    until the flow is back or another supplier delivers

An unknown share stays unknown: there is then no loss and no time to survive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ews.model import Exposure, Hop, Shock
from graph import reference as ref
from graph.compile import Compiled, compile_network
from graph.firms import FirmLink, firm_slug
from graph.network import CARRIED, Network, origin, unknown_use
from graph.paths import firm_hop, route_hops, share_hop, shock_hop, stock_text, use_hops
from graph.reference import Share, Use
from graph.shocks import settings

UNKNOWN_RANK = 0.05  # where an unknown share sorts among known ones; not shown, not computed with
LONGEST_DAYS = 3650.0
UNWATCHED_RANK = 0.25  # items that nobody watches sort below those that are


@dataclass(frozen=True, slots=True)
class ItemHit:
    """One item hit by one shock, with the origins that carry the shock to it."""

    shock: Shock
    item: str
    origins: tuple[str, ...] = ()
    place: str = ""  # chokepoint or port on the way
    world: bool = False  # every origin is hit

    @property
    def key(self) -> tuple[str, tuple[str, ...], str]:
        return self.item, self.origins, self.place


def propagate(network: Network, shocks: Sequence[Shock]) -> list[Exposure]:
    """Exposures of the shocks of one event, the largest known loss first; at most 40.

    Several shocks on the same origin count once, at the strongest. Shares of distinct origins
    that pass one chokepoint are added, up to 1. Korea is never an origin.

    >>> from datetime import UTC, datetime
    >>> from graph.network import build_network
    >>> hit = Shock("evt-1", "origin", "origin:CN:natural-graphite", 0.5, 0.9, 90.0,
    ...             datetime(2026, 1, 5, tzinfo=UTC), lag_days=10, basis="assumed: example")
    >>> one = propagate(build_network(), [hit])[0]
    >>> one.industry, one.share_at_risk, one.loss        # 97.6% of the import, half of it lost
    ('28202', 0.976, 0.488)
    >>> one.impact_day                                   # 10 days of notice, 3 days of sailing
    13.0
    >>> round(one.time_to_survive_days, 1)               # 30 days of stock, assumed, / 0.488
    61.5
    """
    compiled = compile_network(network)
    strongest: dict[tuple[str, tuple[str, ...], str], ItemHit] = {}
    for shock in shocks:
        for hit in hits(shock, compiled):
            held = strongest.get(hit.key)
            if held is None or hit.shock.magnitude > held.shock.magnitude:
                strongest[hit.key] = hit
    found = [e for hit in strongest.values() for e in _exposures(hit, compiled)]
    found += [e for shock in shocks if shock.target_kind == "firm" for e in _named(shock, compiled)]
    return _strongest(found)


def hits(shock: Shock, compiled: Compiled) -> Iterable[ItemHit]:
    """The items that a shock hits, each with the origins that carry it."""
    parts = shock.target.split(":")
    kind = parts[0]
    if kind == "origin" and len(parts) == 3:
        if parts[1] != "KR" and parts[2] in ref.ITEMS:
            yield ItemHit(shock, parts[2], (parts[1],))
    elif kind == "item":
        if parts[1] in ref.ITEMS:
            yield ItemHit(shock, parts[1], world=not shock.basis.startswith("inferred"))
    elif kind == "country":
        most = int(settings()["limits"]["items_per_country"])
        ranked = [i for i in ref.items_from(parts[1]) if i in compiled.sold_by.get(parts[1], ())]
        for item in ranked[:most]:
            yield ItemHit(shock, item, (parts[1],))
    elif kind in ("chokepoint", "port"):
        yield from _on_route(shock, compiled)


def _on_route(shock: Shock, compiled: Compiled) -> Iterable[ItemHit]:
    """The items whose origins pass the place, the largest sum of shares first."""
    yield ItemHit(shock, CARRIED, place=shock.target)
    if _domestic(shock.target):  # which goods come in by which Korean port was not read
        return
    by_item: dict[str, list[tuple[float, str]]] = {}
    for country, item in compiled.through.get(shock.target, ()):
        share = compiled.share(country, item, shock.start.date())
        by_item.setdefault(item, []).append((-(share.share or 0.0) if share else 0.0, country))

    def size(item: str) -> tuple[bool, float, str]:
        return not ref.ITEMS[item].watched, sum(s for s, _ in by_item[item]), item

    most = int(settings()["limits"]["items_per_route"])
    for item in sorted(by_item, key=size)[:most]:
        countries = tuple(country for _, country in sorted(by_item[item]))
        yield ItemHit(shock, item, countries, place=shock.target)


def _domestic(place: str) -> bool:
    port = ref.PORTS.get(place.split(":", 1)[1]) if place.startswith("port:") else None
    return port is not None and port.country == "KR"


# --------------------------------------------------------------------------- one hit


def _exposures(hit: ItemHit, compiled: Compiled) -> Iterable[Exposure]:
    on = hit.shock.start.date()
    for use in compiled.uses.get(hit.item) or (unknown_use(hit.item),):
        found = _comparable([(c, compiled.share(c, hit.item, on, use.scope)) for c in hit.origins])
        share = 1.0 if hit.world else add_shares([s for _, s in found])
        stock = ref.best_stock(hit.item, on, use.scope)
        days = stock.days if stock else settings()["times"]["stock_days"]
        said = None if share is None else stock_text(days, stock)  # no gap known, none counted
        path = (*_start(hit, found, share), *use_hops(use, said))
        yield _exposure(hit, use, share, path, days)
    for link in compiled.firms.get(hit.item, ()):
        if hit.world or link.country in hit.origins:
            yield _firm_exposure(hit.shock, link, (*_start_of_firm(hit, link),))


def _comparable(found: list[tuple[str, Share | None]]) -> list[tuple[str, Share | None]]:
    """Of several origins, those whose figures may be added (reference.comparable)."""
    keep = ref.comparable(s for _, s in found)
    return [(c, s) for c, s in found if s in keep] if len(found) > 1 and keep else found


def add_shares(shares: Sequence[Share | None]) -> float | None:
    """The sum of the shares that are known, at most 1; None when none is known.

    >>> add_shares([None]) is None
    True
    """
    known = [s.share for s in shares if s is not None and s.share is not None]
    return round(min(1.0, sum(known)), 4) if known else None


def _exposure(
    hit: ItemHit, use: Use, share: float | None, path: tuple[Hop, ...], stock_days: float
) -> Exposure:
    shock = hit.shock
    return Exposure(
        event_id=shock.event_id,
        item=hit.item,
        origin=hit.origins[0] if len(hit.origins) == 1 else None,
        use_id=use.id,
        industry=use.ksic,
        ministries=use.ministries,
        share_at_risk=share,
        magnitude=shock.magnitude,
        probability=shock.probability,
        impact_day=shock.lag_days + _days_at_sea(hit),
        time_to_survive_days=survive_days(stock_days, share, shock.magnitude),
        time_to_recover_days=recover_days(shock.duration_days, share),
        path=path,
        critical=ref.ITEMS[hit.item].critical,
        watched=ref.ITEMS[hit.item].watched,
    )


def survive_days(stock_days: float, share: float | None, magnitude: float) -> float | None:
    """Days that a stock fills the gap; None when the share, so the gap, is unknown.

    >>> survive_days(30, 0.8, 0.75)
    50.0
    >>> survive_days(30, None, 0.75) is None
    True
    """
    if share is None:
        return None
    loss = share * magnitude
    return round(min(LONGEST_DAYS, stock_days / loss), 2) if loss > 0 else LONGEST_DAYS


def recover_days(duration_days: float, share: float | None) -> float:
    """Days until the flow is back or a substitute delivers: longer, the more one supplier has.

    >>> recover_days(365, 0.95), recover_days(365, 0.6), recover_days(365, 0.1)
    (180.0, 90.0, 60.0)
    >>> recover_days(21, 0.95)
    21.0
    """
    times = settings()["times"]
    name = "substitute_days"
    if share is not None and share >= 0.9:
        name = "substitute_days_sole"
    elif share is not None and share >= 0.5:
        name = "substitute_days_half"
    return float(min(duration_days, times[name]))


def _days_at_sea(hit: ItemHit) -> float:
    """0 for a place in Korea itself."""
    inland = not hit.origins and not hit.place and not hit.world
    return 0.0 if inland or _domestic(hit.place) else sailing_days(hit.origins, hit.item)


def sailing_days(origins: Sequence[str], item: str) -> float:
    """Days at sea from the nearest of the origins (assumed).

    >>> sailing_days(["CN"], "urea"), sailing_days(["QA", "CN"], "urea"), sailing_days([], "urea")
    (3.0, 3.0, 20.0)
    """
    known = [r.sailing_days for c in origins if (r := ref.route_of(c, item)) is not None]
    return min(known, default=settings()["times"]["sailing_days"])


# --------------------------------------------------------------------------- paths


def _who(code: str) -> tuple[str, str]:
    country = ref.COUNTRIES.get(code)
    return (country.en, country.ko) if country else (code, code)


def _start(
    hit: ItemHit, found: Sequence[tuple[str, Share | None]], total: float | None
) -> tuple[Hop, ...]:
    item = f"item:{hit.item}"
    names = (ref.ITEMS[hit.item].en, ref.ITEMS[hit.item].ko)
    if hit.place:
        code = hit.place.split(":", 1)[1]
        table = ref.CHOKEPOINTS if hit.place.startswith("chokepoint:") else ref.PORTS
        place = table.get(code)
        who = (place.en, place.ko) if place else (code, code)
        ranked = sorted(found, key=lambda f: -(f[1].share or 0.0) if f[1] else 0.0)
        first = shock_hop(hit.shock, hit.place, hit.place, who)
        return (first, *route_hops(hit.place, hit.item, ranked, total))
    if hit.origins:
        country = hit.origins[0]
        node = origin(country, hit.item)
        return (
            shock_hop(hit.shock, f"country:{country}", node, _who(country)),
            share_hop(country, hit.item, found[0][1]),
        )
    return (shock_hop(hit.shock, item, item, names),)


def _start_of_firm(hit: ItemHit, link: FirmLink) -> tuple[Hop, ...]:
    node = origin(link.country, link.item)
    if hit.place or hit.world:
        source = hit.place or f"item:{hit.item}"
        return (
            shock_hop(hit.shock, source, node, _who(link.country)),
            firm_hop(link, node),
        )
    return (
        shock_hop(hit.shock, f"country:{link.country}", node, _who(link.country)),
        firm_hop(link, node),
    )


# --------------------------------------------------------------------------- firms


def _named(shock: Shock, compiled: Compiled) -> Iterable[Exposure]:
    """Buyers of a supplier that the event names."""
    slug = shock.target.split(":", 1)[1]
    for links in compiled.firms.values():
        for link in links:
            if link.supplier and firm_slug(link.supplier) == slug:
                who = (link.supplier, link.supplier)
                node = origin(link.country, link.item)
                first = shock_hop(shock, shock.target, node, who)
                yield _firm_exposure(shock, link, (first, firm_hop(link, shock.target)))


def _firm_exposure(shock: Shock, link: FirmLink, path: tuple[Hop, ...]) -> Exposure:
    days = link.stock_days
    if days is None:
        days = settings()["times"]["stock_days"]
    return Exposure(
        event_id=shock.event_id,
        item=link.item,
        origin=link.country,
        use_id="",
        industry=link.industry,
        ministries=(),
        share_at_risk=link.share,
        magnitude=shock.magnitude,
        probability=shock.probability,
        impact_day=shock.lag_days + sailing_days([link.country], link.item),
        time_to_survive_days=survive_days(days, link.share, shock.magnitude),
        time_to_recover_days=recover_days(shock.duration_days, link.share),
        path=path,
        firm=link.firm,
        synthetic=link.synthetic,
        critical=ref.ITEMS[link.item].critical,
        watched=ref.ITEMS[link.item].watched,
    )


# --------------------------------------------------------------------------- order


def _strongest(found: Sequence[Exposure]) -> list[Exposure]:
    """Strongest first, one item's uses kept together; then the firms' own, which are never cut."""
    best: dict[str, float] = {}
    for one in found:
        best[one.item] = max(best.get(one.item, 0.0), _rank(one))

    def order(one: Exposure) -> tuple[object, ...]:
        return -best[one.item], one.item, -_rank(one), one.origin or "", one.use_id, one.firm or ""

    ranked = sorted({one.id: one for one in found}.values(), key=order)
    most = int(settings()["limits"]["exposures"])
    general = [one for one in ranked if one.firm is None]
    # What moves in boxes is always told, though its share is unknown and so sorts low.
    rest = [one for one in general[most:] if one.item == CARRIED]
    return [*general[: most - len(rest)], *rest, *(one for one in ranked if one.firm is not None)]


def _rank(one: Exposure) -> float:
    share = UNKNOWN_RANK if one.share_at_risk is None else one.share_at_risk
    return share * one.magnitude * (1.0 if ref.ITEMS[one.item].watched else UNWATCHED_RANK)
