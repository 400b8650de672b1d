"""A firm's own stress test: what each thing it hangs on would cost, and what would keep that small.

Each source (graph.firm_sources) is held down alone. How long the firm lasts is asked twice: in the
time-stepped model, where nobody plans, and by LP, the longest that any plan could last
(graph.survival). What is lost by the day of recovery is the LP's least (Simchi-Levi et al. 2014).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, inf

import numpy as np

from graph.alternatives import Alternative, alternative_suppliers
from graph.arrays import ESSENTIAL, Floats, Ints
from graph.cover import NEVER, days_of_cover
from graph.cycles import LockingCycle, locking_cycles
from graph.firm_sources import KINDS, FirmSupply, Source, moved_away, sources, struck
from graph.plants import PlantNetwork, plants_of
from graph.plants_near import near
from graph.propagation import recover_days
from graph.remedies import SHARE_STEP, smallest_stock
from graph.scenario import Hit, Outcome, Scenario, scenario
from graph.step_kernels import run_fast
from graph.survival import NOTHING, Loss, SurvivalError, loss_at_recovery, time_to_survive

LINE = 1.0  # days of the firm's whole output that may be lost
HELPED = 200  # sources, the worst first, for which stocks and moves are looked for
TRIMMED = 12  # stocks of one source up to which each is made as small as it can be
MOST_DAYS = 3650
LOOK_DAYS = 1100  # how far to look for a first loss where no LP says how far is enough


@dataclass(frozen=True, slots=True)
class Stock:
    """Days of normal use of one part at one place, as they are and as they would be enough."""

    item: str
    buyer: str  # node
    now_days: float
    enough_days: float | None  # None: no stock is enough


@dataclass(frozen=True, slots=True)
class Strain:
    """One source down for `recover_days`: how long the firm lasts, and what it loses."""

    source: Source
    share: float  # the most of any one input that comes from or by it, 0..1
    survive_days: float  # in the time-stepped model, held down for good; inf: see `looked_days`
    looked_days: int  # how far that was looked for
    best_survive_days: float  # by LP; inf: no plan need ever lose anything
    recover_days: float
    recover_basis: str  # asked | assumed
    lost_days: float  # days of the firm's whole output lost by recovery, least possible (LP)
    all_lost_days: float  # the same, all that is lost in the end, time-stepped
    index: float  # risk exposure index: lost_days over the largest of all sources, 0..1
    stops: tuple[tuple[str, float], ...]  # product or firm (node) -> days of its output lost in all
    binding: str  # the part that binds: more of it would save most; "" none does
    cover_days: float | None  # of that part's stock from when it is missed; None: it lasts
    stocks: tuple[Stock, ...]  # the smallest that keep the loss under the line; () none is needed
    move_share: (
        float | None
    )  # least share of each input that must come from elsewhere; None: none is enough
    others: tuple[Alternative, ...]  # suppliers of the binding part in the firm's own rows
    helped: bool  # stocks and move_share were looked for: of the worst HELPED sources only


@dataclass(frozen=True, slots=True)
class Stress:
    """The sources, the worst first, and rings that would keep a loss for good."""

    strains: tuple[Strain, ...]
    cycles: tuple[LockingCycle, ...]
    line_days: float


def stress_test(
    supply: FirmSupply,
    *,
    days: float | None = None,
    line: float = LINE,
    companies: Iterable[tuple[tuple[str, ...], float]] = (),
) -> Stress:
    """Every source held down for `days`; None: as long as another supplier is assumed to take, by
    its share (graph.propagation.recover_days). `line`: days of output that may be lost.

    SurvivalError for days that are none.

    >>> from graph.firm_sources import firm_supply
    >>> from graph.firms import FirmLink
    >>> rows = [FirmLink("a", "A", "urea", "CN", 1.0, "Works", stock_days=20.0, lead_days=7.0)]
    >>> worst = stress_test(firm_supply(rows), days=60).strains[0]
    >>> worst.source.code, worst.survive_days, worst.lost_days, worst.all_lost_days
    ('works', 28.0, 32.0, 40.0)
    """
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise SurvivalError(f"days: give 1 to {MOST_DAYS}, not {days:g}")
    bench = _Bench(supply, line)
    found = sorted((bench.strain(one, days) for one in sources(supply, companies)), key=_worst)
    top = max((one.lost_days for one in found), default=0.0)
    found = [
        replace(bench.helped(one) if n < HELPED else one, index=one.lost_days / top if top else 0.0)
        for n, one in enumerate(found)
    ]
    return Stress(tuple(found), tuple(locking_cycles(supply.arrays)), line)


def _worst(one: Strain) -> tuple[object, ...]:
    lost = (-round(one.lost_days, 6), -round(one.all_lost_days, 6))
    return (*lost, one.survive_days, -one.share, KINDS.index(one.source.kind), one.source.code)


class _Bench:
    """One firm's graph and its plants, made once for all sources."""

    def __init__(self, supply: FirmSupply, line: float) -> None:
        a = self._arrays = supply.arrays
        self._supply, self._line = supply, line
        self._plants = plants_of(a)
        bought = np.bincount(a.link_group, a.link_weight, a.groups) > 0
        self._need_group = np.flatnonzero((a.group_class == ESSENTIAL) & bought)  # as plants_of
        needed = np.isin(a.link_group, self._need_group) & (a.link_part > 0)
        self._need_link = np.flatnonzero(needed)
        self._serving = supply.serving
        self._settles = int(a.link_lead.max(initial=0)) + _depth(supply) + 1

    def strain(self, source: Source, days: float | None) -> Strain:
        part = struck(self._supply, source)
        a = self._arrays
        share = float(np.bincount(a.link_group, part * a.link_part, a.groups).max(initial=0.0))
        down = recover_days(inf, share)
        recover = down if days is None else days
        cut = np.flatnonzero(np.isin(self._need_link, source.links))
        plants, nodes, needs = near(self._plants, source.nodes, cut)
        best = time_to_survive(plants, nodes)
        looked = floor(best) + 2 if best < LOOK_DAYS else LOOK_DAYS
        short = scenario(looked, *self._hits(source, float(looked)))
        survive = self._first_loss(run_fast(a, short))
        held = self._held(source, recover)
        out = run_fast(a, held)
        least = loss_at_recovery(plants, nodes, recover)
        stops = self._stops(out)
        lost = sum(d * self._worth(n) for n, d in stops) / self._supply.value
        group = self._binding(least, best, plants, nodes, self._need_group[needs], part)
        return Strain(
            source=source,
            share=min(share, 1.0),
            survive_days=survive,
            looked_days=looked,
            best_survive_days=best,
            recover_days=recover,
            recover_basis="assumed" if days is None else "asked",
            lost_days=_some(least.lost_profit / self._supply.value),
            all_lost_days=_some(lost),
            index=0.0,
            stops=tuple((a.names[n], d) for n, d in stops),
            binding="" if group is None else a.items[int(a.group_item[group])],
            cover_days=None if group is None else self._cover(held, out, group),
            stocks=(),
            move_share=0.0,
            others=() if group is None else self._others(group, held, out, part),
            helped=False,
        )

    def helped(self, one: Strain) -> Strain:
        """With the smallest stocks and the smallest move that keep the line, where it is crossed."""
        if one.all_lost_days <= self._line:
            return replace(one, helped=True)
        part, held = struck(self._supply, one.source), self._held(one.source, one.recover_days)
        return replace(
            one,
            stocks=self._stocks(held, self._groups(part)),
            move_share=self._move(one.source, held, part),
            helped=True,
        )

    def _held(self, source: Source, days: float) -> Scenario:
        return scenario(ceil(days) + self._settles, *self._hits(source, days))

    def _hits(self, source: Source, days: float) -> tuple[list[Hit], list[Hit]]:
        return (
            [Hit(source.nodes, 1.0, 0.0, days)] if len(source.nodes) else [],
            [Hit(source.links, 1.0, 0.0, days)] if len(source.links) else [],
        )

    def _worth(self, node: int) -> float:
        return float(self._arrays.output[node] * self._arrays.final[node])

    def _first_loss(self, out: Outcome) -> float:
        lost = (1.0 - out.down[:, np.isin(out.nodes, self._serving)] > NOTHING).any(axis=1)
        return float(lost.argmax()) if lost.any() else inf

    def _stops(self, out: Outcome) -> list[tuple[int, float]]:
        """Products that lose, with the days of their output lost, the most valuable loss first."""
        lost = (1.0 - out.down).sum(axis=0)
        found = [(int(n), float(d)) for n, d in zip(out.nodes, lost, strict=True)
                 if d > NOTHING and n in self._serving]  # fmt: skip
        return sorted(found, key=lambda one: (-one[1] * self._worth(one[0]), one[0]))

    def _binding(
        self,
        least: Loss,
        best: float,
        plants: PlantNetwork,
        nodes: Ints,
        need_group: Ints,
        part: Floats,
    ) -> int | None:
        """The group of the firm whose stock would save most; where nothing is lost by recovery,
        that which would run out first."""
        if least.lost_profit <= NOTHING and best < inf:
            least = loss_at_recovery(plants, nodes, best + 1.0)
        hit = set(self._groups(part).tolist())
        found = [int(need_group[at]) for kind, at, _ in least.binding() if kind == "part"]
        return next((group for group in found if group in hit), None)

    def _groups(self, part: Floats) -> Ints:
        """Groups that the source strikes at first hand."""
        return np.unique(self._arrays.link_group[part * self._arrays.link_part > 0])

    def _cover(self, held: Scenario, out: Outcome, group: int) -> float | None:
        cover = days_of_cover(self._arrays, held, out, 0.0, [group])[0].cover_days
        return None if cover == NEVER else cover

    def _stocks(self, held: Scenario, groups: Ints) -> tuple[Stock, ...]:
        a, line = self._arrays, self._line * self._supply.value
        # Each as small as it can be, where so many runs are still cheap.
        how = "trimmed" if len(groups) <= TRIMMED else "proportional"
        plan = smallest_stock(a, held, groups, line, of=self._serving, how=how, engine=run_fast)
        return tuple(
            Stock(
                a.items[int(a.group_item[g])],
                a.names[int(a.group_buyer[g])],
                float(now),
                float(d) if plan.enough else None,
            )
            for g, now, d in zip(plan.groups, plan.now_days, plan.days, strict=True)
        )

    def _move(self, source: Source, held: Scenario, part: Floats) -> float | None:
        """The least share of the inputs to move, to within SHARE_STEP: more never costs more."""
        if source.kind in ("part", "made"):
            return None  # it is gone from everywhere
        a, low, high = self._arrays, 0.0, 1.0
        most = float(np.bincount(a.link_group, part * a.link_part, a.groups).max(initial=0.0))

        def loss(share: float) -> float:
            out = run_fast(moved_away(self._supply, part, share), held)
            return sum(d * self._worth(n) for n, d in self._stops(out)) / self._supply.value

        if loss(1.0) > self._line:
            return None
        while (high - low) * most > SHARE_STEP:
            middle = (low + high) / 2
            low, high = (low, middle) if loss(middle) <= self._line else (middle, high)
        return high * most

    def _others(
        self, group: int, held: Scenario, out: Outcome, part: Floats
    ) -> tuple[Alternative, ...]:
        """Suppliers of the part in the firm's own rows, without those that are down."""
        a = self._arrays
        own = np.isin(a.link_group, self._supply.own)
        gone = set(a.link_supplier[own & (part > 0)].tolist())
        sells = set(a.link_supplier[own].tolist()) - gone
        found = alternative_suppliers(a, group, held, out)
        return tuple(
            one for one in found if one.node in sells and not one.who.startswith("origin:others:")
        )


def _some(value: float) -> float:
    return value if value > NOTHING else 0.0


def _depth(supply: FirmSupply) -> int:
    """Hops on the longest way through the graph; with a ring in it, as many as there are nodes."""
    a = supply.arrays
    level = np.zeros(a.nodes, dtype=np.int64)
    for _ in range(a.nodes):
        new = level.copy()
        np.maximum.at(new, a.link_buyer, level[a.link_supplier] + 1)
        if (new == level).all():
            break
        level = new
    return int(level.max(initial=0))


def stops_nothing(strains: Sequence[Strain]) -> list[Strain]:
    """Parts whose loss costs no output: their stock lasts, or nothing stops without them.

    >>> from graph.firm_sources import firm_supply
    >>> from graph.firms import FirmLink
    >>> rows = [FirmLink("a", "A", "urea", "CN", 1.0, stock_days=90.0, lead_days=0.0)]
    >>> [one.source.code for one in stops_nothing(stress_test(firm_supply(rows), days=60).strains)]
    ['urea']
    """
    return [one for one in strains if one.source.kind == "part" and one.all_lost_days == 0.0]
