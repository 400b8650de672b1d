"""Paths of a loss: against the brute force of every row of links, and on cases worked by hand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, NONE, SupplyArrays, compile_arrays
from graph.causes import TIE, Trace, TraceError, down_causes, up_causes
from graph.scenario import Hit, Outcome, Scenario, scenario
from graph.steps import run
from graph.why import Why, contribution_paths

Row = tuple[str, str, int, tuple[int, ...]]  # side, source, origin, links from the blow on
Ends = list[tuple[float, str, int, tuple[str, int, int] | None, int]]


def brute_rows(
    arrays: SupplyArrays, outcome: Outcome, done: Scenario, target: int
) -> tuple[dict[Row, float], float]:
    """What every row of links carries, walked back day by day through each split, and the loops."""
    model = Plain(arrays, outcome, done)
    rows: dict[Row, float] = defaultdict(float)
    loops = 0.0

    def walk(state: tuple[str, int, int], carried: float, links: tuple[int, ...], seen: set[int]):
        nonlocal loops
        side, _, _ = state
        for share, source, origin, before, link in model.causes(*state):
            way = links if link < 0 else (link, *links)
            if before is None:
                # One's own blow is one path, whichever side it binds on.
                named = "" if not way and source == "capacity" else side
                rows[(named, source, origin, way)] += carried * share
            elif before[1] in seen:
                loops += carried * share
            else:
                walk(before, carried * share, way, seen | {before[1]})

    for t in range(done.days):
        sides = {"down": 1 - outcome.down[t, target], "up": 1 - outcome.up[t, target]}
        top = max(sides.values())
        binding = [s for s, lost in sides.items() if lost > 0 and lost >= top * (1 - TIE)]
        for side in binding:
            walk((side, target, t), top * arrays.output[target] / len(binding), (), {target})
    return rows, loops


class Plain:
    """The equations of graph.steps by loops over links, and the split of each day's loss."""

    def __init__(self, arrays: SupplyArrays, outcome: Outcome, done: Scenario) -> None:
        self.arrays, self.done, self.outcome = arrays, done, outcome
        self.psi = np.zeros((done.days, arrays.nodes))
        self.psi[:, done.nodes] = done.psi
        self.phi = np.zeros((done.days, arrays.links))
        self.phi[:, done.links] = done.phi
        self.delta = np.zeros((done.days, arrays.nodes))
        self.delta[:, done.buyers] = done.delta
        hurt = self.psi.any(1) | self.phi.any(1) | self.delta.any(1)
        self.onset = int(hurt.argmax())
        self.stock: dict[tuple[int, int], float] = {}
        for g in range(arrays.groups):
            level = arrays.group_stock[g]
            for t in range(done.days):
                self.stock[g, t] = level
                use = 1.0
                if arrays.group_class[g] == ESSENTIAL:
                    use = outcome.down[t, arrays.group_buyer[g]]
                level = min(arrays.group_stock[g], max(0.0, level - self.miss(g, t) + 1 - use))

    def gone(self, e: int, t: int) -> float:
        i, tau = self.arrays.link_supplier[e], self.arrays.link_ramp[e]
        grown = 1 - np.exp(-max(0, t - self.onset) / tau) if tau else 1.0
        lost = 1 - self.outcome.down[t, i]
        if "market on" in self.outcome.switches:
            rivals = np.flatnonzero(self.arrays.sector == self.arrays.sector[i])
            left = sum(self.arrays.sold_weight[r] * self.outcome.down[t, r] for r in rivals)
            if self.arrays.sector[i] >= 0 and left > 1e-10:
                lost *= min(1.0, self.arrays.sold_weight[i] / left)
        return (1 - self.arrays.link_rho[e] * grown) * lost

    def came(self, e: int, t: int) -> int:
        return t - 1 - int(self.arrays.link_lead[e])

    def missed(self, e: int, t: int) -> float:
        sent = self.came(e, t)
        if sent < 0:
            return 0.0
        return self.arrays.link_part[e] * (1 - (1 - self.phi[sent, e]) * (1 - self.gone(e, sent)))

    def links(self, g: int) -> range:
        return range(self.arrays.link_start[g], self.arrays.link_start[g + 1])

    def miss(self, g: int, t: int) -> float:
        return sum(self.missed(e, t) for e in self.links(g))

    def short(self, g: int, t: int) -> float:
        return max(0.0, self.miss(g, t) - self.stock[g, t])

    def causes(self, side: str, node: int, t: int) -> Ends:
        return self.down(node, t) if side == "down" else self.up(node, t)

    def down(self, j: int, t: int) -> Ends:
        arrays = self.arrays
        groups = range(arrays.group_start[j], arrays.group_start[j + 1])
        alone = [g for g in groups if arrays.group_class[g] == ESSENTIAL]
        others = [g for g in groups if arrays.group_class[g] == NON_ESSENTIAL]
        spread = {g: arrays.group_part[g] * self.short(g, t) for g in others}
        options = [(self.psi[t, j], None), (sum(spread.values()), spread)]
        options += [(self.short(g, t), {g: 1.0}) for g in alone]
        top = max(size for size, _ in options)
        binding = [o for o in options if o[0] > 0 and o[0] >= top * (1 - TIE)]
        ends: Ends = []
        for _, by_group in binding:
            if by_group is None:
                ends.append((1 / len(binding), "capacity", j, None, -1))
                continue
            for g, size in by_group.items():
                for e in self.links(g):
                    if size > 0 and self.missed(e, t) > 0:
                        share = size / sum(by_group.values()) * self.missed(e, t) / self.miss(g, t)
                        ends += self.halves(e, t, share / len(binding))
        return ends

    def halves(self, e: int, t: int, share: float) -> Ends:
        sent, i = self.came(e, t), int(self.arrays.link_supplier[e])
        gone, phi = self.gone(e, sent), self.phi[sent, e]
        both = gone + phi - gone * phi
        by_route = share * (phi - phi * gone / 2) / both
        return [
            (by_route, "route", e, None, e),
            (share - by_route, "", i, ("down", i, sent), e),
        ]

    def up(self, i: int, t: int) -> Ends:
        arrays = self.arrays
        final = arrays.final[i] * self.delta[t, i]
        sold = [e for e in range(arrays.links) if arrays.link_supplier[e] == i and t > 0]
        buyer = {e: int(arrays.link_buyer[e]) for e in sold}
        fewer = {e: arrays.link_sold_part[e] * (1 - self.outcome.up[t - 1, buyer[e]]) for e in sold}
        orders = final + sum(fewer.values())
        top = max(self.psi[t, i], orders)
        binding = [x for x in (self.psi[t, i], orders) if x > 0 and x >= top * (1 - TIE)]
        ends: Ends = []
        if self.psi[t, i] > 0 and self.psi[t, i] >= top * (1 - TIE):
            ends.append((1 / len(binding), "capacity", i, None, -1))
        if orders > 0 and orders >= top * (1 - TIE):
            ends.append((final / orders / len(binding), "demand", i, None, -1))
            for e in sold:
                share = fewer[e] / orders / len(binding)
                ends.append((share, "", buyer[e], ("up", buyer[e], t - 1), e))
        return [end for end in ends if end[0] > 0]


@st.composite
def cases(draw: st.DrawFn) -> tuple[SupplyArrays, Scenario, bool]:
    n = draw(st.integers(2, 4))
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    links = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=5, unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    m = len(links)
    arrays = compile_arrays(
        n,
        [i for i, _ in links],
        [j for _, j in links],
        rng.integers(0, 2, m),
        rng.uniform(1.0, 9.0, m),
        essential=rng.choice([NONE, NON_ESSENTIAL, ESSENTIAL], m, p=[0.1, 0.4, 0.5]),
        stock=rng.choice([0.0, 0.3, 1.5], m),
        lead=rng.choice([0, 0, 2], m),
        rho=rng.choice([0.0, 0.4], m),
        ramp=rng.choice([0.0, 3.0], m),
        final=0.3,
        output=rng.uniform(1.0, 5.0, n),
        sector=rng.integers(-1, 2, n),
    )
    blows = [Hit(rng.integers(0, n, 1), rng.uniform(0.2, 1.0), rng.integers(0, 2), 3.0)]
    lanes = [Hit(rng.integers(0, m, 1), rng.uniform(0.2, 1.0), 0, 2.0)] * int(rng.integers(0, 2))
    fewer = [Hit(rng.integers(0, n, 1), rng.uniform(0.2, 1.0), 1, 2.0)] * int(rng.integers(0, 2))
    return arrays, scenario(6, blows, lanes, fewer), bool(rng.integers(0, 2))


def row_of(path: object) -> Row:
    links = tuple(step.link for step in path.steps)
    side = "" if not links and path.source == "capacity" else path.side
    return side, path.source, path.origin, links


def parts_sum(why: Why) -> float:
    listed = sum(path.contribution for path in why.paths)
    return listed + sum(loop.contribution for loop in why.loops) + why.rest


@settings(max_examples=500, deadline=None)
@given(cases())
def test_paths_equal_the_brute_force_and_add_up_to_the_loss(
    case: tuple[SupplyArrays, Scenario, bool],
) -> None:
    arrays, done, market = case
    outcome = run(arrays, done, market=market)
    target = int(outcome.loss(arrays).argmax() + arrays.nodes - 1) % arrays.nodes
    rows, loops = brute_rows(arrays, outcome, done, target)
    loss = float(outcome.loss(arrays)[target])
    every = contribution_paths(arrays, outcome, done, target, top=10**6, least=0.0)
    assert sum(p.contribution for p in every.paths) + loops == pytest.approx(loss, abs=1e-9)
    found = {row_of(path): path.contribution for path in every.paths}
    assert found == pytest.approx({r: x for r, x in rows.items() if x > 0}, rel=1e-7, abs=1e-12)
    assert sum(loop.contribution for loop in every.loops) == pytest.approx(loops, abs=1e-9)
    few = contribution_paths(arrays, outcome, done, target, top=3)
    assert parts_sum(few) == pytest.approx(loss, abs=1e-9)
    best = [x for x in sorted(rows.values(), reverse=True)[:3] if x > 2e-3 * loss]
    listed = [path.contribution for path in few.paths]
    assert listed[: len(best)] == pytest.approx(best, rel=1e-7)
    for path in every.paths:
        assert 0.0 <= path.share <= 1.0 + 1e-12
        along = np.prod([step.share for step in path.steps]) * path.source_share
        assert along == pytest.approx(path.share, rel=1e-9)


@settings(max_examples=500, deadline=None)
@given(cases())
def test_causes_of_each_day_with_a_loss_add_up_to_one(
    case: tuple[SupplyArrays, Scenario, bool],
) -> None:
    arrays, done, market = case
    outcome = run(arrays, done, market=market)
    trace = Trace(arrays, outcome, done)
    for node in range(arrays.nodes):
        for causes, level in (
            (down_causes(trace, node), outcome.down),
            (up_causes(trace, node), outcome.up),
        ):
            parts = causes.through.sum(axis=1) + causes.route.sum(axis=1)
            whole = parts + causes.own + causes.demand
            lost = 1.0 - level[:, node] > 0
            assert whole == pytest.approx(lost.astype(float), abs=1e-9)


def diamond(weights: list[float]) -> SupplyArrays:
    """0 and 1 sell one commodity to 2, which sells another to 3."""
    return compile_arrays(
        4, [0, 1, 2], [2, 2, 3], [0, 0, 1], [*weights, 5.0], output=1.0, lead=[0, 2, 1]
    )


def test_a_path_names_its_links_shares_and_days() -> None:
    arrays = diamond([3.0, 1.0])
    both = scenario(12, [Hit(np.array([0]), 0.8, 1, 4), Hit(np.array([1]), 0.8, 1, 4)])
    why = contribution_paths(arrays, run(arrays, both), both, 3)
    first, second = why.paths
    assert [(s.supplier, s.buyer, s.item) for s in first.steps] == [(0, 2, 0), (2, 3, 1)]
    assert first.steps[0].weight == 0.75
    assert (first.struck, first.felt) == ((1, 4), (4, 7))
    assert (second.struck, second.felt) == ((1, 4), (6, 9))
    assert second.steps[0].lag_days == 3
    assert first.contribution == pytest.approx(4 * 0.8 * 0.75)
    assert second.contribution == pytest.approx(4 * 0.8 * 0.25)
    assert why.rest == 0.0
    assert why.loops == ()


def test_one_day_is_explained_by_what_was_felt_on_that_day_only() -> None:
    arrays = diamond([3.0, 1.0])
    both = scenario(12, [Hit(np.array([0]), 0.8, 1, 4), Hit(np.array([1]), 0.8, 1, 4)])
    why = contribution_paths(arrays, run(arrays, both), both, 3, day=9)
    assert [path.origin for path in why.paths] == [1]
    assert why.loss == pytest.approx(0.2)
    assert why.paths[0].felt == (9, 9)


def test_a_closed_lane_is_named_by_its_link() -> None:
    arrays = diamond([3.0, 1.0])
    lane = scenario(6, deliveries=[Hit(np.array([2]), 1.0, 0, 2)])
    [path] = contribution_paths(arrays, run(arrays, lane), lane, 3).paths
    assert (path.source, path.origin) == ("route", 2)
    assert [(s.link, s.sent, s.felt) for s in path.steps] == [(2, (0, 1), (2, 3))]


def test_lost_orders_run_from_buyer_to_supplier() -> None:
    arrays = diamond([3.0, 1.0])
    shut = scenario(6, [Hit(np.array([3]), 1.0)])
    [path] = contribution_paths(arrays, run(arrays, shut), shut, 0).paths
    assert (path.side, path.source, path.origin) == ("up", "capacity", 3)
    assert [(s.supplier, s.buyer) for s in path.steps] == [(2, 3), (0, 2)]


def test_a_loss_that_goes_round_is_shown_as_a_loop() -> None:
    arrays = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0], output=1.0)
    blow = scenario(9, [Hit(np.array([0]), 0.5, 0, 1)])
    why = contribution_paths(arrays, run(arrays, blow), blow, 0)
    assert [loop.nodes for loop in why.loops] == [(0, 1)]
    assert [(path.steps, path.contribution) for path in why.paths] == [((), 0.5)]
    assert parts_sum(why) == pytest.approx(why.loss)


def test_an_outcome_that_lists_only_touched_nodes_gives_the_same_paths() -> None:
    arrays = diamond([3.0, 1.0])
    one = scenario(9, [Hit(np.array([0]), 0.8)])
    whole = run(arrays, one)
    touched = np.flatnonzero((whole.level < 1).any(axis=0))
    part = replace(
        whole,
        nodes=touched,
        level=whole.level[:, touched],
        down=whole.down[:, touched],
        up=whole.up[:, touched],
    )
    assert contribution_paths(arrays, part, one, 3) == contribution_paths(arrays, whole, one, 3)


def test_an_untouched_node_has_no_paths() -> None:
    arrays = diamond([3.0, 1.0])
    one = scenario(4, [Hit(np.array([2]), 0.8, 3)])
    why = contribution_paths(arrays, run(arrays, one), one, 1)
    assert (why.loss, why.paths, why.rest) == (0.0, (), 0.0)


def test_an_outcome_of_another_graph_is_refused() -> None:
    arrays, other = diamond([3.0, 1.0]), diamond([1.0, 3.0])
    one = scenario(9, [Hit(np.array([0]), 0.8)])
    with pytest.raises(TraceError, match="pass the graph and scenario that made it"):
        contribution_paths(other, run(arrays, one), one, 3)
    with pytest.raises(IndexError, match="no day 9"):
        contribution_paths(arrays, run(arrays, one), one, 3, day=9)
