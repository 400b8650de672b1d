"""Older models are limit cases of the same arrays, and what they refuse is said."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from graph.ario import ArioError, ArioRules, ario, economy, economy_of
from graph.arrays import NON_ESSENTIAL, Floats, SupplyArrays, compile_arrays
from graph.esri import EsriError, closed_circles, closures, esri, esri_compat
from graph.limits import LIMITS, LimitError, influence, limit
from graph.scenario import Hit, scenario
from graph.steps import run


def random_graph(
    seed: int, nodes: int = 12, links: int = 40, *, essential: bool = True, final: float = 0.2
) -> SupplyArrays:
    """Synthetic: firms in three sectors, inputs by the supplier's sector."""
    random = np.random.Generator(np.random.Philox(seed))
    sector = random.integers(0, 3, nodes)
    supplier, buyer = random.integers(0, nodes, links), random.integers(0, nodes, links)
    kind = random.integers(0, 3, (3, 3)) if essential else np.full((3, 3), NON_ESSENTIAL)
    weight = random.lognormal(0, 1, links)
    return compile_arrays(
        nodes, supplier, buyer, sector[supplier], weight,
        essential=kind[sector[supplier], sector[buyer]], sector=sector, final=final,
    )  # fmt: skip


def dense_spending(arrays: SupplyArrays, costs: Floats) -> Floats:
    part = np.zeros((arrays.nodes, arrays.nodes))
    np.add.at(part, (arrays.link_buyer, arrays.link_supplier), arrays.link_weight)
    return part / np.where(costs > 0, costs, 1.0)[:, None]


@pytest.mark.parametrize("market", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_networkx_loops_and_sparse_blocks_give_the_same_esri(seed: int, market: bool) -> None:
    arrays = random_graph(seed)
    sparse, loops = (
        esri(arrays, closures(12, range(12)), market=market, engine=engine)
        for engine in ("scipy", "networkx")
    )
    for name in ("down", "up", "esri", "esri_down", "esri_up", "before", "residual"):
        np.testing.assert_allclose(getattr(sparse, name), getattr(loops, name), atol=1e-12)
    assert sparse.sweeps.tolist() == loops.sweeps.tolist()


@pytest.mark.parametrize("stop", ["increase", "ratio"])
def test_a_shock_stops_for_itself_whatever_stands_beside_it_in_the_block(stop: str) -> None:
    arrays = random_graph(3, final=0.05)
    block = esri(arrays, closures(12, range(12)), stop=stop, market=True)
    assert len(set(block.sweeps.tolist())) > 1
    for node in range(12):
        alone = esri(arrays, closures(12, [node]), stop=stop, market=True)
        assert alone.sweeps[0] == block.sweeps[node]
        np.testing.assert_allclose(alone.down[:, 0], block.down[:, node], atol=1e-14)


@pytest.mark.parametrize("market", [False, True])
def test_the_time_stepped_model_without_stocks_ends_where_esri_does(market: bool) -> None:
    for seed in range(5):
        arrays = random_graph(seed)
        steps = run(arrays, scenario(400, [Hit(np.array([seed]), 0.9)]), market=market)
        out = esri(arrays, 0.9 * closures(12, [seed]), market=market, eps=1e-15)
        np.testing.assert_allclose(1 - steps.down[-1], out.down[:, 0], atol=1e-12)
        np.testing.assert_allclose(1 - steps.up[-1], out.up[:, 0], atol=1e-12)


def test_sweeps_upstream_stay_within_their_bound() -> None:
    for seed, final in ((1, 0.1), (2, 0.3), (3, 0.6)):
        out = esri(random_graph(seed, final=final), closures(12, range(12)), down=False)
        assert out.sweep_bound == pytest.approx(math.log(1e-6) / math.log(1 - final))
        assert out.sweeps.max() <= math.ceil(out.sweep_bound)


def test_esri_that_has_not_settled_says_so_and_is_refused_as_a_number() -> None:
    arrays = random_graph(1, final=0.01)
    out = esri(arrays, closures(12, [0, 1]), max_sweeps=3)
    assert not out.converged.any()
    assert out.residual.min() > 1e-6
    with pytest.raises(EsriError, match=r"2 of 2 shocks still moved .* raise max_sweeps"):
        out.settled()


def test_without_final_demand_esri_asks_for_it_unless_told_to_do_without() -> None:
    ring = compile_arrays(3, [0, 1, 2], [1, 0, 0], [0, 1, 2], [1.0] * 3, names=["a", "b", "c"])
    assert closed_circles(ring).tolist() == [0, 1]
    with pytest.raises(EsriError, match=r"2 nodes \(first: a\).*leak=False"):
        esri(ring, [1.0, 0.0, 0.0])
    assert esri(ring, [1.0, 0.0, 0.0], leak=False).up[:2, 0].tolist() == [1.0, 1.0]
    assert esri(ring, [1.0, 0.0, 0.0], up=False).converged.all()
    chain = compile_arrays(3, [0, 1], [1, 2], [0, 1], [1.0, 1.0])  # nothing goes round
    assert esri(chain, [0.0, 0.0, 1.0]).up[:, 0].tolist() == [1.0, 1.0, 1.0]


def test_what_published_defaults_give_is_not_a_converged_number() -> None:
    # A sells 99 % to B and 1 % to C, which closes; B and C sell to A alone. In the end all fail.
    links = [0, 0, 1, 2], [1, 2, 0, 0], [0, 0, 1, 2], [99.0, 1.0, 1.0, 1.0]
    closed = compile_arrays(3, *links, essential=NON_ESSENTIAL)
    early = esri_compat(closed, [0.0, 0.0, 1.0])
    late = esri(closed, [0.0, 0.0, 1.0], leak=False)
    assert early.converged.all()
    assert early.up[:2, 0].max() < 0.1
    np.testing.assert_allclose(late.up[:, 0], 1.0, atol=1e-3)
    assert late.sweep_bound == math.inf


@pytest.mark.parametrize(
    ("psi", "options", "said"),
    [
        ([1.0], {}, "12 rows"),
        ([2.0] * 12, {}, "0..1"),
        ([float("nan")] * 12, {}, "0..1"),
        ([0.0] * 12, {"stop": "never"}, "unknown stop rule"),
        ([0.0] * 12, {"eps": 0.0}, "positive"),
        ([0.0] * 12, {"engine": "abacus"}, "scipy, networkx"),
        ([0.0] * 12, {"weights": [0.0] * 12}, "not all 0"),
    ],
)
def test_esri_refuses_what_it_cannot_read(
    psi: list[float], options: dict[str, object], said: str
) -> None:
    with pytest.raises(EsriError, match=said):
        esri(random_graph(1), psi, **options)  # type: ignore[arg-type]


def test_demand_shocks_alone_are_the_leontief_inverse() -> None:
    arrays = random_graph(5, essential=False, final=0.3)
    delta = np.linspace(0, 1, 12)
    sold = arrays.sold_weight / (1 - np.where(arrays.sold_weight > 0, arrays.final, 0.0))
    flows = np.zeros((12, 12))
    np.add.at(flows, (arrays.link_supplier, arrays.link_buyer), arrays.link_weight)
    a = flows / np.where(sold > 0, sold, 1.0)
    lost = np.linalg.inv(np.eye(12) - a) @ (sold * arrays.final * delta)
    sells = sold > 0
    out = limit("leontief-inverse", arrays, delta=delta)
    np.testing.assert_allclose((sold * out.loss)[sells], lost[sells], rtol=1e-12)
    hits = [Hit(np.array([node]), float(delta[node])) for node in range(12)]
    steps = run(arrays, scenario(300, demand=hits))
    np.testing.assert_allclose(1 - steps.up[-1], out.loss, atol=1e-12)


def test_ghosh_is_linear_and_what_esri_gives_while_nothing_is_capped() -> None:
    arrays = random_graph(6, essential=False)
    bought = np.bincount(arrays.link_buyer, arrays.link_weight, 12)
    costs = bought * 2 + 1.0
    first, second = np.linspace(0, 0.1, 12), np.linspace(0.1, 0, 12)
    both, one, other = (
        limit("ghosh", arrays, psi=psi, costs=costs).loss for psi in (first + second, first, second)
    )
    np.testing.assert_allclose(both, one + other, atol=1e-14)
    part = dense_spending(arrays, costs)
    np.testing.assert_allclose(one, np.linalg.solve(np.eye(12) - part, first), atol=1e-14)
    tree = compile_arrays(4, [0, 1, 2], [2, 2, 3], [0, 1, 2], [1.0, 3.0, 1.0], essential=1)
    psi = [0.2, 0.4, 0.0, 0.0]
    same = esri(tree, psi, up=False).down[:, 0]
    np.testing.assert_allclose(limit("ghosh", tree, psi=psi).loss, same, atol=1e-15)


def test_diim_comes_to_iim_and_iim_is_what_orders_lose() -> None:
    arrays = random_graph(7)
    psi = np.linspace(0, 0.05, 12)
    rest = limit("iim", arrays, psi=psi).loss
    days = limit("diim", arrays, psi=psi, resilience=np.linspace(0.3, 1, 12), days=600)
    np.testing.assert_allclose(days.loss[-1], rest, atol=1e-12)
    assert days.residual < 1e-12
    assert (np.diff(days.loss, axis=0) >= -1e-15).all()
    short = limit("diim", arrays, psi=psi, resilience=0.3, days=3)
    assert short.residual > 1e-4


def test_debtrank_sends_once_so_it_equals_ghosh_on_a_tree_and_less_where_losses_return() -> None:
    tree = compile_arrays(5, [0, 1, 2, 3], [2, 2, 3, 4], [0, 1, 2, 3], [1.0, 3.0, 1.0, 2.0])
    for at in range(5):
        psi = 0.3 * closures(5, [at])[:, 0]
        once, linear = (limit(name, tree, psi=psi).loss for name in ("debtrank", "ghosh"))
        np.testing.assert_allclose(once, linear, atol=1e-15)
    ring = compile_arrays(3, [0, 1, 2, 0], [1, 2, 0, 0], [0, 1, 2, 0], [1.0, 1.0, 1.0, 1.0])
    psi = np.array([0.25, 0.0, 0.0])
    # 0 sends .25 to 1, and half of that to itself; 1 and 2 pass .25 on; 0 has sent already.
    assert limit("debtrank", ring, psi=psi).loss.tolist() == [0.5, 0.25, 0.25]
    loss = limit("ghosh", ring, psi=psi, costs=[2.5, 1.5, 1.5]).loss
    assert (loss >= psi).all()


@pytest.mark.parametrize("labour", [0.15, 0.5, 1.0])
def test_acemoglus_influence_is_pagerank_on_the_reversed_graph(labour: float) -> None:
    for seed in range(4):
        arrays = random_graph(seed, essential=False, links=30)  # some buy nothing
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(12))
        for supplier, buyer, weight in zip(
            arrays.link_supplier, arrays.link_buyer, arrays.link_weight, strict=True
        ):
            before = graph.get_edge_data(int(buyer), int(supplier), {"weight": 0.0})["weight"]
            graph.add_edge(int(buyer), int(supplier), weight=before + float(weight))
        rank = nx.pagerank(graph, alpha=1 - labour, tol=1e-14, max_iter=2000)
        ours = influence(arrays, labour)
        np.testing.assert_allclose(ours, [rank[node] for node in range(12)], atol=1e-11)


def test_acemoglus_losses_average_to_influence_times_the_shock() -> None:
    ring = compile_arrays(
        4, [0, 1, 2, 3, 0, 2], [1, 2, 3, 0, 2, 0], [0, 1, 2, 3, 0, 2], [1, 2, 1, 4, 3, 1]
    )
    psi = np.array([0.4, 0.0, 0.1, 0.9])
    loss = limit("acemoglu", ring, psi=psi, labour=0.4).loss
    assert loss.mean() == pytest.approx(float(influence(ring, 0.4) @ psi), abs=1e-14)


def test_noisy_or_equals_counting_every_outcome_of_a_tree() -> None:
    tree = compile_arrays(5, [0, 1, 2, 2], [2, 2, 3, 4], [0, 1, 2, 2], [1.0] * 4)
    psi, passes = np.array([0.3, 0.2, 0.1, 0.0, 0.05]), np.array([0.5, 0.9, 0.25, 1.0])
    # Links by buyer and item: 0-2, 1-2, 2-3, 2-4.
    two = 1 - (1 - 0.1) * (1 - 0.5 * 0.3) * (1 - 0.9 * 0.2)
    expected = [0.3, 0.2, two, 0.25 * two, 1 - 0.95 * (1 - two)]
    chance = limit("noisy-or", tree, psi=psi, passes=passes).loss
    np.testing.assert_allclose(chance, expected, atol=1e-15)
    diamond = compile_arrays(4, [0, 0, 1, 2], [1, 2, 3, 3], [0, 0, 1, 2], [1.0] * 4)
    with pytest.raises(LimitError, match="trees only"):
        limit("noisy-or", diamond, psi=psi[:4])


@pytest.mark.parametrize("orders", ["alt", "noalt"])
def test_ario_written_out_and_fused_are_the_same_model(orders: str) -> None:
    random = np.random.Generator(np.random.Philox(2))
    flows = random.lognormal(0, 2, (12, 12)) * (random.random((12, 12)) > 0.3)
    flows[3] = 0.0  # sells to final demand only
    table = economy(flows, flows.sum(axis=1) + 5.0, random.permutation(np.arange(12) % 4))
    loss = np.zeros((120, 12))
    loss[2:40, :5] = 0.7
    days = [20.0, 4.0, float("inf"), 1.0]
    rules = ArioRules(psi=0.9, stock_days=days, restock_days=[5, 20, 60, 9], orders=orders)
    written, fused = (
        ario(table, loss, rules, engine=engine, keep_stocks=True) for engine in ("dense", "kernel")
    )
    for name in ("production", "capacity", "alpha", "orders", "unmet", "stocks"):
        np.testing.assert_allclose(
            getattr(fused, name), getattr(written, name), rtol=1e-10, atol=1e-10
        )
    assert written.short.tolist() == fused.short.tolist()
    assert written.short.any()
    assert (written.production <= written.capacity * (1 + 1e-12)).all()


def test_ario_at_rest_stays_at_rest() -> None:
    table = economy([[2.0, 3.0], [1.0, 4.0]], [5.0, 5.0], [0, 1])
    for engine in ("dense", "kernel"):
        out = ario(table, np.zeros((50, 2)), engine=engine)
        np.testing.assert_allclose(out.production, np.tile(table.output, (50, 1)), rtol=1e-14)
        assert out.unmet == pytest.approx(0.0, abs=1e-13)


def test_ario_runs_on_the_supply_graphs_arrays() -> None:
    arrays = random_graph(8, links=60, final=0.5)
    table = economy_of(arrays)
    assert table.between.sum() == pytest.approx(arrays.link_weight.sum() / 365)
    sells = arrays.sold_weight > 0
    np.testing.assert_allclose(table.output[sells], arrays.output[sells])
    psi = np.zeros((30, 12))
    psi[1:, 0] = 0.5
    out = limit("ario", arrays, psi=psi, rules=ArioRules(stock_days=3.0))
    direct = ario(table, psi, ArioRules(stock_days=3.0)).production
    np.testing.assert_allclose((1 - out.loss)[:, sells] * table.output[sells], direct[:, sells])
    assert out.loss[5].max() >= 0.4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"psi": 0.0}, "psi must lie"),
        ({"orders": "some"}, "alt, noalt"),
        ({"restock_days": 0.0}, "time constants"),
        ({"stock_days": [1.0, 2.0, 3.0]}, "one value or 2"),
        ({"psi": 0.01, "stock_days": 2.5}, "used up within the day"),
    ],
)
def test_ario_refuses_rules_that_cannot_be(change: dict[str, float], said: str) -> None:
    table = economy([[0.0, 5.0], [0.0, 0.0]], [5.0, 20.0], [0, 1])
    loss = np.zeros((20, 2))
    loss[2:, 0] = 1.0
    for engine in ("dense", "kernel"):
        with pytest.raises(ArioError, match=said):
            ario(table, loss, ArioRules(**change), engine=engine)  # type: ignore[arg-type]


def test_ario_refuses_tables_and_losses_that_cannot_be() -> None:
    with pytest.raises(ArioError, match="finite number"):
        economy([[-1.0]], [1.0], [0])
    with pytest.raises(ArioError, match="every final demand"):
        economy([[1.0]], [float("nan")], [0], output=[2.0])
    with pytest.raises(ArioError, match="2 x 2 flows"):
        economy([[1.0]], [1.0], [0, 1])
    table = economy([[1.0]], [1.0], [0])
    with pytest.raises(ArioError, match=r"share in 0\.\.1"):
        ario(table, [[1.5]])
    with pytest.raises(ArioError, match="dense, kernel"):
        ario(table, [[0.5]], engine="abacus")


def test_losses_that_go_round_for_ever_are_refused() -> None:
    ring = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0])
    with pytest.raises(LimitError, match="give final demand"):
        limit("iim", ring, psi=[0.5, 0.0])
    with pytest.raises(LimitError, match="give costs beyond bought inputs"):
        limit("ghosh", ring, psi=[0.5, 0.0])
    with pytest.raises(LimitError, match="none below what the node buys"):
        limit("ghosh", ring, psi=[0.5, 0.0], costs=[1.0, 0.5])
    with pytest.raises(LimitError, match=", ".join(LIMITS)):
        limit("guess", ring)
    with pytest.raises(LimitError, match=r"share in 0\.\.1"):
        limit("debtrank", ring, psi=[-1.0, 0.0])
    with pytest.raises(EsriError, match="none of them has a final-demand share"):
        limit("esri", ring, psi=[0.5, 0.0])


def test_every_limit_case_says_what_makes_it_and_where_it_is_from() -> None:
    for name, case in LIMITS.items():
        assert case.switch, name
        assert case.source[-1].isdigit(), name
        assert case.run.__doc__, name


def test_a_market_in_which_no_node_stands_changes_nothing() -> None:
    chain = compile_arrays(2, [0], [1], [0], [2.0])
    with_market, without = (esri(chain, closures(2, [0]), market=m) for m in (True, False))
    assert (with_market.down == without.down).all()


def test_a_closed_ring_is_seen_whatever_leaks_elsewhere() -> None:
    rings = compile_arrays(
        5, [0, 1, 2, 3], [1, 0, 3, 4], [0, 1, 2, 3], [1.0] * 4, final=[0, 0, 0.5, 0.5, 0]
    )
    with pytest.raises(EsriError, match=r"2 nodes \(first: 0\)"):
        esri(rings, [1.0, 0.0, 0.0, 0.0, 0.0])


def test_limits_refuse_what_is_no_share() -> None:
    chain = compile_arrays(2, [0], [1], [0], [1.0], final=0.5)
    with pytest.raises(LimitError, match="1 chances, one a link"):
        limit("noisy-or", chain, psi=[0.5, 0.0], passes=[2.0])
    with pytest.raises(LimitError, match=r"shares in 0\.\.1"):
        limit("diim", chain, psi=[math.nan, 0.0], resilience=0.5, days=3)
    with pytest.raises(LimitError, match="costs must be"):
        limit("ghosh", chain, psi=[0.5, 0.0], costs=[1.0, math.inf])


def test_an_esri_limit_that_does_not_settle_says_what_can_be_done_about_it() -> None:
    # C, which closes, takes a ten-thousandth of what A sells: the rest goes round to A again.
    links = [0, 0, 1, 2], [1, 2, 0, 0], [0, 0, 1, 2], [9999.0, 1.0, 1.0, 1.0]
    slow = compile_arrays(3, *links, essential=0, final=1e-9)
    with pytest.raises(LimitError, match="or raise eps"):
        limit("esri", slow, psi=[0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    "rules",
    [
        ArioRules(stock_days=math.nan),
        ArioRules(stock_days=-5.0),
        ArioRules(alpha_base=-1.0),
        ArioRules(alpha_max=math.nan),
        ArioRules(alpha_days=math.nan),
    ],
)
def test_ario_rules_that_cannot_be_are_refused(rules: ArioRules) -> None:
    shop = economy([[0.0, 5.0], [0.0, 0.0]], [5.0, 20.0], [0, 1])
    with pytest.raises(ArioError, match=r"stock_days|alpha"):
        ario(shop, np.zeros((3, 2)), rules)
