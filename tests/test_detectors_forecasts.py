"""A forecast that was shared within a look is the one that would have been made alone."""

from __future__ import annotations

from dataclasses import fields
from unittest.mock import patch

import numpy as np

from ews.detectors import forecasts, smoothing
from ews.detectors.panel import Panel
from tests.panels_of_trade import NAN, panel

ROWS, MONTHS = 6, 30


def trade() -> Panel:
    noise = np.random.default_rng(3).normal(0.0, 0.2, (ROWS, MONTHS))
    values = np.exp(10.0 + noise)
    values[2, 5:9] = NAN
    values[3] = values[1]  # two series may hold the same
    names = [f"customs/import-kg/{origin}-KR/250410" for origin in "CN JP US DE".split()]
    names += ["pinksheet/price-usd/WLD/urea", "customs/hhi/KR/250410"]
    values[5] = values[0]  # and the same read on another scale is another forecast
    return panel(dict(zip(names, values, strict=True)))


def same(one: smoothing.Forecast, two: smoothing.Forecast) -> bool:
    """Equal but for rounding: numpy adds up the smoothers of a lone series in another order."""
    return all(
        np.allclose(getattr(one, f.name), getattr(two, f.name), 1e-12, 1e-12, equal_nan=True)
        for f in fields(one)
    )


def test_a_shared_forecast_equals_the_one_made_alone_whatever_was_asked_before() -> None:
    whole = trade()
    asked = [np.array(rows) for rows in ([0, 2], [2, 1, 0], [5, 4, 3], range(ROWS), [0])]
    with forecasts.shared():
        for rows in asked:
            part = whole.rows(rows)
            for params in ({}, {"season": 0.0}, {"holidays": 0.0}):
                got = forecasts.forecast(part, params)
                assert same(got, smoothing.forecast(part, params))


def test_a_row_is_forecast_once_in_a_look_and_anew_in_the_next() -> None:
    whole, made = trade(), []
    real = smoothing.forecast

    def counting(part: Panel, params: smoothing.Params) -> smoothing.Forecast:
        made.append(len(part.names))
        return real(part, params)

    with patch.object(smoothing, "forecast", counting):
        for _ in range(2):
            with forecasts.shared():
                forecasts.forecast(whole.rows(np.array([0, 1])), {})
                forecasts.forecast(whole, {})
                forecasts.forecast(whole, {})
        forecasts.forecast(whole, {})
    # Row 3 holds what row 1 holds: of six rows five are different, two of them known already.
    assert made == [2, 3, 2, 3, ROWS]
