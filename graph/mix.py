"""A group whose suppliers are changed: who could take over, and the graph once they have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from graph.alternatives import Alternative
from graph.arrays import YEAR_DAYS, Floats, Ints, SupplyArrays, compile_arrays
from graph.scenario import Scenario


class RemedyError(ValueError):
    """The question names what is not there, or cannot be; the message says what to ask instead."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A supplier that could take over a part of a group."""

    supplier: int
    most: float  # share of the group that it could take over beyond today's, 0..1
    lead_days: int
    rho: float = 0.0  # as of its link; only for a supplier that is not in the group yet
    ramp: float = 0.0


def offers(alternatives: Iterable[Alternative]) -> list[Offer]:
    """What alternatives (of `graph.alternatives.alternative_suppliers`) are known to be able to
    take over, in their order. One whose spare capacity or lead time is unknown offers nothing.

    >>> from graph.alternatives import UNKNOWN, Figure
    >>> no, some = Figure(0.0, "graph"), Figure(0.3, "graph")
    >>> offers([Alternative("a", 4, no, some, Figure(7.0, "graph"), no, UNKNOWN, no, ()),
    ...         Alternative("b", 5, no, UNKNOWN, Figure(7.0, "graph"), no, UNKNOWN, no, ())])
    [Offer(supplier=4, most=0.3, lead_days=7, rho=0.0, ramp=0.0)]
    """
    return [
        Offer(one.node, min(1.0, one.spare.value), ceil(one.transit_days.value))
        for one in alternatives
        if one.node is not None
        and (one.usable or 0.0) > 0
        and one.spare.value is not None
        and one.transit_days.value is not None
    ]


class Mix:
    """A group whose suppliers are changed: the same links for any share, only their weights move.

    A share of the group is taken from the suppliers `away` in proportion and given to the offers
    in their order, each up to its most. What each node sells to final demand stays; what it sells
    to others, and so makes, follows. RemedyError for an offer that cannot be.

    >>> from graph.scenario import scenario
    >>> one = compile_arrays(3, [0], [2], [0], [8.0], final_sales=1.0)
    >>> mix = Mix(one, scenario(1), 0, [0], [Offer(1, 0.5, 3)])
    >>> mix.most, mix.shares(0.25), mix.arrays_at(0.25).link_weight.tolist()
    (0.5, {0: 0.75, 1: 0.25}, [6.0, 2.0])
    """

    def __init__(
        self,
        arrays: SupplyArrays,
        scenario: Scenario,
        group: int,
        away: Iterable[int],
        offered: Sequence[Offer],
    ) -> None:
        left = {int(n) for n in away}
        _check(arrays, group, offered, left)
        lo, hi = int(arrays.link_start[group]), int(arrays.link_start[group + 1])
        place = {int(arrays.link_supplier[e]): e for e in range(lo, hi)}
        new = [o for o in offered if o.supplier not in place]
        place |= {o.supplier: arrays.links + k for k, o in enumerate(new)}
        self._base, number = _with_links(arrays, group, new)
        self._own = number[[*range(lo, hi), *range(arrays.links, arrays.links + len(new))]]
        self._from = number[lo + np.flatnonzero(np.isin(arrays.link_supplier[lo:hi], list(left)))]
        self._takes = [(int(number[place[o.supplier]]), o.most) for o in offered]
        self._need = float(arrays.link_weight[lo:hi].sum())
        self._final_sales = _final_sales(arrays)
        going = float(self._base.link_part[self._from].sum())
        self.most = min(going, sum(o.most for o in offered))
        order = np.argsort(number[scenario.links])
        self.scenario = replace(
            scenario, links=number[scenario.links][order], phi=scenario.phi[:, order]
        )

    def shares(self, share: float) -> dict[int, float]:
        """Supplier -> its share of the group when so much is moved."""
        suppliers, at = np.unique(self._base.link_supplier[self._own], return_inverse=True)
        found = np.bincount(at, self._weights(share)[self._own]) / self._need
        return dict(zip(suppliers.tolist(), found.tolist(), strict=True))

    def arrays_at(self, share: float) -> SupplyArrays:
        """The graph with so much of the group moved; link numbers are those of `scenario`."""
        base, weight = self._base, self._weights(share)
        supplier = base.link_supplier
        sales = np.bincount(supplier, weight, base.nodes).astype(np.float64)
        made = sales + self._final_sales
        some = np.where(made > 0, made, 1.0)
        part = base.link_part.copy()
        part[self._own] = weight[self._own] / self._need
        return replace(
            base,
            version=f"{base.version}/{share:g}",
            output=base.output + (sales - base.sold_weight) / YEAR_DAYS,
            final=np.where(sales > 0, self._final_sales / some, 1.0),
            link_weight=weight,
            link_part=part,
            link_sold_part=weight / some[supplier],
            sold_weight=sales,
        )

    def _weights(self, share: float) -> Floats:
        """m + new links: currency a year when so much of the group is moved."""
        weight = self._base.link_weight.copy()
        going = weight[self._from].sum()
        if going > 0:
            weight[self._from] *= max(0.0, 1.0 - share * self._need / going)
        left = share
        for link, most in self._takes:
            part = min(left, most)
            weight[link] += part * self._need
            left -= part
        return weight


def _final_sales(arrays: SupplyArrays) -> Floats:
    """n: what each node sells to final demand, currency a year."""
    f, sells = arrays.final, arrays.final < 1
    ratio = f / np.where(sells, 1.0 - f, 1.0)
    return np.asarray(np.where(sells, ratio * arrays.sold_weight, arrays.output * YEAR_DAYS))


def _with_links(
    arrays: SupplyArrays, group: int, new: Sequence[Offer]
) -> tuple[SupplyArrays, Ints]:
    """The arrays with links of weight 0 added to a group; the new number of every link."""
    of, count = arrays.link_group, len(new)
    supplier = np.append(arrays.link_supplier, [o.supplier for o in new]).astype(np.int64)
    buyer = np.append(arrays.link_buyer, [arrays.group_buyer[group]] * count)
    item = np.append(arrays.group_item[of], [arrays.group_item[group]] * count)
    base = compile_arrays(
        arrays.nodes,
        supplier,
        buyer,
        item,
        np.append(arrays.link_weight, [0.0] * count),
        essential=np.append(arrays.group_class[of], [arrays.group_class[group]] * count),
        stock=np.append(arrays.group_stock[of], [arrays.group_stock[group]] * count),
        lead=np.append(arrays.link_lead, [o.lead_days for o in new]),
        rho=np.append(arrays.link_rho, [o.rho for o in new]),
        ramp=np.append(arrays.link_ramp, [o.ramp for o in new]),
        final_sales=_final_sales(arrays),
        output=arrays.output,
        slack=arrays.slack,
        sector=arrays.sector,
        names=arrays.names,
        items=arrays.items,
        version=f"{arrays.version}/mix{group}",
    )
    return base, np.argsort(np.lexsort((supplier, item, buyer)))  # the order of compile_arrays


def _check(arrays: SupplyArrays, group: int, offered: Sequence[Offer], away: set[int]) -> None:
    own = set(
        arrays.link_supplier[arrays.link_start[group] : arrays.link_start[group + 1]].tolist()
    )
    if not own & away:
        raise RemedyError(f"none of the suppliers to move away from sells to group {group}")
    seen: set[int] = set()
    for one in offered:
        who = f"offer of node {one.supplier}"
        if not 0 <= one.supplier < arrays.nodes or one.supplier == arrays.group_buyer[group]:
            raise RemedyError(f"{who}: it is no other node of this graph")
        if one.supplier in away or one.supplier in seen:
            raise RemedyError(f"{who}: it is moved away from, or is offered twice")
        if not (0 <= one.most <= 1 and one.lead_days >= 0):
            raise RemedyError(f"{who}: most must be within 0..1 and lead days 0 or more")
        seen.add(one.supplier)
