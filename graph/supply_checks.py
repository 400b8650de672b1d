"""Everything that can be wrong with the rows of a supply graph, found in one go."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date

from graph.supply_codes import (
    CURRENCY,
    Codes,
    Found,
    out_of_range,
    unknown_item,
    wrong_share,
    wrong_way,
)
from graph.supply_nouns import (
    BASES,
    GROUPING,
    KINDS,
    LINK_COEFFICIENTS,
    LINK_RANGES,
    NODE_COEFFICIENTS,
    NODE_RANGES,
    SHARE,
    Node,
    Problem,
    SupplyLink,
    in_force,
)

ROUNDING = 1.005  # shares that were rounded may come to a little more than 1
Sites = Sequence[tuple[int, Node]]  # with the number or the line of the row
Ways = Sequence[tuple[int, SupplyLink]]


def check_supply(
    nodes: Sequence[Node],
    links: Sequence[SupplyLink],
    *,
    node_lines: Sequence[int] = (),
    link_lines: Sequence[int] = (),
) -> list[Problem]:
    """Everything wrong with the rows, in their order; empty when they are good.

    A row is named by its line of a file, or by its place counted from 1 when no lines are given.

    >>> for problem in check_supply([Node("firm:a", "firm")],
    ...                             [SupplyLink("firm:a", "firm:a", "urea", float("nan"))]):
    ...     print(problem)
    links row 1, buyer: firm:a cannot supply itself
    links row 1, weight: nan is not a number
    """
    codes = Codes(nodes)
    sites = list(zip(node_lines or range(1, len(nodes) + 1), nodes, strict=True))
    ways = list(zip(link_lines or range(1, len(links) + 1), links, strict=True))
    problems = check_nodes(sites, codes)
    problems += [
        Problem("links", row, column, reason)
        for row, link in ways
        for column, reason in check_link(link, codes)
    ]
    problems += twice(
        "links", "item", ((row, (*k.key, k.valid_from, k.known_from)) for row, k in ways)
    )
    problems += check_units(sites, ways)
    if not problems:  # sums over rows that are wrong one by one say nothing more
        problems += check_together(sites, ways)
    return in_order(problems)


def check_nodes(nodes: Sites, codes: Codes) -> list[Problem]:
    """What is wrong with nodes by themselves."""
    problems = [
        Problem("nodes", row, column, reason)
        for row, node in nodes
        for column, reason in _node(node, codes)
    ]
    return problems + twice("nodes", "id", ((row, (n.id, n.known_from)) for row, n in nodes))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Nodes first, then links, by row; what two checks found alike is said once."""
    return sorted(set(problems), key=lambda p: (p.table != "nodes", p.row, p.column, p.reason))


def check_weights(nodes: Sequence[Node], links: Sequence[SupplyLink]) -> list[Problem]:
    """What is wrong with weights of links between checked nodes; `links` are of whole inputs.

    >>> check_weights([], [SupplyLink("firm:a", "firm:b", "urea", -1.0)])[0].reason
    '-1.0 is below 0 (currency a year)'
    """
    ways = list(enumerate(links, 1))
    problems = [
        Problem("links", row, "weight", reason)
        for row, link in ways
        for reason in (
            out_of_range(link.weight, LINK_RANGES["weight"]),
            wrong_share(link.unit, link.weight),
        )
        if reason
    ]
    return problems or check_together(list(enumerate(nodes, 1)), ways)


def _node(node: Node, codes: Codes) -> Found:
    prefix = node.id.partition(":")[0]
    if not node.id.strip():
        yield "id", "is empty"
    if node.kind not in KINDS:
        yield "kind", f"unknown kind {node.kind!r}; use {', '.join(sorted(KINDS))}"
    elif prefix in KINDS and ":" in node.id and prefix != node.kind:
        yield "kind", f"{node.id!r} says {prefix}, the row says {node.kind}"
    if node.country and not codes.country(node.country):
        yield "country", f"unknown country {node.country!r}; write its ISO 3166 code, such as CN"
    if node.sector and not codes.sector(node.sector):
        yield "sector", f"unknown sector {node.sector!r}; write a KSIC code, or declare an industry"
    if node.kind in GROUPING and (node.output is not None or node.final or node.slack):
        yield "output", f"a {node.kind} holds others and produces nothing itself"
    yield from _figures(node, NODE_RANGES)
    yield from _basis(node, NODE_COEFFICIENTS)
    if not (CURRENCY.fullmatch(node.unit) and node.unit.endswith("/d")):
        yield "unit", f"{node.unit!r} is no unit of output; write USD/d or KRW/d"
    for item, spent in node.spend.items():
        if not codes.item(item):
            yield "spend", unknown_item(item)
        if reason := out_of_range(spent, LINK_RANGES["weight"]):
            yield "spend", reason
    for target, share in node.member.items():
        if not codes.group(target) or target == node.id:
            yield "member", f"{target!r} is nothing that {node.id} could be part of"
        if reason := out_of_range(share, (0.0, 1.0, "share, not percent")):
            yield "member", reason
    if sum(m for t, m in node.member.items() if t.startswith("country:")) > ROUNDING:
        yield "member", "shares of countries add up to more than 1"


def check_link(link: SupplyLink, codes: Codes) -> Found:
    """What is wrong with one link by itself: column and reason."""
    ends = {"supplier": link.supplier, "buyer": link.buyer}
    for column, end in ends.items():
        if reason := codes.no_trader(end):
            yield column, reason
    if link.supplier == link.buyer:
        yield "buyer", f"{link.buyer} cannot supply itself"
    elif reason := wrong_way(codes.kinds.get(link.supplier, ""), codes.kinds.get(link.buyer, "")):
        yield "buyer", reason
    if not codes.item(link.item):
        yield "item", unknown_item(link.item)
    if link.essential not in (0, 1, 2):
        yield (
            "essential",
            f"{link.essential!r} is no class; use 0 none, 1 non-essential, 2 essential",
        )
    if link.lead_days != int_or_nan(link.lead_days):
        yield "lead_days", f"{link.lead_days!r} is not a whole number of days"
    yield from _figures(link, LINK_RANGES)
    if reason := wrong_share(link.unit, link.weight):
        yield "weight", reason
    yield from _basis(link, LINK_COEFFICIENTS)
    for place, share in link.route.items():
        if place not in codes.places:
            yield (
                "route",
                f"unknown port or chokepoint {place!r}; write port:busan, chokepoint:suez",
            )
        if reason := out_of_range(share, (0.0, 1.0, "share, not percent")):
            yield "route", reason
    if link.valid_from and link.valid_to and link.valid_to < link.valid_from:
        yield "valid_to", f"{link.valid_to} is before valid_from {link.valid_from}"


def int_or_nan(value: float) -> float:
    return int(value) if math.isfinite(value) else value


def _figures(row: Node | SupplyLink, ranges: Mapping[str, tuple[float, float, str]]) -> Found:
    for column, limits in ranges.items():
        value = getattr(row, column)
        if value is not None and (reason := out_of_range(value, limits)):
            yield column, reason


def _basis(row: Node | SupplyLink, coefficients: Sequence[str]) -> Found:
    if row.basis not in BASES:
        yield "basis", f"unknown basis {row.basis!r}; use {', '.join(sorted(BASES))}"
    if row.basis in ("stated", "computed") and not row.source.strip():
        yield "source", f"a {row.basis} figure must say where it was read"
    if row.basis == "synthetic" and not row.synthetic:
        yield "synthetic", "a synthetic figure must be marked so: synthetic = true"
    for name in row.sources:
        if name not in coefficients:
            yield "sources", f"no coefficient {name!r}; use {', '.join(coefficients)}"


def twice(table: str, column: str, keys: Iterable[tuple[int, tuple[object, ...]]]) -> list[Problem]:
    first: dict[tuple[object, ...], int] = {}
    problems = []
    for row, key in keys:
        if first.setdefault(key, row) != row:
            problems.append(Problem(table, row, column, f"the same as row {first[key]}"))
    return problems


def check_units(nodes: Sites, links: Ways) -> list[Problem]:
    """One currency in a graph; shares only where there is something to take a share of."""
    said = [(k.unit[:3], "links", row) for row, k in links if k.unit != SHARE]
    said += [(n.unit[:3], "nodes", row) for row, n in nodes if n.output is not None]
    if not said:
        return []
    usual = Counter(unit for unit, _, _ in said).most_common(1)[0][0]
    problems = [
        Problem(table, row, "unit", other_currency(unit, usual))
        for unit, table, row in said
        if unit != usual
    ]
    spend = {(node.id, item) for _, node in nodes for item in node.spend}
    if any(k.unit != SHARE for _, k in links):
        problems += [
            Problem("links", row, "unit", no_spend(k.buyer, k.item))
            for row, k in links
            if k.unit == SHARE and (k.buyer, k.item) not in spend
        ]
    return problems


def other_currency(unit: str, usual: str) -> str:
    return f"in {unit}, most others in {usual}; use one currency"


def no_spend(buyer: str, item: str) -> str:
    return f"say what {buyer} spends on {item}: other links are in currency"


def check_together(nodes: Sites, links: Ways) -> list[Problem]:
    bought: defaultdict[tuple[str, str], float] = defaultdict(float)
    for link in in_force(link for _, link in links):
        if link.unit != SHARE:
            bought[link.buyer, link.item] += link.weight
    sellers = {link.supplier for _, link in links if link.weight > 0}
    return [*check_inputs(links), *check_nodes_with_links(nodes, bought, sellers)]


def check_inputs(links: Ways) -> list[Problem]:
    """Links of one input: shares up to 1 together, one class, one stock, one unit."""
    inputs: dict[tuple[str, str], list[SupplyLink]] = {}
    number = {id(link): row for row, link in links}
    for _, link in links:
        inputs.setdefault((link.buyer, link.item), []).append(link)
    problems: dict[Problem, None] = {}
    for (buyer, item), rows in inputs.items():
        if len(rows) == 1:
            continue
        for day in sorted({row.valid_from or date.min for row in rows}):
            held = sorted(in_force(rows, day), key=lambda row: number[id(row)])
            for link in held[1:]:
                for column, reason in differs(held[0], link, number[id(held[0])]):
                    problems[Problem("links", number[id(link)], column, reason)] = None
            total = sum(row.weight for row in held if row.unit == SHARE)
            if total > ROUNDING:
                last = number[id(held[-1])]
                problems[Problem("links", last, "weight", above_one(item, buyer, total))] = None
    return list(problems)


def above_one(item: str, buyer: str, total: float) -> str:
    return f"shares of {item} at {buyer} add up to {total:.4g}, above 1"


def differs(first: SupplyLink, second: SupplyLink, first_row: int) -> Found:
    """In what two links of one input do not agree."""
    for column in ("essential", "stock_days", "unit"):
        meant, said = getattr(first, column), getattr(second, column)
        if said != meant:
            yield column, f"{said}, but {meant} on row {first_row} for the same buyer and item"


def check_nodes_with_links(
    nodes: Sites, bought: Mapping[tuple[str, str], float], sellers: Container[str]
) -> list[Problem]:
    """What a node spends on an item is at least what its links say, and who sells keeps some.

    `bought` is currency a year by buyer and item of the newest links, `sellers` who sells at all.
    """
    problems = []
    for row, node in nodes:
        for item, spent in node.spend.items():
            sold = bought.get((node.id, item), 0.0)
            if sold > spent * ROUNDING:
                reason = f"{spent:g} on {item} is less than its links of {sold:g}"
                problems.append(Problem("nodes", row, "spend", reason))
        if node.final == 1 and node.id in sellers:
            reason = "1 leaves nothing for its buyers; write a share below 1"
            problems.append(Problem("nodes", row, "final", reason))
    return problems
