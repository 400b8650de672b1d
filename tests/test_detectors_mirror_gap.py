"""Mirror gaps: two reports of one flow, compared only where both are there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ews.detectors import mirror_gap
from ews.detectors.derived import derive
from ews.detectors.panel import Panel
from tests.panels_of_trade import NAN, of, panel

Floats = NDArray[np.float64]
GAP = "mirror/gap/CN-KR/250410"
BOUGHT, SOLD = "customs/import-usd/CN-KR/250410", "comtrade/export-usd/CN-KR/250410"


def test_a_gap_is_the_logarithm_of_import_over_export_where_both_are_reported() -> None:
    found = derive(panel({BOUGHT: [106.0, 50.0, NAN, 0.0], SOLD: [100.0, NAN, 9.0, 5.0]}))
    gap = of(found, GAP)
    assert gap[0] == pytest.approx(np.log(1.06))
    assert np.isnan(gap[1:]).all()


def test_a_gap_is_known_when_the_later_report_is() -> None:
    found = derive(panel({BOUGHT: [106.0], SOLD: [100.0]}, {BOUGHT: 45, SOLD: 75}))
    row = found.names.index(GAP)
    assert found.known[row, 0] == np.datetime64("2015-01-01") + 75
    assert not found.revised[row].any()


def test_reports_are_compared_in_one_unit_and_a_countrys_own_comes_before_the_copy() -> None:
    found = derive(
        panel({
            "comtrade/import-usd/CN-KR/250410": [900.0],
            "customs/import-usd/CN-KR/250410": [120.0],
            "customs/import-kg/CN-KR/250410": [7.0],
            "comtrade/export-usd/CN-KR/250410": [100.0],
            "comtrade/import-kg/CN-KR/310210": [30.0],
            "comtrade/import-usd/CN-KR/310210": [5.0],
            "comtrade/export-kg/CN-KR/310210": [20.0],
            "comtrade/export-usd/CN-WLD/310210": [20.0],
            "synthetic/export-usd/CN-KR/310210": [5.0],
        })
    )  # fmt: skip
    gaps = {n: found.values[i, 0] for i, n in enumerate(found.names) if "/gap/" in n}
    assert gaps == {
        GAP: pytest.approx(np.log(1.2)),
        "mirror/gap/CN-KR/310210": pytest.approx(np.log(1.5)),
    }


def test_a_gap_of_generated_series_says_that_it_is_one() -> None:
    both = {f"synthetic/{m}/CN-KR/250410": [5.0] for m in ("import-usd", "export-usd")}
    assert "synthetic/gap/CN-KR/250410" in derive(panel(both)).names


def gaps(seed: int, n: int, t: int) -> Panel:
    """Null gaps: a margin of 6 percent, and goods that arrive a month later."""
    dice = np.random.default_rng(seed)
    late = dice.uniform(0.1, 0.4, (n, t))
    sold = dice.lognormal(5, 0.3, (n, t))
    bought = 1.06 * (sold * (1 - late) + np.roll(sold * late, 1, axis=1))
    rows = {f"customs/import-usd/CN-KR/{at:06d}": bought[at] for at in range(n)}
    return derive(
        panel(rows | {f"comtrade/export-usd/CN-KR/{at:06d}": sold[at] for at in range(n)})
    )


def test_margins_and_late_arrivals_alone_raise_no_alarm_but_a_new_gap_does() -> None:
    found = gaps(1, 60, 72)
    mine = found.rows(np.array(["/gap/" in name for name in found.names]))
    mine.values[0, 60:] -= np.log(2.0)  # from now on half of what is sold does not arrive
    scores = mirror_gap.score(mine, {})
    assert scores.tail[0, 62] < 0.01
    assert not scores.up[0, 62]
    assert scores.tail[0, 62] < scores.tail[0, 60], "the mean of three needs three months"
    assert np.nanmean(scores.tail[1:] < 0.01) < 0.03
    assert scores.expected[0, 62] == pytest.approx(np.log(1.06), abs=0.15)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 49))
def test_scores_do_not_read_the_future_and_last_changes_no_number(seed: int, cut: int) -> None:
    dice = np.random.default_rng(seed)
    raw = dice.lognormal(0, 1, (2, 50))
    raw[dice.random((2, 50)) < 0.1] = NAN
    whole = derive(panel({BOUGHT: raw[0], SOLD: raw[1]}))
    earlier = derive(panel({BOUGHT: raw[0, :cut], SOLD: raw[1, :cut]}))
    scores = mirror_gap.score(whole, {})
    for field in ("score", "tail", "up", "expected"):
        np.testing.assert_array_equal(
            getattr(mirror_gap.score(earlier, {}), field), getattr(scores, field)[:, :cut]
        )
        np.testing.assert_array_equal(
            getattr(mirror_gap.score(whole, {}, last=3), field)[:, -3:],
            getattr(scores, field)[:, -3:],
        )
