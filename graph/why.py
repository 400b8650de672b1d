"""Why a node loses: the paths that carry the most of its loss, from the blow to the node.

A path is a row of links without a node twice. Every link has a fixed lag, so that a path and a day
of the loss fix the day at each hop; what a path carries on a day is the product of the shares
(graph.causes) along it, and what it carries in all is the sum over the days, exactly. Paths are
opened best first: what one still carries bounds all of its continuations, so that none that was
left closed can carry more than one that is listed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from graph.arrays import Floats, SupplyArrays
from graph.causes import TIE, Causes, Trace, TraceError, down_causes, up_causes
from graph.scenario import Outcome, Scenario

LEAST = 1e-3  # of the loss: a path that carries less explains nothing
SEEN = 1e-9  # of what a path carries: days on which it carries less are not named
CAUSES = {"down": down_causes, "up": up_causes}


@dataclass(frozen=True, slots=True)
class Step:
    """One hop. Down, a loss goes from supplier to buyer; up, from buyer to supplier (orders)."""

    link: int
    supplier: int
    buyer: int
    item: int
    weight: float  # share of the normal supply of its group (down) or sales (up), 0..1
    share: float  # of the loss at the end of the hop that came by it, over the days, 0..1
    contribution: float  # currency of the target's loss that came by it and what follows
    lag_days: int
    sent: tuple[int, int]  # first and last day at the start of the hop
    felt: tuple[int, int]  # first and last day at its end


@dataclass(frozen=True, slots=True)
class Path:
    """A row of hops from the blow to the target; none when the target itself was hit.

    `share` is the product of the shares of the steps and `source_share`.
    """

    steps: tuple[Step, ...]
    target: int
    side: str  # down: inputs and capacity; up: orders
    source: str  # capacity or demand of node `origin`, or route: link `origin`
    origin: int
    source_share: float  # of the loss at the start of the first hop that was the blow's own, 0..1
    contribution: float  # currency
    share: float  # of the target's loss, 0..1
    struck: tuple[int, int]  # first and last day of the blow
    felt: tuple[int, int]  # first and last day of the target's loss that it explains


@dataclass(frozen=True, slots=True)
class Loop:
    """Links that hand a loss round in a circle, and what of the target's loss came by it again."""

    nodes: tuple[int, ...]
    contribution: float  # currency


@dataclass(frozen=True, slots=True)
class Why:
    """The loss of a node; contributions of paths, loops and `rest` add up to it."""

    target: int
    loss: float  # currency
    paths: tuple[Path, ...]  # the greatest first
    loops: tuple[Loop, ...]  # the greatest first: came round again before it reached the target
    rest: float  # currency: by paths that are not listed


@dataclass(slots=True)
class _Open:
    """A row of links that ends at the target, with what it carries by day of the target's loss."""

    side: str
    carried: Floats  # T
    start: int  # node at which it starts, for now
    lag: int  # days from the start to the target
    links: tuple[int, ...] = ()  # from the start to the target
    amounts: tuple[float, ...] = ()  # carried when the link was added
    nodes: tuple[int, ...] = ()  # from the start to the target
    source: str = ""  # a finished path: what it began with

    @property
    def amount(self) -> float:
        return float(self.carried.sum())


@dataclass(slots=True)
class _Search:
    trace: Trace
    least: float
    heap: list[tuple[float, int, _Open]] = field(default_factory=list)
    number: Iterator[int] = field(default_factory=count)
    known: dict[tuple[str, int], Causes] = field(default_factory=dict)
    loops: dict[tuple[int, ...], float] = field(default_factory=dict)
    rest: float = 0.0


def contribution_paths(
    arrays: SupplyArrays,
    outcome: Outcome,
    scenario: Scenario,
    target: int,
    *,
    top: int = 5,
    day: int | None = None,
    least: float = LEAST,
) -> Why:
    """The `top` paths that carry the most of the target's loss, over all days or on one of them.

    Paths that carry less than `least` of the loss are left in the rest. The work grows with the
    links into the nodes on the way, not with the graph. TraceError when the outcome is not of this
    graph and scenario, or of the joint mode; IndexError for a node or day that is not there.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> from graph.steps import run
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [7, 8], [365.0, 365.0], stock=[2.0, 0.0],
    ...                        lead=[1, 3], output=1.0)
    >>> shut = scenario(12, [Hit(np.array([0]), 1.0, 1)])
    >>> why = contribution_paths(chain, run(chain, shut), shut, 2)
    >>> [(s.supplier, s.buyer, s.item, s.sent, s.felt) for s in why.paths[0].steps]
    [(0, 1, 7, (3, 5), (5, 7)), (1, 2, 8, (5, 7), (9, 11))]
    >>> why.loss, why.paths[0].contribution, why.rest   # days 9, 10 and 11, at 1 a day
    (3.0, 3.0, 0.0)
    """
    if not 0 <= target < arrays.nodes or top < 1:
        raise IndexError(f"no node {target} of {arrays.nodes} to explain by {top} paths")
    if outcome.switches.startswith("joint"):
        raise TraceError("paths are of the separate mode: run it, and explain that outcome")
    if day is not None and not 0 <= day < scenario.days:
        raise IndexError(f"no day {day} in a run of {scenario.days} days")
    trace = Trace(arrays, outcome, scenario)
    loss = _by_day(trace, target, day)
    search = _Search(trace, least * float(loss.sum()))
    _open_target(search, target, loss)
    paths: list[_Open] = []
    while search.heap and len(paths) < top:
        _, _, best = heapq.heappop(search.heap)
        if best.source:
            paths.append(best)
        else:
            _extend(search, best)
    loops = sorted(search.loops.items(), key=lambda one: -one[1])
    return Why(
        target=target,
        loss=float(loss.sum()),
        paths=tuple(_path(trace, path, target, float(loss.sum())) for path in paths),
        loops=tuple(Loop(nodes, carried) for nodes, carried in loops),
        rest=search.rest + sum(one.amount for _, _, one in search.heap),
    )


def _by_day(trace: Trace, target: int, day: int | None) -> Floats:
    """T: the target's loss in currency, on the day asked or on all."""
    loss = (1.0 - trace.outcome.of(target)) * trace.arrays.output[target]
    if day is not None:
        loss = np.where(np.arange(len(loss)) == day, loss, 0.0)
    return np.asarray(loss, dtype=np.float64)


def _open_target(search: _Search, target: int, loss: Floats) -> None:
    """The sides that bind; when both do, each bears half, but one blow stays one path."""
    at = np.array([target])
    sides = {side: search.trace.lost(side, at)[:, 0] for side in CAUSES}
    top = np.maximum(sides["down"], sides["up"])
    asked = (loss > 0) & (top > 0)
    binds = {side: (lost >= top * (1.0 - TIE)) & asked for side, lost in sides.items()}
    number = np.maximum(1, sum(b.astype(int) for b in binds.values()))
    own = np.zeros(len(loss))
    for side, bound in binds.items():
        if not bound.any():
            continue
        one = _Open(side, loss * bound / number, target, 0, nodes=(target,))
        own += one.carried * _causes(search, one).own
        _extend(search, one, own_too=False)
    blow = "down" if binds["down"].any() else "up"
    _push(search, _Open(blow, own, target, 0, nodes=(target,), source="capacity"))


def _causes(search: _Search, one: _Open) -> Causes:
    key = (one.side, one.start)
    if key not in search.known:
        search.known[key] = CAUSES[one.side](search.trace, one.start)
    return search.known[key]


def _push(search: _Search, one: _Open) -> None:
    amount = one.amount
    if amount > search.least:
        heapq.heappush(search.heap, (-amount, next(search.number), one))
    else:
        search.rest += amount


def _extend(search: _Search, one: _Open, own_too: bool = True) -> None:
    """All that the row of links may start with: a blow where it starts now, or one more link."""
    causes, lag = _causes(search, one), one.lag
    here = one.carried[lag:]  # by day at the start
    days = len(here)
    ends = [("demand", causes.demand)] + ([("capacity", causes.own)] if own_too else [])
    for source, share in ends:
        _push(search, _begun(one, here * share[:days], source))
    for source, shares in (("route", causes.route), ("", causes.through)):
        amounts = here @ shares[:days]
        wide = np.flatnonzero(amounts > search.least)
        search.rest += float(amounts.sum() - amounts[wide].sum())
        for k in wide.tolist():
            link, by_link = int(causes.links[k]), here * shares[:days, k]
            _add_link(search, one, link, int(causes.lag[k]), by_link, source)


def _begun(one: _Open, carried: Floats, source: str) -> _Open:
    whole = np.concatenate([np.zeros(one.lag), carried])
    return _Open(one.side, whole, one.start, one.lag, one.links, one.amounts, one.nodes, source)


def _add_link(
    search: _Search, one: _Open, link: int, lag: int, carried: Floats, source: str
) -> None:
    supplier, buyer, _ = _ends(search.trace.arrays, link)
    other = supplier if one.side == "down" else buyer
    amount = float(carried.sum())
    if not source and other in one.nodes:
        ring = one.nodes[: one.nodes.index(other) + 1]
        first = ring.index(min(ring))  # the same circle is the same row, wherever it was entered
        ring = ring[first:] + ring[:first]
        search.loops[ring] = search.loops.get(ring, 0.0) + amount
        return
    whole = np.concatenate([np.zeros(one.lag), carried])
    more = _Open(
        one.side,
        whole,
        other,
        one.lag + lag,
        (link, *one.links),
        (amount, *one.amounts),
        (other, *one.nodes),
        source,
    )
    _push(search, more)


def _ends(arrays: SupplyArrays, link: int) -> tuple[int, int, int]:
    """Supplier, buyer and item of a link."""
    group = int(np.searchsorted(arrays.link_start, link, side="right")) - 1
    return (
        int(arrays.link_supplier[link]),
        int(arrays.group_buyer[group]),
        int(arrays.group_item[group]),
    )


def _path(trace: Trace, one: _Open, target: int, loss: float) -> Path:
    amount = one.amount
    days = np.flatnonzero(one.carried > SEEN * amount)
    felt = int(days[0]), int(days[-1])
    # A lost delivery is struck when it leaves; all else on the day the start of the row loses.
    steps, lag, before = [], 0, loss
    for link, carried in zip(reversed(one.links), reversed(one.amounts), strict=True):
        supplier, buyer, item = _ends(trace.arrays, link)
        down = one.side == "down"
        days_on = int(trace.arrays.link_lead[link]) + 1 if down else 1
        steps.append(
            Step(
                link=link,
                supplier=supplier,
                buyer=buyer,
                item=item,
                weight=float(
                    (trace.arrays.link_part if down else trace.arrays.link_sold_part)[link]
                ),
                share=carried / before,
                contribution=carried,
                lag_days=days_on,
                sent=(felt[0] - lag - days_on, felt[1] - lag - days_on),
                felt=(felt[0] - lag, felt[1] - lag),
            )
        )
        lag, before = lag + days_on, carried
    return Path(
        steps=tuple(reversed(steps)),
        target=target,
        side=one.side,
        source=one.source,
        origin=one.links[0] if one.source == "route" else one.start,
        source_share=amount / before,
        contribution=amount,
        share=amount / loss,
        struck=(felt[0] - lag, felt[1] - lag),
        felt=felt,
    )
