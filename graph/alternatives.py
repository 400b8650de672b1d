"""Who else could send it: other origins and suppliers, and what is known of each of them.

The order, best first: those that the same event leaves alone (it takes at most 5 % of what they
send); then known spare capacity over unknown over none; then most spare capacity that is left
after their own loss; then least own loss, shortest switching lag, lowest price, largest share
today. What was not read is `unknown` and never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import inf, prod

import numpy as np

from graph import reference as ref
from graph.arrays import YEAR_DAYS, Ints, SupplyArrays
from graph.cover import down_loss, lost_share
from graph.exposure_query import PartnerShare, UnknownName, exposure_of_item
from graph.network import Network, kind_of, origin
from graph.reference import Share
from graph.scenario import Outcome, Scenario
from graph.shocks import settings

UNTOUCHED = 0.05  # own loss up to which an alternative counts as left alone by the event


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and where it comes from; None is unknown."""

    value: float | None
    basis: str  # stated | computed | inferred | assumed | graph (its rows say where) | unknown
    source: str = ""  # citation, table, or what it was computed from
    period: str = ""


UNKNOWN = Figure(None, "unknown")


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another origin (ISO2) or supplier (node id) of one item, for one buyer or for Korea."""

    who: str
    node: int | None  # its number in the supply arrays; None in the national facts
    share: Figure  # of what the buyer takes of the item today, 0..1
    spare: Figure  # what it could send beyond that, as a share of what the buyer takes
    transit_days: Figure
    qualification_days: Figure  # until what it sends may be used
    price: Figure  # relative: 1 is the average of what is bought today
    own_loss: Figure  # share of what it sends that the same event takes
    shared: tuple[str, ...]  # places of the event that it depends on too: country, strait, port

    @property
    def lag_days(self) -> float | None:
        """Qualification and transit; None when either is unknown."""
        parts = (self.qualification_days.value, self.transit_days.value)
        return None if None in parts else sum(p for p in parts if p is not None)

    @property
    def usable(self) -> float | None:
        """Spare capacity after its own loss, a share of what the buyer takes; None unknown."""
        if self.spare.value is None or self.own_loss.value is None:
            return None
        return self.spare.value * (1.0 - self.own_loss.value)


def ranked(found: Iterable[Alternative]) -> list[Alternative]:
    """Best first, by the rule at the top of this module."""

    def order(one: Alternative) -> tuple[object, ...]:
        loss = 1.0 if one.own_loss.value is None else one.own_loss.value
        spare = one.spare.value
        known = 1 if spare is None else 0 if spare > 0 else 2
        lag, price = one.lag_days, one.price.value
        return (
            loss > UNTOUCHED,
            known,
            -(one.usable or 0.0),
            loss,
            inf if lag is None else lag,
            inf if price is None else price,
            -(one.share.value or 0.0),
            one.who,
        )

    return sorted(found, key=order)


# --------------------------------------------------------------------------- origins of Korea


def alternative_origins(
    network: Network,
    item: str,
    hit: Mapping[str, float],
    on: date | None = None,
    *,
    qualification_days: float | None = None,
) -> list[Alternative]:
    """Origins that sell the item to Korea and are not hit themselves, best first.

    `hit`: node -> share of its flow that is lost, as in shocks: `country:CN`, `origin:CN:urea`,
    `chokepoint:hormuz`, `port:shanghai`, `item:urea`. An origin whose country or own flow is hit
    is no alternative; one that passes a strait or port that is hit is one, with that loss.

    Spare capacity is what an origin has sent before beyond its share today, in figures of one
    scope and unit: a capacity shown, not the whole. Nobody publishes the rest, so without such a
    figure it is unknown. Price is the share of value over the share of quantity, both from one
    publisher, period and scope. `qualification_days`: stated by the caller for all; else 0 for
    those that sell today and 60, both assumed, for those that used to.

    UnknownName for an item or a place that the network does not hold.

    >>> from graph.network import build_network
    >>> found = alternative_origins(build_network(), "helium", {"chokepoint:hormuz": 0.5})
    >>> [(a.who, a.own_loss.value, a.shared, a.lag_days) for a in found]
    [('US', 0.0, (), 16.0), ('RU', 0.0, (), 4.0), ('QA', 0.5, ('chokepoint:hormuz',), 22.0)]
    """
    _check(network, hit)
    facts = exposure_of_item(network, item, on)
    figures = ref.comparable(p.used for p in facts.partners)
    rows = []
    for partner in facts.partners:
        code = partner.country.code
        if any(node in hit for node in _own_nodes(code, item)):
            continue
        used = partner.used
        sells = used is not None and used in figures and not used.stale
        own_loss, shared = _exposed(network, code, item, hit)
        rows.append(
            Alternative(
                who=code,
                node=None,
                share=_share_figure(used),
                spare=_shown_before(partner),
                transit_days=_sailing(partner),
                qualification_days=_qualification(sells, qualification_days),
                price=_relative_price(partner),
                own_loss=own_loss,
                shared=shared,
            )
        )
    return ranked(rows)


def _own_nodes(country: str, item: str) -> list[str]:
    """Nodes whose being hit means that the origin itself is."""
    union = ["country:EU", origin("EU", item)] if country in ref.EU_MEMBERS else []
    return [f"country:{country}", origin(country, item), *union]


def _check(network: Network, hit: Mapping[str, float]) -> None:
    for node, magnitude in hit.items():
        if node not in network and node != "country:EU" and kind_of(node) != "origin":
            raise UnknownName("place", node, network.nodes)
        if not 0 <= magnitude <= 1:
            raise ValueError(f"{node}: {magnitude} must be a share lost within 0..1")


def _exposed(
    network: Network, country: str, item: str, hit: Mapping[str, float]
) -> tuple[Figure, tuple[str, ...]]:
    """Own loss and the places of the event that an origin shares."""
    node = origin(country, item)
    passes = [n for n in network.successors(node) if kind_of(n) in ("chokepoint", "port")]
    shared = tuple(sorted({n for n in (*passes, f"item:{item}") if n in hit}))
    landing = [n for n in hit if network.nodes.get(n, {}).get("country") == "KR"]
    part = country == "EU" and any(
        n[-2:] in ref.EU_MEMBERS for n in hit if n.startswith("country:")
    )
    if landing or part or "country:KR" in hit:  # how much of its goods that takes was not read
        return UNKNOWN, (*shared, *landing)
    lost = 1.0 - prod(1.0 - hit[n] for n in shared)
    return Figure(lost, "assumed", "graph/data/routes.csv"), shared


def _share_figure(share: Share | None) -> Figure:
    if share is None or share.share is None:
        return UNKNOWN
    return Figure(share.share, share.basis, share.citation, share.period)


def _shown_before(partner: PartnerShare) -> Figure:
    """The most it sent beyond today's share; unknown when it never sent more than today."""
    today = partner.used
    if today is None or today.share is None:
        return UNKNOWN
    like = [
        s
        for s in partner.others
        if (s.scope, s.unit) == (today.scope, today.unit) and not s.stale and s.reliability != "low"
    ]
    most = max(like, key=lambda s: s.share or 0.0, default=None)
    if most is None or (most.share or 0.0) <= today.share:
        return UNKNOWN
    spare = round((most.share or 0.0) - today.share, 6)
    return Figure(spare, "computed", most.citation, f"{most.period} against {today.period}")


def _sailing(partner: PartnerShare) -> Figure:
    if partner.route is None:
        return UNKNOWN
    return Figure(partner.route.sailing_days, "assumed", "graph/data/routes.csv")


def _qualification(sells: bool, stated: float | None) -> Figure:
    if stated is not None:
        return Figure(stated, "stated", "the caller")
    if sells:
        return Figure(0.0, "assumed", "sells today")
    days = settings()["times"]["substitute_days"]
    return Figure(days, "assumed", "graph/data/shock_profiles.toml substitute_days")


def _relative_price(partner: PartnerShare) -> Figure:
    """The newest pair of a value and a quantity share of one publisher, period and scope."""
    rows = [*((partner.used,) if partner.used else ()), *partner.others]
    pairs = [
        (value, amount)
        for value in rows
        for amount in rows
        if (value.unit, amount.unit) == ("value", "quantity")
        and (value.period, value.scope, _publisher(value))
        == (amount.period, amount.scope, _publisher(amount))
        and value.share and amount.share and not (value.at_least or amount.at_least)
    ]  # fmt: skip
    if not pairs:
        return UNKNOWN
    value, amount = max(pairs, key=lambda pair: pair[0].period_end)
    price = round((value.share or 0.0) / (amount.share or 1.0), 4)
    return Figure(price, "computed", value.citation, value.period)


def _publisher(share: Share) -> str:
    return share.citation.partition(", http")[0]


# --------------------------------------------------------------------------- suppliers of a group


def alternative_suppliers(
    arrays: SupplyArrays,
    group: int,
    scenario: Scenario,
    outcome: Outcome,
    *,
    places: Mapping[int, Collection[str]] | None = None,
    qualification_days: float | None = None,
    market: bool = False,
) -> list[Alternative]:
    """Nodes that sell the group's item, or are of the sector of its hit suppliers; best first.

    A supplier whose own capacity the scenario cuts is no alternative. Spare capacity is the
    node's slack (a slack of 0 is the graph's default, so it reads as unknown). Own loss is the
    mean share of its deliveries that is lost while the group's deliveries are cut, routes
    included. `places`: node -> countries, ports and straits it depends on, to name what an
    alternative shares with the suppliers that are hit. Prices are not in a supply graph: unknown.
    `qualification_days` as in `alternative_origins`. ValueError for an unknown group.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> from graph.steps import run
    >>> three = compile_arrays(4, [0, 1, 2], [3, 3, 1], [0, 0, 0], [6.0, 4.0, 5.0], slack=0.5)
    >>> closed = scenario(5, [Hit(np.array([0]), 1.0)])
    >>> found = alternative_suppliers(three, 1, closed, run(three, closed))
    >>> [(a.who, a.share.value, a.spare.value, a.lag_days) for a in found]
    [('2', 0.0, 0.25, 60.0), ('1', 0.4, 0.2, 0.0)]
    """
    if not 0 <= group < arrays.groups:
        raise ValueError(f"group {group} is none of the {arrays.groups} of this graph")
    buyer = int(arrays.group_buyer[group])
    own = range(int(arrays.link_start[group]), int(arrays.link_start[group + 1]))
    lost = lost_share(arrays, scenario, outcome, np.array(own), market=market)
    cut = np.flatnonzero((lost * arrays.link_part[own.start : own.stop]).sum(axis=1) > 0)
    linked = {int(arrays.link_supplier[e]): e for e in own}
    hit = {int(n) for n in scenario.nodes[scenario.psi.any(axis=0)]}
    need = float(arrays.link_weight[own.start : own.stop].sum())
    shaken = frozenset(p for n in hit & set(linked) for p in (places or {}).get(n, ()))
    rows = []
    for node in _candidates(arrays, group, hit & set(linked)):
        if node in hit or node == buyer:
            continue
        e = linked.get(node)
        part = 0.0 if e is None else float(arrays.link_part[e])
        links = _sales_of_item(arrays, group, node) if e is None else [e]
        rows.append(
            Alternative(
                who=arrays.names[node],
                node=node,
                share=Figure(part, "graph"),
                spare=_slack(arrays, node, need),
                transit_days=_lead(arrays, links, e is not None),
                qualification_days=_qualification(e is not None, qualification_days),
                price=UNKNOWN,
                own_loss=_own_loss(arrays, scenario, outcome, node, links, cut, market),
                shared=tuple(sorted(shaken & frozenset((places or {}).get(node, ())))),
            )
        )  # fmt: skip
    return ranked(rows)


def _candidates(arrays: SupplyArrays, group: int, hit: Iterable[int]) -> list[int]:
    same = arrays.group_item[arrays.link_group] == arrays.group_item[group]
    sectors = {int(arrays.sector[n]) for n in hit} - {-1}
    beside = np.flatnonzero(np.isin(arrays.sector, list(sectors)))
    return [int(n) for n in np.union1d(arrays.link_supplier[same], beside)]


def _own_loss(
    arrays: SupplyArrays,
    scenario: Scenario,
    outcome: Outcome,
    node: int,
    links: list[int],
    cut: Ints,
    market: bool,
) -> Figure:
    """Mean over the days of what goes over the links; of what it makes, where it has none."""
    weight = arrays.link_weight[links]
    if weight.sum() > 0:
        lost = lost_share(arrays, scenario, outcome, np.array(links), market=market) @ weight
        lost /= weight.sum()
    else:
        lost = down_loss(outcome, np.array([node]))[:, 0]
    return Figure(float(lost[cut].mean()) if len(cut) else 0.0, "computed", outcome.engine)


def _sales_of_item(arrays: SupplyArrays, group: int, node: int) -> list[int]:
    sold = arrays.sold[arrays.sold_start[node] : arrays.sold_start[node + 1]]
    item = arrays.group_item[np.searchsorted(arrays.link_start, sold, side="right") - 1]
    return [int(e) for e in sold[item == arrays.group_item[group]]]


def _slack(arrays: SupplyArrays, node: int, need: float) -> Figure:
    slack = float(arrays.slack[node])
    if not slack > 0 or need <= 0:
        return UNKNOWN
    return Figure(slack * float(arrays.output[node]) * YEAR_DAYS / need, "graph")


def _lead(arrays: SupplyArrays, links: list[int], own: bool) -> Figure:
    if not links:
        return UNKNOWN
    days = float(np.median(arrays.link_lead[links]))
    return Figure(days, "graph") if own else Figure(days, "computed", "its other buyers")
