"""Reliability of probabilities: hand-computed bins, what chance alone gives, what is refused."""

from __future__ import annotations

import random

import pytest

from ews.tuning.reliability import reliability


def test_bins_and_errors_are_those_computed_by_hand() -> None:
    found = reliability([0.15, 0.15, 0.15, 0.15, 0.95], [True, False, False, False, False])
    low, high = found.widths
    assert (low.low, low.high, low.count, low.came) == (0.1, 0.2, 4, 0.25)
    assert (high.count, high.came) == (1, 0.0)
    assert found.ece == pytest.approx((4 * 0.10 + 1 * 0.95) / 5)
    assert found.brier == pytest.approx((0.85**2 + 3 * 0.15**2 + 0.95**2) / 5)
    assert found.ece_interval is not None
    assert found.ece_interval[0] <= (found.ece or 0) <= found.ece_interval[1]


def test_a_forecaster_who_is_right_is_within_what_chance_gives_and_one_who_is_not_is_beyond() -> (
    None
):
    dice = random.Random(1)
    chances = [dice.random() for _ in range(400)]
    truths = [dice.random() < chance for chance in chances]
    right = reliability(chances, truths)
    wrong = reliability([1 - chance for chance in chances], truths)
    assert right.ece is not None
    assert right.ece_by_chance is not None
    assert right.ece <= right.ece_by_chance[1]
    assert wrong.ece is not None
    assert wrong.ece_by_chance is not None
    assert wrong.ece > wrong.ece_by_chance[1]
    assert right.skill is not None
    assert right.skill > 0 > (wrong.skill or 0)


def test_bins_of_equal_numbers_hold_about_as_many_and_never_split_equal_probabilities() -> None:
    found = reliability([n / 100 for n in range(100)], [n > 50 for n in range(100)])
    assert [one.count for one in found.masses] == [10] * 10
    one = reliability([0.5] * 30, [True] * 10 + [False] * 20)
    assert [bin.count for bin in one.masses] == [30]
    assert one.ece == one.ece_masses == pytest.approx(0.5 - 1 / 3)


def test_a_certain_probability_falls_in_the_last_bin() -> None:
    (only,) = reliability([1.0], [True]).widths
    assert (only.low, only.high) == (0.9, 1.0)


def test_nothing_counted_gives_no_figures() -> None:
    found = reliability([], [])
    assert (found.count, found.ece, found.widths) == (0, None, ())


def test_the_same_outcomes_give_the_same_intervals() -> None:
    chances, truths = [0.2, 0.4, 0.8, 0.9], [False, True, True, True]
    assert reliability(chances, truths) == reliability(chances, truths)


@pytest.mark.parametrize(
    ("chances", "truths", "says"),
    [([0.5], [], "give pairs"), ([1.2], [True], "1.2"), ([float("nan")], [True], "nan")],
)
def test_what_is_no_probability_is_refused(
    chances: list[float], truths: list[bool], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        reliability(chances, truths)


def test_an_alert_that_was_told_ten_times_weighs_as_one_in_the_interval() -> None:
    chances, truths = [0.3, 0.6, 0.7, 0.9] * 10, [False, False, True, True] * 10
    alone = reliability(chances, truths)
    told = reliability(chances, truths, of=["a", "b", "c", "d"] * 10)
    assert told.ece == alone.ece
    assert told.brier_interval is not None
    assert alone.brier_interval is not None
    wide, narrow = (b - a for a, b in (told.brier_interval, alone.brier_interval))
    assert wide > 2 * narrow
