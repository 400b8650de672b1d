import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import blocks
from graph.arrays import SupplyArrays, compile_arrays
from graph.frontier import error_bound, run_frontier
from graph.scenario import Hit, Outcome, Scenario, scenario
from graph.step_kernels import run_block, run_fast, run_many
from graph.steps import run
from graph.synthetic import synthetic_network

SEEDS = st.integers(0, 2**32 - 1)


def tiny_graph(rng: np.random.Generator) -> SupplyArrays:
    """Up to 7 nodes and 14 links of all classes, with leads, stocks, ramps and markets."""
    n, m = int(rng.integers(2, 8)), int(rng.integers(1, 15))
    supplier = rng.integers(0, n, m)
    return compile_arrays(
        n,
        supplier,
        (supplier + rng.integers(1, n, m)) % n,
        rng.integers(0, 3, m),
        rng.uniform(0.1, 5.0, m),
        essential=rng.integers(0, 3, m),
        stock=rng.choice([0.0, 0.0, 1.0, 2.5, np.inf], m),
        lead=rng.integers(0, 4, m),
        rho=rng.choice([0.0, 0.0, 0.3, 1.0], m),
        ramp=rng.choice([0.0, 2.0, 7.5], m),
        final=rng.choice([0.0, 0.2, 0.5], n),
        sector=rng.integers(-1, 3, n),
    )


def blow(rng: np.random.Generator, days: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Up to two targets, hit on some of the days."""
    targets = np.sort(rng.choice(size, min(size, int(rng.integers(0, 3))), replace=False))
    share = rng.choice([0.0, 0.3, 0.7, 1.0], (days, len(targets)))
    share[: rng.integers(0, 3)] = 0.0
    share[rng.integers(1, days + 4) :] = 0.0
    return targets, share


def any_scenario(rng: np.random.Generator, arrays: SupplyArrays, days: int) -> Scenario:
    psi, delta = blow(rng, days, arrays.nodes), blow(rng, days, arrays.nodes)
    return Scenario(days, *psi, *blow(rng, days, arrays.links), *delta)


def worst_difference(outcome: Outcome, reference: Outcome) -> float:
    def full(values: np.ndarray) -> np.ndarray:
        every = np.ones(reference.level.shape)
        every[:, outcome.nodes] = values
        return every

    return max(
        np.abs(full(outcome.level) - reference.level).max(),
        np.abs(full(outcome.down) - reference.down).max(),
        np.abs(full(outcome.up) - reference.up).max(),
        abs(outcome.residual - reference.residual),
    )


@settings(max_examples=600, deadline=None)
@given(SEEDS, st.booleans())
def test_the_frontier_gives_the_numbers_of_the_reference(seed: int, market: bool) -> None:
    rng = np.random.default_rng(seed)
    arrays = tiny_graph(rng)
    asked = any_scenario(rng, arrays, int(rng.integers(1, 16)))
    reference = run(arrays, asked, market=market)
    moved = run_frontier(arrays, asked, market=market)
    assert worst_difference(moved, reference) < 1e-12


@settings(max_examples=500, deadline=None)
@given(SEEDS, st.booleans())
def test_a_block_gives_the_numbers_of_the_reference(seed: int, market: bool) -> None:
    rng = np.random.default_rng(seed)
    arrays = tiny_graph(rng)
    days = int(rng.integers(1, 13))
    asked = [any_scenario(rng, arrays, days) for _ in range(2)]
    own = own_columns(rng, arrays, len(asked))
    exact, single = (
        run_block(arrays, asked, **own, watch=range(arrays.nodes), market=market, dtype=kind)
        for kind in (np.float64, np.float32)
    )
    for b, one in enumerate(asked):
        reference = run(with_columns(arrays, own, b), one, market=market)
        lost = (1.0 - reference.level).sum(axis=0)
        assert np.abs(exact.levels[:, :, b] - reference.level).max() < 1e-12
        assert np.abs(exact.lost_days[:, b] - lost).max() < 1e-12
        assert np.abs(exact.curve[:, b] - reference.curve(arrays)).max() < 1e-12
        assert exact.first_day[:, b].tolist() == reference.first_day().tolist()
        assert abs(exact.residual[b] - reference.residual) < 1e-12
        assert np.abs(single.levels[:, :, b] - reference.level).max() < 1e-5
        assert np.abs(single.loss(arrays)[:, b] - lost * arrays.output).max() < 1e-5


def own_columns(
    rng: np.random.Generator, arrays: SupplyArrays, count: int
) -> dict[str, np.ndarray]:
    """Stocks, classes and parts of each scenario, or some of them, or none."""
    weights = rng.uniform(0.1, 1.0, (arrays.links, count))
    sums = np.add.reduceat(weights, arrays.link_start[:-1], axis=0)
    every = {
        "stocks": rng.choice([0.0, 1.0, 3.3], (arrays.groups, count)),
        "classes": rng.integers(0, 3, (arrays.groups, count)),
        "parts": weights / sums[arrays.link_group],
    }
    return {name: columns for name, columns in every.items() if rng.random() < 0.5}


def with_columns(arrays: SupplyArrays, own: dict[str, np.ndarray], b: int) -> SupplyArrays:
    field = {"stocks": "group_stock", "classes": "group_class", "parts": "link_part"}
    return replace(arrays, **{field[name]: columns[:, b] for name, columns in own.items()})


@settings(max_examples=500, deadline=None)
@given(SEEDS, st.sampled_from([1e-3, 1e-2, 0.1]))
def test_what_theta_leaves_unsaid_stays_within_the_bound_that_is_stated(
    seed: int, theta: float
) -> None:
    rng = np.random.default_rng(seed)
    arrays = tiny_graph(rng)
    asked = any_scenario(rng, arrays, 12)
    exact, rough = run_frontier(arrays, asked), run_frontier(arrays, asked, theta=theta)
    bound = error_bound(arrays, asked.days, theta)
    for node in range(arrays.nodes):
        assert np.abs(rough.of(node) - exact.of(node)).max() <= bound + 1e-12
    down, known = np.ones((12, arrays.nodes)), np.ones((12, arrays.nodes))
    down[:, rough.nodes], known[:, exact.nodes] = rough.down, exact.down
    assert (down == known).all()
    assert f"within {bound:.2g}" in rough.switches


def random_stocks(groups: int, seed: int, numbers: range) -> np.ndarray:
    rows = [np.random.default_rng((seed, b)).uniform(0, 9, groups) for b in numbers]
    return np.stack(rows, axis=1)


@pytest.fixture(scope="module")
def firms() -> SupplyArrays:
    return synthetic_network(400, 2500, sectors=8, seed=4)


def closures(arrays: SupplyArrays, count: int) -> list[Scenario]:
    rng = np.random.default_rng(7)
    return [
        scenario(25, [Hit(rng.integers(0, arrays.nodes, 3), 0.9, float(b % 5), 8.0, "linear", 5)])
        for b in range(count)
    ]


def test_serial_and_pool_give_the_same_bits_for_blocks_that_are_not_full(
    firms: SupplyArrays,
) -> None:
    asked, stocks = closures(firms, 37), partial(random_stocks, firms.groups, 3)
    serial = run_many(firms, asked, stocks=stocks, watch=[5], market=True)
    pool = run_many(firms, asked, stocks=stocks, watch=[5], market=True, how="pool", workers=2)
    assert serial.lost_days.shape == (400, 37)
    for name in ("lost_days", "first_day", "curve", "levels", "residual"):
        assert getattr(serial, name).tobytes() == getattr(pool, name).tobytes()


def test_columns_may_be_given_or_made_where_the_block_runs(firms: SupplyArrays) -> None:
    asked, made = closures(firms, 20), partial(random_stocks, firms.groups, 3)
    whole = run_many(firms, asked, stocks=made(range(20)))
    assert whole.lost_days.tobytes() == run_many(firms, asked, stocks=made).lost_days.tobytes()
    assert (whole.lost_days != run_many(firms, asked).lost_days).any()


def test_a_scenario_is_the_same_alone_and_among_others(firms: SupplyArrays) -> None:
    asked = closures(firms, 16)
    alone, among = run_block(firms, asked[5:6]), run_block(firms, asked)
    assert alone.lost_days[:, 0].tobytes() == among.lost_days[:, 5].tobytes()


def test_no_shock_touches_nobody(firms: SupplyArrays) -> None:
    calm = scenario(30)
    assert len(run_frontier(firms, calm).nodes) == 0
    assert not run_block(firms, [calm]).lost_days.any()


def test_a_firm_that_nobody_can_reach_is_not_touched() -> None:
    two = compile_arrays(5, [0, 3], [1, 4], [0, 0], [1.0, 1.0])
    assert run_frontier(two, scenario(9, [Hit(np.array([0]), 1.0)])).nodes.tolist() == [0, 1]


def test_where_every_link_has_a_ramp_of_its_own_the_reference_is_taken(
    monkeypatch: pytest.MonkeyPatch, firms: SupplyArrays
) -> None:
    asked = closures(firms, 3)
    steep = replace(firms, link_rho=firms.link_rho + 0.5, link_ramp=np.arange(2500) % 3 + 1.0)
    by_block = run_block(steep, asked, watch=[1, 2])
    monkeypatch.setattr(blocks, "MOST_RAMPS", 2)
    by_reference = run_block(steep, asked, watch=[1, 2])
    assert (by_block.engine, by_reference.engine) == ("block of 16, float32", "reference")
    np.testing.assert_allclose(by_block.lost_days, by_reference.lost_days, atol=1e-4)
    np.testing.assert_allclose(by_block.levels, by_reference.levels, atol=1e-5)
    assert (by_block.first_day[by_reference.lost_days > 1e-6] >= 0).all()


def test_the_fast_run_says_which_engine_it_took(firms: SupplyArrays) -> None:
    [asked] = closures(firms, 1)
    outcome = run_fast(firms, asked, market=True, theta=1e-6)
    assert outcome.engine == "frontier"
    assert outcome.switches.startswith("separate; market on; theta 1e-06: h^u within 3.3e-06")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (lambda a, s: run_many(a, []), "no scenario"),
        (lambda a, s: run_block(a, [s] * 17), "1 to 16 scenarios, not 17"),
        (lambda a, s: run_block(a, [s, scenario(9)]), "same number of days"),
        (lambda a, s: run_block(a, [s], stocks=np.zeros((3, 1))), "stocks of a block have shape"),
        (lambda a, s: run_block(a, [s], watch=[400]), "outside 0..399"),
        (lambda a, s: run_block(a, [s], dtype=np.int32), "float32 or float64"),
        (lambda a, s: run_frontier(a, s, theta=-1.0), "theta"),
        (lambda a, s: run_frontier(a, s, theta=float("nan")), "theta"),
    ],
)
def test_what_cannot_be_run_is_refused_by_its_name(firms, asked, told) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=told):
        asked(firms, closures(firms, 1)[0])


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
import numpy as np
from graph.blocks import _together, lay_out
from graph.frontier import run_frontier
from graph.jit import HAVE_NUMBA
from graph.scenario import Hit, scenario
from graph.step_kernels import run_fast, run_many
from graph.synthetic import synthetic_network

assert not HAVE_NUMBA
firms = synthetic_network(30, 90, sectors=3, seed=2)
asked = scenario(12, [Hit(np.array([3, 4]), 0.8, 1, 6)], [Hit(np.array([7]), 0.5)])
reference = run_fast(firms, asked, market=True)
assert reference.engine == "reference"
loss = (1.0 - reference.level).sum(axis=0)
assert run_many(firms, [asked], market=True).engine == "reference"
rows = _together(lay_out(firms, [], True, 1e-9, np.float64), [asked], None, None, None)
moved = run_frontier(firms, asked, market=True)
assert abs(rows.lost_days[:, 0] - loss).max() < 1e-12
assert abs((1.0 - moved.level).sum(axis=0) - loss[moved.nodes]).max() < 1e-12
"""


def test_without_numba_the_reference_runs_and_the_kernels_still_give_its_numbers() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT_NUMBA], check=True)


def test_float32_tells_the_first_days_of_float64_that_are_more_than_rounding() -> None:
    chain = compile_arrays(2, [0], [1], [0], [1.0], stock=0.1)
    closed = [scenario(12, [Hit(np.array([0]), 0.01)])]  # ten days use up the stock, to rounding
    single = run_many(chain, closed)
    exact = run_many(chain, closed, dtype=np.float64, threshold=1e-6)
    assert single.first_day.dtype == np.int32
    assert single.first_day.tolist() == exact.first_day.tolist()
