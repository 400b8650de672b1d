"""How far is each series usually off what its own past makes likely? From a panel, without scores."""

from __future__ import annotations

from math import log1p

import numpy as np

from ews.detectors.expectations import Family
from ews.detectors.fusion_match import Reading
from ews.detectors.fusion_odds import toward
from ews.detectors.own_past import NORMAL
from ews.detectors.panel import PER_YEAR, Floats, Panel
from ews.model import Direction

LEAST_PAIRS = 8  # seasonal differences without which nobody knows
IMPLIED_Z = 1.5  # z from which p and the move say how far the series usually moves


def usual(reading: Reading, family: Family) -> float:
    """The scale on which the reading is judged: the series' own, or the table's where that is unknown.

    Never smaller than p and the move imply together. A calibrated p is no smaller than null data can
    show; with a smaller scale a fall of 60 % in a very even series would be too small to be one.
    """
    z = toward(reading.p, Direction.UP, Direction.UP)
    moved = abs(reading.move if family.additive else log1p(max(reading.move, -0.99)))
    implied = moved / z if z >= IMPLIED_Z else 0.0
    known = reading.scale if reading.scale is not None and reading.scale > 0 else None
    return max(known or (0.0 if implied else family.scale), implied)


def scales(panel: Panel, additive: bool = False) -> Floats:
    """[n] usual standard deviation of ln(value / expected), NaN where too little is known.

    The MAD, as a normal sigma, of the differences to the same season of the year before, over
    sqrt(2): what a forecast that knows only last year would miss by, so never too small for one
    that knows more.
    `additive`: for series that are logarithms or standard deviations already.
    """
    season = round(PER_YEAR[panel.frequency])
    values = panel.values if additive else _logs(panel.values)
    found = np.full(len(panel.names), np.nan)
    if values.shape[1] <= season:
        return found
    apart = values[:, season:] - values[:, :-season]
    enough = (~np.isnan(apart)).sum(axis=1) >= LEAST_PAIRS
    rows = apart[enough]
    if len(rows):
        middle = np.nanmedian(rows, axis=1, keepdims=True)
        found[enough] = NORMAL * np.nanmedian(np.abs(rows - middle), axis=1) / np.sqrt(2)
    return found


def _logs(values: Floats) -> Floats:
    found = np.full(values.shape, np.nan)
    np.log(values, out=found, where=values > 0)
    return found
