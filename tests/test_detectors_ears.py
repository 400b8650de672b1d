"""EARS: the published arithmetic, mirrored downwards, and nothing from the future."""

from __future__ import annotations

import numpy as np
import pytest

from ews.detectors import ears
from ews.detectors.panel import Floats
from tests.outbreak_simulation import panel_from

VARIANTS = (ears.c1, ears.c2, ears.c3)


def noise(n: int = 4, t: int = 60, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).poisson(20, (n, t)).astype(float)


def test_c1_and_c2_are_the_published_numbers() -> None:
    values = np.array([[1, 2, 3, 4, 5, 6, 7, 12.0, 4.0, 10.0]])
    sd = np.std([1, 2, 3, 4, 5, 6, 7], ddof=1)
    assert ears.c1(panel_from(values), {}).score[0, 7] == pytest.approx((12 - 4) / sd)
    assert ears.c2(panel_from(values), {}).score[0, 9] == pytest.approx((10 - 4) / sd)


def test_c3_sums_what_the_last_three_c2_have_above_one() -> None:
    values = noise(1)
    c2 = ears.deviations(values, 2)[0][0]
    scores = ears.c3(panel_from(values), {})
    for day in range(12, 60):
        above = sum(max(0.0, c2[i] - 1) for i in range(day - 2, day + 1))
        below = sum(max(0.0, -c2[i] - 1) for i in range(day - 2, day + 1))
        assert scores.score[0, day] == pytest.approx(max(above, below))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_later_value_changes_no_earlier_score(variant) -> None:  # type: ignore[no-untyped-def]
    values = noise()
    before = variant(panel_from(values), {})
    values[:, 40:] = 999
    after = variant(panel_from(values), {})
    np.testing.assert_array_equal(before.score[:, :40], after.score[:, :40])
    assert not np.array_equal(before.score[:, 40:], after.score[:, 40:])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_newest_three_are_the_same_alone(variant) -> None:  # type: ignore[no-untyped-def]
    values = noise()
    values[1, 50:54] = np.nan
    whole = variant(panel_from(values), {})
    newest = variant(panel_from(values), {}, last=3)
    np.testing.assert_allclose(whole.score[:, -3:], newest.score[:, -3:])
    np.testing.assert_allclose(whole.tail[:, -3:], newest.tail[:, -3:])
    assert np.isnan(newest.score[:, :-3]).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_missing_value_is_not_judged_and_not_zero(variant) -> None:  # type: ignore[no-untyped-def]
    values = noise()
    values[0, 30] = np.nan
    scores = variant(panel_from(values), {})
    assert np.isnan(scores.score[0, 30])
    assert scores.expected[0, 31] > 10  # a zero in the baseline would pull it down


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_tail_is_the_share_of_normal_values_as_odd(variant) -> None:  # type: ignore[no-untyped-def]
    values = 1000 + 20 * np.random.default_rng(5).standard_normal((1000, 60))
    tail = variant(panel_from(values), {}).tail[:, 12:]
    for alpha, slack in ((0.05, 0.2), (0.01, 0.25)):
        assert np.mean(tail <= alpha) == pytest.approx(alpha, rel=slack)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_fall_scores_as_high_as_its_mirror(variant) -> None:  # type: ignore[no-untyped-def]
    values = noise()
    mirrored = variant(panel_from(100 - values), {})
    plain = variant(panel_from(values), {})
    np.testing.assert_allclose(plain.score, mirrored.score)
    moved = ~np.isnan(plain.score) & (plain.score > 0)
    assert (plain.up[moved] != mirrored.up[moved]).mean() > 0.95
