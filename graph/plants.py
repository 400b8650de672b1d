"""Plants and what they are made of: the network that time to survive is asked of.

A plant makes one product out of parts. Of each part it needs, any of the plants linked to it may
deliver; the parts do not replace each other. Stocks stand in two places: the plant's own product,
and the parts that it holds. Counted in units, whatever the firm counts in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graph.arrays import ESSENTIAL, YEAR_DAYS, Floats, Ints, Small, SupplyArrays, range_names

SHOWN = 20  # problems named in one error


class PlantError(ValueError):
    """The rows do not make a plant network; `problems` names every wrong row and why."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        super().__init__("; ".join(problems[:SHOWN]) + more)


@dataclass(frozen=True, slots=True)
class PlantNetwork:
    """n plants, g needs (one plant, one part) and m links that serve the needs."""

    names: Sequence[str]
    stock: Floats  # n: s, units of the plant's own product in hand
    demand: Floats  # n: d, units a day that customers outside take
    capacity: Floats  # n: c, units a day that the plant can make; inf: no limit
    profit: Floats  # n: f, lost with each unit that customers do not get
    need_buyer: Ints  # g
    need_units: Floats  # g: r, units of the part in one unit of the product
    need_stock: Floats  # g: units of the part in hand at the plant
    link_need: Ints  # m: the need that the link serves
    link_supplier: Ints  # m
    link_taken: Floats  # m: units of the supplier's product in one unit of the part

    @property
    def plants(self) -> int:
        return len(self.stock)

    @property
    def needs(self) -> int:
        return len(self.need_buyer)

    @property
    def links(self) -> int:
        return len(self.link_supplier)


def plant_network(
    stock: ArrayLike,
    demand: ArrayLike,
    supplier: ArrayLike,
    buyer: ArrayLike,
    part: ArrayLike,
    *,
    units: ArrayLike = 1.0,
    taken: ArrayLike = 1.0,
    part_stock: ArrayLike = 0.0,
    capacity: ArrayLike = np.inf,
    profit: ArrayLike = 1.0,
    names: Sequence[str] | None = None,
) -> PlantNetwork:
    """A checked network of n plants (one value of stock and demand each) and m bill rows.

    Row k says that plant `buyer[k]` may get its part `part[k]` from plant `supplier[k]`, `units`
    of it for one unit made. Rows of one buyer and one part are alternatives of each other.
    PlantError names every wrong row.

    >>> chain = plant_network([20, 50, 0, 30], [0, 0, 0, 10], [0, 1, 2], [1, 2, 3], ["a", "b", "c"])
    >>> chain.plants, chain.needs, chain.links
    (4, 3, 3)
    >>> plant_network([5, -1], [0, 1], [0], [0], ["a"])
    Traceback (most recent call last):
        ...
    graph.plants.PlantError: plant 1: stock -1 is negative; row 0: plant 0 supplies itself
    """
    s = np.atleast_1d(np.asarray(stock, dtype=np.float64))
    n = len(s)
    of_plant = {"stock": s, "demand": demand, "capacity": capacity, "profit": profit}
    d, c, f = (_columns(of_plant[k], n, k) for k in ("demand", "capacity", "profit"))
    sup, buy, kind, r, a, held = _rows(supplier, buyer, part, units, taken, part_stock)
    known = names if names is not None else range_names(n)
    problems = [
        *_bad_values("plant", known, {"stock": s, "demand": d, "profit": f}),
        *(f"plant {known[int(j)]}: capacity {c[j]:g} is negative or not a number; use inf for no limit"
          for j in np.flatnonzero(~(c >= 0))),
        *_bad_rows(n, sup, buy, r, a, held, known),
    ]  # fmt: skip
    if len(known) != n:
        problems.append(f"{len(known)} names for {n} plants")
    if problems:
        raise PlantError(problems)
    order = np.lexsort((sup, kind, buy))
    pairs = np.stack([buy[order], kind[order]], axis=1)
    new = np.ones(len(order), dtype=bool)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    need = np.cumsum(new) - 1
    first = order[new]
    _same_in_a_need(order, need, first, {"units": r, "part_stock": held}, buy, known)
    return PlantNetwork(
        known, s, d, c, f, buy[first], r[first], held[first], need, sup[order], a[order]
    )


def plants_of(arrays: SupplyArrays, *, under_way: bool = True) -> PlantNetwork:
    """A supply graph as plants, counted in days of normal output and of normal use.

    A node's unit is one day of what it normally makes; a need's unit is one day of what the
    buyer normally uses. Stocks are those of the input groups; `under_way` adds what is at sea or
    on the road at normal times, one day and the lead time of each link (the published LP has
    none). Demand is the final-demand share, profit the currency value of a day's output.

    The LP is not told what would make it harsher than the time-stepped model: inputs that are
    not essential never stop a plant, and the substitutable share (rho) of a link is to be had
    outside at once. So its time to survive is never below `graph.survival.simulated_survival`.

    PlantError when a node is said to sell all it makes to final demand and yet sells to others.

    >>> from graph.arrays import compile_arrays
    >>> two = compile_arrays(2, [0], [1], [0], [1.0], stock=3.0, lead=2)
    >>> plants_of(two).need_stock.tolist(), plants_of(two, under_way=False).need_stock.tolist()
    ([6.0], [3.0])
    """
    sells, f = arrays.sold_weight > 0, arrays.final
    if (wrong := np.flatnonzero(sells & (f >= 1))).size:
        raise PlantError([
            f"node {arrays.names[int(j)]}: sells to other nodes, so its final-demand share must be < 1"
            for j in wrong
        ])  # fmt: skip
    made = np.where(
        sells, arrays.sold_weight / np.where(f < 1, 1.0 - f, 1.0), arrays.output * YEAR_DAYS
    )
    used = np.flatnonzero((arrays.group_class == ESSENTIAL) & (_bought(arrays) > 0))
    number = np.full(arrays.groups, -1)
    number[used] = np.arange(len(used))
    need = number[arrays.link_group]
    links = np.flatnonzero((need >= 0) & (arrays.link_part > 0))
    weight, part = arrays.link_weight[links], arrays.link_part[links]
    transit = part * (arrays.link_lead[links] + 1.0) if under_way else np.zeros(len(links))
    outside = np.bincount(need[links], arrays.link_rho[links] * part, len(used))
    extra = np.flatnonzero(outside > 0)
    n, none = arrays.nodes, np.zeros(len(extra))
    return PlantNetwork(
        names=[*arrays.names, *(f"outside:{arrays.names[arrays.group_buyer[used[g]]]}"
                                for g in extra)],
        stock=np.zeros(n + len(extra)),
        demand=np.append(f, none),
        capacity=np.append(1.0 + arrays.slack, outside[extra]),
        profit=np.append(made / YEAR_DAYS, none),
        need_buyer=arrays.group_buyer[used].astype(np.int64),
        need_units=np.ones(len(used)),
        need_stock=arrays.group_stock[used] + np.bincount(need[links], transit, len(used)),
        link_need=np.append(need[links], extra),
        link_supplier=np.append(arrays.link_supplier[links].astype(np.int64),
                                n + np.arange(len(extra))),
        link_taken=np.append(_units_taken(weight, part, made, arrays.link_supplier[links]),
                             np.ones(len(extra))),
    )  # fmt: skip


def _bought(arrays: SupplyArrays) -> Floats:
    """g: what the buyer spends on each group, currency a year."""
    return np.bincount(arrays.link_group, arrays.link_weight, arrays.groups).astype(np.float64)


def _units_taken(weight: Floats, part: Floats, made: Floats, supplier: Small) -> Floats:
    """Days of the supplier's output in one day of the group's use, by each link."""
    return np.asarray(weight / part / made[supplier])


# --------------------------------------------------------------------------- checks


def _columns(values: object, count: int, name: str) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim and len(column) != count:
        raise PlantError([f"{name} has {len(column)} values for {count} plants"])
    return np.ascontiguousarray(np.broadcast_to(column, (count,)))


def _rows(
    supplier: ArrayLike,
    buyer: ArrayLike,
    part: ArrayLike,
    units: ArrayLike,
    taken: ArrayLike,
    part_stock: ArrayLike,
) -> tuple[Ints, Ints, Ints, Floats, Floats, Floats]:
    given = [np.asarray(supplier), np.asarray(buyer), np.asarray(part)]
    m = len(given[0])
    if any(len(one) != m for one in given):
        raise PlantError(["supplier, buyer and part must have one value per row each"])
    if any(one.size and one.dtype.kind not in "iu" for one in given[:2]):
        raise PlantError(["supplier and buyer must be plant numbers, 0 and up"])
    r, a, held = (
        np.broadcast_to(np.asarray(v, dtype=np.float64), (m,)) for v in (units, taken, part_stock)
    )
    kind: NDArray[np.int64] = np.unique(given[2], return_inverse=True)[1].astype(np.int64)
    return given[0].astype(np.int64), given[1].astype(np.int64), kind, r, a, held


def _bad_values(what: str, names: Sequence[str], columns: dict[str, Floats]) -> list[str]:
    return [
        f"{what} {names[int(j)] if j < len(names) else j}: {name} {values[j]:g} is "
        + ("negative" if values[j] < 0 else "not a finite number")
        for name, values in columns.items()
        for j in np.flatnonzero(~((values >= 0) & np.isfinite(values)))
    ]


def _bad_rows(
    n: int, sup: Ints, buy: Ints, units: Floats, taken: Floats, held: Floats, names: Sequence[str]
) -> list[str]:
    ends = ((sup < 0) | (sup >= n), (buy < 0) | (buy >= n))
    problems = [
        f"row {k}: {'supplier' if at == 0 else 'buyer'} {(sup, buy)[at][k]} is none of the "
        f"{n} plants"
        for at, wrong in enumerate(ends)
        for k in np.flatnonzero(wrong)
    ]
    problems += [f"row {k}: plant {names[int(sup[k])]} supplies itself"
                 for k in np.flatnonzero((sup == buy) & ~ends[0])]  # fmt: skip
    for name, values in (("units", units), ("taken", taken)):
        problems += [f"row {k}: {name} {values[k]:g} must be a finite number above 0"
                     for k in np.flatnonzero(~((values > 0) & np.isfinite(values)))]  # fmt: skip
    rows = range_names(len(sup))
    return problems + _bad_values("row", rows, {"part_stock": held})


def _same_in_a_need(
    order: Ints,
    need: Ints,
    first: Ints,
    columns: dict[str, Floats],
    buy: Ints,
    names: Sequence[str],
) -> None:
    """Rows of one need are alternatives: they must agree on what is said of the need itself."""
    problems = [
        f"row {k}: {name} {values[k]:g} differs from {values[first[need[at]]]:g} in row "
        f"{first[need[at]]}, though both are the same part of plant {names[int(buy[k])]}"
        for name, values in columns.items()
        for at in np.flatnonzero(values[order] != values[first[need]])
        for k in [order[at]]
    ]
    if problems:
        raise PlantError(problems)
