"""Which codes and figures the rows of a supply graph may use, and the words when they do not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping

from graph import reference as ref
from graph.supply_nouns import GROUPING, RANK, SHARE, Node

CURRENCY = re.compile(r"[A-Z]{3}/(yr|d)")
HS = re.compile(r"(\d\d){1,5}")
KSIC = re.compile(r"\d{2,5}")
Found = Iterator[tuple[str, str]]  # column, reason


class Codes:
    """The codes that rows may use: those of the reference tables and of declared nodes."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.kinds = {node.id: node.kind for node in nodes}
        self.places = {
            *(f"port:{p}" for p in ref.PORTS),
            *(f"chokepoint:{c}" for c in ref.CHOKEPOINTS),
            *(i for i, kind in self.kinds.items() if kind in ("port", "chokepoint")),
        }

    def country(self, code: str) -> bool:
        return code in ref.COUNTRIES or f"country:{code}" in self.kinds

    def item(self, code: str) -> bool:
        known = code in ref.ITEMS or f"item:{code}" in self.kinds
        return known or HS.fullmatch(code) is not None

    def sector(self, code: str) -> bool:
        known = code in ref.INDUSTRIES or f"industry:{code}" in self.kinds
        return known or KSIC.fullmatch(code) is not None

    def no_trader(self, node: str) -> str:
        """Why a link cannot end at a node; empty when it can."""
        if node not in self.kinds:
            return f"unknown node {node!r}; add it to the nodes"
        if self.kinds[node] in GROUPING:
            return f"a {self.kinds[node]} trades nothing; put it in the route or country"
        return ""

    def group(self, target: str) -> bool:
        kind, _, code = target.partition(":")
        known = target in self.kinds or target in self.places
        return known or (kind == "country" and self.country(code))


def wrong_route(route: Mapping[str, float], codes: Codes) -> Found:
    for place, share in route.items():
        if place not in codes.places:
            yield (
                "route",
                f"unknown port or chokepoint {place!r}; write port:busan, chokepoint:suez",
            )
        if reason := out_of_range(share, (0.0, 1.0, "share, not percent")):
            yield "route", reason


def wrong_way(supplier: str, buyer: str) -> str:
    """Why goods do not run from one kind to another; empty when they do.

    >>> wrong_way("item", "use"), wrong_way("use", "item")
    ('', 'goods do not run from use to item; turn the link round')
    """
    if RANK.get(supplier, 0) > RANK.get(buyer, len(RANK)):
        return f"goods do not run from {supplier} to {buyer}; turn the link round"
    return ""


def wrong_share(unit: str, weight: float) -> str:
    """Why a weight does not fit its unit; empty when it does.

    >>> wrong_share("share", 70.0)
    '70.0 is a share above 1; write 0.7, not 70'
    """
    if unit != SHARE and not (CURRENCY.fullmatch(unit) and unit.endswith("/yr")):
        return f"unit {unit!r} is not known; write USD/yr, KRW/yr or share"
    if unit == SHARE and weight > 1:
        return f"{weight} is a share above 1; write 0.7, not 70"
    return ""


def out_of_range(value: float, limits: tuple[float, float, str]) -> str:
    """Why a figure cannot be; empty when it can.

    >>> out_of_range(-1.0, (0.0, 1.0, "share, not percent"))
    '-1.0 is not within 0..1 (share, not percent)'
    """
    least, most, unit = limits
    if not isinstance(value, int | float) or not math.isfinite(value):
        return f"{value} is not a number"
    if least <= value <= most:
        return ""
    return (
        f"{value} is below 0 ({unit})"
        if most == math.inf
        else (f"{value} is not within {least:g}..{most:g} ({unit})")
    )


def unknown_item(code: str) -> str:
    return f"unknown item {code!r}; write an id of graph/data/items.csv, an HS code, or declare it"
