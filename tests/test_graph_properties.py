"""Properties that the time-stepped model must have on any graph, and small cases worked by hand.

Numbers are those of docs/propagation.md: 1 to 6 and 8 to 10 are here, 7 (engines agree), 11
(paths) and 12 (Monte Carlo) stand with their engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays, compile_arrays
from graph.esri import EsriError, esri
from graph.joint import Terms, ledger, run_joint
from graph.scenario import Hit, Outcome, Scenario, scenario
from graph.steps import run
from tests.supply_cases import BYTES, LINKS, Case, case

CLOSE = 1e-12
FOREVER = float("inf")
BARE = np.zeros((6, 2))  # no stock anywhere
AT_ONCE = np.zeros(LINKS)  # substitution comes at once
both_ways = st.booleans()


def cases(count: int = 500) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(max_examples=count, deadline=None)


def bare(data: bytes) -> Case:
    """A case without stock, and with substitution that does not depend on the first loss's day."""
    plain = case(data, stock=BARE)
    return replace(plain, ramp=np.zeros(len(plain.lead)))


def sides(outcome: Outcome) -> Floats:
    return np.stack([outcome.level, outcome.down, outcome.up])


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
    it = case(data, stock=BARE)
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


@cases(2000)
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


@cases(1500)
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
    arrived = books.sent + books.substitutes
    lag = arrays.link_lead + 1
    for t in range(it.days):
        late = np.where(t >= lag, arrived[np.maximum(0, t - lag), np.arange(arrays.links)], 1.0)
        came = np.bincount(arrays.link_group, arrays.link_part * late, arrays.groups)
        assert np.abs(came - books.received[t]).max(initial=0) <= CLOSE


def _sales(arrays: SupplyArrays, sent: Floats) -> Floats:
    return np.bincount(arrays.link_supplier, arrays.link_sold_part * sent, arrays.nodes)


# 5. Scale, names and grain do not matter


def both_modes(arrays: SupplyArrays, shock: Scenario) -> list[Outcome]:
    return [run(arrays, shock), run_joint(arrays, shock)]


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


# 8. Convergence


@cases()
@given(BYTES, st.sampled_from([0.2, 0.5, 0.8]))
def test_losses_of_orders_shrink_by_the_final_demand_share_every_day(
    data: bytes, leak: float
) -> None:
    it = bare(data)
    lasting = replace(
        it,
        days=34,
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
        days=70,
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
    assert (1 - got.level[-1]).max() <= 0.4 ** ((70 - 12) / 3)


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
