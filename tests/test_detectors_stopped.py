"""A trade that stopped, a source that fell silent, a code that was replaced: three things."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ews.detectors import seasonal, stopped
from ews.detectors.codes import replaced
from ews.detectors.panel import Floats, Panel
from tests import bench_null, null_series

MONTHS = 72


def report(missing: dict[int, list[int]] | None = None, n: int = 12) -> Panel:
    """A report of n trades; `missing`: row -> periods without a row."""
    values = null_series.flows(np.random.default_rng(1), n, MONTHS)
    for row, periods in (missing or {}).items():
        values[row, periods] = np.nan
    return null_series.panel(values)


def test_a_trade_that_is_missing_from_a_report_that_arrived_has_stopped() -> None:
    panel = report({3: [70, 71]})
    told = stopped.score(panel, {})
    assert told.tail[3, 70] < 0.02
    assert told.tail[3, 71] < 0.003
    assert not told.up[3].any()
    assert told.expected[3, 70] == pytest.approx(np.nanmean(panel.values[3, 58:70]))
    others = np.delete(np.arange(12), 3)
    assert (told.tail[others, 24:] == 1).all()


def test_a_report_that_did_not_arrive_is_no_stop_of_its_trades() -> None:
    panel = report({row: [71] for row in range(12)})
    assert np.isnan(stopped.score(panel, {}).tail[:, 71]).all()


def test_a_zero_that_is_reported_counts_like_a_missing_row() -> None:
    gap, zero = report({3: [71]}), report()
    zero.values[3, 71] = 0.0
    assert stopped.score(gap, {}).tail[3, 71] == stopped.score(zero, {}).tail[3, 71]


def test_a_trade_that_often_pauses_may_pause() -> None:
    often = report({3: [*list(range(5, 71, 4)), 71]})
    assert stopped.score(often, {}).tail[3, 71] > 0.1


def test_a_filled_zero_is_as_old_as_the_report_around_it() -> None:
    panel = report({3: [71]})
    filled = stopped.filled(panel)
    assert filled.values[3, 71] == 0
    assert filled.known[3, 71] == panel.known[0, 71]
    assert np.isnan(panel.values[3, 71])  # the panel itself is not touched


def test_half_a_year_after_its_last_value_a_series_has_ended_and_is_not_judged() -> None:
    told = stopped.score(report({3: list(range(60, 72))}), {})
    assert np.isfinite(told.tail[3, 60:66]).all()
    assert np.isnan(told.tail[3, 66:]).all()


def test_a_price_or_a_lone_series_is_never_filled() -> None:
    values = null_series.flows(np.random.default_rng(2), 12, 40)
    values[3, 39] = np.nan
    assert np.isnan(stopped.filled(null_series.panel(values, "price-usd")).values[3, 39])
    assert np.isnan(stopped.filled(null_series.panel(values[:4])).values[3, 39])


def test_pauses_as_rare_as_before_begin_few_alarms() -> None:
    panel = null_series.panel(null_series.pausing(np.random.default_rng(3), 200, 150))
    told = stopped.score(panel, {})
    begun = bench_null.begins(told.tail <= 0.01)
    assert bench_null.rate(begun, np.isfinite(told.tail))[1] <= 0.01


def viewed(panel: Panel, days: int, rows: list[int] | None = None) -> stopped.Overdue:
    """What is overdue so many days after the newest report; `rows` did not come in it."""
    for row in rows or []:
        panel.values[row, -1] = np.nan
        panel.first[row, -1] = panel.known[row, -1] = np.datetime64("NaT")
    newest: datetime = panel.first[0, -1].astype(object).replace(tzinfo=UTC)
    return stopped.overdue(replace(panel, now=newest + timedelta(days=days)))


def test_a_source_is_silent_when_its_next_report_is_overdue() -> None:
    assert not viewed(report(), 40).silent.any()
    late = viewed(report(), 60)
    assert late.silent.all()
    assert (late.days > 0).all()


def test_one_trade_that_is_late_does_not_make_its_source_silent() -> None:
    late = viewed(report(), 20, rows=[3])
    assert late.days[3] > 0
    assert not late.silent.any()


def test_an_empty_panel_is_not_overdue() -> None:
    late = stopped.overdue(null_series.panel(np.full((2, 5), np.nan)))
    assert np.isnan(late.days).all()
    assert not late.silent.any()


def revision() -> Panel:
    """850710 ends in December 2008 and 850760 begins in January 2009 (codes made up)."""
    values: Floats = null_series.flows(np.random.default_rng(4), 14, 60)
    values[12, 48:] = np.nan
    values[13, :48] = np.nan
    panel = null_series.panel(values)
    names = [
        *panel.names[:12],
        "synthetic/import-kg/CN-KR/850710",
        "synthetic/import-kg/CN-KR/850760",
    ]
    return replace(panel, names=tuple(names))


def test_a_code_that_was_replaced_has_not_stopped() -> None:
    panel = revision()
    gone = replaced(panel)
    assert gone[12, 48:].all()
    assert not gone[:12].any()
    assert not gone[13].any()
    assert not gone[12, :48].any()
    told = stopped.score(panel, {})
    assert np.isnan(told.tail[12, 48:]).all()
    other = replace(panel, names=(*panel.names[:13], "synthetic/import-kg/CN-KR/290000"))
    assert not replaced(other).any()
    assert stopped.score(other, {}).tail[12, 48] < 0.02


def test_the_first_months_of_a_new_code_raise_nothing() -> None:
    told = seasonal.score(revision(), {})
    assert np.isnan(told.tail[13]).all()
    assert (np.nan_to_num(stopped.score(revision(), {}).tail[13], nan=1.0) == 1).all()


def test_what_is_filled_once_is_not_filled_further() -> None:
    once = stopped.filled(report({3: list(range(60, 72)), 5: [20, 40]}))
    np.testing.assert_array_equal(stopped.filled(once).values, once.values)


def test_a_code_that_a_new_code_replaced_is_not_filled() -> None:
    panel = report({3: list(range(60, 72)), 4: list(range(60))})
    start = panel.names[0].rpartition("/")[0]
    for other, zeros in (("850790", False), ("281000", True)):
        items = (f"{start}/850710", f"{start}/{other}")
        names = (*panel.names[:3], *items, *panel.names[5:])
        found = stopped.filled(replace(panel, names=names)).values[3, 60:66]
        assert (found == 0).all() if zeros else np.isnan(found).all()
