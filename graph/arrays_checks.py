"""Whether arrays that came from a file are a supply graph: the engines index without asking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from graph.arrays import ESSENTIAL, NONE, SupplyArrays, compile_arrays
from graph.supply_nouns import MAX_DAYS

SUM_OFF = 1e-6  # how far shares of one whole may be from 1
BY_NODE = ("final", "sector", "slack", "sold_weight")
BY_GROUP = ("group_item", "group_class", "group_part", "group_stock")
BY_LINK = ("link_weight", "link_part", "link_lead", "link_rho", "link_ramp", "sold",
           "link_sold_part")  # fmt: skip
SHARES = ("final", "group_part", "link_part", "link_rho", "link_sold_part")
DAYS = ("group_stock", "link_lead", "link_ramp")
AMOUNTS = ("output", "slack", "sold_weight", "link_weight")


class ArraysError(ValueError):
    """Arrays that are no supply graph; the message names each array and what is wrong with it."""


def check_arrays(arrays: SupplyArrays) -> SupplyArrays:
    """The same arrays. ArraysError with what is wrong: lengths, order, numbers, shares.

    >>> from dataclasses import replace
    >>> from graph.arrays import compile_arrays
    >>> two = compile_arrays(2, [0], [1], [0], [5.0])
    >>> check_arrays(two) is two
    True
    >>> check_arrays(replace(two, link_supplier=np.array([9], np.int32)))
    Traceback (most recent call last):
    ...
    graph.arrays_checks.ArraysError: link_supplier: a value outside 0..1; save the graph again
    """
    for checks in (_kinds, _lengths, _order, _figures):
        if problems := list(checks(arrays)):
            raise ArraysError("; ".join(problems) + "; save the graph again")
    return arrays


def _kinds(a: SupplyArrays) -> Iterator[str]:
    due = compile_arrays(1, [], [], [], [])
    for one in fields(due):
        wanted, given = getattr(due, one.name), getattr(a, one.name)
        if isinstance(wanted, np.ndarray) and getattr(given, "dtype", None) != wanted.dtype:
            yield f"{one.name}: not of kind {wanted.dtype}"


def _lengths(a: SupplyArrays) -> Iterator[str]:
    n, g, m = (np.size(first) for first in (a.output, a.group_buyer, a.link_supplier))
    due = [(name, n) for name in ("output", *BY_NODE)]
    due += [(name, g) for name in ("group_buyer", *BY_GROUP)]
    due += [(name, m) for name in ("link_supplier", *BY_LINK)]
    due += [("group_start", n + 1), ("sold_start", n + 1), ("link_start", g + 1)]
    for name, length in due:
        shape = np.shape(getattr(a, name))
        if shape != (length,):
            yield f"{name}: shape {shape} where {length} values are due"
    if len(a.names) != n or len(set(a.names)) != n:
        yield f"names: {len(set(a.names))} different ones of {n} nodes"


def _order(a: SupplyArrays) -> Iterator[str]:
    n, g, m = a.nodes, a.groups, a.links
    for name, last in (("group_start", g), ("link_start", m), ("sold_start", m)):
        start = getattr(a, name)
        if start[0] != 0 or start[-1] != last or (np.diff(start) < 0).any():
            yield f"{name}: does not rise from 0 to {last}"
    items = len(a.items) or np.iinfo(np.int32).max
    for name, least, past in (
        ("group_buyer", 0, n),
        ("link_supplier", 0, n),
        ("sold", 0, m),
        ("group_item", 0, items),
        ("sector", -1, max(n, 1)),
        ("group_class", NONE, ESSENTIAL + 1),
    ):
        values = getattr(a, name)
        if len(values) and not least <= values.min() <= values.max() < past:
            yield f"{name}: a value outside {least}..{past - 1}"


def _figures(a: SupplyArrays) -> Iterator[str]:
    for names, most in ((SHARES, 1 + SUM_OFF), (DAYS, MAX_DAYS), (AMOUNTS, np.inf)):
        for name in names:
            values = getattr(a, name)
            if not bool((np.isfinite(values) & (values >= 0) & (values <= most)).all()):
                yield f"{name}: a value that is no number, below 0 or above {most:g}"
    taken = np.bincount(a.link_supplier, a.link_sold_part, a.nodes)
    sells = taken > 0
    if (a.final[sells] >= 1).any():
        yield "final: all of what a node makes, where it sells to other nodes"
    if ((taken + a.final)[sells] > 1 + SUM_OFF).any():
        yield "link_sold_part: with final, more than all of what a node makes"
    if not np.array_equal(a.group_buyer, np.repeat(np.arange(a.nodes), np.diff(a.group_start))):
        yield "group_buyer: not the nodes that group_start says"
    if not np.array_equal(a.link_supplier[a.sold],
                          np.repeat(np.arange(a.nodes), np.diff(a.sold_start))):  # fmt: skip
        yield "sold: not the suppliers that sold_start says"
    if a.links and (np.diff(a.link_start) == 0).any():
        yield "link_start: a group without a link"
    elif a.links and (np.add.reduceat(a.link_part, a.link_start[:-1]) > 1 + SUM_OFF).any():
        yield "link_part: shares of a group that come to more than 1"
