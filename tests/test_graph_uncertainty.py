"""Bands of a Monte Carlo: draws that keep still, statistics that are right, and coverage."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, betabinom, kstest, lognorm

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, NONE, SupplyArrays, compile_arrays
from graph.bands import cvar, quantile, summary
from graph.spreads import Spread, SpreadError, choice, draw, draw_each, fixed, lognormal, pert
from graph.steps import run
from graph.uncertainty import coverage, measure, monte_carlo, task_of
from graph.worlds import Blow, Design, Doubt, settled, worlds


def small_graph(rng: np.random.Generator, n: int) -> SupplyArrays:
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    picked = [pairs[k] for k in rng.permutation(len(pairs))[: 2 * n - 2]]
    m = len(picked)
    return compile_arrays(
        n,
        [i for i, _ in picked],
        [j for _, j in picked],
        rng.integers(0, 2, m),
        rng.uniform(1.0, 9.0, m),
        essential=rng.choice([NONE, NON_ESSENTIAL, ESSENTIAL], m),
        stock=rng.uniform(0.0, 3.0, m),
        lead=rng.integers(0, 3, m),
        rho=0.3,
        ramp=4.0,
        final=0.3,
        output=rng.uniform(1.0, 5.0, n),
    )


def design_of(number: int, sure: bool = False) -> tuple[SupplyArrays, Design]:
    """A graph of 2 to 4 nodes with one to three blows and any doubts; `sure`: all are fixed."""
    rng = np.random.default_rng(number)
    arrays = small_graph(rng, int(rng.integers(2, 5)))

    def spread(name: str, low: float, mode: float, high: float) -> Spread:
        return fixed(name, mode) if sure else pert(name, low, mode, high)

    def some(*names: str) -> list[str]:
        return [name for name in names if rng.random() < 0.5]

    kind = fixed("class", 0.5) if sure else choice("class", 1.0, 0.5, 2.0)
    blows = [
        Blow(
            on,
            rng.integers(0, arrays.links if on == "deliveries" else arrays.nodes, 1),
            spread(f"magnitude {on}", 0.1, 0.5, 1.0),
            spread("start", 0.0, 1.0, 3.0),
            spread("duration", 1.0, 2.0, 5.0),
            recovery="linear",
            recovery_days=spread("recovery", 0.0, 2.0, 4.0),
        )
        for on in some("deliveries", "demand") or ["capacity"]
    ]
    doubts = [
        Doubt(
            of,
            np.arange(arrays.groups if of in ("stock", "class") else arrays.links),
            kind if of == "class" else spread(of, 0.3, 1.0, 3.0),
            each=bool(rng.integers(0, 2)),
        )
        for of in some("stock", "class", "lead", "rho", "weight")
    ]
    return arrays, Design(tuple(blows), tuple(doubts))


numbers = st.integers(0, 2**40)  # of a made-up graph and design
seeds = st.integers(0, 2**63)


@settings(max_examples=500, deadline=None)
@given(numbers, seeds)
def test_an_event_of_probability_zero_costs_nothing(number: int, seed: int) -> None:
    arrays, design = design_of(number)
    never = Design(design.blows, design.doubts, probability=0.0)
    bands = monte_carlo(arrays, never, runs=2, seed=seed, days=5)
    band = bands.of()
    of_weighted = band.weighted
    assert of_weighted == summary(np.zeros(2))
    assert not band.curve_weighted.any()
    assert not band.hit_by_weighted.any()
    assert band.given.mean == pytest.approx(bands.losses().mean())


@settings(max_examples=500, deadline=None)
@given(numbers, seeds)
def test_fixed_numbers_give_bands_without_width(number: int, seed: int) -> None:
    arrays, design = design_of(number, sure=True)
    band = monte_carlo(arrays, design, runs=2, seed=seed, days=5).of()
    assert band.given.p5 == band.given.p50 == band.given.p95
    assert band.given.cvar95 == pytest.approx(band.given.p95, abs=1e-12)
    assert (band.curve[0] == band.curve[2]).all()
    assert band.first_day[0] == band.first_day[2]
    assert band.never in (0.0, 1.0)
    [(own, one)] = worlds(arrays, design, seed, range(1), 5)
    assert band.given.p50 == pytest.approx(run(own, one).loss(own).sum(), abs=1e-9)


@settings(max_examples=500, deadline=None)
@given(numbers, seeds, st.integers(0, 3))
def test_runs_give_the_same_bits_however_they_are_shared_out(
    number: int, seed: int, cut: int
) -> None:
    arrays, design = design_of(number)
    watch = {"first": np.array([0]), "both": np.array([0, 1])}
    bands = monte_carlo(arrays, design, runs=3, seed=seed, days=4, watch=watch)
    task = task_of(arrays, design, seed, 4, watch)
    ends = sorted({0, 3, cut})
    parts = [measure(task, range(a, b))[0] for a, b in pairwise(ends)]
    assert np.concatenate(parts).tobytes() == bands.curves.tobytes()


@settings(max_examples=500, deadline=None)
@given(numbers, seeds, st.floats(1.0, 4.0))
def test_more_stock_never_costs_more_in_any_run_with_the_same_draws(
    number: int, seed: int, factor: float
) -> None:
    arrays, design = design_of(number)
    more = Doubt("stock", np.arange(arrays.groups), fixed("a new store", factor))
    larger = Design(design.blows, (*design.doubts, more))
    before = monte_carlo(arrays, design, runs=2, seed=seed, days=6)
    after = monte_carlo(arrays, larger, runs=2, seed=seed, days=6)
    assert (after.losses() <= before.losses() + 1e-9).all()
    for name, values in before.draws.items():
        assert (after.draws[name] == values).all()


def fire(magnitude: Spread, probability: float = 1.0, *doubts: Doubt) -> Design:
    blow = Blow("capacity", np.array([0]), magnitude, fixed("start", 1.0), pert("days", 5, 8, 20))
    return Design((blow,), doubts, probability)


def chain(stock: float = 3.0) -> SupplyArrays:
    return compile_arrays(3, [0, 1], [1, 2], [0, 1], [1.0, 1.0], stock=stock, output=[1, 2, 3])


def test_the_process_pool_gives_the_same_bits_as_one_process() -> None:
    stock = Doubt("stock", np.arange(2), lognormal("stock", 0.5, 2.0), each=True)
    design = fire(pert("magnitude", 0.2, 0.5, 0.9), 0.3, stock)
    alone = monte_carlo(chain(), design, runs=40, seed=3, days=30)
    shared = monte_carlo(chain(), design, runs=40, seed=3, days=30, how="pool", workers=2)
    assert alone.curves.tobytes() == shared.curves.tobytes()


def test_draws_have_the_distribution_that_was_asked_for() -> None:
    drawn = draw([pert("p", 2.0, 3.0, 7.0), lognormal("l", 10.0, 40.0)], seed=1, n=20_000)
    law = beta(1 + 4 / 5, 1 + 16 / 5, loc=2, scale=5)
    assert kstest(drawn["p"], law.cdf).pvalue > 0.01
    sigma = math.log(4.0) / 2 / 1.6448536269514722
    assert kstest(drawn["l"], lognorm(sigma, scale=20.0).cdf).pvalue > 0.01
    assert abs(np.corrcoef(drawn["p"], drawn["l"])[0, 1]) < 4 / math.sqrt(20_000)
    picked = draw([choice("c", 0.5, 1.0, 1.0)], seed=1, n=20_000)["c"]
    assert abs((picked == 0.5).mean() - 1 / 3) < 4 * math.sqrt(2 / 9 / 20_000)


def test_targets_drawn_each_on_their_own_do_not_move_together() -> None:
    stock = lognormal("stock", 0.5, 2.0)
    rows = np.array([draw_each(stock, 5, index, 2) for index in range(4000)])
    assert abs(np.corrcoef(np.log(rows.T))[0, 1]) < 4 / math.sqrt(4000)
    together = draw([stock], seed=5, n=4000)["stock"]
    assert abs(np.corrcoef(np.log(rows[:, 0]), np.log(together))[0, 1]) < 4 / math.sqrt(4000)


def test_statistics_are_those_of_the_mixture_with_no_event() -> None:
    losses = np.random.default_rng(2).lognormal(0.0, 1.0, 500)
    # A quarter of a chance: the same as three runs without a loss for each with one.
    padded = np.concatenate([losses, np.zeros(1500)])
    mixed, spelt = summary(losses, 0.25), summary(padded)
    for name in ("mean", "p5", "p50", "p95", "cvar95"):
        assert getattr(mixed, name) == pytest.approx(getattr(spelt, name), rel=0.02), name
    assert mixed.cvar95 == pytest.approx(np.sort(padded)[-100:].mean())
    assert quantile(losses, 0.9) == np.quantile(losses, 0.9, method="inverted_cdf")
    assert cvar(losses, 0.0) == pytest.approx(losses.mean())
    with pytest.raises(ValueError, match="below 1"):
        cvar(losses, 1.0)


def test_stated_errors_are_the_scatter_of_repeated_estimates() -> None:
    rng = np.random.default_rng(4)
    said = [summary(rng.gamma(2.0, 1.0, 400)) for _ in range(400)]
    for name in ("mean", "p95", "cvar95"):
        scatter = np.std([getattr(one, name) for one in said])
        stated = np.mean([getattr(one, f"{name}_error") for one in said])
        assert stated == pytest.approx(scatter, rel=0.2), name


def test_too_few_runs_are_said_and_the_number_needed_is_enough() -> None:
    design = settled(fire(pert("magnitude", 0.4, 0.5, 0.7)), {"days": 8.0})
    few = monte_carlo(chain(), design, runs=32, days=30).of()
    assert not few.enough
    assert monte_carlo(chain(), design, runs=4 * few.runs_needed, days=30).of().enough


def test_first_day_and_chance_by_day_count_the_runs_that_are_never_short() -> None:
    half = choice("magnitude", 0.0, 1.0)
    bands = monte_carlo(chain(), fire(half, 0.5), runs=400, days=20, watch={"end": np.array([2])})
    band = bands.of("end")
    assert band.never == pytest.approx(0.5, abs=0.1)
    # Start 1, two stocks of 3 days and two hops.
    assert (band.first_day[0], band.first_day[2]) == (9.0, math.inf)
    assert band.hit_by[8] == 0.0
    assert band.hit_by[9] == band.hit_by[-1] == 1.0 - band.never
    assert band.hit_by_weighted[-1] == pytest.approx(0.5 * band.hit_by[-1])
    with pytest.raises(KeyError, match="watched are all, end"):
        bands.of("start")


def test_a_watch_sums_its_nodes_and_the_total_holds_all() -> None:
    watch = {"a": np.array([0]), "rest": np.array([2, 1])}
    bands = monte_carlo(chain(), fire(pert("m", 0.2, 0.5, 0.9)), runs=8, days=30, watch=watch)
    assert bands.normal.tolist() == [6.0, 1.0, 5.0]
    assert bands.losses() == pytest.approx(bands.losses("a") + bands.losses("rest"))
    assert (bands.losses("rest") > 0).any()


def test_blocks_and_single_runs_agree() -> None:
    rng = np.random.default_rng(8)
    n, m = 2000, 12_000
    arrays = compile_arrays(
        n,
        rng.integers(0, 40, m),
        40 + np.arange(m) % (n - 40),
        rng.integers(0, 4, m),
        rng.uniform(1.0, 9.0, m),
        essential=rng.choice([1, 2], m),
        stock=rng.uniform(0.0, 3.0, m),
        final=0.3,
        output=1.0,
    )
    stock = Doubt("stock", np.arange(arrays.groups), lognormal("stock", 0.5, 2.0), each=True)
    kind = Doubt("class", np.arange(99), choice("class", 1.0, 0.5, 2.0))
    design = fire(pert("magnitude", 0.2, 0.5, 0.9), 1.0, stock, kind)
    bands = monte_carlo(arrays, design, runs=3, days=20, watch={"some": np.arange(50, 90)})
    for index, (own, one) in enumerate(worlds(arrays, design, 0, range(3), 20)):
        alone = run(own, one)
        assert bands.losses()[index] == pytest.approx(alone.curve(own).sum(), rel=1e-5)
        assert bands.losses("some")[index] == pytest.approx(alone.loss(own)[50:90].sum(), rel=1e-5)


def test_an_input_of_class_one_half_stops_half_of_its_buyer_when_its_stock_is_gone() -> None:
    half = Doubt("class", np.array([0]), fixed("class", 0.5))
    [(own, shut)] = worlds(chain(), fire(fixed("magnitude", 1.0), 1.0, half), 0, range(1), 6)
    assert (1 - run(own, shut).of(1)).tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 0.5]


def test_weights_that_all_rise_alike_change_nothing_and_shares_stay_shares() -> None:
    arrays = small_graph(np.random.default_rng(3), 4)
    every = np.arange(arrays.links)
    alike = Doubt("weight", every, fixed("weight", 1.7))
    uneven = Doubt("weight", every, lognormal("weight", 0.5, 2.0), each=True)
    design = fire(pert("magnitude", 0.2, 0.5, 0.9), 1.0, alike)
    [(scaled, _)] = worlds(arrays, design, 1, range(1), 5)
    for name in ("link_part", "group_part", "link_sold_part"):
        assert getattr(scaled, name) == pytest.approx(getattr(arrays, name)), name
    [(other, _)] = worlds(arrays, fire(fixed("m", 0.5), 1.0, uneven), 1, range(1), 5)
    assert other.link_part != pytest.approx(arrays.link_part)
    assert np.add.reduceat(other.link_part, other.link_start[:-1]) == pytest.approx(1.0)
    kept = np.bincount(other.link_supplier, other.link_sold_part, 4)
    assert kept == pytest.approx(np.bincount(arrays.link_supplier, arrays.link_sold_part, 4))


def test_several_doubts_of_one_stock_multiply() -> None:
    more = [Doubt("stock", np.array([0, 1]), fixed(f"factor {x}", x)) for x in (2.0, 1.5)]
    [(own, _)] = worlds(chain(4.0), fire(fixed("m", 1.0), 1.0, *more), 0, range(1), 5)
    assert own.group_stock.tolist() == [12.0, 12.0]
    same = [Doubt("stock", np.array([g]), lognormal("stock", 0.5, 2.0), each=True) for g in (0, 1)]
    with pytest.raises(SpreadError, match="share a name"):
        worlds(chain(4.0), fire(fixed("m", 1.0), 1.0, *same), 0, range(1), 5)


def test_a_settled_design_is_fixed_in_what_was_named_only() -> None:
    design = fire(pert("magnitude", 0.2, 0.5, 0.9))
    bands = monte_carlo(chain(), settled(design, {"magnitude": 0.4}), runs=20, days=9)
    assert set(bands.draws["magnitude"]) == {0.4}
    assert (
        bands.draws["days"] == monte_carlo(chain(), design, runs=20, days=9).draws["days"]
    ).all()
    with pytest.raises(SpreadError, match="no spread weather"):
        settled(design, {"weather": 1.0})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: pert("m", 0.5, 0.4, 0.9), "low <= mode <= high"),
        (lambda: lognormal("d", 0.0, 4.0), "0 < p5 <= p95"),
        (lambda: fixed("d", math.nan), "finite"),
        (lambda: choice("c"), "at least one"),
        (lambda: draw([fixed("a", 1.0), fixed("a", 2.0)], 0, 1), "rename one"),
        (lambda: draw([fixed("a", 1.0)], -1, 1), "seed"),
        (lambda: monte_carlo(chain(), fire(fixed("m", 1.0), 1.5)), "probability"),
        (lambda: monte_carlo(chain(), fire(fixed("m", 1.0)), runs=0), "at least one run"),
        (lambda: monte_carlo(chain(), fire(fixed("m", 1.0)), runs=10**8), "watch fewer"),
        (lambda: monte_carlo(chain(), fire(fixed("m", 1.0)), watch={"x": np.array([9])}), "'x'"),
        (lambda: monte_carlo(chain(), fire(fixed("m", 1.0)), watch={"all": np.array([1])}), "own"),
        (
            lambda: monte_carlo(
                chain(), fire(fixed("m", 1.0), 1.0, Doubt("stock", np.array([7]), fixed("s", 1.0)))
            ),
            "outside 0..1",
        ),
        (
            lambda: monte_carlo(
                chain(), fire(fixed("m", 1.0), 1.0, Doubt("mood", np.array([0]), fixed("s", 1.0)))
            ),
            "mood",
        ),
        (
            lambda: monte_carlo(
                chain(), fire(fixed("m", 1.0), 1.0, Doubt("class", np.array([0]), fixed("s", 3.0)))
            ),
            "a class is",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(wrong: object, says: str) -> None:
    with pytest.raises(SpreadError, match=says):
        wrong()


GRAPHS, WORLDS, RUNS = 8, 100, 200


def covered(mode: float) -> int:
    """True worlds inside of the bands of a prior with mode 0.5, when the truth has another one."""
    inside = 0
    for number in range(GRAPHS):
        arrays = small_graph(np.random.default_rng(number), 6)
        stock = Doubt("stock", np.arange(arrays.groups), lognormal("stock", 0.5, 2.0), each=True)
        prior = fire(pert("magnitude", 0.1, 0.5, 0.9), 1.0, stock)
        truth = fire(pert("magnitude", 0.1, mode, 0.9), 1.0, stock)
        found = coverage(arrays, prior, truth, worlds=WORLDS, runs=RUNS, seed=number, days=20)
        inside += found[0].inside
    return inside


def test_bands_cover_nine_of_ten_true_worlds_and_fewer_when_the_prior_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    right, wrong = covered(mode=0.5), covered(mode=0.8)
    worlds_seen = GRAPHS * WORLDS
    with capsys.disabled():
        print(f" [P5-P95 covers {right / worlds_seen:.1%}, wrong prior {wrong / worlds_seen:.1%}]")
    # Binomial, with what the finite runs leave open of each graph's 90 %.
    law = betabinom(WORLDS, round(0.9 * RUNS), round(0.1 * RUNS) + 1)
    off = 3.3 * math.sqrt(GRAPHS * law.var())
    assert abs(right - GRAPHS * law.mean()) < off
    assert wrong < GRAPHS * law.mean() - off
