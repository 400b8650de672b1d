"""Values, quantities and prices against their own past and season."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ews.detectors import change_point, seasonal, stockpiling, stopped
from ews.detectors.panel import Floats, Panel, Scores, blocks, grid, panel_of
from ews.model import Frequency
from tests import bench_null, null_series

DATA = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parents[2] / "shared" / "data"))
Score = Callable[[Panel, Mapping[str, float], int | None], Scores]
DETECTORS: list[Score] = [seasonal.score, change_point.score, stockpiling.score, stopped.score]


def one(values: Floats, **given: object) -> Panel:
    return null_series.panel(np.atleast_2d(values), **given)  # type: ignore[arg-type]


def graphite(dice: np.random.Generator) -> Floats:
    """Sixty made-up months about 4.2 kt, a surge, a fall: the shape of late 2023."""
    return np.append(4.2e6 * np.exp(dice.normal(0, 0.22, 60)), [13.9e6, 1.06e6])


def test_a_surge_and_the_fall_after_it_are_each_found_in_their_first_month() -> None:
    values = np.array([graphite(np.random.default_rng(i)) for i in range(50)])
    told = seasonal.score(null_series.panel(values, "export-kg"), {})
    assert np.median(told.tail[:, -2]) < 1e-3
    assert told.up[:, -2].all()
    assert np.median(told.tail[:, -1]) < 5e-3
    assert not told.up[:, -1].any()


def test_a_chokepoint_that_loses_a_quarter_of_its_ships_is_found_in_that_week() -> None:
    dice = np.random.default_rng(3)
    weeks = np.append(dice.normal(75, 3, 255), 56.0)
    told = seasonal.score(one(weeks, measure="transits", frequency=Frequency.WEEK), {})
    assert told.tail[0, -1] < 1e-3
    assert not told.up[0, -1]
    assert told.tail[0, -9:-1].min() > 4e-3
    assert told.expected[0, -1] == pytest.approx(75, abs=3)


@pytest.mark.parametrize("make", [null_series.flows, null_series.lumpy, null_series.prices])
def test_quiet_series_speak_about_as_often_as_the_nominal_tail_says(
    make: null_series.Make,
) -> None:
    measure = "price-usd" if make is null_series.prices else "import-kg"
    panel = null_series.panel(make(np.random.default_rng(11), 150, 120), measure)
    told = seasonal.score(panel, {})
    share, low, _ = bench_null.rate(told.tail <= 0.01, np.isfinite(told.tail))
    assert low <= 0.015
    assert share < 0.02


def test_a_series_of_few_large_orders_stays_quiet() -> None:
    values = null_series.lumpy(np.random.default_rng(5), 200, 120)
    told = seasonal.score(null_series.panel(values), {})
    assert (told.tail <= 0.01).sum() < 0.005 * np.isfinite(told.tail).sum()


def test_the_first_two_years_of_a_series_are_not_judged() -> None:
    values = null_series.flows(np.random.default_rng(1), 3, 60)
    values[1, :30] = np.nan  # a code that began later
    told = seasonal.score(null_series.panel(values), {})
    assert np.isnan(told.tail[0, :24]).all()
    assert np.isfinite(told.tail[0, 24:]).all()
    assert np.isnan(told.tail[1, :54]).all()
    assert np.isfinite(told.tail[1, 54:]).all()


def test_a_missing_value_is_neither_judged_nor_taken_for_zero() -> None:
    values = null_series.flows(np.random.default_rng(1), 1, 61)
    values[0, 50] = np.nan
    told = seasonal.score(null_series.panel(values), {})
    assert np.isnan(told.tail[0, 50])
    assert np.isfinite(told.tail[0, 51:]).all()
    assert told.expected[0, 51] > 0.3 * np.nanmedian(values)


def test_zero_is_a_fall_and_not_an_error() -> None:
    values = np.append(1000 * np.exp(np.random.default_rng(2).normal(0, 0.2, 60)), 0.0)
    told = seasonal.score(one(values), {})
    assert told.tail[0, -1] < 1e-4
    assert not told.up[0, -1]


def test_the_unit_of_a_series_changes_nothing_but_what_is_expected() -> None:
    values = null_series.flows(np.random.default_rng(4), 5, 80)
    kg, tonnes = (seasonal.score(null_series.panel(v), {}) for v in (values, values / 1000))
    np.testing.assert_allclose(kg.score, tonnes.score, rtol=1e-9)
    np.testing.assert_allclose(kg.expected, tonnes.expected * 1000, rtol=1e-9)


def test_a_season_is_expected_once_it_was_seen() -> None:
    dice = np.random.default_rng(6)
    season = np.tile([1.0] * 11 + [3.0], 8)
    told = seasonal.score(one(1000 * season * np.exp(dice.normal(0, 0.1, 96))), {})
    assert told.expected[0, 95] == pytest.approx(3000, rel=0.2)
    assert told.expected[0, 94] == pytest.approx(1000, rel=0.2)
    assert told.tail[0, 60:].min() > 1e-3


@pytest.mark.parametrize("score", DETECTORS)
def test_what_comes_later_changes_no_score(score: Score) -> None:
    dice = np.random.default_rng(8)
    values = null_series.flows(dice, 12, 70)
    values[dice.random(values.shape) < 0.1] = np.nan
    values[dice.random(values.shape) < 0.05] = 0.0
    measures = ("import-kg", "price-usd", "transits")
    for measure in measures:
        before = score(null_series.panel(values, measure), {}, None)
        changed = values.copy()
        changed[:, 50:] = changed[:, 50:] * dice.lognormal(0, 3, (12, 20))
        changed[dice.random(values.shape) < 0.3 * (np.arange(70) >= 50)] = np.nan
        after = score(null_series.panel(changed, measure), {}, None)
        for field in ("score", "tail", "up", "expected"):
            np.testing.assert_array_equal(
                getattr(before, field)[:, :50], getattr(after, field)[:, :50]
            )


@pytest.mark.parametrize("score", DETECTORS)
def test_judging_the_newest_only_gives_the_same_numbers(score: Score) -> None:
    panel = null_series.panel(null_series.flows(np.random.default_rng(9), 6, 60))
    whole, newest = score(panel, {}, None), score(panel, {}, 3)
    np.testing.assert_array_equal(whole.tail[:, -3:], newest.tail[:, -3:])


@pytest.mark.parametrize("score", DETECTORS)
@pytest.mark.parametrize("shape", [(0, 0), (2, 0), (0, 30), (3, 1)])
def test_an_empty_or_young_panel_judges_nothing(score: Score, shape: tuple[int, int]) -> None:
    told = score(null_series.panel(np.ones(shape)), {}, None)
    assert told.tail.shape == shape
    assert not np.isfinite(told.tail).any()


def test_a_later_vintage_changes_only_the_view_that_could_see_it() -> None:
    values = null_series.flows(np.random.default_rng(10), 1, 60)[0]
    days = grid(Frequency.MONTH, np.datetime64("2018-01-01"), np.datetime64("2022-12-01"))
    rows = np.zeros(61, np.intp)
    periods = np.append(days, days[50])
    seen = np.append(days + 45, days[50] + 200).astype("M8[us]")

    def view(now: datetime) -> Scores:
        panel = panel_of(
            ("a/import-kg/CN-KR/1",), Frequency.MONTH, rows, periods, seen,
            np.append(values, values[50] * 6), now,
        )  # fmt: skip
        return seasonal.score(panel, {})

    then, before, after = (
        view(datetime.fromtimestamp(int(at.astype("M8[s]").astype(int)), UTC))
        for at in (seen[50], seen[60] - 1, seen[60])
    )
    assert then.tail[0, 50] == before.tail[0, 50] > 0.01
    assert after.tail[0, 50] < 0.01
    np.testing.assert_array_equal(before.tail[0, :50], after.tail[0, :50])


# --------------------------------------------------------------------------- recorded


def recorded(path: str) -> list[dict[str, str]]:
    file = DATA / "trade" / path
    if not file.exists():
        pytest.skip(f"no recorded data at {file}: set EWS_RECORDED_DATA")
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def of(days: list[str], values: list[float], name: str, frequency: Frequency) -> Panel:
    periods = np.array(days, "M8[D]")
    zeros = np.zeros(len(days), np.intp)
    seen = (periods + 20).astype("M8[us]")
    return panel_of((name,), frequency, zeros, periods, seen, np.array(values), null_series.NOW)


@pytest.mark.recorded
def test_graphite_of_2023_surges_in_november_and_falls_in_december() -> None:
    rows = [
        row
        for row in recorded("mirror/cn_exports_deep_dive_hs6_monthly.csv")
        if row["partner_name"] == "South Korea" and row["hs6"] == "250410"
    ]
    panel = of(
        [row["period_dt"][:10] for row in rows],
        [float(row["qty"]) for row in rows],
        "comtrade/export-kg/CN-KR/250410",
        Frequency.MONTH,
    )
    told = seasonal.score(panel, {})
    november = int(np.searchsorted(panel.periods, np.datetime64("2023-11-01")))
    assert told.tail[0, november] < 1e-3
    assert told.up[0, november]
    assert told.tail[0, november + 1] < 5e-3
    assert not told.up[0, november + 1]
    assert stockpiling.score(panel, {}).tail[0, november] < 5e-3


@pytest.mark.recorded
def test_bab_el_mandeb_is_found_in_the_week_of_18_december_2023_and_not_before() -> None:
    rows = [
        row
        for row in recorded("shipping/portwatch_chokepoints_daily_2019_2026.csv")
        if row["chokepoint"] == "bab_el_mandeb" and row["date"] < "2023-12-25"
    ]
    name = "portwatch/transits/bab-el-mandeb/-"
    days, ships = [row["date"] for row in rows], [float(row["total"]) for row in rows]
    told = seasonal.score(blocks(of(days, ships, name, Frequency.DAY)), {})
    assert told.tail[0, -1] < 1e-3
    assert not told.up[0, -1]
    assert told.tail[0, -9:-1].min() > 0.01
