"""What would keep a loss under a line: the smallest stock, the smallest change of suppliers."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.arrays import SupplyArrays, compile_arrays
from graph.cover import lost_share, missing_share
from graph.frontier import run_frontier
from graph.mix import Mix, Offer, RemedyError
from graph.remedies import (
    GRID,
    SHARE_STEP,
    STOCK_STEP,
    MixPlan,
    StockPlan,
    smallest_diversification,
    smallest_stock,
)
from graph.scenario import Hit, Scenario, scenario
from graph.steps import first_loss, run, undelivered

CASES = settings(max_examples=200, deadline=None)  # a case plans: some ten runs of the model
DAYS = 4


class Columns(NamedTuple):
    """Links of a tiny graph as they are written down, so that a test can write others."""

    supplier: list[int]
    buyer: list[int]
    item: list[int]
    weight: list[float]
    essential: list[int]
    stock: list[float]
    lead: list[int]
    final: list[float]

    def arrays(self) -> SupplyArrays:
        return compile_arrays(
            len(self.final), self.supplier, self.buyer, self.item, self.weight,
            essential=self.essential, stock=self.stock, lead=self.lead, final_sales=self.final,
        )  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> Columns:
    """Two tiers above the last node, which has two inputs; node 0 sells somewhere in it."""
    rows = [(0, 3, 0), (1, 3, 0), (1, 3, 1), (2, 3, 1), (0, 1, 2), (0, 2, 2)]
    kept = draw(st.integers(0, 31))
    rows = [rows[0], *(row for k, row in enumerate(rows[1:]) if kept >> k & 1)]
    m, rng = len(rows), np.random.default_rng(draw(st.integers(0, 10**6)))
    return Columns(
        *([row[k] for row in rows] for k in range(3)),
        rng.integers(1, 10, m).astype(float).tolist(),
        rng.choice([1, 2, 2], m).tolist(),
        rng.choice([0.0, 0.5, 1.5], m).tolist(),
        rng.choice([0, 0, 1], m).tolist(),
        [*rng.choice([0.0, 3.0], 3).tolist(), 365.0],
    )


@st.composite
def shocks(draw: st.DrawFn, links: int = 0) -> Scenario:
    magnitude = draw(st.integers(1, 4)) / 4
    start, lasts = draw(st.integers(0, 1)), draw(st.integers(1, 3))
    blocked = [Hit(np.arange(min(links, 1)), draw(st.integers(0, 4)) / 4)]
    return scenario(DAYS, [Hit(np.array([0]), magnitude, start, lasts)], blocked)


def lost(arrays: SupplyArrays, shock: Scenario, node: int) -> float:
    return float((1.0 - run(arrays, shock).of(node)).sum() * arrays.output[node])


def with_stock(arrays: SupplyArrays, groups: np.ndarray, days: np.ndarray) -> SupplyArrays:
    stock = arrays.group_stock.copy()
    stock[groups] = days
    return replace(arrays, group_stock=stock)


# --------------------------------------------------------------------------- stock


def check_plan(plan: StockPlan, arrays: SupplyArrays, shock: Scenario) -> None:
    """By the reference, whatever engine planned: it keeps the line, or nothing does."""
    if not plan.enough:
        most = with_stock(arrays, plan.groups, np.full(len(plan.groups), 1e3))
        assert lost(most, shock, 3) > plan.line
        return
    found = lost(with_stock(arrays, plan.groups, plan.days), shock, 3)
    assert found == pytest.approx(plan.loss, abs=1e-12)
    assert found <= plan.line + 1e-12


@CASES
@given(columns=graphs(), shock=shocks(), part=st.floats(0, 1.1))
def test_the_smallest_stock_keeps_the_line_and_a_little_less_does_not(
    columns: Columns, shock: Scenario, part: float
) -> None:
    arrays = columns.arrays()
    groups = np.flatnonzero(arrays.group_buyer == 3)
    line = part * lost(with_stock(arrays, groups, np.zeros(len(groups))), shock, 3)
    plan = smallest_stock(arrays, shock, groups, line, engine=run_frontier)
    check_plan(plan, arrays, shock)
    if plan.enough and plan.days.any():
        less = plan.days * max(0.0, 1 - 1.01 * STOCK_STEP / plan.days.max())
        assert lost(with_stock(arrays, groups, less), shock, 3) > line


@CASES
@given(columns=graphs(), shock=shocks(), part=st.floats(0, 1.1))
def test_of_trimmed_stocks_none_can_be_smaller_alone(
    columns: Columns, shock: Scenario, part: float
) -> None:
    arrays = columns.arrays()
    groups = np.flatnonzero(arrays.group_buyer == 3)
    line = part * lost(with_stock(arrays, groups, np.zeros(len(groups))), shock, 3)
    plan = smallest_stock(arrays, shock, groups, line, how="trimmed", engine=run_frontier)
    check_plan(plan, arrays, shock)
    even = smallest_stock(arrays, shock, groups, line, engine=run_frontier)
    assert plan.value <= even.value
    for k in np.flatnonzero(plan.days if plan.enough else []):
        less = plan.days.copy()
        less[k] = max(0.0, less[k] - 1.01 * STOCK_STEP)
        assert lost(with_stock(arrays, groups, less), shock, 3) > line


def test_the_stock_that_bridges_a_closure_is_its_length() -> None:
    arrays = compile_arrays(2, [0], [1], [0], [365.0], stock=1.0, lead=4, final_sales=[0, 365.0])
    shut = scenario(60, [Hit(np.array([0]), 1.0, 3, 20)])
    plan = smallest_stock(arrays, shut, [0], line=0.0)
    assert plan.days[0] == pytest.approx(20, abs=0.01)
    assert (plan.now_days[0], plan.now_loss) == (1.0, 19.0)
    assert plan.value == pytest.approx(20, abs=STOCK_STEP)  # a day's use costs 1


def test_no_stock_of_one_part_is_enough_when_another_is_missing() -> None:
    arrays = compile_arrays(3, [0, 1], [2, 2], [0, 1], [1.0, 1.0], final_sales=[0, 0, 365.0])
    shut = scenario(11, [Hit(np.array([0, 1]), 1.0)])
    plan = smallest_stock(arrays, shut, [0], line=5.0)
    assert (plan.enough, plan.loss) == (False, 10.0)
    both = smallest_stock(arrays, shut, [0, 1], line=5.0)
    assert both.enough
    assert both.days == pytest.approx([5, 5], abs=STOCK_STEP)


def test_a_stock_that_is_too_large_may_shrink() -> None:
    arrays = compile_arrays(2, [0], [1], [0], [365.0], stock=50.0, final_sales=[0, 365.0])
    shut = scenario(30, [Hit(np.array([0]), 1.0, 0, 6)])
    plan = smallest_stock(arrays, shut, [0], line=2.0)
    assert plan.now_loss == 0
    assert plan.days[0] == pytest.approx(4, abs=0.01)


# --------------------------------------------------------------------------- suppliers of a group


def moved(columns: Columns, share: float, most: float, lead: int) -> SupplyArrays:
    """The graph of `columns` with a share of group (3, 0) moved from node 0 to node 4, anew."""
    need = sum(
        w for b, i, w in zip(columns.buyer, columns.item, columns.weight, strict=True)
        if (b, i) == (3, 0)
    )  # fmt: skip
    assert share <= most + 1e-12
    return columns._replace(
        supplier=[*columns.supplier, 4],
        buyer=[*columns.buyer, 3],
        item=[*columns.item, 0],
        weight=[columns.weight[0] - share * need, *columns.weight[1:], share * need],
        essential=[*columns.essential, columns.essential[0]],
        stock=[*columns.stock, columns.stock[0]],
        lead=[*columns.lead, lead],
        final=[*columns.final, 3.0],
    ).arrays()


@CASES
@given(
    columns=graphs(),
    shock=shocks(1),
    too=st.sampled_from([0.0, 0.0, 0.25, 1.0]),
    part=st.floats(0, 1.1),
    most=st.floats(0.1, 1),
    lead=st.integers(0, 2),
)
def test_the_smallest_change_of_mix_keeps_the_line_and_a_little_less_does_not(
    columns: Columns, shock: Scenario, too: float, part: float, most: float, lead: int
) -> None:
    # Node 4, the alternative, is hit as well by so much.
    shock = replace(shock, nodes=np.array([0, 4]), psi=shock.psi * np.array([[1.0, too]]))
    arrays = columns._replace(final=[*columns.final, 3.0]).arrays()
    group = int(arrays.link_start.searchsorted(
        np.flatnonzero((arrays.link_supplier == 0) & (arrays.link_buyer == 3))[0], side="right") - 1
    )  # fmt: skip
    line = part * lost(arrays, shock, 3)
    plan = smallest_diversification(
        arrays, shock, group, line, [Offer(4, most, lead)], [0], engine=run_frontier
    )
    mix = Mix(arrays, shock, group, [0], [Offer(4, most, lead)])

    def loss(share: float) -> float:
        return lost(moved(columns, share, most, lead), mix.scenario, 3)

    assert plan.loss == pytest.approx(loss(plan.moved), abs=1e-9)
    assert sum(plan.shares.values()) == pytest.approx(1)
    assert plan.monotone or too > 0
    steps = np.linspace(0.0, mix.most, GRID + 1)
    if not plan.enough:
        assert min(map(loss, steps if not plan.monotone else steps[-1:])) > line - 1e-12
        return
    assert plan.loss <= line
    if plan.moved > 0:
        assert loss(max(0.0, plan.moved - 1.01 * SHARE_STEP)) > line
    if not plan.monotone:
        assert all(loss(z) > line for z in steps[steps < plan.moved])


def test_moving_to_one_that_is_hit_harder_is_not_enough_and_said_not_to_help() -> None:
    arrays = compile_arrays(3, [0], [2], [0], [365.0], final_sales=[0, 9.0, 365.0])
    shut = scenario(11, [Hit(np.array([0]), 0.5), Hit(np.array([1]), 1.0)])
    plan = smallest_diversification(arrays, shut, 0, 2.0, [Offer(1, 1.0, 0)], [0])
    assert (plan.enough, plan.monotone, plan.moved, plan.loss) == (False, False, 0.0, 5.0)


def test_the_smallest_change_is_told_to_a_thousandth() -> None:
    arrays = compile_arrays(3, [0], [2], [0], [365.0], final_sales=[0, 9.0, 365.0])
    shut = scenario(11, [Hit(np.array([0]), 1.0)])
    plan = smallest_diversification(arrays, shut, 0, 10 / 3, [Offer(1, 1.0, 0)], [0])
    assert 0 <= plan.moved - 2 / 3 <= 0.001


def test_offers_are_taken_in_order_each_up_to_its_most() -> None:
    arrays = compile_arrays(4, [0, 1], [3, 3], [0, 0], [80.0, 20.0], final_sales=1.0)
    shut = scenario(9, [Hit(np.array([0]), 1.0)])
    plan: MixPlan = smallest_diversification(
        arrays, shut, 0, 0.0, [Offer(2, 0.3, 5), Offer(1, 0.1, 0)], [0]
    )
    assert not plan.enough
    assert plan.shares == pytest.approx({0: 0.4, 1: 0.3, 2: 0.3})


def test_a_blocked_link_stays_blocked_when_links_are_added_before_it() -> None:
    arrays = compile_arrays(4, [2, 2], [1, 3], [0, 0], [1.0, 1.0], final_sales=365.0)
    blocked = scenario(3, deliveries=[Hit(np.array([1]), 1.0)])
    mix = Mix(arrays, blocked, 0, [2], [Offer(0, 1.0, 0)])
    after = mix.arrays_at(0.5)
    [link] = mix.scenario.links
    assert (after.link_supplier[link], after.link_buyer[link]) == (2, 3)
    assert run(after, mix.scenario).first_day().tolist() == [-1, -1, -1, 1]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda a, s: smallest_stock(a, s, [], 1.0), "at least one input group"),
        (lambda a, s: smallest_stock(a, s, [0, 0], 1.0), "none of them twice"),
        (lambda a, s: smallest_stock(a, s, [9], 1.0), r"one of 0\.\.0"),
        (lambda a, s: smallest_stock(a, s, [0], -1.0), "loss of 0 or more"),
        (lambda a, s: smallest_stock(a, s, [0], float("nan")), "not nan"),
        (lambda a, s: smallest_stock(a, s, [0], 1.0, how="best"), "unknown way 'best'"),
        (lambda a, s: smallest_stock(a, s, [0], 1.0, of=[7]), r"nodes of 0\.\.2"),
        (lambda a, s: smallest_diversification(a, s, 0, 1.0, [], [1]), "none of the suppliers"),
        (lambda a, s: Mix(a, s, 0, [0], [Offer(2, 1.0, 0)]), "no other node"),
        (lambda a, s: Mix(a, s, 0, [0], [Offer(0, 1.0, 0)]), "moved away from"),
        (lambda a, s: Mix(a, s, 0, [0], [Offer(1, 1.5, 0)]), r"within 0\.\.1"),
    ],
)
def test_a_question_that_cannot_be_says_why(ask: object, said: str) -> None:
    arrays = compile_arrays(3, [0], [2], [0], [1.0])
    with pytest.raises(ValueError, match=said):
        ask(arrays, scenario(2, [Hit(np.array([0]), 1.0)]))  # type: ignore[operator]
    assert issubclass(RemedyError, ValueError)


# --------------------------------------------------------------------------- what is missing


@CASES
@given(columns=graphs(), shock=shocks(1), rho=st.sampled_from([0.0, 0.5]), market=st.booleans())
def test_lost_and_missing_shares_are_those_of_the_model(
    columns: Columns, shock: Scenario, rho: float, market: bool
) -> None:
    arrays = columns.arrays()
    arrays = replace(
        arrays,
        link_rho=np.full(arrays.links, rho),
        link_ramp=np.arange(arrays.links, dtype=float),
        sector=np.zeros(arrays.nodes, dtype=np.int32),
    )
    out = run(arrays, shock, market=market)
    every = np.arange(arrays.links)
    found = lost_share(arrays, shock, out, every, market=market)
    missed = missing_share(arrays, shock, out, np.arange(arrays.groups), market=market)
    told = np.zeros((DAYS, arrays.groups))
    for t in range(DAYS):
        loss = 1.0 - out.down[t]
        sent = undelivered(arrays, shock, t, t - first_loss(shock), loss, market)
        assert found[t] == pytest.approx(sent, abs=1e-12)
        for e in every:
            if (late := t + 1 + arrays.link_lead[e]) < DAYS:
                told[late, arrays.link_group[e]] += arrays.link_part[e] * sent[e]
    assert missed == pytest.approx(told, abs=1e-12)
