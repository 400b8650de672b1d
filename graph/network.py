"""The network that people see: rows of facts -> a checked networkx DiGraph.

Goods flow along the edges: country -> origin -> chokepoint or port, origin -> item -> use ->
industry and ministry; origin -> firm for a firm's own links. Nodes are named `kind:code`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import networkx as nx

from graph import reference as ref
from graph.firms import FirmLink, firm_slug
from graph.reference import Share, Use

if TYPE_CHECKING:
    Network: TypeAlias = "nx.DiGraph[str]"
else:
    Network = nx.DiGraph

CARRIED = "container-freight"  # the item that stands for whatever moves through a port or strait
KINDS = frozenset("country origin chokepoint port item use industry ministry firm supplier".split())
# Which kinds an edge may join. Anything else is a row read the wrong way round.
EDGES = frozenset(
    {
        ("country", "origin"),
        ("origin", "item"),
        ("origin", "chokepoint"),
        ("origin", "port"),
        ("chokepoint", "item"),
        ("port", "item"),
        ("item", "use"),
        ("use", "industry"),
        ("use", "ministry"),
        ("item", "firm"),
        ("origin", "firm"),
        ("supplier", "firm"),
        ("firm", "industry"),
    }
)


class NetworkError(ValueError):
    """The rows do not make a network; `problems` lists everything wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems[:20]))


def kind_of(node: str) -> str:
    """
    >>> kind_of("origin:CN:urea")
    'origin'
    """
    return node.split(":", 1)[0]


def origin(country: str, item: str) -> str:
    """
    >>> origin("CN", "urea")
    'origin:CN:urea'
    """
    return f"origin:{country}:{item}"


def unknown_use(item: str) -> Use:
    """The use that stands where none was read."""
    return Use(
        id=f"use:{item}:unknown",
        item=item,
        en="use unknown",
        ko="용도 미상",
        ksic="",
        ministries=(),
        basis="unknown",
        ministry_basis="unknown",
        citation="",
    )


def check_rows(
    shares: Mapping[str, Sequence[Share]],
    uses: Mapping[str, Sequence[Use]],
    firms: Sequence[FirmLink] = (),
) -> list[str]:
    """Everything wrong with the rows, as sentences; empty when they are good."""
    problems: list[str] = []
    for item, rows in shares.items():
        if item not in ref.ITEMS:
            problems.append(f"share of unknown item {item!r}")
        seen: set[tuple[object, ...]] = set()
        for row in rows:
            at = f"share {row.item}/{row.partner} {row.period}"
            if row.item != item:
                problems.append(f"{at} is filed under {item!r}")
            if row.partner not in ref.COUNTRIES:
                problems.append(f"{at}: unknown partner")
            if row.partner == "KR":
                problems.append(f"{at}: Korea cannot be its own supplier")
            if row.share is not None and not 0 <= row.share <= 1:
                problems.append(f"{at}: {row.share} is not within 0..1")
            if not row.citation.strip(", "):
                problems.append(f"{at}: says not where it was read")
            key = (row.partner, row.period, row.unit, row.scope, row.citation, row.share, row.hs)
            if key in seen:
                problems.append(f"{at}: the same row twice")
            seen.add(key)
    for item, table in uses.items():
        if item not in ref.ITEMS:
            problems.append(f"use of unknown item {item!r}")
        for use in table:
            if use.ksic and use.ksic not in ref.INDUSTRIES:
                problems.append(f"{use.id}: unknown industry {use.ksic}")
            problems.extend(
                f"{use.id}: unknown ministry {m!r}"
                for m in use.ministries
                if m not in ref.MINISTRIES
            )
        ids = [use.id for use in table]
        problems.extend(f"use {i} twice" for i in sorted({i for i in ids if ids.count(i) > 1}))
    for link in firms:
        if link.item not in ref.ITEMS:
            problems.append(f"firm {link.firm}: unknown item {link.item!r}")
        if link.country not in ref.COUNTRIES:
            problems.append(f"firm {link.firm}: unknown country {link.country!r}")
        if link.share is not None and not 0 <= link.share <= 1:
            problems.append(f"firm {link.firm}: share {link.share} is not within 0..1")
    return problems


def build_network(firms: Sequence[FirmLink] = ()) -> Network:
    """The shipped reference network with a firm's own links laid on. NetworkError when wrong."""
    return assemble(ref.SHARES, ref.USES, firms)


def assemble(
    shares: Mapping[str, Sequence[Share]],
    uses: Mapping[str, Sequence[Use]],
    firms: Sequence[FirmLink] = (),
) -> Network:
    """A network of the given rows; `build_network` gives it the shipped ones."""
    if problems := check_rows(shares, uses, firms):
        raise NetworkError(problems)
    net: Network = nx.DiGraph()
    _places(net)
    for item in ref.ITEMS.values():
        net.add_node(f"item:{item.id}", en=item.en, ko=item.ko)
    _origins(net, shares)
    _uses(net, uses)
    _firms(net, firms)
    net.graph["version"] = version_of(shares, uses, tuple(firms))
    if problems := check_network(net):
        raise NetworkError(problems)
    return net


def check_network(net: Network) -> list[str]:
    """Everything wrong with a network's shape: kinds, directions, missing names."""
    problems = [
        f"node {node!r} is of no known kind" for node in net if kind_of(str(node)) not in KINDS
    ]
    for source, target in net.edges:
        if (kind_of(source), kind_of(target)) not in EDGES:
            problems.append(f"edge {source} -> {target} runs the wrong way or joins odd kinds")
    return problems


def version_of(*rows: object) -> str:
    """A short hash of the rows, for caches and for the record of what was known."""
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:12]


def _places(net: Network) -> None:
    for point in ref.CHOKEPOINTS.values():
        net.add_node(f"chokepoint:{point.id}", en=point.en, ko=point.ko)
        net.add_edge(f"chokepoint:{point.id}", f"item:{CARRIED}", kind="carries", basis="assumed")
    for port in ref.PORTS.values():
        net.add_node(f"port:{port.id}", en=port.en, ko=port.ko, country=port.country)
        net.add_edge(f"port:{port.id}", f"item:{CARRIED}", kind="carries", basis="assumed")


def _origins(net: Network, shares: Mapping[str, Sequence[Share]]) -> None:
    ports: dict[tuple[str, str], list[str]] = {}
    for port in ref.PORTS.values():
        ports.setdefault((port.country, port.sea_region), []).append(port.id)
    for item, rows in shares.items():
        for partner in dict.fromkeys(row.partner for row in rows):
            node = origin(partner, item)
            country = ref.COUNTRIES[partner]
            net.add_node(f"country:{partner}", en=country.en, ko=country.ko)
            net.add_node(
                node,
                en=f"{ref.ITEMS[item].en} from {country.en}",
                ko=f"{country.ko}산 {ref.ITEMS[item].ko}",
            )
            net.add_edge(f"country:{partner}", node, kind="supplies", basis="stated")
            mine = tuple(row for row in rows if row.partner == partner)
            net.add_edge(node, f"item:{item}", kind="share", shares=mine)
            _route(net, node, partner, item, ports)


def _route(
    net: Network,
    node: str,
    partner: str,
    item: str,
    ports: Mapping[tuple[str, str], Iterable[str]],
) -> None:
    route = ref.route_of(partner, item)
    region = ref.COUNTRIES[partner].sea_region
    if route is None:
        return
    for point in route.chokepoints:
        net.add_edge(node, f"chokepoint:{point}", kind="route", basis="assumed", via=route.via)
    # A row of the table that names items may use another coast than the country's usual one.
    regions = {region} if not route.items else {p for c, p in ports if c == partner}
    for place in sorted(regions):
        for port in ports.get((partner, place), ()):
            net.add_edge(node, f"port:{port}", kind="loads", basis="assumed")


def _uses(net: Network, uses: Mapping[str, Sequence[Use]]) -> None:
    for item in ref.ITEMS:
        for use in uses.get(item) or [unknown_use(item)]:
            net.add_node(use.id, en=use.en, ko=use.ko, use=use)
            net.add_edge(f"item:{item}", use.id, kind="use", basis=use.basis)
            if use.ksic:
                industry = ref.INDUSTRIES[use.ksic]
                net.add_node(f"industry:{use.ksic}", en=industry.en, ko=industry.ko)
                net.add_edge(use.id, f"industry:{use.ksic}", kind="industry", basis=use.basis)
            for code in use.ministries:
                ministry = ref.MINISTRIES[code]
                net.add_node(f"ministry:{code}", en=ministry.en, ko=ministry.ko)
                net.add_edge(use.id, f"ministry:{code}", kind="ministry", basis=use.ministry_basis)


def _firms(net: Network, firms: Sequence[FirmLink]) -> None:
    links: dict[str, list[FirmLink]] = {}
    for link in firms:
        links.setdefault(link.item, []).append(link)
        node = f"firm:{link.firm}"
        country = ref.COUNTRIES[link.country]
        net.add_node(node, en=link.name, ko=link.name, synthetic=link.synthetic)
        net.add_node(f"country:{link.country}", en=country.en, ko=country.ko)
        start = origin(link.country, link.item)
        net.add_edge(f"country:{link.country}", start, kind="supplies", basis="stated")
        net.add_edge(start, node, kind="firm")
        net.add_edge(f"item:{link.item}", node, kind="firm")
        if link.supplier:
            net.add_node(f"supplier:{firm_slug(link.supplier)}", en=link.supplier, ko=link.supplier)
            net.add_edge(f"supplier:{firm_slug(link.supplier)}", node, kind="firm")
        if link.industry in ref.INDUSTRIES:
            industry = ref.INDUSTRIES[link.industry]
            net.add_node(f"industry:{link.industry}", en=industry.en, ko=industry.ko)
            net.add_edge(node, f"industry:{link.industry}", kind="industry", basis="stated")
    net.graph["firms"] = {item: tuple(rows) for item, rows in links.items()}
