"""The false-alarm budget: never above what was set, under any dependence of the tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.detectors.budget import (
    MOST_ALPHA,
    OTHERS_KEEP,
    WEEKS_PER_YEAR,
    Budget,
    Monitored,
    allocate,
    budget_for,
)

ITEMS = ("250410", "310210", "811292", "854143", "282520")


@st.composite
def monitors(draw: st.DrawFn) -> list[Monitored]:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(ITEMS),
                st.integers(0, 6),
                st.integers(1, 3),
                st.sampled_from((0.0, 4.0, 12.0, 52.18)),
                st.sampled_from((0.0, 0.5, 1.0, 7.0)),
            ),
            max_size=20,
            unique_by=lambda row: (row[0], row[1]),
        )
    )
    return [
        Monitored(f"customs/import-kg/P{place}-KR/{item}", f"d{number}", item, tests, weight)
        for item, place, detectors, tests, weight in rows
        for number in range(detectors)
    ]


amounts = st.sampled_from((0.0, 0.01, 0.1, 0.5, 2.0, 40.0))
budgets = st.builds(Budget, amounts, amounts, st.dictionaries(st.sampled_from(ITEMS), amounts))


@settings(max_examples=60, deadline=None)
@given(monitors(), budgets)
def test_neither_the_service_nor_an_item_is_given_more_than_its_budget(
    monitored: list[Monitored], budget: Budget
) -> None:
    found = allocate(monitored, budget)
    assert found.expected_per_week <= budget.per_week * (1 + 1e-9)
    spent = dict.fromkeys(ITEMS, 0.0)
    for one in monitored:
        alpha = found.alpha(one.series, one.detector)
        assert 0 <= alpha <= MOST_ALPHA
        spent[one.item] += alpha * one.tests_per_year
    for item, total in spent.items():
        assert total == pytest.approx(found.expected_per_item_year(item))
        assert total <= budget.of(item) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(monitors(), budgets, st.sampled_from((1.0, 1.5, 10.0)))
def test_a_larger_limit_of_the_service_lowers_no_alpha(
    monitored: list[Monitored], budget: Budget, times: float
) -> None:
    less = allocate(monitored, budget).alphas
    wider = Budget(budget.per_week * times, budget.per_item_year, budget.items)
    assert np.all(allocate(monitored, wider).alphas >= less * (1 - 1e-9))


@settings(max_examples=40, deadline=None)
@given(monitors(), st.integers(0, 50))
def test_one_more_series_takes_from_the_others_and_gives_them_nothing(
    monitored: list[Monitored], which: int
) -> None:
    if not monitored:
        return
    item = monitored[which % len(monitored)].item
    more = [*monitored, Monitored("comtrade/import-kg/ZZ-KR/new", "d0", item, 12.0)]
    budget = Budget(per_item_year=0.3)
    before, after = allocate(monitored, budget).alphas, allocate(more, budget).alphas
    assert np.all(after[:-1] <= before * (1 + 1e-9))


def test_the_shares_of_an_item_are_even_over_series_and_then_over_detectors() -> None:
    a, b = "customs/import-kg/CN-KR/250410", "customs/import-kg/JP-KR/250410"
    found = allocate(
        [
            Monitored(a, "seasonal", "250410", 12.0),
            Monitored(a, "change_point", "250410", 12.0),
            Monitored(b, "seasonal", "250410", 12.0),
        ],
        budget_for(["250410"], {"250410": 0.24}),
    )
    assert found.alpha(a, "seasonal") == pytest.approx(0.24 / 2 / 2 / 12)
    assert found.alpha(a, "change_point") == pytest.approx(0.24 / 2 / 2 / 12)
    assert found.alpha(b, "seasonal") == pytest.approx(0.24 / 2 / 12)
    assert found.alphas_of([b, "unknown", a], "change_point").tolist() == pytest.approx(
        [0.0, 0.0, 0.005]
    )
    assert found.expected_per_item_year("250410") == pytest.approx(0.24)
    assert not found.scaled


def test_a_series_that_cannot_be_judged_takes_no_share() -> None:
    judged = Monitored("customs/import-kg/CN-KR/250410", "seasonal", "250410", 12.0)
    new = Monitored("customs/import-kg/VN-KR/250410", "seasonal", "250410", 0.0)
    budget = Budget(items={"250410": 0.06})
    found = allocate([judged, new], budget)
    assert found.alpha(judged.series, "seasonal") == pytest.approx(0.06 / 12)
    assert found.alpha(new.series, "seasonal") == 0.0


def _service(watched: int, others: int) -> tuple[list[Monitored], Budget]:
    items = [f"{number:06d}" for number in range(watched + others)]
    monitored = [
        Monitored(f"customs/import-kg/P{p}-KR/{item}", "d", item, 12.0)
        for item in items
        for p in range(4)
    ]
    return monitored, budget_for(items[:watched])


def test_a_small_service_is_not_flooded_up_to_the_limit() -> None:
    found = allocate(*_service(watched=30, others=0))
    assert found.expected_per_year == pytest.approx(15.0)


def test_items_that_nobody_watches_give_way_first_and_the_answer_says_so() -> None:
    found = allocate(*_service(watched=100, others=2000))
    assert found.expected_per_week == pytest.approx(2.0)
    assert found.expected_per_item_year("000000") == pytest.approx(0.5)  # watched: as it was set
    assert found.expected_per_item_year("001000") == pytest.approx(
        (2.0 * WEEKS_PER_YEAR - 50.0) / 2000
    )
    (said,) = found.scaled
    assert not said.watched
    assert "2,000 items that nobody watches" in said.en
    assert "200.0 false alarms a year were allowed" in said.en
    assert "2,000개" in said.ko


def test_items_that_nobody_watches_keep_a_quarter_of_the_limit() -> None:
    found = allocate(*_service(watched=1000, others=2000))
    others = sum(found.expected_per_item_year(f"{n:06d}") for n in range(1000, 3000))
    assert found.expected_per_week == pytest.approx(2.0)
    assert others == pytest.approx(OTHERS_KEEP * 2.0 * WEEKS_PER_YEAR)
    assert [one.watched for one in found.scaled] == [False, True]


@pytest.mark.parametrize("same", [0.0, 0.6, 1.0])
def test_the_expected_number_of_false_alarms_holds_when_the_tests_depend_on_each_other(
    same: float,
) -> None:
    """Perfectly dependent tests alarm all together: the number varies more, its mean does not."""
    monitored, budget = _service(watched=20, others=0)
    found = allocate(monitored, budget)
    dice = np.random.default_rng(7)
    years, tests = 1500, 12
    shared = dice.random((years, tests, 1)) < same
    p = np.where(
        shared, dice.random((years, tests, 1)), dice.random((years, tests, len(monitored)))
    )
    alarms = (p <= found.alphas).sum(axis=(1, 2))
    error = alarms.std() / np.sqrt(years)
    assert found.expected_per_year == pytest.approx(10.0)
    assert abs(alarms.mean() - 10.0) < 4 * error


def test_a_budget_below_zero_or_a_pair_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="250410: give a number from 0"):
        Budget(items={"250410": -0.1})
    one = Monitored("customs/import-kg/CN-KR/250410", "seasonal", "250410", 12.0)
    with pytest.raises(ValueError, match="watches a series once"):
        allocate([one, one], Budget())
    with pytest.raises(ValueError, match="weight"):
        allocate([Monitored(one.series, "d", "250410", 12.0, weight=-1.0)], Budget())


def test_nothing_monitored_costs_nothing() -> None:
    found = allocate([], Budget())
    assert found.expected_per_week == 0.0
    assert found.expected_per_item_year("250410") == 0.0
