"""Links past what networkx holds, as columns: checked, and compiled without a graph.

Columns are searched for what looks odd; those few rows then go through the same checks as any
link (graph.supply_checks), so both ways find the same problems in the same words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.arrays import Floats, Ints, Small
from graph.supply_cells import LINKS, Piece, Value, whole_number
from graph.supply_checks import (
    ROUNDING,
    check_inputs,
    check_link,
    check_nodes,
    check_nodes_with_links,
    no_spend,
    other_currency,
    twice,
)
from graph.supply_codes import Codes, wrong_route, wrong_share, wrong_way
from graph.supply_nouns import BASES, LINK_RANGES, SHARE, Node, Problem, SupplyLink, in_force

MOST_PROBLEMS = 1000  # listed; how many rows more there are is said
FIGURES = (*LINK_RANGES, "essential")
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LinkColumns:
    """m links: figures as numbers, everything else as codes of the different values."""

    lines: Ints
    figures: Mapping[str, Floats]
    codes: Mapping[str, Small]
    values: Mapping[str, Sequence[Value]]  # column -> the value of each code

    def __len__(self) -> int:
        return len(self.lines)

    def link(self, n: int) -> SupplyLink:
        """Row n as a link."""
        given: dict[str, Value] = {k: float(column[n]) for k, column in self.figures.items()}
        given |= {k: whole_number(float(self.figures[k][n])) for k in ("essential", "lead_days")}
        given |= {name: self.values[name][int(code[n])] for name, code in self.codes.items()}
        said = [name for name in given if name.endswith("_source")]
        sources = {name.removesuffix("_source"): given.pop(name) for name in said}
        given["route"] = dict(given["route"])
        link: Callable[..., SupplyLink] = SupplyLink
        return link(**given, sources={name: text for name, text in sources.items() if text})

    def take(self, rows: Ints) -> LinkColumns:
        """The listed rows in that order."""
        return replace(
            self,
            lines=self.lines[rows],
            figures={name: _taken(column, rows) for name, column in self.figures.items()},
            codes={name: _taken(column, rows) for name, column in self.codes.items()},
        )

    def each(self, name: str, number: Callable[[Value], float]) -> NDArray[np.float64]:
        """m: a number for each link's value of a coded column."""
        numbers = np.array([number(value) for value in self.values[name]], dtype=np.float64)
        codes = self.codes[name]
        if len(numbers) == 1:
            return np.broadcast_to(numbers[0], len(codes))
        return np.asarray(numbers[codes])

    def numbers(self, name: str, known: Mapping[str, int]) -> Ints:
        """m: the known number of each link's value of a coded column, -1 where there is none."""
        return self.each(name, lambda value: known.get(str(value), -1)).astype(np.int64)

    def when(self, name: str, missing: date) -> Ints:
        """m: a date column as ordinals."""
        ordinal = self.each(name, lambda value: (value or missing).toordinal())
        return ordinal.astype(np.int64)


def _taken(column: NDArray[Any], rows: Ints) -> NDArray[Any]:
    """The listed values; a column that is one value throughout stays one."""
    if column.strides == (0,) and len(column):
        return np.broadcast_to(column[0], len(rows))
    return np.asarray(column[rows])


def link_columns(pieces: Iterable[Piece]) -> tuple[LinkColumns, list[Problem]]:
    """The pieces of a links file put together, and the cells that could not be read.

    A column that the file lacks is its default, one value in memory.
    """
    lines: list[Ints] = []
    parts: defaultdict[str, list[NDArray[Any]]] = defaultdict(list)
    tables: dict[str, defaultdict[Value, int]] = {}
    problems: list[Problem] = []
    for piece in pieces:
        problems += piece.problems
        lines.append(np.array(piece.lines, dtype=np.int64))
        for name, column in piece.values.items():
            if name in FIGURES:
                parts[name].append(np.array(column, dtype=np.float64))
                continue
            table = tables.setdefault(name, defaultdict(int))
            table.default_factory = table.__len__
            if name == "route":
                column = [tuple(route.items()) for route in column]
            codes = np.fromiter(map(table.__getitem__, column), np.int32, len(column))
            parts[name].append(codes)
    count = sum(map(len, lines))
    whole = {name: np.concatenate(parts.pop(name)) for name in list(parts)}
    lacking = LINKS.defaults.keys() - whole.keys()
    figures = {name: whole[name] for name in FIGURES if name in whole}
    codes_of = {name: whole[name] for name in whole if name not in figures}
    for name in lacking:
        default = LINKS.defaults[name]
        if name in FIGURES:
            figures[name] = np.broadcast_to(np.float64(default), count)
        else:
            codes_of[name] = np.broadcast_to(np.int32(0), count)
            tables[name] = defaultdict(int, {() if name == "route" else default: 0})
    numbered = np.concatenate([np.zeros(0, dtype=np.int64), *lines])
    values = {name: list(table) for name, table in tables.items()}
    return LinkColumns(numbered, figures, codes_of, values), problems


def check_columns(
    nodes: Sequence[Node], links: LinkColumns, *, node_lines: Sequence[int]
) -> list[Problem]:
    """Everything wrong with nodes and links, as `check_supply` finds it.

    Past `MOST_PROBLEMS` rows the last problem says how many more rows are wrong.
    """
    codes = Codes(nodes)
    sites = list(zip(node_lines, nodes, strict=True))
    number = {node.id: n for n, node in enumerate(nodes)}
    ends = links.numbers("supplier", number), links.numbers("buyer", number)
    odd = np.flatnonzero(_odd(links, codes, *ends))
    problems = check_nodes(sites, codes)
    problems += [
        Problem("links", int(links.lines[n]), column, reason)
        for n in odd[:MOST_PROBLEMS]
        for column, reason in check_link(links.link(int(n)), codes)
    ]
    if len(odd) > MOST_PROBLEMS:
        more = f"{len(odd) - MOST_PROBLEMS} more rows are wrong"
        problems.append(Problem("links", int(links.lines[-1]), "file", more))
    problems += _twice(links)
    problems += _units(nodes, links, node_lines)
    if not problems:
        problems += _inputs(links)
        sells = np.unique(links.codes["supplier"][links.figures["weight"] > 0])
        sellers = {str(links.values["supplier"][n]) for n in sells}
        problems += check_nodes_with_links(sites, _bought(nodes, links), sellers)
    return problems


def _odd(links: LinkColumns, codes: Codes, supplier: Ints, buyer: Ints) -> Mask:
    """m: the rows that `check_link` is to look at; all that are wrong are among them."""
    odd = (supplier < 0) | (supplier == buyer)
    for name, (least, most, _) in LINK_RANGES.items():
        figure = links.figures[name]
        odd |= ~(np.isfinite(figure) & (figure >= least) & (figure <= most))
    odd |= ~np.isin(links.figures["essential"], (0, 1, 2))
    odd |= links.figures["lead_days"] != np.round(links.figures["lead_days"])
    odd |= (links.figures["weight"] > 1) & (links.each("unit", lambda u: u == SHARE) > 0)
    for name, wrong in (
        ("supplier", lambda end: bool(codes.no_trader(end))),
        ("buyer", lambda end: bool(codes.no_trader(end))),
        ("item", lambda code: not codes.item(code)),
        ("unit", lambda unit: bool(wrong_share(unit, 0.0))),
        ("basis", lambda basis: basis not in BASES),
        ("route", lambda route: any(True for _ in wrong_route(dict(route), codes))),
    ):
        odd |= links.each(name, wrong) > 0
    told = links.each("basis", lambda basis: basis in ("stated", "computed")) > 0
    odd |= told & (links.each("source", lambda text: not str(text).strip()) > 0)
    made_up = links.each("basis", lambda basis: basis == "synthetic") > 0
    odd |= made_up & (links.each("synthetic", bool) == 0)
    odd |= links.when("valid_to", date.max) < links.when("valid_from", date.min)
    kinds = sorted(set(codes.kinds.values()))
    of_kind = {name: float(kinds.index(kind)) for name, kind in codes.kinds.items()}
    way = np.array([[bool(wrong_way(one, other)) for other in kinds] for one in kinds])
    if len(kinds) and len(links):
        sells = links.each("supplier", lambda end: of_kind.get(str(end), 0)).astype(np.int64)
        buys = links.each("buyer", lambda end: of_kind.get(str(end), 0)).astype(np.int64)
        odd |= way[sells, buys]
    return np.asarray(odd, dtype=bool)


def _twice(links: LinkColumns) -> list[Problem]:
    """Rows that say the same link of the same time; of the first `MOST_PROBLEMS` such links."""
    keys = [links.codes[name].astype(np.int64) for name in ("supplier", "item", "buyer")]
    keys += [links.when("valid_from", date.min), links.when("known_from", date.min)]
    order = np.lexsort(keys)
    same = np.ones(max(len(links) - 1, 0), dtype=bool)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    again = np.flatnonzero(same)[:MOST_PROBLEMS]
    rows = np.unique(order[np.append(again, again + 1)])
    told = ((int(links.lines[n]), links.link(int(n))) for n in rows)
    return twice("links", "item", ((row, (*k.key, k.valid_from, k.known_from)) for row, k in told))


def _units(nodes: Sequence[Node], links: LinkColumns, node_lines: Sequence[int]) -> list[Problem]:
    """One currency; shares only where there is something to take a share of."""
    units = [str(unit) for unit in links.values["unit"]]
    each = np.bincount(links.codes["unit"], minlength=len(units))
    said = Counter({u[:3]: int(n) for u, n in zip(units, each, strict=True) if u != SHARE and n})
    if not said and all(node.output is None for node in nodes):
        return []
    currency = said.total()
    said.update(node.unit[:3] for node in nodes if node.output is not None)
    usual = said.most_common(1)[0][0]
    problems = [
        Problem("nodes", row, "unit", other_currency(node.unit[:3], usual))
        for row, node in zip(node_lines, nodes, strict=True)
        if node.output is not None and node.unit[:3] != usual
    ]
    other = links.each("unit", lambda u: u != SHARE and u[:3] != usual) > 0
    for n in np.flatnonzero(other)[:MOST_PROBLEMS]:
        unit = links.link(int(n)).unit[:3]
        problems.append(Problem("links", int(links.lines[n]), "unit", other_currency(unit, usual)))
    if currency:
        spend = {(node.id, item) for node in nodes for item in node.spend}
        for n in np.flatnonzero(links.each("unit", lambda u: u == SHARE) > 0):
            link = links.link(int(n))
            if (link.buyer, link.item) not in spend and len(problems) < MOST_PROBLEMS:
                reason = no_spend(link.buyer, link.item)
                problems.append(Problem("links", int(links.lines[n]), "unit", reason))
    return problems


def input_starts(buyer: NDArray[np.integer], item: NDArray[np.integer]) -> Ints:
    """Where each input begins in rows sorted by buyer and item."""
    new = np.ones(len(buyer), dtype=bool)
    new[1:] = (buyer[1:] != buyer[:-1]) | (item[1:] != item[:-1])
    return np.flatnonzero(new)


def _inputs(links: LinkColumns) -> list[Problem]:
    """Inputs whose links do not agree, or whose shares come to more than 1, looked at closely."""
    buyer, item, unit = (links.codes[name] for name in ("buyer", "item", "unit"))
    order = np.lexsort((item, buyer))
    start = input_starts(buyer[order], item[order])
    if not len(start):
        return []
    odd = np.zeros(len(start), dtype=bool)
    for column in (links.figures["essential"], links.figures["stock_days"], unit):
        sorted_column = column[order]
        least = np.minimum.reduceat(sorted_column, start)
        odd |= least != np.maximum.reduceat(sorted_column, start)
    shares = links.figures["weight"] * links.each("unit", lambda u: u == SHARE)
    odd |= np.add.reduceat(shares[order], start) > ROUNDING
    end = np.append(start[1:], len(order))
    problems: list[Problem] = []
    for g in np.flatnonzero(odd):
        rows = np.sort(order[start[g] : end[g]])
        problems += check_inputs([(int(links.lines[n]), links.link(int(n))) for n in rows])
        if len(problems) > MOST_PROBLEMS:
            more = "more inputs were not looked at; correct these first"
            return [*problems, Problem("links", int(links.lines[-1]), "file", more)]
    return problems


def _bought(nodes: Sequence[Node], links: LinkColumns) -> Mapping[tuple[str, str], float]:
    """Currency a year by buyer and item, of the newest links, for nodes that say their spending."""
    spending = {node.id for node in nodes if node.spend}
    bought: defaultdict[tuple[str, str], float] = defaultdict(float)
    theirs = np.flatnonzero(links.each("buyer", lambda end: end in spending) > 0)
    for link in in_force(links.link(int(n)) for n in theirs):
        if link.unit != SHARE:
            bought[link.buyer, link.item] += link.weight
    return bought
