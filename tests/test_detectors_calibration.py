"""Calibrated p: what null data show, cautious where they are thin, and once per episode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from ews.detectors import calibration as cal
from ews.detectors import calibration_fit as fitting
from ews.detectors.calibration import Calibration, Curve, calibrated, class_of
from ews.detectors.calibration_fit import Null, fit
from ews.detectors.numeric import NUMERIC
from ews.detectors.panel import Scores

Floats = NDArray[np.float64]
KEY = ("naive", "prices", "synthetic")


def naive(noise: Floats) -> Null:
    """A detector that believes its series to be standard normal and independent."""
    return Null(2 * stats.norm.sf(np.abs(noise)), noise > 0)


def heavy(seed: int, n: int = 200, t: int = 150) -> Floats:
    """What they really are: Student t with 4 degrees of freedom."""
    return np.random.default_rng(seed).standard_t(4, (n, t))


def truth(tails: Floats) -> Floats:
    """How often a nominal tail as small really occurs, were there no runs."""
    return np.asarray(2 * stats.t.sf(stats.norm.isf(tails / 2), 4))


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return fit({KEY: [naive(heavy(1)), naive(heavy(2, n=40))]}, ["synthetic: Student t"])


def scores_of(null: Null) -> Scores:
    nothing = np.full(null.tails.shape, np.nan)
    return Scores("naive", nothing, null.tails, null.up, nothing)


def test_alarms_of_fresh_null_data_keep_to_the_set_rate(fitted: Calibration) -> None:
    fresh = naive(heavy(3, n=400, t=500))
    p = calibrated(scores_of(fresh), ["price-usd"] * 400, fitted)
    for alpha in (0.01, 0.001, 0.0002):
        set_to = alpha * p.size
        achieved = int((p <= alpha).sum())
        assert achieved <= stats.poisson.ppf(0.999, set_to), alpha
        assert achieved >= 0.3 * set_to, "so cautious that nothing would be seen"
    uncalibrated = int((fresh.tails <= 0.0001).sum())
    assert uncalibrated > 50 * 0.0001 * p.size


def test_beyond_the_data_p_stays_above_the_truth_and_above_the_nominal_tail(
    fitted: Calibration,
) -> None:
    tails = 10.0 ** -np.arange(6.0, 40.0, 2.0)
    p = fitted.p("naive", "prices", tails)
    assert np.all(p >= truth(tails))
    assert np.all(p > tails)
    assert np.all(np.diff(p) < 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=30))
def test_a_smaller_tail_never_has_a_larger_p(fitted: Calibration, tails: list[float]) -> None:
    p = fitted.p("naive", "prices", np.sort(np.array(tails)))
    assert np.all(np.diff(p) >= 0)
    assert np.all((p >= 0) & (p <= 1))


def test_a_run_of_alarms_in_one_direction_counts_once() -> None:
    dice = np.random.default_rng(5)
    starts = dice.standard_t(4, (300, 100))
    lasting = np.repeat(starts, 3, axis=1)  # every departure lasts three periods
    lone, runs = fit({KEY: [naive(starts)]}), fit({KEY: [naive(lasting)]})
    tails = np.array([1e-3, 1e-5])
    ratio = lone.p("naive", "prices", tails) / runs.p("naive", "prices", tails)
    assert ratio == pytest.approx(3.0, rel=0.15)


def test_a_turn_of_direction_begins_another_run() -> None:
    tails = np.full((1, 6), 1e-9)
    one_way = np.ones((1, 6), np.bool_)
    turning = np.array([[True, True, False, False, True, True]])
    x = -np.log(tails)
    assert fitting._begun(x, one_way, 3.0).sum() == 1
    assert fitting._begun(x, turning, 3.0).sum() == 3
    assert fitting._peaks(x, turning, 3.0) == pytest.approx([20.723] * 3, rel=1e-3)


def test_what_was_not_judged_is_neither_a_test_nor_a_p() -> None:
    noise = heavy(6, n=50)
    noise[:, ::2] = np.nan
    found = fit({KEY: [naive(noise)]})
    assert found.curves[0].tests == 50 * 75
    p = calibrated(scores_of(naive(noise)), ["price-usd"] * 50, found)
    assert np.array_equal(np.isnan(p), np.isnan(noise))


def test_a_curve_of_few_data_still_promises_no_less_than_the_truth() -> None:
    tails = 10.0 ** -np.arange(3.0, 12.0)
    held = 0
    for seed in range(20):
        few = fit({KEY: [naive(heavy(100 + seed, n=2))]})
        assert few.curves[0].shape == fitting.THIN_SHAPE
        held += bool(np.all(few.p("naive", "prices", tails) >= truth(tails)))
    assert held >= 18
    assert not fit({KEY: [naive(heavy(7, n=1, t=3))]}).curves, "three values make no curve"


def test_the_most_cautious_curve_of_a_class_counts() -> None:
    calm = naive(np.random.default_rng(8).standard_normal((100, 150)))
    wild = naive(heavy(9, n=100))
    both = fit({KEY: [calm], ("naive", "prices", "recorded"): [wild]})
    tails = np.array([1e-4, 1e-8])
    assert both.p("naive", "prices", tails) == pytest.approx(
        fit({KEY: [wild]}).p("naive", "prices", tails)
    )
    assert both.basis("naive", "price-usd") == "recorded, synthetic"


def test_made_up_series_lower_no_p_below_its_tail_and_recorded_ones_may() -> None:
    timid = naive(np.random.default_rng(11).standard_normal((200, 150)) / 2)
    tails = np.array([1e-2, 1e-4])
    assert fit({KEY: [timid]}).p("naive", "prices", tails) == pytest.approx(tails)
    recorded = fit({("naive", "prices", "recorded"): [timid]})
    assert np.all(recorded.p("naive", "prices", tails) < tails / 10)


def test_a_class_without_null_data_says_on_what_its_p_rests(fitted: Calibration) -> None:
    tails = np.array([1e-6, np.nan])
    assert fitted.basis("naive", "import-kg") == "other measures"
    assert fitted.p("naive", "flows-kg", tails)[0] == fitted.p("naive", "prices", tails)[0]
    assert fitted.basis("unheard-of", "import-kg") == "assumed"
    assert fitted.p("unheard-of", "flows-kg", tails)[0] == pytest.approx(1e-3)
    assert np.isnan(fitted.p("unheard-of", "flows-kg", tails)[1])


def test_the_table_is_the_same_after_writing_and_reading(fitted: Calibration) -> None:
    assert cal.from_json(cal.to_json(fitted)) == fitted


def test_each_measure_that_is_named_has_a_class() -> None:
    named = {
        "transits": "counts", "container-transits": "counts", "capacity": "tonnage",
        "port-calls": "counts", "port-import": "tonnage", "import-kg": "flows-kg",
        "export-qty": "flows-kg", "import-usd": "flows-usd", "price-usd": "prices",
        "hhi": "shares", "top-share": "shares", "gap": "gaps", "pressure": "index",
        "strange": "other",
    }  # fmt: skip
    assert {measure: class_of(measure) for measure in named} == named


def test_every_detector_in_force_has_null_data_of_each_class_that_it_tells() -> None:
    """Else: python -m ews.tuning.fit_calibration --data D, with the recorded data."""
    lacking = [
        (one.name, kind)
        for one in NUMERIC.values()
        for kind in one.told
        if one.in_force and not any(c.kind == kind for c in cal.shipped().of(one.name, kind))
    ]
    assert not lacking, f"fit the calibration again: {lacking}"


def test_every_shipped_curve_is_monotone_and_says_what_it_was_fitted_on() -> None:
    table = cal.shipped()
    assert table.on or not table.curves
    for one in table.curves:
        check(one)


def check(one: Curve) -> None:
    assert one.basis in ("synthetic", "recorded")
    assert min(one.tests, one.series, one.scale) > 0
    assert one.shape >= 0
    assert np.all(np.diff(one.x) > 0)
    assert np.all(np.diff(one.y) >= 0)
    p = one.p(10.0 ** -np.arange(0.0, 30.0))
    assert np.all(np.diff(p) <= 0)
