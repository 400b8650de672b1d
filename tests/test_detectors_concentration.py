"""Concentration over partners: shares that are true, known when they could be, and their jumps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ews.detectors import concentration
from ews.detectors.derived import EU_MEMBERS, derive
from ews.detectors.own_past import Past, departures, medians
from ews.detectors.panel import Panel
from graph import reference
from tests.panels_of_trade import NAN, of, panel

Floats = NDArray[np.float64]


def imports(**partners: list[float]) -> dict[str, list[float]]:
    return {f"comtrade/import-usd/{code}-KR/250410": values for code, values in partners.items()}


HHI, TOP = "comtrade/hhi/KR/250410", "comtrade/top-share/KR/250410"


def test_the_union_has_the_members_that_the_reference_network_says() -> None:
    assert EU_MEMBERS == reference.EU_MEMBERS


def test_shares_are_of_the_total_that_the_reporter_publishes() -> None:
    found = derive(panel(imports(WLD=[100.0], CN=[80.0], JP=[15.0], US=[5.0])))
    assert found.names == (HHI, TOP)
    assert of(found, HHI)[0] == pytest.approx(0.8**2 + 0.15**2 + 0.05**2)
    assert of(found, TOP)[0] == pytest.approx(0.8)


def test_partners_that_are_missing_and_could_matter_leave_no_value() -> None:
    found = derive(
        panel(imports(WLD=[100.0, 100.0, 100.0], CN=[60.0, 60.0, NAN], JP=[38.0, 5.0, 30.0]))
    )
    hhi, top = of(found, HHI), of(found, TOP)
    assert hhi[0] == pytest.approx(0.6**2 + 0.38**2)  # 2 of 100 are hidden: no matter
    assert np.isnan(hhi[1])  # 35 are hidden: the HHI is not known
    assert top[1] == pytest.approx(0.6)  # but nobody hidden is larger than 60
    assert np.isnan(top[2])  # 70 are hidden: one of them may be the largest
    assert np.isnat(found.known[0, 1])


def test_without_a_total_a_source_that_may_lack_partners_says_nothing() -> None:
    assert derive(panel(imports(CN=[80.0], JP=[20.0]))).names == ()
    late = derive(panel(imports(WLD=[NAN, 100.0], CN=[80.0, 80.0], JP=[20.0, 20.0])))
    assert np.isnan(of(late, TOP)[0])
    assert of(late, TOP)[1] == pytest.approx(0.8)


def test_without_a_total_a_source_that_names_every_partner_is_summed_unless_one_went_missing() -> (
    None
):
    rows = {
        "customs/import-usd/CN-KR/250410": [80.0, 80.0, NAN, 80.0],
        "customs/import-usd/JP-KR/250410": [20.0, NAN, 20.0, 20.0],
        "customs/import-usd/VN-KR/250410": [NAN, NAN, 1.0, NAN],
    }
    found = derive(panel(rows))
    top = of(found, "customs/top-share/KR/250410")
    hhi = of(found, "customs/hhi/KR/250410")
    assert hhi[0] == pytest.approx(0.68)
    assert np.isnan(hhi[1])  # Japan's 20 may be late
    assert top[1] == pytest.approx(1.0)  # even so China is the largest
    assert np.isnan(top[2])  # China's 80 may be late
    assert hhi[3] == pytest.approx(0.68)  # Viet Nam's 1 does not matter


def test_the_union_and_its_members_are_never_both_counted() -> None:
    found = derive(
        panel(
            imports(
                WLD=[100.0, 100.0], CN=[50.0, 50.0], EU=[50.0, 50.0], DE=[NAN, 30.0], FR=[NAN, 20.0]
            )
        )
    )
    assert of(found, HHI) == pytest.approx([0.5, 0.25 + 0.09 + 0.04])
    only = derive(panel(imports(WLD=[100.0], CN=[50.0], EU=[50.0], DE=[10.0])))
    assert np.isnan(of(only, HHI)[0])  # 40 of the union came from members that we do not have


def test_partners_that_sum_to_more_than_the_total_are_not_believed() -> None:
    found = derive(panel(imports(WLD=[100.0, 100.0], CN=[80.0, 80.0], JP=[20.5, 45.0])))
    assert of(found, HHI)[0] == pytest.approx(0.8**2 + 0.205**2)  # rounding
    assert np.isnan(of(found, HHI)[1])


def test_codes_of_areas_not_stated_are_no_partner() -> None:
    found = derive(panel(imports(WLD=[100.0], CN=[55.0], XX=[45.0])))
    assert np.isnan(of(found, HHI)[0])
    assert of(found, TOP)[0] == pytest.approx(0.55)


def test_a_derived_value_is_known_when_its_newest_part_is() -> None:
    names = list(imports(WLD=[100.0], CN=[80.0], JP=[20.0]))
    raw = panel(
        imports(WLD=[100.0], CN=[80.0], JP=[20.0]), dict(zip(names, (30, 40, 75), strict=True))
    )
    found = derive(raw)
    assert found.known[0, 0] == np.datetime64("2015-01-01") + 75
    assert not found.revised.any()
    raw.known[1, 0] = np.datetime64("2015-06-01")  # China's value was replaced in June
    assert derive(raw).revised.all()
    raw.first[1, 0] = np.datetime64("2015-06-01")  # no: it came only then
    assert not derive(raw).revised.any()


def test_weights_serve_where_no_values_are_and_exports_are_shared_over_destinations() -> None:
    found = derive(
        panel({
            "comtrade/export-kg/CN-WLD/250410": [100.0],
            "comtrade/export-kg/CN-KR/250410": [30.0],
            "comtrade/export-kg/CN-JP/250410": [70.0],
            "customs/import-usd/CN-KR/310210": [9.0],
            "customs/import-usd/WLD-KR/310210": [10.0],
            "customs/import-usd/SA-KR/310210": [1.0],
            "customs/import-kg/CN-KR/310210": [1.0],
            "comtrade/import-usd/KR-US/310210": [7.0],
            "portwatch/transits/suez/-": [50.0],
        })
    )  # fmt: skip
    assert of(found, "comtrade/hhi/CN-WLD/250410")[0] == pytest.approx(0.58)
    assert of(found, "customs/top-share/KR/310210")[0] == pytest.approx(0.9)
    assert len(found.names) == 4, "the United States' imports are not asked for"


def test_a_panel_without_trade_derives_nothing() -> None:
    found = derive(panel({"portwatch/transits/suez/-": [50.0, 51.0]}))
    assert found.names == ()
    assert found.values.shape == (0, 2)


# --------------------------------------------------------------------------- jumps


def shares(dice: np.random.Generator, n: int, t: int) -> Panel:
    """Null shares: a level of its own for each series, noise that lasts for some months."""
    level, noise = dice.normal(0.5, 1.0, (n, 1)), dice.normal(0, 0.2, (n, t))
    logit = level + noise + 0.5 * np.roll(noise, 1, axis=1)
    values = 1 / (1 + np.exp(-logit))
    return panel({f"customs/top-share/KR/{at:06d}": values[at] for at in range(n)})


def test_a_jump_of_the_largest_share_is_found_at_once_and_noise_is_not() -> None:
    raw = shares(np.random.default_rng(3), 40, 72)
    raw.values[0, 60:] = 1 / (1 + np.exp(-(np.log(0.5 / 0.5) + 3.0)))  # to 95 percent
    raw.values[0, :60] = 0.5 + 0.02 * np.sin(np.arange(60))
    found = concentration.score(raw, {})
    assert found.tail[0, 60] < 1e-3
    assert found.up[0, 60]
    assert found.expected[0, 60] == pytest.approx(0.5, abs=0.03)
    assert np.nanmean(found.tail[1:] < 0.01) < 0.03
    assert np.isnan(found.tail[:, :18]).all(), "a year of levels and a year of jumps come first"


def test_from_90_to_95_percent_is_as_large_a_jump_as_from_10_to_19() -> None:
    low, high = np.full(72, 0.1), np.full(72, 0.9)
    low[60], high[60] = 0.1909, 0.9551
    low += 0.002 * np.sin(np.arange(72))
    raw = panel({"customs/hhi/KR/250410": low, "customs/hhi/KR/310210": high})
    z = concentration.score(raw, {}).score[:, 60]
    assert z[0] > 5
    assert z[1] == pytest.approx(8.6, abs=0.3)  # a logit step of 0.86 over the floor of 0.1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(30, 59))
def test_scores_do_not_read_the_future_and_last_changes_no_number(seed: int, cut: int) -> None:
    dice = np.random.default_rng(seed)
    raw = dice.lognormal(0, 1, (4, 60))
    raw[dice.random((4, 60)) < 0.1] = NAN
    rows = {
        f"customs/import-usd/{p}-KR/250410": raw[at]
        for at, p in enumerate(("CN", "EU", "DE", "US"))
    }
    whole = derive(panel(rows))
    scores = concentration.score(whole, {})
    earlier = derive(panel({name: values[:cut] for name, values in rows.items()}))
    np.testing.assert_array_equal(earlier.values, whole.values[:, :cut])
    for field in ("score", "tail", "up", "expected"):
        np.testing.assert_array_equal(
            getattr(concentration.score(earlier, {}), field), getattr(scores, field)[:, :cut]
        )
        np.testing.assert_array_equal(
            getattr(concentration.score(whole, {}, last=3), field)[:, -3:],
            getattr(scores, field)[:, -3:],
        )


@given(st.lists(st.one_of(st.just(NAN), st.floats(-9, 9)), min_size=1, max_size=9))
@settings(max_examples=40, deadline=None)
def test_medians_are_those_of_the_known_values(row: list[float]) -> None:
    known = [one for one in row if one == one]
    found = medians(np.array([row]))[0]
    assert found == pytest.approx(np.median(known)) if known else np.isnan(found)


def test_a_jump_that_a_series_made_before_is_no_rarer_than_it_was() -> None:
    rng = np.random.default_rng(5)
    often = 0.6 + 0.02 * rng.normal(size=(1, 72))
    often[0, [30, 39, 47, 58, 71]] = 1.0  # a small partner that now and then sells nothing
    once = often.copy()
    once[0, :71] = 0.6 + 0.02 * rng.normal(size=71)
    past = Past(lag=1, span=48, least=12, floor=0.1)
    told, new = (departures(one, past, None) for one in (often, once))
    assert told.often[0, 71] == pytest.approx(4 / 48)
    assert told.tail()[0, 71] == pytest.approx(4 / 48)
    assert (new.often[0, 71], new.tail()[0, 71] < 0.02) == (0.0, True)


def test_a_jump_that_lasts_stays_one_jump() -> None:
    shares = np.full((1, 72), 0.4)
    shares[0, 68:] = 0.9
    found = departures(shares, Past(lag=1, span=48, least=12, floor=0.05), None)
    assert (found.often[0, 68:] == 0).all()
    assert (found.tail()[0, 68:] < 0.01).all()
