"""Seasonal: is a value, quantity or price far from what its own past and the season make likely?

The error of a robust one-step forecast (ews.detectors.smoothing) in units of the scale that such
errors had, with the tail of Student's t. Scale and forecast are separate for errors above and
below, since a series of few large orders errs upwards and a supply that fails errs downwards.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ews.detectors.panel import Panel, Scores
from ews.detectors.smoothing import Params, forecast, least_seen

NAME: Final = "seasonal"


def score(panel: Panel, params: Params, last: int | None = None) -> Scores:
    """Scores of every value with two years of past; `score` is |z|.

    `params`: "season" and "holidays" (0 switches one off), "least" values of past. A missing value
    is not judged: `stopped` asks what a missing value means. `last` saves nothing here: the pass
    over the past is the work.
    """
    told = forecast(panel, params)
    z = told.z()
    judged = np.isfinite(z) & (told.seen >= params.get("least", least_seen(panel.frequency)))
    size = np.where(judged, np.abs(z), np.nan)
    return Scores(
        NAME,
        size,
        np.where(judged, told.tail(z), np.nan),
        judged & (z > 0),
        np.where(judged, told.expected(), np.nan),
    )
