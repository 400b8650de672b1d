"""What the calibration is fitted on: null series of every class, and recorded windows that are no test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ews.detectors.calibration import class_of
from ews.detectors.calibration_fit import fit
from ews.detectors.numeric import Numeric
from ews.detectors.panel import Floats, Panel, Scores
from ews.model import Direction
from ews.tuning import fit_calibration as fitting
from ews.tuning.null_series import MAKERS, null_panels
from tests.panels_of_trade import panel


def naive(panel: Panel, params: object, last: int | None = None) -> Scores:
    """A detector for tests: the value less 0, believed to be standard normal."""
    nothing = np.full(panel.values.shape, np.nan)
    tails = np.asarray(2 * stats.norm.sf(np.abs(panel.values)))
    return Scores("naive", np.abs(panel.values), tails, panel.values > 0, nothing)


DOWN = Numeric("naive", naive, {"index": frozenset({Direction.DOWN})})


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_null_series_are_of_their_class_and_the_same_for_the_same_seed(kind: str) -> None:
    panels, again, other = (null_panels(kind, 4, seed) for seed in (1, 1, 2))
    for one, same, different in zip(panels, again, other, strict=True):
        assert {class_of(measure) for measure in one.measures()} == {kind}
        assert all(name.startswith("synthetic/") for name in one.names)
        np.testing.assert_array_equal(one.values, same.values)
        assert not np.array_equal(one.values, different.values, equal_nan=True)
        assert np.mean(~np.isnan(one.values)) > 0.5
        assert np.array_equal(np.isnat(one.known), np.isnan(one.values))


def test_a_move_that_the_detector_does_not_tell_is_a_test_without_an_alarm() -> None:
    values = np.array([[3.0, -3.0, np.nan, 0.5]])
    null = fitting.null_of(DOWN, "index", panel({"gscpi/pressure/WLD/-": values[0]}))
    assert null.tails[0, 0] == 1.0
    assert null.tails[0, 1] == pytest.approx(0.0027, rel=1e-3)
    assert np.isnan(null.tails[0, 2])


def test_the_years_that_test_the_detectors_are_never_fitted_on() -> None:
    rows = {
        name: np.ones(144)
        for name in (
            "comtrade/export-kg/CN-KR/250410",
            "portwatch/transits/suez/-",
            "pinksheet/price-usd/WLD/urea",
        )
    }
    years = {
        provider: set(periods.astype("M8[Y]").astype(str))
        for name, values in rows.items()
        for provider in [name.split("/", 1)[0]]
        for one in [panel({name: values})]
        for periods in [one.periods[fitting.quiet_periods(one)[0]]]
    }
    assert years["comtrade"] == {"2017", "2018", "2023"}
    assert years["portwatch"] == {"2023"}
    assert years["pinksheet"] == {"2015", "2016", "2017", "2018"}


def test_a_dated_event_inside_a_window_is_left_out() -> None:
    one = panel({"comtrade/export-kg/CN-KR/811292": np.ones(144)})
    quiet = one.periods[fitting.quiet_periods(one)[0]]
    assert np.datetime64("2023-06-01") in quiet
    hormuz = panel({"portwatch/transits/hormuz/-": np.ones(144)})
    kept = hormuz.periods[fitting.quiet_periods(hormuz)[0]].astype("M8[M]")
    assert np.datetime64("2023-04") not in kept  # seizures from 27 April to 10 May
    assert np.datetime64("2023-06") in kept


def test_the_check_counts_runs_of_the_other_half_against_what_was_set() -> None:
    dice = np.random.default_rng(4)
    noise: Floats = dice.standard_t(5, (60, 400))
    null = fitting.null_of(
        DOWN, "index", panel({f"gscpi/pressure/WLD/{n}": noise[n] for n in range(60)})
    )
    key = ("naive", "index", "recorded")
    (row,) = fitting.held_out({key: [null]})
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:4] == ["naive", "index", "recorded, other half", "12,000"]
    set_to, came = (float(part.split()[0]) for part in cells[4].split(", "))
    assert set_to == 120.0
    assert 0.5 * set_to < came < stats.poisson.ppf(0.999, set_to)
    (whole,) = fitting.recorded_under(fit({key: [null]}), {key: [null]})
    assert "24,000" in whole
