"""Codes: which codes of goods were replaced by a new one, so that an end or a start is no news?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import numpy as np

from ews.detectors.panel import Bools, Panel
from ews.model import Frequency, series_parts

# Revisions of the Harmonized System take effect on 1 January (2012, 2017, 2022, next 2028), later in
# countries that adopt late; national codes change in other Januaries, too, and some in July.
MONTHS: Final = (0, 6)
APART: Final = 3  # periods between the last value of the old code and the first of the new
PAST: Final = 12  # periods that the old code had


def replaced(panel: Panel) -> Bools:
    """[n, t] True from the period on in which another code took the series' place: same report,
    place and heading.

    A new code begins in the January or July in which an old one of its heading (first four digits)
    stops. Only monthly panels; what was there in the first year of the panel is not new.
    What comes after a period changes nothing at it, so that a detector may use it.
    """
    gone = np.zeros(panel.values.shape, np.bool_)
    for old, start in _changes(panel):
        gone[old, start:] = True
    return gone


def _changes(panel: Panel) -> Iterator[tuple[int, int]]:
    """(row of the code that was replaced, period) of every change."""
    if panel.frequency is not Frequency.MONTH or len(panel.periods) <= PAST:
        return
    has = np.isfinite(panel.values)
    starts = np.where(has.any(axis=1), has.argmax(axis=1), 0)
    months = panel.periods.astype("M8[M]").astype(int) % 12
    begun = np.flatnonzero((starts > PAST) & np.isin(months[starts], MONTHS))
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, name in enumerate(panel.names if len(begun) else ()):
        rows[_heading(name)].append(row)
    for new in begun:
        start = int(starts[new])
        for old in rows[_heading(panel.names[new])]:
            near = has[old, start - APART : start].any()
            if near and not has[old, start] and has[old, :start].sum() >= PAST:
                yield old, start


def _heading(name: str) -> tuple[str, ...]:
    provider, measure, place, item = series_parts(name)
    return provider, measure, place, item[:4]
