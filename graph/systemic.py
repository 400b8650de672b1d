"""Which countries, straits, ports and single origins would cost Korea most if they stopped.

Every one of them is stopped alone, on the national model of all items with a share that was read,
and the losses of the uses are added up in days of normal use: what a use is worth was not read, so
that a day of one use counts as much as a day of another. What does not arrive is given too: a
stock that covers a stop hides whom it was drawn from.

A country or an origin that stops sends nothing. A strait with a detour loses no cargo: arrivals
pause for the days of the detour. Which part of a country's goods leaves by one of its ports was
not read, so a port counts for the assumed part of the shock profiles, and ports at which the same
goods may load are one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from graph import reference as ref
from graph.arrays import Floats, Ints
from graph.blocks import BlockOutcome
from graph.compile import Pair, compile_network
from graph.national import UNKNOWN, NationalModel, whole_model
from graph.network import Network, origin
from graph.scenario import Hit, Scenario, scenario
from graph.shocks import settings
from graph.step_kernels import run_many

KINDS = ("country", "chokepoint", "port", "origin")
STOPS = (30, 90)  # days that a stop lasts
HORIZON = 180  # days over which losses are added up
SHORT = 0.01  # share of a day's normal use: less is not called short, as in graph.national
TOLD = 5  # items named in a line


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing that stops for so many days, and what it costs."""

    kind: str
    node: str  # node id
    alike: tuple[str, ...]  # node ids of ports at which the same goods may load
    days: int
    loss_days: float  # days of normal use, summed over all uses
    critical_days: float  # of these, of uses of critical items
    missing_days: float  # that do not arrive, before stocks and substitutes, summed likewise
    uses_short: int  # uses of which more than SHORT is lacking on some day
    uses: int  # uses of what it sends or lets pass, with a share that was read
    first_day: int | None  # of the first shortage; None: nobody runs short
    items: tuple[tuple[str, float], ...]  # the items that lose most, critical ones first; days
    unread: tuple[str, ...]  # items that it sends or lets pass, of which no share was read
    magnitude: float  # share of the flow that is lost while it lasts
    pause_days: float  # of arrivals: the days of the stop, or of the detour if that is shorter
    basis: str  # "" where nothing but the stop itself was assumed


@dataclass(frozen=True, slots=True)
class Stops:
    """All that were asked, each kind with the costliest first, and what made the numbers."""

    on: date
    horizon: int
    lines: tuple[Stop, ...]
    items: int  # with a share that was read
    unread: int  # items on the network without one: what they cost is not known
    assumed_stocks: int  # stocks at uses that are the assumed default
    stated_stocks: int
    open_sea: tuple[str, ...]  # straits that are open sea and cannot stop
    engine: str
    switches: str
    residual: float  # greatest change of a node on the last day, over all stops

    def of(self, kind: str, days: int) -> tuple[Stop, ...]:
        """The lines of a kind and length, the costliest first."""
        return tuple(line for line in self.lines if (line.kind, line.days) == (kind, days))


@dataclass(frozen=True, slots=True)
class _Asked:
    kind: str
    node: str
    alike: tuple[str, ...]
    pairs: tuple[Pair, ...]  # (country, item) that it sends or lets pass
    magnitude: float
    detour: float | None
    basis: str


def stops(
    network: Network,
    on: date,
    *,
    items: Iterable[str] | None = None,
    lengths: Sequence[int] = STOPS,
    horizon: int = HORIZON,
) -> Stops:
    """Every country, strait, port and origin stopped alone, by what was known on the day.

    `items` None: all of the network. Sorted by kind and length, then by what is lost, by that of
    critical items, and by what does not arrive. ValueError without a length or a horizon of a day.

    >>> from graph.network import build_network
    >>> found = stops(build_network(), date(2026, 1, 5), items=["helium"])
    >>> [line.node for line in found.of("country", 90)][:2]
    ['country:QA', 'country:US']
    >>> [(line.node, line.pause_days) for line in found.of("chokepoint", 30)][:1]
    [('chokepoint:hormuz', 30.0)]
    """
    if not lengths or min(lengths) < 1 or horizon < 1:
        raise ValueError("give lengths of stops and a horizon of one day or more")
    compiled = compile_network(network)
    every = dict.fromkeys([*compiled.suppliers, *compiled.uses])
    wanted = list(every if items is None else items)
    model = whole_model(network, wanted, on)
    asked = list(_asked(network, wanted))
    jobs = [(one, days) for days in lengths for one in asked]
    number: dict[Pair, list[int]] = {}
    for n, fact in enumerate(model.links):
        if fact.country:
            number.setdefault((fact.country, fact.item), []).append(n)
    done = run_many(
        model.arrays,
        [_scenario(one, days, horizon, model, number) for one, days in jobs],
        threshold=SHORT,
        dtype=np.float64,
    )
    read = {fact.item for fact in model.links if fact.country}
    return Stops(
        on=on,
        horizon=horizon,
        lines=tuple(sorted(_lines(model, jobs, done, read), key=_order)),
        items=len(read),
        unread=len(set(wanted) - read),
        assumed_stocks=sum(s.days > 0 and s.basis == "assumed" for s in model.stocks),
        stated_stocks=sum(s.days > 0 and s.basis == "stated" for s in model.stocks),
        open_sea=tuple(
            f"chokepoint:{code}" for code, c in ref.CHOKEPOINTS.items() if c.mode == "open-sea"
        ),
        engine=done.engine,
        switches=done.switches,
        residual=float(done.residual.max(initial=0.0)),
    )


def _order(line: Stop) -> tuple[int, int, float, float, float, str]:
    amounts = (line.loss_days, line.critical_days, line.missing_days)
    most = tuple(-round(amount, 9) for amount in amounts)
    return KINDS.index(line.kind), line.days, most[0], most[1], most[2], line.node


def _asked(network: Network, items: Sequence[str]) -> Iterable[_Asked]:
    compiled = compile_network(network)
    wanted = set(items)
    pairs = [pair for pair in compiled.pairs if pair[1] in wanted and pair[0] != "KR"]
    for country in dict.fromkeys(c for c, _ in pairs):
        own = tuple(pair for pair in pairs if pair[0] == country)
        yield _Asked("country", f"country:{country}", (), own, 1.0, None, "")
    for pair in pairs:
        yield _Asked("origin", origin(*pair), (), (pair,), 1.0, None, "")
    loading: dict[tuple[Pair, ...], list[str]] = {}
    for place, through in compiled.through.items():
        own = tuple(sorted(pair for pair in through if pair[1] in wanted))
        point = ref.CHOKEPOINTS.get(place.removeprefix("chokepoint:"))
        if own and point is None:
            loading.setdefault(own, []).append(place)
        elif own and point is not None and point.mode != "open-sea":
            by = point.detour_days if point.mode == "detour" else None
            said = f"{point.basis}: detour of {by:g} days, then all arrives" if by else ""
            yield _Asked("chokepoint", place, (), own, 1.0, by, said)
    part = float(settings()["targets"]["port"])
    said = f"assumed: {part:.0%} of the goods of its country; which leave by it was not read"
    for own, places in loading.items():
        yield _Asked("port", places[0], tuple(places[1:]), own, part, None, said)


def _scenario(
    one: _Asked, days: int, horizon: int, model: NationalModel, number: Mapping[Pair, list[int]]
) -> Scenario:
    """What it sends is made no more, or what passes there does not arrive."""
    links = np.array(sorted(n for p in one.pairs for n in number.get(p, ())), dtype=np.int64)
    if one.kind in ("country", "origin"):
        targets = np.unique(model.arrays.link_supplier[links]).astype(np.int64)
        return scenario(horizon, [_hit(one, days, targets)])
    return scenario(horizon, (), [_hit(one, days, links)])


def _hit(one: _Asked, days: int, targets: Ints) -> Hit:
    return Hit(targets, one.magnitude, 0.0, _pause(one, days))


def _pause(one: _Asked, days: int) -> float:
    return float(days if one.detour is None else min(days, one.detour))


def _lines(
    model: NationalModel,
    jobs: Sequence[tuple[_Asked, int]],
    done: BlockOutcome,
    read: set[str],
) -> Iterable[Stop]:
    uses = [(model.numbers[node], use.item) for node, use in model.uses.items()
            if node in model.numbers]  # fmt: skip
    at = np.array([n for n, _ in uses], dtype=np.int64)
    critical = np.array([ref.ITEMS[item].critical for _, item in uses], dtype=bool)
    part_of: dict[Pair, float] = {}  # summed over the uses of the item
    for n, fact in enumerate(model.links):
        if fact.country and fact.country != UNKNOWN:
            pair = fact.country, fact.item
            part_of[pair] = part_of.get(pair, 0.0) + float(model.arrays.link_part[n])
    known = part_of.keys()
    for k, (one, days) in enumerate(jobs):
        lost, first = np.asarray(done.lost_days[at, k], np.float64), done.first_day[at, k]
        mine = {item for country, item in one.pairs if (country, item) in known}
        parts = sum(part_of.get(pair, 0.0) for pair in one.pairs)
        short = first >= 0
        yield Stop(
            kind=one.kind,
            node=one.node,
            alike=one.alike,
            days=days,
            loss_days=float(lost.sum()),
            critical_days=float(lost[critical].sum()),
            missing_days=parts * one.magnitude * _pause(one, days),
            uses_short=int(short.sum()),
            uses=sum(item in mine for _, item in uses),
            first_day=int(first[short].min()) if short.any() else None,
            items=_worst(lost, [item for _, item in uses]),
            unread=tuple(sorted({pair[1] for pair in one.pairs if pair not in known})),
            magnitude=one.magnitude,
            pause_days=_pause(one, days),
            basis=one.basis,
        )  # fmt: skip


def _worst(lost: Floats, items: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """The items whose uses lose most, critical ones first."""
    found: dict[str, float] = {}
    for days, item in zip(lost, items, strict=True):
        if days > 0:
            found[item] = found.get(item, 0.0) + float(days)
    order = sorted(found.items(), key=lambda one: (not ref.ITEMS[one[0]].critical, -one[1], one[0]))
    return tuple(order[:TOLD])
