"""Synthetic trade is labelled so, is the same for the same seed, and holds the disturbances it tells."""

from __future__ import annotations

import numpy as np
import pytest

from ews.model import Frequency, series_parts
from ews.tuning.synthetic_trade import SyntheticTrade, synthetic_trade

ITEMS = [f"{chapter:02d}{n:02d}10" for chapter in range(1, 9) for n in range(1, 16)]


@pytest.fixture(scope="module")
def made() -> SyntheticTrade:
    return synthetic_trade(7, months=60, items=ITEMS, disturbed=40, partners=4.0)


def values(made: SyntheticTrade, name: str) -> dict[np.datetime64, float]:
    mine = made.row == made.names.index(name)
    return dict(zip(made.period[mine].astype("M8[M]"), made.value[mine], strict=True))


def test_the_same_seed_makes_the_same_rows_and_another_other_ones(made: SyntheticTrade) -> None:
    again = synthetic_trade(7, months=60, items=ITEMS, disturbed=40, partners=4.0)
    assert again.names == made.names
    assert again.truth == made.truth
    np.testing.assert_array_equal(again.value, made.value)
    other = synthetic_trade(8, months=60, items=ITEMS, disturbed=40, partners=4.0)
    assert len(other.row) != len(made.row) or (other.value != made.value).any()


def test_every_series_says_that_it_is_synthetic_and_what_it_measures(made: SyntheticTrade) -> None:
    told = made.series()
    assert [series.name for series in told] == list(made.names)
    assert len(set(made.names)) == len(made.names)
    for series in told:
        provider, measure, _, item = series_parts(series.name)
        assert provider == "synthetic"
        assert series.synthetic
        assert item in ITEMS
        assert series.unit == ("kg" if measure == "import-kg" else "USD")
    yearly = {series_parts(s.name)[2] for s in told if s.frequency is Frequency.YEAR}
    assert all(place.endswith("-WLD") and place != "KR-WLD" for place in yearly)


def test_a_month_without_trade_has_no_row_and_no_value_is_known_before_its_month_ends(
    made: SyntheticTrade,
) -> None:
    assert (made.value > 0).all()
    assert (made.available_at.astype("M8[D]") >= made.period + 28).all()
    monthly = ~made.yearly[made.row]
    gaps = [len(values(made, name)) for name in made.names[:200]]
    assert min(gaps) < 60  # lumpy series
    assert max(gaps) == 60
    assert monthly.sum() > 30_000


def test_the_truth_is_in_the_data(made: SyntheticTrade) -> None:
    """A stop cuts the weight to a tenth, a surge trebles it, a price moves dollars and not weight."""
    kinds = {hit.kind for hit in made.truth}
    assert kinds == {"stop", "surge", "shift", "price"}
    ratios: dict[str, list[float]] = {kind: [] for kind in kinds}
    for hit in made.truth:
        measure = "import-usd" if hit.kind == "price" else "import-kg"
        found = values(made, f"synthetic/{measure}/{hit.partner}-KR/{hit.item}")
        span = [hit.first.astype("M8[M]") + k for k in range(hit.months)]
        during = np.median([found.get(month, np.nan) for month in span if month in found])
        rest = np.median([value for month, value in found.items() if month not in span])
        ratios[hit.kind].append(float(during / rest))
    assert np.nanmedian(ratios["stop"]) == pytest.approx(0.1, abs=0.03)
    assert np.nanmedian(ratios["surge"]) == pytest.approx(3.0, abs=0.8)
    assert np.nanmedian(ratios["price"]) == pytest.approx(1.6, abs=0.4)
    assert all(hit.first >= np.datetime64("2020-01-01") for hit in made.truth)


def test_a_shift_moves_the_share_to_one_partner(made: SyntheticTrade) -> None:
    shares = []
    for hit in (hit for hit in made.truth if hit.kind == "shift"):
        month = hit.first.astype("M8[M]") + 1
        names = [
            n for n in made.names if n.startswith("synthetic/import-kg/") and n.endswith(hit.item)
        ]
        kg = {n: values(made, n).get(month, 0.0) for n in names}
        mine = kg[f"synthetic/import-kg/{hit.partner}-KR/{hit.item}"]
        if mine:
            shares.append(mine / sum(kg.values()))
    assert np.median(shares) > 0.9


def test_the_largest_partner_of_most_items_has_more_than_a_third(made: SyntheticTrade) -> None:
    totals: dict[str, list[float]] = {}
    sums = np.bincount(made.row, made.value, len(made.names))
    for name, value in zip(made.names, sums, strict=True):
        if name.startswith("synthetic/import-usd/"):
            totals.setdefault(series_parts(name)[3], []).append(value)
    top = np.array([max(parts) / sum(parts) for parts in totals.values()])
    assert 0.4 < np.median(top) < 0.85


@pytest.mark.torture
def test_three_million_rows_are_made_in_seconds() -> None:
    import time

    start = time.perf_counter()
    made = synthetic_trade(1)
    assert len(made.row) > 3_000_000
    assert time.perf_counter() - start < 15.0
