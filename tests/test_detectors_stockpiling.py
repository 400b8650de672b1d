"""Surges of imports before a measure, and the fall after them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ews.detectors import seasonal, stockpiling
from ews.detectors.panel import Floats, Panel
from tests import bench_null, null_series


def pair(kg: Floats, unit_value: Floats) -> Panel:
    """A panel of quantities and their values, side by side."""
    panel = null_series.panel(np.vstack([kg, kg * unit_value]))
    n = len(kg)
    names = [f"customs/import-{unit}/CN-KR/{i:06}" for unit in ("kg", "usd") for i in range(n)]
    return replace(panel, names=tuple(names))


def surging(seed: int, months: int, factor: float) -> tuple[Floats, Floats]:
    """Quantities that rise by `factor` in the last `months`, and steady unit values."""
    dice = np.random.default_rng(seed)
    kg = null_series.flows(dice, 100, 84)
    kg[:, 84 - months :] *= factor
    return kg, 2.0 * np.exp(dice.normal(0, 0.08, kg.shape))


def found(tail: Floats) -> float:
    return float((tail[:, -1] <= 0.01).mean())


@pytest.mark.parametrize(("months", "factor", "share"), [(1, 4.0, 0.65), (3, 2.6, 0.5)])
def test_a_surge_in_quantity_and_value_is_found(months: int, factor: float, share: float) -> None:
    kg, unit_value = surging(1, months, factor)
    told = stockpiling.score(pair(kg, unit_value), {})
    assert found(told.tail) > share
    assert told.up[:, -1].mean() > 0.95
    np.testing.assert_array_equal(told.tail[:100], told.tail[100:])  # one trade, one score


def test_three_months_of_a_surge_weigh_more_than_the_last_of_them() -> None:
    panel = pair(*surging(1, 3, 2.6))
    assert found(stockpiling.score(panel, {}).tail) > found(seasonal.score(panel, {}).tail) + 0.1


def test_a_surge_of_cheaper_goods_is_a_bargain_and_no_fear() -> None:
    kg, unit_value = surging(2, 1, 5.0)
    unit_value[:, -1] *= 0.5
    assert found(stockpiling.score(pair(kg, unit_value), {}).tail) == 0


def test_a_surge_in_value_alone_is_a_price_and_no_stock() -> None:
    kg, unit_value = surging(2, 1, 1.0)
    unit_value[:, -1] *= 6
    assert found(stockpiling.score(pair(kg, unit_value), {}).tail) < 0.05


def test_a_fall_speaks_only_after_a_surge() -> None:
    kg, unit_value = surging(3, 1, 5.0)
    after = np.hstack([kg, kg[:, -13:-12] * 0.12])
    alone = np.hstack([kg / np.where(np.arange(84) == 83, 5.0, 1.0), kg[:, -13:-12] * 0.12])
    unit = np.hstack([unit_value, unit_value[:, -1:]])
    told = stockpiling.score(pair(after, unit), {})
    assert found(told.tail) > 0.6
    assert told.up[told.tail[:, -1] <= 0.01, -1].mean() < 0.05
    # a chance surge opens the half year for one series in twenty
    assert found(stockpiling.score(pair(alone, unit), {}).tail) < 0.1


def test_quiet_flows_begin_few_alarms() -> None:
    panel = null_series.panel(null_series.flows(np.random.default_rng(5), 200, 150))
    told = stockpiling.score(panel, {})
    begun = bench_null.begins(told.tail <= 0.01)
    # 0.0105 over 3,000 such series: docs/detectors.md
    assert bench_null.rate(begun, np.isfinite(told.tail))[1] <= 0.012


def test_only_flows_are_judged() -> None:
    values = null_series.flows(np.random.default_rng(6), 2, 60)
    for measure in ("price-usd", "transits", "hhi"):
        assert np.isnan(stockpiling.score(null_series.panel(values, measure), {}).tail).all()
