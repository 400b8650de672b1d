"""Properties of the time-stepped model on any graph: bounds, no shock, conservation, sameness.

Numbers are those of docs/propagation.md: 1 and 3 to 6 are here, 2 and 8 to 10 in
test_graph_properties_losses; 7 (engines agree), 11 (paths) and 12 (Monte Carlo) stand with theirs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays, compile_arrays
from graph.esri import esri
from graph.joint import Terms, ledger, run_joint
from graph.scenario import Hit, Scenario, scenario
from graph.steps import run
from tests.supply_cases import (
    BYTES,
    CLOSE,
    ITEMS,
    MOST,
    Case,
    both_modes,
    both_ways,
    case,
    cases,
    sides,
)


def read_literally(
    arrays: SupplyArrays, shock: Scenario, market: bool
) -> tuple[Floats, Floats, Floats]:
    """Levels h^d, h^u and stocks, from section 4 of docs/propagation.md in plain loops."""
    n, m, days = arrays.nodes, arrays.links, shock.days
    groups = [range(*arrays.link_start[k : k + 2]) for k in range(arrays.groups)]
    stock = arrays.group_stock.tolist()
    sent: list[list[float]] = []
    down, up, kept = np.zeros((days, n)), np.zeros((days, n)), np.zeros((days, len(groups)))
    losing = [
        t for t in range(days) if shock.psi[t].any() or shock.phi[t].any() or shock.delta[t].any()
    ]
    psi, phi, delta = np.zeros(n), np.zeros(m), np.zeros(n)
    for t in range(days):
        psi[shock.nodes], phi[shock.links], delta[shock.buyers] = (
            shock.psi[t],
            shock.phi[t],
            shock.delta[t],
        )
        came = []
        for links in groups:
            came.append(0.0)
            for e in links:
                day = t - 1 - int(arrays.link_lead[e])
                came[-1] += arrays.link_part[e] * (sent[day][e] if day >= 0 else 1.0)
        for j in range(n):
            can, loss = 1.0 - psi[j], 0.0
            for k in range(*arrays.group_start[j : j + 2]):
                met = min(1.0, came[k] + stock[k])
                if arrays.group_class[k] == ESSENTIAL:
                    can = min(can, met)
                elif arrays.group_class[k] == NON_ESSENTIAL:
                    loss += arrays.group_part[k] * (1.0 - met)
            down[t, j] = max(0.0, min(can, 1.0 - loss))
        for k, j in enumerate(arrays.group_buyer):
            use = down[t, j] if arrays.group_class[k] == ESSENTIAL else 1.0
            stock[k] = min(arrays.group_stock[k], max(0.0, stock[k] + came[k] - use))
        kept[t] = stock
        sigma = np.ones(n)
        if market:
            for i in range(n):
                peers = np.flatnonzero(arrays.sector == arrays.sector[i])
                left = (arrays.sold_weight[peers] * down[t, peers]).sum()
                if arrays.sector[i] >= 0 and left > 1e-10:
                    sigma[i] = min(1.0, arrays.sold_weight[i] / left)
        sent.append([])
        for e in range(m):
            i, ramp = arrays.link_supplier[e], arrays.link_ramp[e]
            grown = (
                1.0 - np.exp(-(t - losing[0]) / ramp) if ramp and losing and t >= losing[0] else 0.0
            )
            rho = arrays.link_rho[e] * (grown if ramp else 1.0)
            sent[-1].append((1 - phi[e]) * (1 - (1 - rho) * sigma[i] * (1 - down[t, i])))
        for i in range(n):
            asked = arrays.final[i] * (1.0 - delta[i])
            for e in arrays.sold[arrays.sold_start[i] : arrays.sold_start[i + 1]]:
                before = up[t - 1, arrays.link_buyer[e]] if t else 1.0
                asked += arrays.link_sold_part[e] * before
            up[t, i] = min(1.0 - psi[i], asked)
    return down, up, kept


# 1. Bounds


@cases()
@given(BYTES, both_ways)
def test_levels_and_stocks_stay_in_bounds_and_are_those_of_the_equations(
    data: bytes, market: bool
) -> None:
    it = case(data)
    arrays = it.arrays()
    shock = it.shock(arrays)
    got = run(arrays, shock, market=market)
    down, up, stock = read_literally(arrays, shock, market)
    assert np.abs(got.down - down).max() <= CLOSE
    assert np.abs(got.up - up).max() <= CLOSE
    assert ((stock >= 0) & (stock <= arrays.group_stock)).all()
    assert ((sides(got) >= 0) & (sides(got) <= 1)).all()
    assert (got.level == np.minimum(got.down, got.up)).all()
    assert (1.0 - got.level[:, shock.nodes] >= shock.psi - CLOSE).all()


@cases()
@given(BYTES, both_ways)
def test_esri_is_at_least_the_own_loss_and_at_most_everything(data: bytes, market: bool) -> None:
    it = case(data, stock=np.zeros((MOST, ITEMS)))
    arrays = compile_arrays(
        it.nodes,
        it.supplier,
        it.buyer,
        it.item,
        it.weight,
        final=0.4,
        sector=np.maximum(0, it.sector),
    )
    psi = np.zeros(it.nodes)
    psi[it.capacity[0].targets] = it.capacity[0].magnitude
    weight = 1.0 + arrays.output
    got = esri(arrays, psi, market=market, weights=weight).esri[0]
    share = weight / weight.sum()
    assert share @ psi - CLOSE <= got <= 1.0 + CLOSE


@cases()
@given(BYTES, st.sampled_from([0.0, 0.5, 1.0]))
def test_joint_levels_stay_between_nothing_and_spare_capacity(data: bytes, floor: float) -> None:
    it = case(data)
    arrays = it.arrays()
    shock = it.shock(arrays)
    books = ledger(arrays, shock, Terms(floor=floor))
    level = books.outcome.level
    assert (level >= 0).all()
    assert (level <= 1 + arrays.slack).all()
    assert (
        level[:, shock.nodes] <= (1 - shock.psi) * (1 + arrays.slack[shock.nodes]) + CLOSE
    ).all()


# 3. No shock, no change


@cases()
@given(BYTES, both_ways, st.booleans())
def test_without_a_shock_no_bit_changes(data: bytes, market: bool, hits: bool) -> None:
    it = case(data)
    if hits:  # hits of magnitude 0 are no shock either
        it = replace(
            it,
            capacity=tuple(replace(hit, magnitude=0.0) for hit in it.capacity),
            deliveries=tuple((row, replace(hit, magnitude=0.0)) for row, hit in it.deliveries),
            demand=tuple(replace(hit, magnitude=0.0) for hit in it.demand),
        )
    else:
        it = replace(it, capacity=(), deliveries=(), demand=())
    arrays = it.arrays()
    nothing = it.shock(arrays)
    assert (sides(run(arrays, nothing, market=market)) == 1.0).all()
    books = ledger(arrays, nothing)
    assert (books.outcome.level == 1.0).all()
    for moved in (books.orders, books.sent, books.final, books.received, books.used):
        assert (moved == 1.0).all()
    assert (books.stock == arrays.group_stock).all()
    assert books.outcome.residual == 0.0


# 4. Conservation in the joint mode


@cases()
@given(
    BYTES,
    st.sampled_from(["order-ratio", "proportional", "final-last"]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.booleans(),
)
def test_joint_goods_are_neither_made_nor_lost_on_the_way(
    data: bytes, rationing: str, floor: float, follows: bool
) -> None:
    it = case(data)
    arrays = it.arrays()
    books = ledger(arrays, it.shock(arrays), Terms(rationing, floor, 4.0, follows))
    before = np.vstack([arrays.group_stock, books.stock[:-1]])
    assert np.abs(before + books.received - books.used - books.stock).max(initial=0) <= CLOSE
    out = np.stack([_sales(arrays, sent) for sent in books.sent]) + arrays.final * books.final
    assert np.abs(out - books.outcome.level).max() <= CLOSE
    assert books.stock.min(initial=0) >= 0
    assert books.sent.min(initial=0) >= 0
    assert books.used.min(initial=0) >= 0
    assert (books.sent <= books.orders + CLOSE).all()
    made = books.outcome.level[:, arrays.link_supplier]
    assert (books.sent >= np.minimum(books.orders, floor * made) - CLOSE).all()
    lacking = np.maximum(0.0, np.minimum(1.0, books.orders) - books.sent)
    assert (books.substitutes <= arrays.link_rho * lacking + CLOSE).all()
    arrived = books.sent + books.substitutes
    lag = arrays.link_lead + 1
    for t in range(it.days):
        late = np.where(t >= lag, arrived[np.maximum(0, t - lag), np.arange(arrays.links)], 1.0)
        came = np.bincount(arrays.link_group, arrays.link_part * late, arrays.groups)
        assert np.abs(came - books.received[t]).max(initial=0) <= CLOSE


def _sales(arrays: SupplyArrays, sent: Floats) -> Floats:
    return np.bincount(arrays.link_supplier, arrays.link_sold_part * sent, arrays.nodes)


# 5. Scale, names and grain do not matter


@cases()
@given(BYTES, st.sampled_from([1e-3, 7.0, 1e6]))
def test_the_unit_of_money_changes_losses_in_money_only(data: bytes, unit: float) -> None:
    it = case(data)
    rich = replace(it, weight=it.weight * unit)
    arrays, other = it.arrays(), rich.arrays()
    one, two = (
        run(arrays, it.shock(arrays), market=True),
        run(other, rich.shock(other), market=True),
    )
    assert np.abs(sides(one) - sides(two)).max() <= CLOSE
    assert np.allclose(two.loss(other), unit * one.loss(arrays), rtol=1e-9, atol=1e-9 * unit)
    joint = run_joint(arrays, it.shock(arrays)), run_joint(other, rich.shock(other))
    assert np.abs(sides(joint[0]) - sides(joint[1])).max() <= 1e-9


@cases()
@given(BYTES, st.permutations(range(6)))
def test_another_numbering_of_the_firms_permutes_the_results(data: bytes, new: list[int]) -> None:
    it = case(data)
    place = np.argsort(np.argsort(np.array(new)[: it.nodes]))  # old number to new number
    other = _renumbered(it, place)
    arrays, permuted = it.arrays(), other.arrays()
    for one, two in zip(
        both_modes(arrays, it.shock(arrays)),
        both_modes(permuted, other.shock(permuted)),
        strict=True,
    ):
        assert np.abs(sides(one) - sides(two)[:, :, place]).max() <= 1e-9


def _renumbered(it: Case, place: Ints) -> Case:
    def by_node(column: Ints | Floats) -> Ints | Floats:
        moved = column.copy()
        moved[place] = column[: it.nodes]
        return moved

    def at(hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        return tuple(replace(hit, targets=place[hit.targets]) for hit in hits)

    return replace(
        it,
        supplier=place[it.supplier],
        buyer=place[it.buyer],
        essential=by_node(it.essential),
        stock=by_node(it.stock),
        final=by_node(it.final),
        slack=by_node(it.slack),
        sector=by_node(it.sector),
        capacity=at(it.capacity),
        demand=at(it.demand),
    )


@cases()
@given(BYTES)
def test_a_link_in_two_parallel_parts_is_the_link(data: bytes) -> None:
    it = case(data)
    if not len(it.lead):
        return
    parts = replace(it, weight=np.append(it.weight, it.weight[0] * 0.25))
    parts.weight[0] *= 0.75
    for name in ("supplier", "buyer", "item", "lead", "rho", "ramp"):
        parts = replace(parts, **{name: np.append(getattr(it, name), getattr(it, name)[0])})
    split_hits = [(len(it.lead), hit) for row, hit in it.deliveries if row == 0]
    parts = replace(parts, deliveries=(*it.deliveries, *split_hits))
    arrays, split = it.arrays(), parts.arrays()
    for one, two in zip(
        both_modes(arrays, it.shock(arrays)), both_modes(split, parts.shock(split)), strict=True
    ):
        assert np.abs(sides(one) - sides(two)).max() <= 1e-9


@cases()
@given(BYTES)
def test_a_firm_in_two_equal_halves_is_the_firm_to_others(data: bytes) -> None:
    it = case(data)
    halves, kept = _in_halves(it)
    arrays, other = it.arrays(), halves.arrays()
    for one, two in zip(
        both_modes(arrays, it.shock(arrays)), both_modes(other, halves.shock(other)), strict=True
    ):
        assert np.abs(sides(one) - sides(two)[:, :, :kept]).max() <= 1e-9


def _in_halves(it: Case) -> tuple[Case, int]:
    """Firm 0 as firms 0 and `nodes`, each with half of every link of it."""
    rows = [(row, it.supplier[row], it.buyer[row], it.weight[row]) for row in range(len(it.lead))]
    out, twin = [], it.nodes
    for row, i, j, w in rows:
        if i == 0 or j == 0:
            out.append((row, i, j, w / 2))
            out.append((row, twin if i == 0 else i, twin if j == 0 else j, w / 2))
        else:
            out.append((row, i, j, w))
    of = np.array([row for row, *_ in out], dtype=int)
    deliveries = [
        (new, hit) for row, hit in it.deliveries for new, old in enumerate(of) if old == row
    ]

    def doubled(hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        again = [replace(hit, targets=np.array([twin])) for hit in hits if hit.targets[0] == 0]
        return (*hits, *again)

    def with_twin(column: Ints | Floats) -> Ints | Floats:
        return np.concatenate([column[:twin], column[:1]])

    halves = replace(
        it,
        nodes=it.nodes + 1,
        supplier=np.array([i for _, i, _, _ in out], dtype=int),
        buyer=np.array([j for _, _, j, _ in out], dtype=int),
        weight=np.array([w for *_, w in out]),
        item=it.item[of],
        lead=it.lead[of],
        rho=it.rho[of],
        ramp=it.ramp[of],
        essential=with_twin(it.essential),
        stock=with_twin(it.stock),
        final=with_twin(it.final),
        slack=with_twin(it.slack),
        sector=with_twin(it.sector),
        capacity=doubled(it.capacity),
        deliveries=tuple(deliveries),
        demand=doubled(it.demand),
    )
    return halves, it.nodes


# 6. Locality


@cases()
@given(BYTES, both_ways)
def test_who_is_not_reached_does_not_move_by_a_bit(data: bytes, market: bool) -> None:
    it = case(data)
    arrays = it.arrays()
    shock = it.shock(arrays)
    supplies = np.zeros((it.nodes, it.nodes), dtype=bool)
    supplies[it.supplier, it.buyer] = True
    hit = np.zeros(it.nodes, dtype=bool)
    hit[shock.nodes[shock.psi.any(axis=0)]] = True
    buyers = hit.copy()
    buyers[arrays.link_buyer[shock.links[shock.phi.any(axis=0)]]] = True
    sellers = hit.copy()
    sellers[shock.buyers[shock.delta.any(axis=0)]] = True
    down, up = _reached(supplies, buyers), _reached(supplies.T, sellers)
    got = run(arrays, shock, market=market)
    assert (got.down[:, ~down] == 1.0).all()
    assert (got.up[:, ~up] == 1.0).all()
    joined = supplies | supplies.T
    near = _reached(joined, buyers | sellers)
    assert (run_joint(arrays, shock).level[:, ~near] == 1.0).all()


def _reached(links: np.ndarray, start: np.ndarray) -> np.ndarray:
    seen = start
    for _ in range(len(links)):
        seen = seen | links[seen].any(axis=0)
    return seen


def test_a_firm_of_the_same_market_matters_only_with_the_market_on() -> None:
    """0 and 1 share a market, 2 buys from 0: with 1 in it, 0's loss is easier to bear."""
    arrays = compile_arrays(4, [0, 1], [2, 3], [0, 0], [1.0, 3.0], final=0.5, sector=[5, 5, -1, -1])
    half = scenario(3, [Hit(np.array([0]), 0.5)])
    assert run(arrays, half).of(2)[-1] == 0.5
    assert run(arrays, half, market=True).of(2)[-1] == pytest.approx(1 - 0.5 / 3.5)
    assert (run(arrays, half, market=True).of(3) == 1.0).all()
