"""How far is each series usually off what its own past makes likely? From a panel, without scores."""

from __future__ import annotations

import numpy as np

from ews.detectors.panel import PER_YEAR, Floats, Panel

LEAST_PAIRS = 8  # seasonal differences without which nobody knows


def scales(panel: Panel, additive: bool = False) -> Floats:
    """[n] usual standard deviation of ln(value / expected), NaN where too little is known.

    1.4826 x MAD of the differences to the same season of the year before, over sqrt(2): what a
    forecast that knows only last year would miss by, so never too small for one that knows more.
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
        found[enough] = 1.4826 * np.nanmedian(np.abs(rows - middle), axis=1) / np.sqrt(2)
    return found


def _logs(values: Floats) -> Floats:
    found = np.full(values.shape, np.nan)
    np.log(values, out=found, where=values > 0)
    return found
