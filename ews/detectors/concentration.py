"""Did trade in an item shift to fewer partners, all at once?

Judged are derived series (`hhi`, `top-share`) on the logit scale, where a step from 90 to 95
percent is as large as one from 10 to 20. The statistic is the jump: the value less the median of
the year before. Its own past jumps give centre and spread, so that an item that trades in lumps
or by season does not alarm for doing so again.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ews.detectors.own_past import Past, departures, judged, medians
from ews.detectors.panel import Floats, Panel, Scores

NAME = "concentration"
YEAR = 12  # periods of the level that a value is compared with: a whole season of months
LEAST_LEVEL = 6  # of them known
# Jumps of the last four years, a year of them known. A jump of one logit unit needs no finer
# yardstick than 0.1: a tenth moves a share of 50 percent by 2.5 points.
PAST = Past(lag=1, span=48, least=12, floor=0.1)
EDGE = 0.005  # shares nearer to 0 or 1 count as this near


def score(panel: Panel, params: Mapping[str, float], last: int | None = None) -> Scores:
    """Scores of every share; `score` is the robust z of the jump. No params."""
    del params
    shares = _logit(panel.values)
    needed = None if last is None else last + PAST.lag + PAST.span
    level = _levels(shares, needed)
    found = departures(shares - level, PAST, last)
    expected = 1 / (1 + np.exp(-(level + found.centre)))
    return Scores(NAME, np.abs(found.z), found.tail(), found.z > 0, expected)


def _logit(shares: Floats) -> Floats:
    inside = np.clip(shares, EDGE, 1 - EDGE)
    found: Floats = np.log(inside / (1 - inside))
    return found


def _levels(values: Floats, last: int | None) -> Floats:
    """[n, t] median of the year before each period."""
    found = np.full(values.shape, np.nan)
    for at in judged(values.shape[1], last):
        window = values[:, max(0, at - YEAR) : at]
        if window.shape[1] >= LEAST_LEVEL:
            enough = (~np.isnan(window)).sum(axis=1) >= LEAST_LEVEL
            found[:, at] = np.where(enough, medians(window), np.nan)
    return found
