"""Checked columns of links -> arrays with their memberships, without networkx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from graph.arrays import Floats, Ints, SupplyArrays, compile_arrays
from graph.places import Members, Places, places_of, producing
from graph.supply_columns import LinkColumns
from graph.supply_compile import COMPLETE, incomplete, of_nodes, with_stated_output
from graph.supply_nouns import GROUPING, SHARE, Node, SupplyLink, known_nodes


@dataclass(frozen=True, slots=True)
class Supply:
    """A supply graph too large for networkx: arrays, memberships, and the rows behind them."""

    places: Places
    columns: LinkColumns  # by link number

    @property
    def arrays(self) -> SupplyArrays:
        return self.places.arrays

    @property
    def nodes(self) -> Sequence[Node]:
        """The row of each node, by its number."""
        return self.places.nodes

    def link(self, n: int) -> SupplyLink:
        """The row of a link: source, date, basis, route."""
        return self.columns.link(n)

    def members(self, target: str) -> Members:
        """What a shock on `target` falls on: see `Places.members`."""
        return self.places.members(target)


def compile_columns(
    nodes: Sequence[Node],
    links: LinkColumns,
    valid_on: date | None = None,
    known_on: date | None = None,
) -> Supply:
    """Checked rows as arrays: those of `compile_supply(as_of(...))`, but for the version.

    ValueError when the links of an input leave out some of it, as for `compile_supply`.
    """
    newest = known_nodes(nodes, known_on)
    rows = producing(newest.values())
    number = {row.id: n for n, row in enumerate(rows)}
    codes = {str(item): code for code, item in enumerate(sorted(map(str, links.values["item"])))}
    held = links.take(_in_force(links, number, codes, valid_on, known_on))
    supplier, buyer = held.numbers("supplier", number), held.numbers("buyer", number)
    used, item = np.unique(held.numbers("item", codes), return_inverse=True)
    every = list(codes)
    items = tuple(every[code] for code in used)
    spend = {
        (n, items.index(name)): spent
        for n, row in enumerate(rows)
        for name, spent in row.spend.items()
        if name in items
    }
    share = held.each("unit", lambda unit: unit == SHARE) > 0
    figures = held.figures
    arrays = compile_arrays(
        len(rows),
        supplier,
        buyer,
        item,
        figures["weight"] * np.where(share, _spent(buyer, item, spend), 1.0),
        essential=figures["essential"],
        stock=figures["stock_days"],
        lead=figures["lead_days"],
        rho=figures["substitutability"],
        ramp=figures["ramp_days"],
        **of_nodes(rows),
        items=items,
    )
    if lacking := _left_out(arrays, rows, share):
        raise incomplete(lacking)
    holders = (row.id for row in newest.values() if row.kind in GROUPING)
    taken, route = np.unique(held.codes["route"], return_inverse=True)
    routes = [dict(held.values["route"][code]) for code in taken]
    places = places_of(
        rows, with_stated_output(arrays, rows), routes, route.astype(np.int64), holders
    )
    return Supply(places, held)


def _in_force(
    links: LinkColumns,
    number: dict[str, int],
    item: dict[str, int],
    valid_on: date | None,
    known_on: date | None,
) -> Ints:
    """The rows that hold (`supply_nouns.in_force`), sorted by buyer, item and supplier."""
    day, known_day = (valid_on or date.max).toordinal(), (known_on or date.max).toordinal()
    start, known = links.when("valid_from", date.min), links.when("known_from", date.min)
    ends = links.codes["valid_to"] >= 0
    ends &= links.each("valid_to", lambda value: value is None or value.toordinal() > day) > 0
    supplier, buyer = links.numbers("supplier", number), links.numbers("buyer", number)
    same = [supplier, links.numbers("item", item), buyer]
    rows = np.flatnonzero((known <= known_day) & (supplier >= 0) & (buyer >= 0))
    told = _last(rows, [known, start, *same], 1)
    covers = told[(start[told] <= day) & ends[told]]
    return _last(covers, [start, known, *same], 2)


def _last(rows: Ints, keys: list[Ints], within: int) -> Ints:
    """Sorted by `keys` (the last first), the last row of those that are equal from key `within`."""
    order = rows[np.lexsort([key[rows] for key in keys])]
    last = np.ones(len(order), dtype=bool)
    if len(order):
        differs = np.zeros(len(order) - 1, dtype=bool)
        for key in keys[within:]:
            differs |= key[order][1:] != key[order][:-1]
        last[:-1] = differs
    return order[last]


def _spent(buyer: Ints, item: Ints, spend: dict[tuple[int, int], float]) -> Floats:
    """m: what each link's buyer spends on its item, 1 where nothing is said."""
    if not spend:
        return np.ones(len(buyer))
    width = max(int(item.max(initial=0)), max(i for _, i in spend)) + 1
    keys = np.array(sorted(b * width + i for b, i in spend), dtype=np.int64)
    spent = np.array([spend[int(k) // width, int(k) % width] for k in keys])
    asked = buyer * width + item
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[at] == asked, spent[at], 1.0)


def _left_out(arrays: SupplyArrays, nodes: Sequence[Node], share: NDArray[np.bool_]) -> list[str]:
    """The inputs of which the links do not say everything."""
    total = np.zeros(arrays.groups)
    if arrays.links:
        total = np.add.reduceat(arrays.link_weight, arrays.link_start[:-1])
    whole = np.where(share[arrays.link_start[:-1]] if arrays.links else False, 1.0, 0.0)
    lacking = []
    for n, row in enumerate(nodes):
        first, last = arrays.group_start[n : n + 2]
        bought = (
            {arrays.items[arrays.group_item[g]]: g for g in range(first, last)} if row.spend else {}
        )
        for item, spent in row.spend.items():
            if item in bought:
                whole[bought[item]] = spent
            elif spent > 0:
                lacking.append(f"links of {item} at {row.id} come to 0 of {spent:.4g}")
    lacking += [
        f"links of {arrays.items[arrays.group_item[g]]} at {arrays.names[arrays.group_buyer[g]]} "
        f"come to {total[g]:.4g} of {whole[g]:.4g}"
        for g in np.flatnonzero(total < COMPLETE * whole)
    ]
    return lacking
