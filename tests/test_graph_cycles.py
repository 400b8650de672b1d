"""Cycles that lock a loss in: found and named, and the depth they come back from, by simulation."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, NONE, SupplyArrays, compile_arrays
from graph.cycles import LockingCycle, locking_cycles, never_recovers
from graph.scenario import Hit, scenario
from graph.steps import run
from tests.supply_cases import BYTES, case

ring_part = st.tuples(st.integers(0, 12), st.integers(0, 2))


def ring_of(parts: list[tuple[int, int]]) -> SupplyArrays:
    nodes = len(parts)
    at = np.arange(nodes)
    return compile_arrays(
        nodes,
        at,
        (at + 1) % nodes,
        at,
        np.ones(nodes),
        stock=[half / 2 for half, _ in parts],
        lead=[lead for _, lead in parts],
        final=0.5,
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(ring_part, min_size=2, max_size=4), st.sampled_from([0.25, 0.5, 0.75, 1.0]))
def test_a_ring_comes_back_when_the_stock_of_the_node_that_is_hit_bridges_a_round(
    parts: list[tuple[int, int]], magnitude: float
) -> None:
    """recovers_from against the simulation, for hits that outlast all stocks of the ring."""
    arrays = ring_of(parts)
    (cycle,) = locking_cycles(arrays)
    assert cycle.round_days == sum(lead + 1 for _, lead in parts)
    lasts = int(3 * cycle.round_days + sum(cycle.stock_days) / magnitude) + 1
    left = never_recovers(arrays, cycle, magnitude, lasts)
    own_stock = cycle.stock_days[-1]  # the last link delivers to the first node
    assert left.locked is bool(magnitude * cycle.round_days > own_stock)
    assert left.repeats
    if magnitude <= cycle.recovers_from:
        assert not left.locked


@settings(max_examples=500, deadline=None)
@given(BYTES)
def test_cycles_are_those_that_brute_force_finds(data: bytes) -> None:
    """Every link on a cycle of sole essential links is on a named one, and no other link is."""
    it = case(data)
    arrays = it.arrays()
    graph = nx.MultiDiGraph()
    for link in range(arrays.links):
        group = arrays.link_group[link]
        members = range(*arrays.link_start[group : group + 2])
        if (
            arrays.group_class[group] == ESSENTIAL
            and len({int(arrays.link_supplier[e]) for e in members}) == 1
            and not any(arrays.link_rho[e] for e in members)
        ):
            graph.add_edge(int(arrays.link_supplier[link]), int(arrays.link_buyer[link]))
    rings = [tuple(ring) for ring in nx.simple_cycles(nx.DiGraph(graph))]
    locked = {hop for ring in rings for hop in zip(ring, ring[1:] + ring[:1], strict=True)}
    named = locking_cycles(arrays)
    least = {tuple(ring[ring.index(min(ring)) :] + ring[: ring.index(min(ring))]) for ring in rings}
    assert {cycle.nodes for cycle in named} <= least
    assert len({cycle.nodes for cycle in named}) == len(named)
    hops = {hop for cycle in named for hop in ends_of(cycle)}
    assert hops == locked
    assert (named.unnamed, named.unsearched) == (0, 0)
    for hop in locked:  # a shortest one through each of them
        through = [ring for ring in rings if hop in zip(ring, ring[1:] + ring[:1], strict=True)]
        mine = [one for one in named if hop in ends_of(one)]
        assert min(len(one.nodes) for one in mine) == min(map(len, through))
    for cycle in named:
        ends = [(arrays.link_supplier[e], arrays.link_buyer[e]) for e in cycle.links]
        assert ends == ends_of(cycle)


def ends_of(cycle: LockingCycle) -> list[tuple[int, int]]:
    return list(zip(cycle.nodes, cycle.nodes[1:] + cycle.nodes[:1], strict=True))


def pair(**of_second: object) -> SupplyArrays:
    """Two firms that need each other; the second link is as asked."""
    columns: dict[str, object] = {"essential": ESSENTIAL, "rho": 0.0, **of_second}
    return compile_arrays(
        3,
        [0, 1],
        [1, 0],
        [0, 1],
        [1.0, 1.0],
        essential=[ESSENTIAL, columns["essential"]],
        rho=[0.0, columns["rho"]],
        names=["smelter", "mine", "trader"],
    )


def test_a_leak_of_any_kind_opens_the_cycle() -> None:
    assert [cycle.names for cycle in locking_cycles(pair())] == [("smelter", "mine")]
    assert locking_cycles(pair(rho=0.1)) == []
    assert locking_cycles(pair(essential=NON_ESSENTIAL)) == []
    assert locking_cycles(pair(essential=NONE)) == []
    other_supplier = compile_arrays(3, [0, 1, 2], [1, 0, 0], [0, 1, 1], [1.0, 1.0, 0.5])
    assert locking_cycles(other_supplier) == []
    of_no_weight = compile_arrays(3, [0, 1, 2], [1, 0, 0], [0, 1, 1], [1.0, 1.0, 0.0])
    assert len(locking_cycles(of_no_weight)) == 1


def test_no_cycle_in_an_empty_graph_a_chain_or_two_separate_parts() -> None:
    assert locking_cycles(compile_arrays(0, [], [], [], [])) == []
    assert locking_cycles(compile_arrays(3, [0, 1], [1, 2], [0, 0], [1.0, 1.0])) == []
    assert locking_cycles(compile_arrays(4, [0, 2], [1, 3], [0, 0], [1.0, 1.0])) == []


def test_two_cycles_that_share_a_link_are_both_named() -> None:
    """0 > 1 > 2 > 0 and 0 > 1 > 0: firm 0 needs what 1 makes and what 2 makes."""
    arrays = compile_arrays(3, [0, 1, 2, 1], [1, 2, 0, 0], [0, 1, 2, 1], [1.0] * 4)
    assert [cycle.nodes for cycle in locking_cycles(arrays)] == [(0, 1), (0, 1, 2)]


def test_of_parallel_links_the_slowest_sets_the_round() -> None:
    arrays = compile_arrays(2, [0, 1, 1], [1, 0, 0], [0, 1, 1], [1.0] * 3, lead=[1, 2, 5])
    assert [cycle.round_days for cycle in locking_cycles(arrays)] == [8]


def test_a_loss_locked_in_stays_for_a_thousand_days_and_a_short_one_does_not() -> None:
    arrays = ring_of([(2, 0), (2, 0)])  # a day of stock each, a round of two days
    (cycle,) = locking_cycles(arrays)
    assert cycle.recovers_from == 0.5
    deep = run(arrays, scenario(1000, [Hit(np.array([0]), 0.75, 0, 20)]))
    assert 1 - deep.down[-2:].mean() == pytest.approx(
        1 - never_recovers(arrays, cycle, 0.75, 20).level
    )
    assert deep.down[-2:].mean() < 1
    assert never_recovers(arrays, cycle, 0.75, 1).level == 1.0
    assert not never_recovers(arrays, cycle, 0.5, 20).locked


@pytest.mark.parametrize(("magnitude", "lasts"), [(0.0, 5), (1.5, 5), (float("nan"), 5), (0.5, 0)])
def test_a_hit_that_is_none_is_refused(magnitude: float, lasts: int) -> None:
    arrays = ring_of([(0, 0), (0, 0)])
    with pytest.raises(ValueError, match=r"is none; give 0\.\.1"):
        never_recovers(arrays, locking_cycles(arrays)[0], magnitude, lasts)


def test_a_cycle_of_much_stock_comes_back_from_anything() -> None:
    cycle = LockingCycle((0, 1), (0, 1), ("a", "b"), (9.0, 4.0), 4)
    assert cycle.recovers_from == 1.0


def knot(nodes: int) -> SupplyArrays:
    """Everybody needs what two others alone make. Synthetic."""
    at = np.arange(nodes)
    supplier = np.concatenate([at, at])
    buyer = np.concatenate([(at + 1) % nodes, (3 * at + 7) % nodes])
    return compile_arrays(nodes, supplier, buyer, supplier, np.ones(2 * nodes))


def test_a_search_that_ends_early_says_which_links_it_left() -> None:
    """Reads are what it costs: a network of 100 000 firms is one knot, and takes seconds."""
    arrays = knot(2000)
    whole, cut = locking_cycles(arrays), locking_cycles(arrays, reads=20_000)
    assert (whole.unnamed, whole.unsearched) == (0, 0)
    ends = {(int(i), int(j)) for i, j in zip(arrays.link_supplier, arrays.link_buyer, strict=True)}
    named = {hop for one in cut for hop in ends_of(one)}
    assert cut.unnamed == len(ends - named) > 0
    assert cut.unsearched >= cut.unnamed
    assert 0 < len(cut) < len(whole)


def test_the_small_knots_are_named_before_a_large_one_uses_up_the_reads() -> None:
    large = knot(500)
    pair = np.array([500, 501])
    supplier = np.concatenate([large.link_supplier, pair])
    buyer = np.concatenate([large.link_buyer, pair[::-1]])
    arrays = compile_arrays(502, supplier, buyer, supplier, np.ones(len(supplier)))
    assert [one.nodes for one in locking_cycles(arrays, reads=1)] == [(500, 501)]


def test_a_long_ring_is_searched_within_the_reads() -> None:
    nodes = 5000
    at = np.arange(nodes)
    ring = compile_arrays(nodes, at, (at + 1) % nodes, at, np.ones(nodes))
    found = locking_cycles(ring, reads=20_000)
    assert [len(one.nodes) for one in found] == [nodes]
    assert found.unnamed == 0 < found.unsearched
