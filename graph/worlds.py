"""One world of many: an event and a supply graph of which the numbers are not known for sure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Classes, Floats, Ints, SupplyArrays
from graph.scenario import Hit, Scenario, scenario
from graph.spreads import Spread, SpreadError, draw, draw_each, fixed

AT_ONCE = fixed("recovery at once", 0.0)
HALF = 0.5  # class of an important input: a full shortage stops half of the buyer


@dataclass(frozen=True, slots=True)
class Blow:
    """A `Hit` (graph.scenario) of which magnitude and times are spreads.

    `on` says what the targets are: capacity (nodes), deliveries (links) or demand (nodes).
    Magnitudes are cut to 0..1, days to 0 and more.
    """

    on: str
    targets: Ints
    magnitude: Spread
    start_day: Spread
    duration_days: Spread
    recovery: str = "step"
    recovery_days: Spread = AT_ONCE
    member: Floats | None = None  # as in Hit

    @property
    def spreads(self) -> tuple[Spread, ...]:
        return self.magnitude, self.start_day, self.duration_days, self.recovery_days


@dataclass(frozen=True, slots=True)
class Doubt:
    """Numbers of the graph that are not known for sure, and by how much.

    `of` stock (groups), lead, weight or rho (links): the spread is of the factor on each number;
    leads are rounded to days and rho cut to 0..1. `of` class (groups): the spread is of the class
    itself, 0, 1, 2, or 0.5 for an input that stops half of its buyer. `each`: every target is
    drawn on its own; else one draw holds for all of them.
    """

    of: str
    targets: Ints
    spread: Spread
    each: bool = False


@dataclass(frozen=True, slots=True)
class Design:
    """What may happen, with probability `probability`, and what is not known of the graph."""

    blows: tuple[Blow, ...]
    doubts: tuple[Doubt, ...] = ()
    probability: float = 1.0

    @property
    def spreads(self) -> list[Spread]:
        """All that have one value per world, by which assumptions are ranked."""
        of_blows = [spread for blow in self.blows for spread in blow.spreads]
        return of_blows + [doubt.spread for doubt in self.doubts if not doubt.each]


def settled(design: Design, values: Mapping[str, float]) -> Design:
    """The same design with the named spreads fixed at the values; SpreadError for a name it lacks.

    >>> from graph.spreads import pert
    >>> fire = Blow("capacity", np.array([0]), pert("magnitude", 0.2, 0.5, 0.9),
    ...             fixed("start", 1.0), pert("duration", 1.0, 2.0, 9.0))
    >>> settled(Design((fire,)), {"duration": 9.0}).blows[0].duration_days.values
    (9.0,)
    """
    unknown = set(values) - {spread.name for spread in design.spreads}
    if unknown:
        raise SpreadError(f"the design has no spread {', '.join(sorted(unknown))}")

    def at(spread: Spread) -> Spread:
        known = spread.name in values
        return fixed(spread.name, values[spread.name], spread.source) if known else spread

    blows = [
        replace(
            blow,
            magnitude=at(blow.magnitude),
            start_day=at(blow.start_day),
            duration_days=at(blow.duration_days),
            recovery_days=at(blow.recovery_days),
        )
        for blow in design.blows
    ]
    doubts = [d if d.each else replace(d, spread=at(d.spread)) for d in design.doubts]
    return replace(design, blows=tuple(blows), doubts=tuple(doubts))


def worlds(
    arrays: SupplyArrays, design: Design, seed: int, indices: range, days: int
) -> list[tuple[SupplyArrays, Scenario]]:
    """The graph and the scenario of each index; the same index gives the same world, always.

    SpreadError for an unknown `on` or `of`, a target that the graph lacks or a probability outside
    0..1.

    >>> from graph.arrays import compile_arrays
    >>> from graph.spreads import lognormal, pert
    >>> chain = compile_arrays(2, [0], [1], [0], [365.0], stock=4.0)
    >>> fire = Blow("capacity", np.array([0]), pert("magnitude", 0.2, 0.5, 0.9),
    ...             fixed("start", 1.0), fixed("duration", 2.0))
    >>> unsure = Design((fire,), (Doubt("stock", np.array([0]), lognormal("stock", 0.5, 2.0)),))
    >>> (own, one), (other, two) = worlds(chain, unsure, 7, range(5, 7), days=4)
    >>> bool(own.group_stock[0] != other.group_stock[0]), (one.psi > 0).ravel().tolist()
    (True, [False, True, True, False])
    """
    check(arrays, design)
    values = draw(design.spreads, seed, len(indices), indices.start)
    made = []
    for at, index in enumerate(indices):
        own = arrays
        for of, change in DOUBTS.items():
            doubts = [doubt for doubt in design.doubts if doubt.of == of]
            if doubts:
                drawn = [_drawn(doubt, values, seed, index, at) for doubt in doubts]
                targets = np.concatenate([doubt.targets for doubt in doubts])
                own = change(own, targets, np.concatenate(drawn))
        hits = {on: [_hit(b, values, at) for b in design.blows if b.on == on] for on in TARGETS}
        made.append((own, scenario(days, **hits, probability=design.probability)))
    return made


def _drawn(doubt: Doubt, values: dict[str, Floats], seed: int, index: int, at: int) -> Floats:
    if doubt.each:
        return draw_each(doubt.spread, seed, index, len(doubt.targets))
    return np.full(len(doubt.targets), values[doubt.spread.name][at])


TARGETS = ("capacity", "deliveries", "demand")


def check(arrays: SupplyArrays, design: Design) -> None:
    """SpreadError, saying what is wrong, when the design does not fit the graph."""
    if not 0.0 <= design.probability <= 1.0:
        raise SpreadError(f"a probability lies in 0..1, not at {design.probability}")
    for blow in design.blows:
        if blow.on not in TARGETS:
            raise SpreadError(f"a blow is on one of {TARGETS}, not on {blow.on!r}")
        _fits(blow.targets, arrays.links if blow.on == "deliveries" else arrays.nodes, blow.on)
    alone = [doubt.spread.name for doubt in design.doubts if doubt.each]
    if len(set(alone)) < len(alone):
        raise SpreadError(f"two doubts drawn each share a name of {sorted(alone)}: rename one")
    for doubt in design.doubts:
        if doubt.of not in DOUBTS:
            raise SpreadError(f"a doubt is of one of {tuple(DOUBTS)}, not of {doubt.of!r}")
        of_groups = doubt.of in ("stock", "class")
        _fits(doubt.targets, arrays.groups if of_groups else arrays.links, doubt.of)


def _fits(targets: Ints, count: int, what: str) -> None:
    if len(targets) and (targets.min() < 0 or targets.max() >= count):
        raise SpreadError(f"a target of {what} lies outside 0..{count - 1} of this graph")


def _hit(blow: Blow, values: dict[str, Floats], at: int) -> Hit:
    size, start, duration, recovery = (float(values[s.name][at]) for s in blow.spreads)
    return Hit(
        blow.targets,
        min(1.0, max(0.0, size)),
        max(0.0, start),
        max(0.0, duration),
        blow.recovery,
        max(0.0, recovery),
        blow.member,
    )


def _stock(arrays: SupplyArrays, targets: Ints, factor: Floats) -> SupplyArrays:
    return replace(arrays, group_stock=_scaled(arrays.group_stock, targets, factor))


def _lead(arrays: SupplyArrays, targets: Ints, factor: Floats) -> SupplyArrays:
    days = np.rint(_scaled(arrays.link_lead.astype(np.float64), targets, factor))
    return replace(arrays, link_lead=days.astype(np.int32))


def _rho(arrays: SupplyArrays, targets: Ints, factor: Floats) -> SupplyArrays:
    return replace(arrays, link_rho=np.minimum(1.0, _scaled(arrays.link_rho, targets, factor)))


def _weight(arrays: SupplyArrays, targets: Ints, factor: Floats) -> SupplyArrays:
    """All shares that hang on the weights, anew; what a node makes a day stays as it was."""
    weight = _scaled(arrays.link_weight, targets, factor)
    group, supplier = arrays.link_group, arrays.link_supplier
    totals = _sums(group, weight, arrays.groups)
    spent = _sums(arrays.group_buyer, totals, arrays.nodes)
    sales = _sums(supplier, weight, arrays.nodes)
    to_nodes = _sums(supplier, arrays.link_sold_part, arrays.nodes)  # 1 - f of each node
    return replace(
        arrays,
        link_weight=weight,
        link_part=_share(weight, totals[group]),
        group_part=_share(totals, spent[arrays.group_buyer]),
        link_sold_part=_share(weight, sales[supplier]) * to_nodes[supplier],
        sold_weight=sales,
    )


def _sums(of: NDArray[np.integer], values: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(of, values, count), dtype=np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _class(arrays: SupplyArrays, targets: Ints, drawn: Floats) -> SupplyArrays:
    """An input of class one half is half-critical (Pichler et al. 2022): its shortage counts half.

    It is laid out as an essential group of which half is delivered and half is in stock, so that
    the stock still lasts as long; it is refilled up to twice as fast while the buyer is down.
    """
    kinds: Classes = arrays.group_class.copy()
    half = drawn == HALF
    known = half | np.isin(drawn, (0, NON_ESSENTIAL, ESSENTIAL))
    if not known.all():
        raise SpreadError(f"a class is 0, 1, 2 or {HALF}, not {drawn[~known][0]}")
    kinds[targets] = np.where(half, ESSENTIAL, drawn).astype(np.int8)
    counts = np.ones(arrays.groups)
    counts[targets] = np.where(half, HALF, 1.0)
    if (counts == 1.0).all():
        return replace(arrays, group_class=kinds)
    return replace(
        arrays,
        group_class=kinds,
        group_stock=arrays.group_stock * counts,
        link_part=arrays.link_part * counts[arrays.link_group],
    )


def _scaled(numbers: Floats, targets: Ints, factor: Floats) -> Floats:
    changed = numbers.copy()
    np.multiply.at(changed, targets, np.maximum(0.0, factor))  # several doubts of one multiply
    return changed


# In the order in which they are laid on: a class of one half divides what the others have made.
DOUBTS: dict[str, Callable[[SupplyArrays, Ints, Floats], SupplyArrays]] = {
    "weight": _weight,
    "lead": _lead,
    "rho": _rho,
    "stock": _stock,
    "class": _class,
}
