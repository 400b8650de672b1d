"""Seasonal: is a value, quantity or price far from what its own past and the season make likely?

The error of a robust one-step forecast (ews.detectors.smoothing) in units of the scale that such
errors had, with the tail of Student's t. Scale and forecast are separate for errors above and
below, since a series of few large orders errs upwards and a supply that fails errs downwards.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ews.detectors.forecasts import forecast
from ews.detectors.panel import Panel, Scores
from ews.detectors.smoothing import Params, least_seen

NAME: Final = "seasonal"


def score(panel: Panel, params: Params, last: int | None = None) -> Scores:
    """Scores of every value with two years of past; `score` is |z|.

    `params`: "season" and "holidays" (0 switches one off), "least" values of past. A missing value
    is not judged: `stopped` asks what a missing value means. With `last` the past is still walked
    through, since a forecast needs it.
    """
    told = Scores.silent(NAME, panel)
    past = forecast(panel, params).newest(last)
    cut = slice(told.score.shape[1] - past.y.shape[1], None)
    z = past.z()
    judged = np.isfinite(z) & (past.seen >= params.get("least", least_seen(panel.frequency)))
    told.score[:, cut] = np.where(judged, np.abs(z), np.nan)
    told.tail[:, cut] = np.where(judged, past.tail(z), np.nan)
    told.up[:, cut] = judged & (z > 0)
    told.expected[:, cut] = np.where(judged, past.expected(), np.nan)
    return told
