"""Stock-building: does somebody buy far more than the season explains, before a measure bites?

A surge of one to three months of imports (or of the partner's exports to Korea), one-sided: value
and quantity must both rise and the unit value must not fall, since cheaper goods bought in mass are
a bargain and no fear. Korea's graphite imports of November 2023, between announcement and entry
into force, are the pattern. In the half year after a surge the fall below the level before it is
looked for, too. Whether an announced measure explains it is for the fusion of numbers and news.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from ews.detectors.forecasts import forecast
from ews.detectors.panel import PER_YEAR, Bools, Floats, Panel, Scores
from ews.detectors.smoothing import Forecast, Params, least_seen
from ews.detectors.windows import FREEDOM, Noise, inflation, later, noise_of, standardised, sums
from ews.model import Frequency, series_parts

NAME: Final = "stockpiling"
SPANS: Final = {
    Frequency.WEEK: (4, 8, 13),
    Frequency.MONTH: (1, 2, 3),
    Frequency.QUARTER: (1,),
}
MEMORY_YEARS: Final = 5.0
ERROR_RHO: Final = 0.0  # one-step errors that a good forecast leaves are not correlated
LOOKS: Final = 1.5  # three spans, each part of the next, begin so many alarms: docs/detectors.md
# Unit values of one HS6 code scatter by some 15% from month to month; a quarter less is a fall.
UNIT_VALUE_FALL: Final = float(np.log(0.75))
SURGE_TAIL: Final = 0.01  # a surge as rare as this opens the half year in which a fall is sought
AFTER_YEARS: Final = 0.5
_OTHER: Final = {"kg": "usd", "qty": "usd", "usd": "kg"}


def score(panel: Panel, params: Params, last: int | None = None) -> Scores:
    """Surges (up) and the falls after them (down) of import and export series; others stay NaN.

    `tail` is one-sided. A series whose partner in value or quantity is in the panel has the smaller
    score of the two. `expected` is the level before the window, with the season of the period.
    `params`: "looks", "surge_tail", and those of `ews.detectors.smoothing.forecast`.
    """
    told = Scores.silent(NAME, panel)
    flows = np.array([m.startswith(("import-", "export-")) for m in panel.measures()], np.bool_)
    if panel.frequency not in SPANS or not flows.any() or not panel.values.size:
        return told
    part = panel.rows(flows)
    past = forecast(part, params)
    least = params.get("least", least_seen(panel.frequency))
    judged = np.isfinite(past.y) & (past.seen >= least)
    first = 0 if last is None else max(part.values.shape[1] - last - _after(panel) - 1, 0)
    surge, before, noise = _surges(part, past, params, first)
    fall, low = _falls(part, past, noise, surge, params, first)
    down = fall < surge
    tail = np.where(down, fall, surge)
    likely = past.unscaled(np.where(down, low, before) + past.season)
    told.tail[flows] = np.where(judged, tail, np.nan)
    told.score[flows] = np.where(judged, np.abs(np.log10(np.maximum(tail, 1e-300))), np.nan)
    told.up[flows] = judged & ~down & (surge < 1)
    told.expected[flows] = np.where(judged, likely, np.nan)
    return told


def _after(panel: Panel) -> int:
    """Periods after a surge in which a fall is looked for."""
    return max(int(AFTER_YEARS * PER_YEAR[panel.frequency]), 1)


def _surges(
    panel: Panel, past: Forecast, params: Params, first: int
) -> tuple[Floats, Floats, Noise]:
    """Tail of the surge (1 before the period `first`, where nobody asks), level before it, and the
    noise of one-step errors."""
    keep = 1 - 1 / (MEMORY_YEARS * PER_YEAR[panel.frequency])
    calm, level = past.y - past.season, past.mean - past.season
    noise = noise_of(np.where(past.seen > 1, past.y - past.mean, np.nan), ERROR_RHO, keep)
    best, before = np.full(calm.shape, -np.inf), level
    for width in SPANS[panel.frequency]:
        base = later(level, width - 1)
        excess = sums(calm, width, width)[0] / width - base
        implied = noise.scale * np.sqrt(inflation(noise.rho, width) / width)
        z = _one_sided(excess, implied, width, keep)
        before = np.where(z > best, base, before)
        best = np.fmax(best, z)
    best = _both(best, panel.names)
    best[:, :first] = -np.inf
    tail = np.minimum(params.get("looks", LOOKS) * _tail(best), 1.0)
    return np.where(_cheaper(panel), 1.0, tail), before, noise


def _falls(
    panel: Panel, past: Forecast, noise: Noise, surge: Floats, params: Params, first: int
) -> tuple[Floats, Floats]:
    """Tail of a fall below the level before a surge, 1 where there was none; and that level."""
    keep = 1 - 1 / (MEMORY_YEARS * PER_YEAR[panel.frequency])
    after = _after(panel)
    low = later(past.mean - past.season, after)
    fall = _one_sided(low - (past.y - past.season), noise.scale, after + 1, keep)
    surged = surge <= params.get("surge_tail", SURGE_TAIL)
    recent = sums(later(surged.astype(float), 1), after, 1)[0] > 0
    # one more look, but in the few months after a surge only: it adds next to nothing to the rate
    fall = _both(fall, panel.names)
    fall[:, :first] = -np.inf
    return np.where(recent, _tail(fall), 1.0), low


def _one_sided(excess: Floats, implied: Floats, width: int, keep: float) -> Floats:
    """Excess in units of the scale of earlier excesses of its sign; -inf where it is none."""
    above = np.where(excess > 0, excess, np.nan)
    z = standardised(above, implied, width, keep)
    return np.where(np.isfinite(z), z, -np.inf)


def _tail(z: Floats) -> Floats:
    tail = np.ones(z.shape)  # of what is no excess at all
    excess = z > 0
    tail[excess] = stdtr(FREEDOM, -z[excess] * np.sqrt(FREEDOM / (FREEDOM - 2)))
    return tail


def _partners(names: tuple[str, ...]) -> NDArray[np.intp]:
    """[n] row of the same trade in value (for a quantity) or quantity (for a value); -1: none."""
    rows = {name: i for i, name in enumerate(names)}
    found = []
    for name in names:
        provider, measure, place, item = series_parts(name)
        flow, _, unit = measure.partition("-")
        other = f"{provider}/{flow}-{_OTHER.get(unit, '')}/{place}/{item}"
        found.append(rows.get(other, -1))
    return np.array(found, np.intp)


def _both(z: Floats, names: tuple[str, ...]) -> Floats:
    """The smaller score of value and quantity, where both are there."""
    other = _partners(names)
    paired: Floats = np.where((other >= 0)[:, None], np.minimum(z, z[other]), z)
    return paired


def _cheaper(panel: Panel) -> Bools:
    """[n, t] True where the unit value fell below that of the quarter before."""
    other = _partners(panel.names)
    money = np.array([m.endswith("-usd") for m in panel.measures()], np.bool_)[:, None]
    logs = np.log(np.where(panel.values > 0, panel.values, np.nan))
    unit = np.where(money, logs - logs[other], logs[other] - logs)
    total, count = sums(unit, max(int(PER_YEAR[panel.frequency] / 4), 1), 1)
    usual = later(total / np.maximum(count, 1), 1)
    cheaper: Bools = (other >= 0)[:, None] & (unit - usual < UNIT_VALUE_FALL)
    return cheaper
