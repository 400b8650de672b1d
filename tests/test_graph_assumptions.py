"""Which assumptions decide: tornado, share of variance, flips; against answers known by formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.arrays import compile_arrays
from graph.assumptions import (
    Assumption,
    AssumptionError,
    assumption,
    rank_assumptions,
    rank_correlation,
    variance_share,
)
from graph.spreads import fixed, lognormal, pert
from graph.uncertainty import monte_carlo
from graph.worlds import Blow, Design, Doubt, settled


@settings(max_examples=500, deadline=None)
@given(st.lists(st.floats(0.5, 9.0), min_size=2, max_size=4, unique=True))
def test_of_a_sum_the_shares_of_variance_are_those_of_the_squared_weights(
    weights: list[float],
) -> None:
    # Inputs of one variance and, in this very sample, without correlation.
    inputs = np.linalg.qr(np.random.default_rng(0).uniform(-1, 1, (2000, 4)))[0].T
    answers = sum(w * x for w, x in zip(weights, inputs, strict=False))
    whole = sum(w * w for w in weights)
    for w, x in zip(weights, inputs, strict=False):
        assert variance_share(x, answers) == pytest.approx(w * w / whole, abs=0.03)
        assert rank_correlation(x, answers) == pytest.approx(w / math.sqrt(whole), abs=0.06)


def test_an_input_that_plays_no_part_has_no_share_and_one_that_bends_has() -> None:
    rng = np.random.default_rng(1)
    idle, bent = rng.random(3000), rng.random(3000)
    answers = (bent - 0.5) ** 2
    assert variance_share(idle, answers) == pytest.approx(0.0, abs=0.02)
    assert variance_share(bent, answers) == pytest.approx(1.0, abs=0.05)
    assert rank_correlation(bent, answers) == pytest.approx(0.0, abs=0.06)
    assert variance_share(bent, np.full(3000, 2.0)) == 0.0
    assert variance_share(bent[:20], answers[:20]) is None


def test_a_class_of_a_few_values_is_binned_by_value() -> None:
    kind = np.array([1.0, 2.0] * 300)
    assert variance_share(kind, 3.0 * kind) == 1.0


def test_a_shortage_that_never_comes_counts_by_rank() -> None:
    stock = np.linspace(0.0, 20.0, 600)
    first_day = np.where(stock < 15.0, np.ceil(stock), np.inf)
    assert variance_share(stock, first_day) == pytest.approx(1.0, abs=0.05)
    assert rank_correlation(stock, first_day) > 0.98


def test_what_flips_the_stage_comes_before_what_moves_the_answer_farther() -> None:
    a = Assumption("a", 10.0, 0.0, 12.0, unit="d")
    b = Assumption("b", 10.0, 10.0, 14.0, "stated", "a register", "d")
    same = Assumption("c", 1.0, 0.0, 2.0)
    ranked = rank_assumptions(
        [same, a, b],
        lambda v: v["a"] + v["b"],
        stage=lambda day: day > 23.0,
    )
    assert [(one.assumption.name, one.moves, one.flips) for one in ranked] == [
        ("b", 4.0, True),
        ("a", 10.0, False),
        ("c", 0.0, False),
    ]
    assert (ranked[1].answer, ranked[1].answer_low, ranked[1].answer_high) == (20.0, 10.0, 22.0)
    assert ranked[0].variance is None


def test_a_shortage_that_may_come_or_not_moves_farther_than_any_days() -> None:
    never = Assumption("cut", 0.5, 0.1, 0.9)
    later = Assumption("lead", 30.0, 1.0, 90.0)
    ranked = rank_assumptions(
        [later, never], lambda v: v["lead"] + 9.0 if v["cut"] > 0.2 else math.inf
    )
    assert [(one.assumption.name, one.moves) for one in ranked] == [("cut", math.inf), ("lead", 60)]
    quiet = rank_assumptions([later], lambda v: math.inf)
    assert quiet[0].moves == 0.0


def test_the_assumptions_of_a_monte_carlo_are_ranked_by_its_own_runs() -> None:
    chain = compile_arrays(2, [0], [1], [0], [365.0], stock=4.0, output=[0.0, 1.0])
    blow = Blow(
        "capacity",
        np.array([0]),
        pert("magnitude", 0.2, 0.5, 0.9, source="a plant's notice"),
        fixed("start", 0.0),
        lognormal("duration", 5.0, 40.0),
    )
    idle = Doubt("rho", np.array([0]), pert("substitution", 0.5, 1.0, 1.5))  # of rho 0: nothing
    design = Design((blow,), (idle,))
    days, runs = 60, 600

    def loss(values: dict[str, float]) -> float:
        return float(monte_carlo(chain, settled(design, values), runs=1, days=days).losses()[0])

    bands = monte_carlo(chain, design, runs=runs, days=days)
    listed = [assumption(s, "d") for s in design.spreads if s.low < s.high]
    ranked = rank_assumptions(listed, loss, draws=bands.draws, answers=bands.losses())
    assert [one.assumption.name for one in ranked] == ["duration", "magnitude", "substitution"]
    assert [one.assumption.basis for one in ranked] == ["assumed", "stated", "assumed"]
    shares = [one.variance or 0.0 for one in ranked]
    assert shares[0] > shares[1] > 0.02
    assert shares[2] < 0.02
    assert ranked[0].rank_correlation == pytest.approx(0.9, abs=0.1)
    assert ranked[2].moves == 0.0
    low = listed[0].low, listed[0].high
    assert low == (design.blows[0].magnitude.low, design.blows[0].magnitude.high)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Assumption("a", 5.0, 6.0, 9.0), "outside 6.0..9.0"),
        (lambda: Assumption("a", math.nan, 0.0, 9.0), "outside"),
        (lambda: Assumption("a", 5.0, 0.0, 9.0, "guessed"), "stated or assumed"),
        (lambda: Assumption("a", 5.0, 0.0, 9.0, "stated"), "needs its source"),
        (
            lambda: rank_assumptions([Assumption("a", 5.0, 0.0, 9.0)] * 2, lambda v: 0.0),
            "rename one",
        ),
        (
            lambda: rank_assumptions([Assumption("a", 5.0, 0.0, 9.0)], lambda v: math.nan),
            "no answer",
        ),
        (
            lambda: rank_assumptions(
                [Assumption("a", 5.0, 0.0, 9.0)],
                lambda v: 0.0,
                draws={"a": np.ones(3)},
                answers=np.ones(4),
            ),
            "3 draws for 4 answers",
        ),
    ],
)
def test_what_cannot_be_ranked_is_refused_with_what_to_do(wrong: object, says: str) -> None:
    with pytest.raises(AssumptionError, match=says):
        wrong()
