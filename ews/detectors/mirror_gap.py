"""Do two countries suddenly disagree on what one sold to the other?

Judged are derived series (`gap`): ln(import that the importer reports / export that the exporter
reports). The importer values goods CIF, the exporter FOB, and what leaves late in a month arrives
in the next: both shift the gap, but stay as they were. So a gap is judged by its own past, and as
the mean of three periods, over which late arrivals even out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ews.detectors.own_past import Past, departures
from ews.detectors.panel import Floats, Panel, Scores

NAME = "mirror_gap"
TOGETHER = 3  # periods of a mean; sea freight between neighbours and to Europe takes 1 to 8 weeks
LEAST_TOGETHER = 2  # of them known, the newest among them
# Three years before the newest mean that shares no period with the value's; a year of it known.
# The IMF puts CIF at 1.06 times FOB where a country does not report (Direction of Trade Statistics
# Yearbook 2017): a gap that moves by less than that whole margin may be freight alone.
PAST = Past(lag=TOGETHER, span=36, least=12, floor=0.05)


def score(panel: Panel, params: Mapping[str, float], last: int | None = None) -> Scores:
    """Scores of every gap; `score` is the robust z of the mean of three. No params."""
    del params
    gaps = _means(panel.values)
    found = departures(gaps, PAST, last)
    return Scores(NAME, np.abs(found.z), found.tail(), found.z > 0, found.centre)


def _means(values: Floats) -> Floats:
    """[n, t] mean of the three periods that end with each; NaN where it is missing itself."""
    if not values.shape[1]:
        return values
    padded = np.pad(values, ((0, 0), (TOGETHER - 1, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, TOGETHER, axis=1)
    there = ~np.isnan(windows)
    count = there.sum(axis=2)
    means = np.full(values.shape, np.nan)
    enough = (count >= LEAST_TOGETHER) & ~np.isnan(values)
    np.divide(np.where(there, windows, 0.0).sum(axis=2), count, out=means, where=enough)
    return means
