"""Properties of losses on any graph: monotone, convergent, linear, recovering; and cases by hand.

Numbers are those of docs/propagation.md: 2 and 8 to 10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, compile_arrays
from graph.esri import EsriError, esri
from graph.scenario import Hit, scenario
from graph.steps import run
from tests.supply_cases import (
    BYTES,
    CLOSE,
    Case,
    bare,
    both_modes,
    both_ways,
    case,
    cases,
    sides,
)

FOREVER = float("inf")


# 2. Monotone: without stocks whatever is hit; with them where nothing that comes in is left over


def more_capacity(it: Case) -> Case:
    return replace(it, capacity=(*it.capacity, Hit(np.array([it.nodes - 1]), 0.5, 1.0, 3.0)))


def more_on_the_way(it: Case) -> Case:
    hits = ((0, Hit(np.zeros(1, int), 0.5, 0.0, 3.0)),) if len(it.lead) else ()
    return replace(it, deliveries=(*it.deliveries, *hits))


def longer(it: Case) -> Case:
    def last(hit: Hit) -> Hit:
        return replace(hit, duration_days=hit.duration_days + 2)

    return replace(
        it,
        capacity=tuple(map(last, it.capacity)),
        deliveries=tuple((row, last(hit)) for row, hit in it.deliveries),
        demand=tuple(map(last, it.demand)),
    )


def less_demand(it: Case) -> Case:
    return replace(it, demand=(*it.demand, Hit(np.array([0]), 0.5, 0.0, 4.0)))


def none_to(kind: int) -> Callable[[Case], Case]:
    return lambda it: replace(it, essential=np.where(it.essential == 0, kind, it.essential))


def less_substitution(it: Case) -> Case:
    return replace(it, rho=it.rho / 2)


def less_leak(it: Case) -> Case:
    return replace(it, final=it.final / 2)


WORSE = {
    "more psi": more_capacity,
    "more phi": more_on_the_way,
    "longer": longer,
    "less demand": less_demand,
    "none to non-essential": none_to(NON_ESSENTIAL),
    "none to essential": none_to(ESSENTIAL),
    "less rho": less_substitution,
    "less f": less_leak,
}


@cases()
@given(st.sampled_from(list(WORSE)), BYTES, both_ways)
def test_without_stocks_nothing_worse_lowers_a_loss_on_any_day(
    change: str, data: bytes, market: bool
) -> None:
    it = bare(data)
    if change == "less f":
        it = replace(it, demand=())
    worse = WORSE[change](it)
    before, after = it.arrays(), worse.arrays()
    good = run(before, it.shock(before), market=market)
    bad = run(after, worse.shock(after), market=market)
    assert (sides(bad) <= sides(good) + CLOSE).all()


def one_input(data: bytes) -> Case:
    """One input group a node, and no node loses capacity that must bring in what it uses.

    A node that uses less than comes in throws away what its full stock cannot hold, and then even
    a monotone model is not: see the case by hand below.
    """
    it = case(data)
    ramp, item = np.zeros(len(it.lead)), np.zeros(len(it.lead), int)
    busy = set(it.buyer[it.essential[it.buyer, 0] == ESSENTIAL].tolist())
    free = tuple(hit for hit in it.capacity if int(hit.targets[0]) not in busy)
    return replace(it, ramp=ramp, item=item, capacity=free)


def more_at_the_source(it: Case) -> Case:
    return replace(it, capacity=tuple(replace(h, magnitude=1.0) for h in it.capacity))


def less_stock(it: Case) -> Case:
    return replace(it, stock=it.stock / 2)


WORSE_WITH_STOCK = {
    "more psi": more_at_the_source,
    "more phi": more_on_the_way,
    "longer": longer,
    "less stock": less_stock,
    "less rho": less_substitution,
}


@cases()
@given(st.sampled_from(list(WORSE_WITH_STOCK)), BYTES, both_ways)
def test_with_stocks_nothing_worse_lowers_a_loss_where_all_that_comes_in_is_used(
    change: str, data: bytes, market: bool
) -> None:
    it = one_input(data)
    worse = WORSE_WITH_STOCK[change](it)
    before, after = it.arrays(), worse.arrays()
    good = run(before, it.shock(before), market=market)
    bad = run(after, worse.shock(after), market=market)
    assert (sides(bad) <= sides(good) + CLOSE).all()


@cases()
@given(BYTES, both_ways)
def test_a_longer_lead_only_delays_a_loss_that_lasts(data: bytes, market: bool) -> None:
    it = bare(data)
    lasting = replace(
        it,
        capacity=tuple(replace(hit, duration_days=FOREVER) for hit in it.capacity),
        deliveries=tuple((row, replace(hit, duration_days=FOREVER)) for row, hit in it.deliveries),
    )
    slow = replace(lasting, lead=it.lead + 2)
    arrays, slower = lasting.arrays(), slow.arrays()
    now = run(arrays, lasting.shock(arrays), market=market)
    later = run(slower, slow.shock(slower), market=market)
    assert (later.down >= now.down - CLOSE).all()
    never = lasting.days
    first, then = (np.where(d < 0, never, d) for d in (now.first_day(), later.first_day()))
    assert (then >= first).all()


def test_with_stocks_a_greater_shock_can_lower_a_loss_elsewhere() -> None:
    """Node 1 works at 0.6, so its stock and what it sends last longer; node 3 uses half of it."""
    arrays = compile_arrays(
        4, [0, 1, 2], [1, 3, 3], [0, 0, 1], [1.0, 1.0, 1.0], stock=[3.0, 0.0, 0.0]
    )
    closed, halved = Hit(np.array([0]), 1.0), Hit(np.array([2]), 0.5)
    less = run(arrays, scenario(9, [closed, halved])).of(3)
    more = run(arrays, scenario(9, [closed, halved, Hit(np.array([1]), 0.4)])).of(3)
    assert less.tolist() == [1, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0]
    assert more.tolist() == pytest.approx([1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0])


def test_an_essential_input_can_cost_less_than_a_non_essential_one() -> None:
    """Others lose 0.4 together; this group's 0.3 at nu 0.2 adds 0.06, or stays under the 0.4."""
    weights = [0.8, 0.2]
    hits = [Hit(np.array([0]), 0.5), Hit(np.array([1]), 0.3)]
    for kind, expected in ((NON_ESSENTIAL, 0.46), (ESSENTIAL, 0.4)):
        arrays = compile_arrays(3, [0, 1], [2, 2], [0, 1], weights, essential=[NON_ESSENTIAL, kind])
        loss = 1 - run(arrays, scenario(2, hits)).of(2)[1]
        assert loss == pytest.approx(expected, abs=CLOSE)


# 8. Convergence


@cases()
@given(BYTES, st.sampled_from([0.4, 0.6, 0.8]))
def test_losses_of_orders_shrink_by_the_final_demand_share_every_day(
    data: bytes, leak: float
) -> None:
    it = bare(data)
    lasting = replace(
        it,
        days=18,  # more than the sweeps that the least leak needs
        final=np.maximum(it.final, leak),
        capacity=tuple(replace(hit, start_day=0, duration_days=FOREVER) for hit in it.capacity),
        demand=tuple(replace(hit, start_day=0, duration_days=FOREVER) for hit in it.demand),
    )
    arrays = lasting.arrays()
    got = run(arrays, lasting.shock(arrays))
    sells = arrays.sold_start[1:] > arrays.sold_start[:-1]
    f = float(arrays.final[sells].min(initial=1.0))
    assert f >= leak
    change = np.abs(np.diff(got.up, axis=0, prepend=1.0)).max(axis=1)
    assert (change[1:] <= (1 - f) * change[:-1] + CLOSE).all()
    eps = 1e-3
    sweeps = 1 + (0 if f == 1 else np.ceil(np.log(eps) / np.log(1 - f)))
    assert sweeps < len(change)
    assert (change[int(sweeps) :] <= eps).all()
    cut = run(arrays, replace(lasting, days=2).shock(arrays))
    assert cut.residual == pytest.approx(np.abs(np.diff(cut.level, axis=0)).max(), abs=CLOSE)


@cases()
@given(BYTES, st.sampled_from([0.2, 0.5, 0.8]))
def test_esri_stops_within_its_bound_and_refuses_what_was_cut(data: bytes, leak: float) -> None:
    it = bare(data)
    arrays = replace(it, final=np.maximum(it.final, leak)).arrays()
    psi = np.zeros(it.nodes)
    psi[it.capacity[0].targets] = it.capacity[0].magnitude
    weights = np.ones(it.nodes)
    up = esri(arrays, psi, down=False, weights=weights)
    assert up.converged.all()
    assert up.sweeps[0] <= np.ceil(up.sweep_bound) + 1
    cut = esri(arrays, psi, max_sweeps=1, weights=weights)
    if cut.residual[0] > 1e-6:
        with pytest.raises(EsriError, match="raise max_sweeps"):
            cut.settled()
    else:
        assert cut.settled() is cut


# 9. Linearity


@cases()
@given(BYTES)
def test_with_non_essential_inputs_only_losses_are_linear_and_add_up(data: bytes) -> None:
    """Every node has a source of its own that is hit with b: l(t) = b + Ld' b + ... + Ld'^t-1 b."""
    it = bare(data)
    n, days = it.nodes, it.days
    own = np.arange(n)
    arrays = compile_arrays(
        2 * n,
        np.append(it.supplier, own + n),
        np.append(it.buyer, own),
        np.append(it.item, np.full(n, 2)),
        np.append(it.weight, np.full(n, 9.0)),
        essential=NON_ESSENTIAL,
    )
    one, two = np.frombuffer(data[: 2 * n], dtype=np.uint8).reshape(2, n) / 512.0

    def losses(psi: Floats) -> Floats:
        hits = [Hit(np.array([n + j]), float(psi[j])) for j in range(n)]
        return 1 - run(arrays, scenario(days, hits)).down

    ld = np.zeros((2 * n, 2 * n))
    np.add.at(ld, (arrays.link_buyer, arrays.link_supplier), arrays.link_weight)
    ld /= np.maximum(ld.sum(axis=1, keepdims=True), 1.0)
    got, expected = losses(one), np.append(np.zeros(n), one)
    for t in range(days):
        assert np.abs(got[t] - expected).max() <= CLOSE
        expected = ld @ expected + np.append(np.zeros(n), one)
    assert np.abs(losses(one + two) - got - losses(two)).max() <= CLOSE


def test_linear_losses_come_to_the_closed_form() -> None:
    """Two nodes that buy a quarter from each other, the rest from a source each: one loses 0.4."""
    arrays = compile_arrays(
        4,
        [0, 1, 2, 3],
        [1, 0, 0, 1],
        [0, 0, 1, 1],
        [1.0, 1.0, 3.0, 3.0],
        essential=NON_ESSENTIAL,
    )
    got = run(arrays, scenario(40, [Hit(np.array([2]), 0.4)]))
    closed = np.linalg.solve(np.eye(2) - 0.25 * np.array([[0, 1], [1, 0]]), [0.3, 0.0])
    assert np.abs(1 - got.down[-1, :2] - closed).max() <= CLOSE


@cases()
@given(BYTES, both_ways)
def test_two_shocks_together_lose_at_least_what_either_loses(data: bytes, market: bool) -> None:
    it = bare(data)
    arrays = it.arrays()

    def level(*hits: Hit) -> Floats:
        return run(arrays, scenario(it.days, hits), market=market).level

    one, two = it.capacity
    assert (level(one, two) <= np.minimum(level(one), level(two)) + CLOSE).all()


# 10. Recovery


@cases()
@given(BYTES, both_ways)
def test_without_a_cycle_all_is_back_after_the_last_delivery(data: bytes, market: bool) -> None:
    it = case(data)
    down_only = replace(
        it,
        days=36,
        supplier=np.minimum(it.supplier, it.buyer),
        buyer=np.maximum(it.supplier, it.buyer),
        rho=np.zeros(len(it.lead)),
        capacity=tuple(_ended(hit) for hit in it.capacity),
        deliveries=tuple((row, _ended(hit)) for row, hit in it.deliveries),
        demand=tuple(_ended(hit) for hit in it.demand),
    )
    arrays = down_only.arrays()
    got = run(arrays, down_only.shock(arrays), market=market)
    last_hit = 2 + 5 + 3  # start, duration, recovery at most
    slowest = (it.nodes - 1) * (2 + 1)
    assert (got.level[last_hit + slowest :] == 1.0).all()


def _ended(hit: Hit) -> Hit:
    recovery = "linear" if hit.recovery == "exponential" else hit.recovery
    return replace(hit, duration_days=min(hit.duration_days, 5.0), recovery=recovery)


@cases()
@given(BYTES)
def test_with_substitution_and_final_demand_every_graph_comes_back(data: bytes) -> None:
    it = case(data)
    leaking = replace(
        it,
        days=42,
        rho=np.maximum(it.rho, 0.75),
        final=np.maximum(it.final, 0.6),
        capacity=tuple(_ended(hit) for hit in it.capacity),
        deliveries=tuple((row, _ended(hit)) for row, hit in it.deliveries),
        demand=tuple(_ended(hit) for hit in it.demand),
    )
    arrays = leaking.arrays()
    got = run(arrays, leaking.shock(arrays))
    # A loss that goes on after day 12 is at most 1, is cut to under 0.4 a hop (rho has grown to
    # 0.75 of 0.98) or per day of orders, and a hop takes at most 3 days.
    assert (1 - got.level[-1]).max() <= 0.4 ** ((42 - 12) / 3)


@pytest.mark.parametrize(
    ("stock", "lead", "back"),
    [(0, 0, False), (2, 3, False), (1, 0, True), (2, 1, True), (5, 3, True)],
)
def test_an_essential_pair_recovers_only_when_its_stock_outlasts_the_round(
    stock: float, lead: int, back: bool
) -> None:
    pair = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0], stock=stock, lead=lead, final=0.5)
    got = run(pair, scenario(200, [Hit(np.array([0]), 0.5, 0, 30)]))
    assert bool((got.down[-20:] == 1.0).all()) is back
    if stock == 0:
        assert got.down[-1].tolist() == [0.5, 0.5]
    leaking = compile_arrays(
        2, [0, 1], [1, 0], [0, 1], [1.0, 1.0], stock=stock, lead=lead, rho=0.3, ramp=5.0, final=0.5
    )
    healed = run(leaking, scenario(200, [Hit(np.array([0]), 0.5, 0, 30)]))
    assert healed.down[-1].min() > 1 - 1e-6


# Worked by hand


def test_a_loss_goes_round_a_cycle_of_three_a_day_a_hop() -> None:
    ring = compile_arrays(3, [0, 1, 2], [1, 2, 0], [0, 1, 2], [1.0] * 3, final=0.5)
    got = run(ring, scenario(5, [Hit(np.array([0]), 0.4, 0, 1)]))
    loss = [[0.4, 0, 0], [0, 0.4, 0], [0, 0, 0.4], [0.4, 0, 0], [0, 0.4, 0]]
    orders = [[0.4, 0, 0], [0, 0, 0.2], [0, 0.1, 0], [0.05, 0, 0], [0, 0, 0.025]]
    assert np.abs(1 - got.down - loss).max() <= CLOSE
    assert np.abs(1 - got.up - orders).max() <= CLOSE


def test_a_graph_without_nodes_or_links_runs_and_loses_nothing() -> None:
    nobody = compile_arrays(0, [], [], [], [])
    for got in both_modes(nobody, scenario(3)):
        assert got.level.shape == (3, 0)
        assert got.residual == 0.0
    alone = compile_arrays(2, [], [], [], [], output=[3.0, 5.0])
    for got in both_modes(alone, scenario(2, [Hit(np.array([1]), 0.5)])):
        assert got.level.tolist() == [[1.0, 0.5], [1.0, 0.5]]
        assert got.loss(alone).tolist() == [0.0, 5.0]


def test_parts_of_a_graph_that_share_no_link_do_not_touch() -> None:
    apart = compile_arrays(4, [0, 2], [1, 3], [0, 0], [2.0, 6.0], final=0.5)
    for got in both_modes(apart, scenario(3, [Hit(np.array([0]), 0.25)])):
        assert got.level.tolist() == [[0.75, 1, 1, 1], [0.75, 0.75, 1, 1], [0.75, 0.75, 1, 1]]
        assert got.first_day().tolist() == [0, 1, -1, -1]


def test_the_days_of_a_scenario_must_be_at_least_one() -> None:
    with pytest.raises(ValueError, match="give 1 or more"):
        scenario(0)
