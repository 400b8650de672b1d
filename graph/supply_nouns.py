"""What a supply graph is made of: nodes, links between them, and what is wrong with rows.

Every coefficient says where it was read, or counts as `assumed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import networkx as nx

from graph.arrays import ESSENTIAL

if TYPE_CHECKING:
    SupplyGraph: TypeAlias = "nx.DiGraph[str]"
else:
    SupplyGraph = nx.DiGraph

GROUPING = frozenset({"country", "port", "chokepoint"})  # hold memberships, produce nothing
# Goods run down this list; a firm or a site may stand anywhere.
RANK = {"supplier": 0, "origin": 1, "item": 2, "use": 3, "industry": 4}
KINDS = GROUPING | frozenset(RANK) | {"firm", "site"}
BASES = frozenset({"stated", "computed", "inferred", "assumed", "synthetic"})
ASSUMED = "assumed"
SHARE = "share"  # unit of a link given as a share of what its buyer spends on the item
MAX_DAYS = 3650.0
INFINITE = float("inf")

# What each figure may be: least, most, unit. The checks, the readers and the docs share this.
NODE_RANGES: Mapping[str, tuple[float, float, str]] = {
    "output": (0.0, INFINITE, "currency a day"),
    "final": (0.0, 1.0, "share, not percent"),
    "slack": (0.0, INFINITE, "share of normal output"),
    "time_to_recover_days": (0.0, MAX_DAYS, "days"),
    "confidence": (0.0, 1.0, "share, not percent"),
}
LINK_RANGES: Mapping[str, tuple[float, float, str]] = {
    "weight": (0.0, INFINITE, "currency a year"),
    "stock_days": (0.0, MAX_DAYS, "days"),
    "lead_days": (0.0, MAX_DAYS, "whole days"),
    "substitutability": (0.0, 1.0, "share, not percent"),
    "ramp_days": (0.0, MAX_DAYS, "days"),
    "confidence": (0.0, 1.0, "share, not percent"),
}


@dataclass(frozen=True, slots=True)
class Node:
    """Something that supplies, buys, or holds others; id `kind:code` where the code is one.

    Figures about it were known from `known_from` on; a later row of the same id corrects it.
    """

    id: str
    kind: str  # one of KINDS; supplier: a virtual one, behind a tier that nobody named
    en: str = ""
    ko: str = ""
    country: str = ""  # ISO 3166 alpha-2
    sector: str = ""  # KSIC code or an industry node's: the market in which others may step in
    output: float | None = None  # currency a day; None: what its sales and final demand come to
    unit: str = "USD/d"  # of the output
    final: float = 0.0  # f: share of what it makes that final demand takes, 0..1
    slack: float = 0.0  # alpha: spare capacity as a share of normal output
    time_to_recover_days: float | None = None
    spend: Mapping[str, float] = field(default_factory=dict)  # item -> currency a year, all told
    member: Mapping[str, float] = field(default_factory=dict)  # M: node it is part of -> 0..1
    basis: str = ASSUMED  # of the output
    source: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)  # coefficient -> where it was read
    as_of: date | None = None
    known_from: date | None = None  # None: always
    synthetic: bool = False
    confidence: float = 1.0  # of an inferred node

    @property
    def inferred(self) -> bool:
        return self.basis == "inferred"

    @property
    def part_of(self) -> dict[str, float]:
        """What holds the node, and how much of it; its country wholly, unless `member` says less.

        >>> Node("firm:a", "firm", country="KR").part_of
        {'country:KR': 1.0}
        """
        if self.kind in GROUPING:
            return {}
        split = any(target.startswith("country:") for target in self.member)
        own = {} if split or not self.country else {f"country:{self.country}": 1.0}
        return {**own, **self.member}

    def source_of(self, coefficient: str) -> str:
        """Where a coefficient was read, or `assumed`.

        >>> Node("firm:a", "firm", sources={"slack": "annual report"}).source_of("final")
        'assumed'
        """
        own = self.source if coefficient == "output" else ""
        return self.sources.get(coefficient) or own or ASSUMED


@dataclass(frozen=True, slots=True)
class SupplyLink:
    """`supplier` sells `item` to `buyer`: in force from `valid_from` until before `valid_to`.

    `essential` and `stock_days` are of the buyer's input of the item, so all links of one input
    must agree on them. The default keeps a hard input from locking losses in for ever: a lost
    delivery can be replaced, slowly and in part.
    """

    supplier: str
    buyer: str
    item: str
    weight: float  # w: currency a year, or a share of the buyer's spending on the item, by `unit`
    unit: str = "USD/yr"  # or KRW/yr ..., or SHARE
    essential: int = ESSENTIAL  # class 0, 1 or 2
    stock_days: float = 0.0  # S
    lead_days: int = 0  # L
    substitutability: float = 0.1  # rho
    ramp_days: float = 90.0  # tau
    route: Mapping[str, float] = field(default_factory=dict)  # port or chokepoint -> share, 0..1
    basis: str = ASSUMED  # of the weight
    source: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)  # coefficient -> where it was read
    as_of: date | None = None  # of the figures
    valid_from: date | None = None  # None: always
    valid_to: date | None = None  # first day on which it is no longer so
    known_from: date | None = None
    synthetic: bool = False
    confidence: float = 1.0  # of an inferred link

    @property
    def inferred(self) -> bool:
        return self.basis == "inferred"

    @property
    def key(self) -> tuple[str, str, str]:
        return self.supplier, self.buyer, self.item

    def source_of(self, coefficient: str) -> str:
        """Where a coefficient was read, or `assumed`.

        >>> SupplyLink("a", "b", "urea", 1.0, source="customs").source_of("weight")
        'customs'
        """
        own = self.source if coefficient == "weight" else ""
        return self.sources.get(coefficient) or own or ASSUMED


NODE_COEFFICIENTS = ("output", "final", "slack", "time_to_recover_days", "country", "sector")
LINK_COEFFICIENTS = (
    "weight",
    "essential",
    "stock_days",
    "lead_days",
    "substitutability",
    "ramp_days",
    "route",
)


class Problem(NamedTuple):
    """One thing wrong: in which table and row (counted from 1, or the file's line), and why."""

    table: str  # nodes or links
    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"{self.table} row {self.row}, {self.column}: {self.reason}"


class SupplyError(ValueError):
    """The rows make no supply graph; `problems` lists everything wrong, and nothing was built."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        shown = "; ".join(map(str, self.problems[:20]))
        more = len(self.problems) - 20
        super().__init__(f"{shown}; and {more} more" if more > 0 else shown)


def in_force(
    rows: Iterable[SupplyLink], valid_on: date | None = None, known_on: date | None = None
) -> list[SupplyLink]:
    """The rows that held on a day as it was known on another, at most one per link.

    A row known later replaces the row of the same link and the same `valid_from`; `valid_to` equal
    to `valid_from` withdraws it. Of several that cover the day the one known last holds. None is
    the end of time: the newest that is known, and what has no end.

    >>> old = SupplyLink("a", "b", "urea", 1.0)
    >>> new = SupplyLink("a", "b", "urea", 2.0, known_from=date(2024, 5, 1))
    >>> [row.weight for row in in_force([old, new], known_on=date(2024, 4, 30))]
    [1.0]
    """
    day, known = valid_on or date.max, known_on or date.max
    told: dict[tuple[str, str, str, date | None], SupplyLink] = {}
    for row in rows:
        if _known(row) <= known:
            key = (*row.key, row.valid_from)
            if key not in told or _known(told[key]) < _known(row):
                told[key] = row
    held: dict[tuple[str, str, str], SupplyLink] = {}
    for row in told.values():
        covers = (row.valid_from or date.min) <= day and (
            row.valid_to is None or day < row.valid_to
        )
        if covers and (row.key not in held or _order(held[row.key]) < _order(row)):
            held[row.key] = row
    return list(held.values())


def _known(row: SupplyLink | Node) -> date:
    return row.known_from or date.min


def _order(row: SupplyLink) -> tuple[date, date]:
    return _known(row), row.valid_from or date.min


def known_nodes(rows: Iterable[Node], known_on: date | None = None) -> dict[str, Node]:
    """Per id the row known last by the day.

    >>> known_nodes([Node("firm:a", "firm", known_from=date(2024, 1, 1))], date(2023, 1, 1))
    {}
    """
    found: dict[str, Node] = {}
    for row in rows:
        early = row.id not in found or _known(found[row.id]) < _known(row)
        if _known(row) <= (known_on or date.max) and early:
            found[row.id] = row
    return found
