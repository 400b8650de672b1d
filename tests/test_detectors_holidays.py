"""Holidays whose date moves: dates that agree with the moon, and no alarm because of one."""

from __future__ import annotations

import numpy as np
import pytest

from ews.detectors import seasonal
from ews.detectors.moons import CHUSEOK, LUNAR_NEW_YEAR, regressors
from ews.detectors.panel import Days, Floats, grid
from ews.model import Frequency
from tests import null_series
from tests.bench_null import rate

SYNODIC_MONTH = 29.530588861  # days, mean
NEW_MOON = np.datetime64("2000-01-07T02:14", "m")  # of January 2000, in Beijing


def ages(dates: Days) -> Floats:
    """Days since the mean new moon at the noon of each date, from -15 to 15."""
    noon = dates.astype("M8[m]") + np.timedelta64(12 * 60, "m")
    days = (noon - NEW_MOON).astype(float) / (24 * 60)
    return (days + SYNODIC_MONTH / 2) % SYNODIC_MONTH - SYNODIC_MONTH / 2


def test_every_new_year_is_a_new_moon_and_every_chuseok_a_fortnight_after_one() -> None:
    # the true new moon lies up to 14 hours from the mean one, and anywhere in its day
    assert np.all(np.abs(ages(LUNAR_NEW_YEAR)) < 1.2)
    assert np.all(np.abs(ages(CHUSEOK - 14)) < 1.2)


def test_new_years_lie_between_21_january_and_20_february_a_lunar_year_apart() -> None:
    day = (LUNAR_NEW_YEAR - LUNAR_NEW_YEAR.astype("M8[Y]").astype("M8[D]")).astype(int)
    assert day.min() >= 20
    assert day.max() <= 51
    apart = set(np.diff(LUNAR_NEW_YEAR).astype(int).tolist())
    assert apart <= {353, 354, 355, 383, 384, 385}


def test_a_month_regressor_holds_only_what_moves() -> None:
    months = grid(Frequency.MONTH, np.datetime64("2000-01-01"), np.datetime64("2040-12-01"))
    rows = regressors(months, Frequency.MONTH)
    assert np.abs(rows.reshape(len(rows), -1, 12).mean(axis=1)).max() < 1e-12
    assert rows[0, 12 * 23] == rows[0].max() > 0.4  # January 2023 held the whole New Year
    assert np.abs(rows[2:]).max() < 1e-12  # golden weeks do not move


def test_a_week_regressor_shares_a_holiday_out_over_the_weeks_that_hold_it() -> None:
    weeks = grid(Frequency.WEEK, np.datetime64("2024-01-01"), np.datetime64("2024-12-23"))
    rows = regressors(weeks, Frequency.WEEK)
    assert rows.sum(axis=1) == pytest.approx([1, 1, 1, 1])
    assert np.flatnonzero(rows[0]).tolist() == [5, 6, 7]


def test_days_beyond_the_table_have_no_holiday() -> None:
    months = grid(Frequency.MONTH, np.datetime64("1990-01-01"), np.datetime64("1999-12-01"))
    assert not regressors(months, Frequency.MONTH).any()


def test_the_new_year_raises_no_more_alarms_than_other_months_unless_it_is_ignored() -> None:
    values = null_series.new_year_flows(np.random.default_rng(7), 400, 180)
    panel = null_series.panel(values)
    months = null_series.years_start(180)
    told, ignored = (seasonal.score(panel, {"holidays": on}) for on in (1.0, 0.0))

    def early(scores: seasonal.Scores) -> tuple[float, float, float]:
        tails = scores.tail[:, months]
        return rate(tails <= 0.01, np.isfinite(tails))

    _, low, _ = early(told)
    assert low <= 0.01  # the nominal rate is not below the interval
    assert early(ignored)[1] > 0.02  # without the regressor the interval lies above twice of it
