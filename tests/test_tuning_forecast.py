"""Expected load: intervals that hold what comes, and say so when they know little."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.tuning.desk_expected import expectations
from ews.tuning.forecast import (
    LEVELS,
    POWER,
    Expected,
    fit_load,
    interval_score,
    pinball,
    predict,
    quantiles,
)

START = date(2023, 1, 1)


@dataclass(frozen=True, slots=True)
class Days:
    told_by_day: Mapping[date, int]
    held_by_day: Mapping[date, int] = field(default_factory=dict)
    budget_per_day: int | None = None


def by_day(counts: Iterable[float]) -> dict[date, int]:
    return {START + timedelta(days=n): int(one) for n, one in enumerate(counts)}


def flat(days: int, each: int) -> dict[date, int]:
    return by_day([each] * days)


def one(told: Mapping[date, int], collected: Mapping[date, int], coming: int, days: int,
        budget: int | None = None) -> Expected:  # fmt: skip
    return predict(fit_load({"a": Days(told, {}, budget)}, collected), coming, days)["a"]


def coverage(rng: np.random.Generator, bursts: float, drift: float, times: int = 150) -> float:
    """Share of 80% intervals that hold two months, fitted on four, of messages in bursts of so many
    on the average, at a rate that moves by `drift` between the periods."""
    inside = 0
    for _ in range(times):
        rate = rng.lognormal(0, 1)
        daily = rng.poisson(rate / bursts, 120) * bursts
        moved = rate * rng.lognormal(0, drift)
        actual = int((rng.poisson(moved / bursts, 60) * bursts).sum())
        found = one(by_day(daily.tolist()), flat(120, 600), 60 * 600, 60)
        inside += found.low <= actual <= found.high
    return inside / times


@pytest.mark.parametrize(("bursts", "drift"), [(1, 0.0), (4, 0.0), (1, 0.2), (4, 0.2)])
def test_four_in_five_intervals_hold_what_comes_or_a_few_more(bursts: float, drift: float) -> None:
    found = coverage(np.random.default_rng(7), bursts, drift)
    assert 0.72 <= found <= 1.0


def test_the_interval_is_not_so_wide_that_it_says_nothing() -> None:
    rng = np.random.default_rng(3)
    found = one(by_day(rng.poisson(2.0, 120).tolist()), flat(120, 600), 60 * 600, 60)
    assert 100 < found.mean < 140
    assert found.high - found.low < 0.8 * found.mean
    assert coverage(rng, 1, 0.8) < 0.75, "a rate that jumps is not in every interval"


def test_who_was_told_nothing_is_expected_little_and_not_surely_nothing() -> None:
    collected = flat(120, 600)
    found = predict(
        fit_load({"quiet": Days({}), "busy": Days(flat(120, 2))}, collected), 36_000, 60
    )
    assert found["quiet"].low == 0
    assert 0 < found["quiet"].mean < 1
    assert found["quiet"].high >= 1


def test_bursts_make_the_interval_wider_than_even_messages_of_the_same_number() -> None:
    even = flat(112, 1)
    bursts = {day: 28 for n, day in enumerate(even) if n % 28 == 3}
    collected = flat(112, 600)
    calm, wild = one(even, collected, 33_600, 56), one(bursts, collected, 33_600, 56)
    assert calm.mean == pytest.approx(wild.mean, rel=0.05)
    assert wild.high - wild.low > 1.5 * (calm.high - calm.low)


def test_twice_as_many_items_bring_fewer_than_twice_as_many_messages_and_more_doubt() -> None:
    told, collected = flat(120, 2), flat(120, 600)
    same, twice = one(told, collected, 36_000, 60), one(told, collected, 72_000, 60)
    assert twice.mean == pytest.approx(same.mean * 2**POWER)
    assert (twice.high - twice.low) / twice.mean > (same.high - same.low) / same.mean
    nothing = one(told, collected, 0, 60)
    assert (nothing.mean, nothing.low, nothing.high) == (0, 0, 0)


def test_a_budget_that_was_never_broken_bounds_what_is_expected() -> None:
    told, collected = flat(120, 3), flat(120, 600)
    kept = one(told, collected, 60 * 900, 60, budget=3)
    assert kept.high == kept.mean == 180
    broken = one(told, collected, 60 * 900, 60, budget=2)
    assert broken.high > 200


def test_matched_counts_what_was_held_too_and_no_budget_bounds_it() -> None:
    collected = flat(120, 600)
    load = Days(flat(120, 1), flat(120, 3), budget_per_day=1)
    told = predict(fit_load({"a": load}, collected), 36_000, 60)["a"]
    matched = predict(fit_load({"a": load}, collected, matched=True), 36_000, 60)["a"]
    assert told.mean <= 60
    assert matched.mean == pytest.approx(240, rel=0.02)


def test_a_day_of_the_receiver_that_ends_after_the_period_is_counted_with_its_last() -> None:
    collected = flat(30, 600)
    late = one({START + timedelta(days=30): 6}, collected, 18_000, 30)
    last = one({START + timedelta(days=29): 6}, collected, 18_000, 30)
    assert late == last


def test_newer_messages_count_more_than_older_ones() -> None:
    collected = flat(120, 600)
    early = one(flat(30, 4), collected, 36_000, 60)
    late = one({START + timedelta(days=90 + n): 4 for n in range(30)}, collected, 36_000, 60)
    assert late.mean > early.mean


def test_a_period_in_which_nothing_came_in_cannot_be_fitted() -> None:
    with pytest.raises(ValueError, match="nothing was collected"):
        fit_load({"a": Days({})}, {})
    assert expectations({"a": Days({})}, {"a": Days({})}, {}) == {}


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 80), st.floats(1.0, 8.0))
def test_quantiles_are_those_of_the_negative_binomial(mean: float, wide: float) -> None:
    """Against its probabilities, summed by another formula."""
    low, high = quantiles(mean, mean * wide, LEVELS)
    size = mean / (wide - 1) if wide > 1 + 1e-6 else None

    def reached(count: float) -> float:
        terms = range(int(count) + 1)
        if size is None:
            return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in terms)
        return sum(
            math.exp(math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
                     - size * math.log(wide) + k * math.log1p(-1 / wide))
            for k in terms
        )  # fmt: skip

    for level, found in ((LEVELS[0], low), (LEVELS[1], high)):
        assert reached(found) >= level - 1e-6
        assert found == 0 or reached(found - 1) < level + 1e-6


def test_a_better_interval_has_a_lower_score() -> None:
    inside, beside, wide = Expected(5, 3, 7), Expected(5, 6, 8), Expected(5, 0, 20)
    assert interval_score(inside, 5) < interval_score(wide, 5)
    assert interval_score(inside, 5) < interval_score(beside, 5)
    assert pinball(5, 5, 0.9) == 0
    assert pinball(3, 5, 0.9) > pinball(7, 5, 0.9)


def test_the_desk_expects_a_period_as_long_and_as_busy_as_the_one_shown() -> None:
    collected, told = flat(60, 600), flat(60, 2)
    fewer = flat(60, 1)
    before, after = expectations({"a": Days(told)}, {"a": Days(fewer)}, collected)["a"]
    assert before.low <= before.per_day <= before.high
    assert before.per_day == pytest.approx(2, rel=0.02)
    assert after.per_day == pytest.approx(1, rel=0.02)
    assert before.says == "as_much_collected"
