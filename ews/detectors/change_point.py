"""Change point: has a series drifted to another level, though no single period shows it?

Prices are judged by their log returns over several spans. A price is nearly a random walk: its mean
and variance over the past say nothing of the next level, a z-score of levels alarms for years after
every rise and its tail has no meaning; returns are what is alike over time. Sizes, shares and
indices have a level to come back to: the mean of the newest span is set against the two years
before it, without season and holidays.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ews.detectors.forecasts import forecast
from ews.detectors.panel import PER_YEAR, Bools, Floats, Panel, Scores
from ews.detectors.smoothing import Forecast, Params, is_price, least_seen
from ews.detectors.windows import inflation, later, noise_of, standardised, sums, widest
from ews.model import Frequency

NAME: Final = "change_point"
# Periods of the windows: a month to a year. A daily panel is cut into weeks before it comes here.
RETURN_SPANS: Final = {
    Frequency.WEEK: (4, 13, 26, 52),
    Frequency.MONTH: (1, 3, 6, 12),
    Frequency.QUARTER: (1, 2, 4),
    Frequency.YEAR: (1, 2),
}
# A level needs a stretch: what a single period says is the seasonal detector's affair.
LEVEL_SPANS: Final = {
    Frequency.WEEK: (4, 13, 26),
    Frequency.MONTH: (3, 6, 12),
    Frequency.QUARTER: (2, 4),
    Frequency.YEAR: (2, 3),
}
BEFORE_YEARS: Final = 2  # of past that a level is compared with
MEMORY_YEARS: Final = 5.0  # levels: scales and correlations forget what is older
# Prices have calm and wild years. Of memories of 6 to 120 months, 12 to 18 foretold the size of the
# next return best in the World Bank's monthly prices of 1985 to 2018, and 12 is the rounder year.
RETURN_YEARS: Final = 1.0
# Means of a month (or day) of a random walk have returns with a neighbour correlation of 1/4
# (Working 1960, "Note on the correlation of first differences of averages in a random chain").
RETURN_RHO: Final = 0.25
LEVEL_RHO: Final = 0.3  # a usual series of monthly trade once season is out
LOOKS: Final = 4.0  # as many windows; docs/detectors.md has the rate that this achieves
WINSOR: Final = 3.0  # one period moves a mean by no more than this: a spike is no shift


def score(panel: Panel, params: Params, last: int | None = None) -> Scores:
    """Scores of every value with two years of past; `score` is |z| of the window most unlike.

    `expected` is the level before that window, with the season of the period. `params`: "looks",
    and those of `ews.detectors.smoothing.forecast`. Daily panels are not judged.
    """
    told = Scores.silent(NAME, panel)
    if panel.frequency not in RETURN_SPANS or not panel.values.size:
        return told
    prices = is_price(panel)
    for rows, judge in ((prices, _returns), (~prices, _levels)):
        if rows.any():
            part = panel.rows(rows)
            _fill(told, rows, part, *judge(part, params), params, last)
    return told


def _returns(panel: Panel, params: Params) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """By width: z of the cumulative log returns, and the price before."""
    y = np.log(np.where(panel.values > 0, panel.values, np.nan))
    keep = _keep(panel.frequency, MEMORY_YEARS)
    noise = noise_of(y - later(y, 1), RETURN_RHO, _keep(panel.frequency, RETURN_YEARS))
    z, expected = {}, {}
    for width in RETURN_SPANS[panel.frequency]:
        implied = noise.scale * np.sqrt(width * inflation(noise.rho, width))
        z[width] = standardised(y - later(y, width), implied, width, keep)
        expected[width] = later(panel.values, width)
    return z, expected


def _levels(panel: Panel, params: Params) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """By width: z of the mean of the newest periods against the years before, and that level."""
    told = forecast(panel, params)
    y = _calm(told)
    keep = _keep(panel.frequency, MEMORY_YEARS)
    length = int(BEFORE_YEARS * PER_YEAR[panel.frequency])
    total, count = sums(y, length, max(length // 2, 2))
    level = total / np.maximum(count, 1)
    noise = noise_of(y - later(level, 1), LEVEL_RHO, keep)
    past = inflation(noise.rho, length) / length
    z, expected = {}, {}
    for width in LEVEL_SPANS[panel.frequency]:
        total, count = sums(y, width, -(-3 * width // 4))
        before = later(level, width)
        implied = noise.scale * np.sqrt(inflation(noise.rho, width) / width + past)
        shift = np.where(np.isfinite(y), total / np.maximum(count, 1) - before, np.nan)
        z[width] = standardised(shift, implied, width, keep)
        expected[width] = told.unscaled(before + told.season)
    return z, expected


def _calm(told: Forecast) -> Floats:
    """[n, t] values without season and holidays, spikes cut to WINSOR scales."""
    error = np.clip(told.y - told.mean, -WINSOR * told.down, WINSOR * told.up)
    young = told.seen < 6  # no scale to cut by yet
    calm: Floats = np.where(young, told.y, told.mean + error) - told.season
    return calm


def _fill(
    told: Scores,
    rows: Bools,
    panel: Panel,
    z: dict[int, Floats],
    expected: dict[int, Floats],
    params: Params,
    last: int | None,
) -> None:
    """Put the most unlikely window of each of the newest `last` periods into `told`."""
    length = panel.values.shape[1]
    cut = slice(max(length - last, 0) if last is not None else 0, None)
    best = widest({width: array[:, cut] for width, array in z.items()}, params.get("looks", LOOKS))
    has = np.isfinite(panel.values)
    seen = (np.cumsum(has, axis=1) - has)[:, cut]
    judged = np.isfinite(best.z) & (seen >= params.get("least", least_seen(panel.frequency)))
    likely = np.full(best.z.shape, np.nan)
    for width, values in expected.items():
        likely = np.where(best.width == width, values[:, cut], likely)
    told.score[rows, cut] = np.where(judged, np.abs(best.z), np.nan)
    told.tail[rows, cut] = np.where(judged, best.tail, np.nan)
    told.up[rows, cut] = judged & (best.z > 0)
    told.expected[rows, cut] = np.where(judged, likely, np.nan)


def _keep(frequency: Frequency, years: float) -> float:
    return 1 - 1 / max(years * PER_YEAR[frequency], 4.0)
