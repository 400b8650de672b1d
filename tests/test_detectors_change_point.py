"""Drifts that no single period shows: of prices by returns, of all else by levels."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from ews.detectors import change_point, seasonal
from ews.detectors.panel import Floats, panel_of
from ews.detectors.windows import inflation, later, noise_of, sums
from ews.model import Frequency
from tests import bench_null, null_series

DATA = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parents[2] / "shared" / "data"))


def drifting(dice: np.random.Generator, n: int, step: float, months: int) -> Floats:
    """Prices that were a random walk of 5% a month for six years and then rise by `step` a month."""
    returns = dice.normal(0, 0.05, (n, 72 + months))
    returns[:, 72:] += step
    values: Floats = 200 * np.exp(np.cumsum(returns, axis=1))
    return values


def test_a_price_that_rises_by_a_little_every_month_is_found_though_no_month_shows_it() -> None:
    panel = null_series.panel(drifting(np.random.default_rng(1), 200, 0.07, 9), "price-usd")
    slow, quick = change_point.score(panel, {}), seasonal.score(panel, {})
    found = [(told.tail[:, 72:] <= 0.01).any(axis=1).mean() for told in (slow, quick)]
    assert found[0] > 0.6
    assert found[0] > found[1] + 0.2
    assert slow.up[:, 80].all()


def test_a_price_that_lies_where_it_never_lay_is_no_alarm_by_itself() -> None:
    """A z-score of levels would cry for years: the price doubled long ago and stayed."""
    dice = np.random.default_rng(2)
    returns = dice.normal(0, 0.05, (100, 120))
    returns[:, 60] += np.log(2)
    panel = null_series.panel(200 * np.exp(np.cumsum(returns, axis=1)), "price-usd")
    told = change_point.score(panel, {})
    assert (told.tail[:, 60] <= 0.01).all()
    assert (told.tail[:, 75:] <= 0.01).mean() < 0.02
    level = (panel.values - panel.values[:, :60].mean(axis=1, keepdims=True)) / panel.values[
        :, :60
    ].std(axis=1, keepdims=True)
    assert (np.abs(level[:, 75:]) > 2.6).mean() > 0.25  # 0.01 of a normal


@pytest.mark.parametrize("direction", [1, -1])
def test_a_flow_that_sinks_or_rises_to_another_level_is_found(direction: int) -> None:
    values = null_series.flows(np.random.default_rng(3), 200, 108)
    values[:, 96:] *= np.exp(0.9 * direction)
    told = change_point.score(null_series.panel(values), {})
    assert (told.tail[:, 96:] <= 0.01).any(axis=1).mean() > 0.6
    assert (told.up[:, 105:] == (direction > 0)).mean() > 0.9


def test_one_wild_month_is_no_change_of_level() -> None:
    values = null_series.flows(np.random.default_rng(4), 100, 100)
    values[:, 90] *= 12
    panel = null_series.panel(values)
    assert (seasonal.score(panel, {}).tail[:, 90] <= 0.01).mean() > 0.7
    assert (change_point.score(panel, {}).tail[:, 90:] <= 0.01).mean() < 0.04


@pytest.mark.parametrize(
    ("make", "measure"),
    [(null_series.flows, "import-kg"), (null_series.prices, "price-usd")],
)
def test_correlated_series_in_which_nothing_happens_begin_few_alarms(
    make: null_series.Make, measure: str
) -> None:
    panel = null_series.panel(make(np.random.default_rng(5), 200, 150), measure)
    told = change_point.score(panel, {})
    hits, tests = told.tail <= 0.01, np.isfinite(told.tail)
    assert bench_null.rate(bench_null.begins(hits), tests)[1] <= 0.01
    assert bench_null.rate(hits, tests)[0] < 0.04


def test_a_daily_panel_is_not_judged() -> None:
    panel = null_series.panel(np.ones((2, 900)), "transits", Frequency.MONTH)
    days = panel.periods[0] + np.arange(900)
    daily = panel_of(
        ("a/transits/b/-",), Frequency.DAY, np.zeros(900, np.intp), days,
        days.astype("M8[us]"), np.ones(900), null_series.NOW,
    )  # fmt: skip
    assert np.isnan(change_point.score(daily, {}).tail).all()


def test_the_noise_of_an_autoregression_has_its_scale_and_correlation() -> None:
    dice = np.random.default_rng(6)
    errors = np.zeros((300, 240))
    for t in range(1, 240):
        errors[:, t] = 0.6 * errors[:, t - 1] + dice.normal(0, 1, 300)
    noise = noise_of(errors, 0.3, 1 - 1 / 120)
    assert np.median(noise.rho[:, -1]) == pytest.approx(0.53, abs=0.05)  # 0.6 shrunk towards 0.3
    assert np.median(noise.scale[:, -1]) == pytest.approx(1.25, rel=0.08)
    sample = np.lib.stride_tricks.sliding_window_view(errors[:, 60:], 6, axis=1).mean(axis=2)
    implied = 1.25 * np.sqrt(inflation(np.array([0.6]), 6)[0] / 6)
    assert sample.std() == pytest.approx(implied, rel=0.05)


def test_sums_and_lags_leave_out_what_is_missing() -> None:
    values = np.array([[1.0, np.nan, 3.0, 4.0]])
    total, count = sums(values, 2, 1)
    assert total.tolist() == [[1.0, 1.0, 3.0, 7.0]]
    assert count.tolist() == [[1, 1, 1, 2]]
    assert np.isnan(sums(values, 2, 2)[0]).tolist() == [[True, True, True, False]]
    assert later(values, 2)[0, 2:].tolist() == [1.0, pytest.approx(np.nan, nan_ok=True)]


@pytest.mark.recorded
def test_urea_of_2021_shows_before_its_october_leap() -> None:
    file = DATA / "trade" / "prices" / "pinksheet_monthly.csv"
    if not file.exists():
        pytest.skip(f"no recorded data at {file}: set EWS_RECORDED_DATA")
    with file.open(encoding="utf-8") as lines:
        rows = [r for r in csv.DictReader(lines) if "2005-01" <= r["month"] <= "2021-09"]
    days = np.array([row["month"] + "-01" for row in rows], "M8[D]")
    panel = panel_of(
        ("pinksheet/price-usd/WLD/urea",), Frequency.MONTH, np.zeros(len(rows), np.intp), days,
        (days + 33).astype("M8[us]"), np.array([float(row["Urea"]) for row in rows]),
        null_series.NOW,
    )  # fmt: skip
    told = change_point.score(panel, {})
    year = panel.periods >= np.datetime64("2021-01-01")
    best = int(np.argmin(np.where(year, told.tail[0], 1.0)))
    # what a watched item's budget of half a false alarm a year buys a price with two detectors
    assert told.tail[0, best] <= 0.5 / 24
    assert told.up[0, best]
