"""Panel: series of one frequency side by side, as they were known at one moment.

A numeric detector sees nothing else, so it cannot read a value before its `available_at`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ews.model import Frequency

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Days = NDArray[np.datetime64]

_STEP = {
    Frequency.DAY: ("D", 1),
    Frequency.WEEK: ("D", 7),
    Frequency.MONTH: ("M", 1),
    Frequency.QUARTER: ("M", 3),
    Frequency.YEAR: ("Y", 1),
}
PER_YEAR = {
    Frequency.DAY: 365.25,
    Frequency.WEEK: 365.25 / 7,
    Frequency.MONTH: 12.0,
    Frequency.QUARTER: 4.0,
    Frequency.YEAR: 1.0,
}


@dataclass(frozen=True, slots=True)
class Panel:
    """n series over t periods without a gap. A missing value is NaN, never zero."""

    names: tuple[str, ...]
    frequency: Frequency
    periods: Days  # [t] datetime64[D], first day of each period, ascending, none left out
    values: Floats  # [n, t]
    known: Days  # [n, t] datetime64[us] (UTC): available_at of the vintage; NaT where missing
    first: Days  # [n, t] datetime64[us]: available_at of the period's first vintage; NaT missing
    now: datetime

    def __post_init__(self) -> None:
        shape = (len(self.names), len(self.periods))
        for array in (self.values, self.known, self.first):
            if array.shape != shape:
                raise ValueError(f"a panel of {shape} got an array of {array.shape}")

    @property
    def revised(self) -> Bools:
        """[n, t] True where the value replaces an earlier vintage."""
        revised: Bools = self.known > self.first
        return revised

    def rows(self, chosen: Bools | NDArray[np.intp]) -> Panel:
        """The same periods for some of the series (a mask or indices)."""
        index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return replace(
            self,
            names=tuple(self.names[i] for i in index),
            values=self.values[index],
            known=self.known[index],
            first=self.first[index],
        )

    def measures(self) -> list[str]:
        return [name.split("/", 2)[1] for name in self.names]  # asked of all series, many times

    def newest(self) -> NDArray[np.intp]:
        """[n] index of each series' newest period that has a value; -1 for an empty series."""
        if not self.values.shape[1]:
            return np.full(len(self.names), -1)
        has = ~np.isnan(self.values)
        if not has.shape[1]:
            return np.full(len(self.names), -1)
        back = np.argmax(has[:, ::-1], axis=1)
        return np.where(has.any(axis=1), self.values.shape[1] - 1 - back, -1)


def grid(frequency: Frequency, first: np.datetime64, last: np.datetime64) -> Days:
    """First days of all periods from the one that holds `first` to the one that holds `last`.

    >>> grid(Frequency.MONTH, np.datetime64("2023-11-05"), np.datetime64("2024-01-01")).tolist()
    [datetime.date(2023, 11, 1), datetime.date(2023, 12, 1), datetime.date(2024, 1, 1)]
    """
    unit, step = _STEP[frequency]
    start, end = first.astype(f"M8[{unit}]"), last.astype(f"M8[{unit}]")
    if frequency is Frequency.QUARTER:  # quarters begin in January, April, July and October
        start = start - (start.astype(int) % 3)
    return np.arange(start, end + 1, step).astype("M8[D]")


def panel_of(
    names: tuple[str, ...],
    frequency: Frequency,
    rows: NDArray[np.intp],
    periods: Days,
    available: Days,
    values: Floats,
    now: datetime,
) -> Panel:
    """The panel of vintages given as columns: `rows[i]` is the index of the series in `names`.

    Vintages later than `now` are left out; of the others the newest of each period counts. Weekly
    periods must lie whole weeks apart; other days are put into the period that holds them.
    """
    at = np.datetime64(now.replace(tzinfo=None), "us")
    keep = available.astype("M8[us]") <= at
    rows, values = rows[keep], values[keep]
    days, seen = periods[keep].astype("M8[D]"), available[keep].astype("M8[us]")
    if not len(rows):
        empty = np.empty((len(names), 0))
        none = np.empty((len(names), 0), "M8[us]")
        return Panel(names, frequency, np.empty(0, "M8[D]"), empty, none, none, now)
    axis = grid(frequency, days.min(), days.max())
    column = np.searchsorted(axis, days, side="right") - 1
    cell = rows * len(axis) + column
    order = np.lexsort((seen, cell))
    cell, seen, values = cell[order], seen[order], values[order]
    last = np.append(cell[1:] != cell[:-1], True)
    start = np.append(True, cell[1:] != cell[:-1])
    shape = (len(names), len(axis))
    table = np.full(len(names) * len(axis), np.nan)
    known = np.full(len(table), np.datetime64("NaT"), "M8[us]")
    first = known.copy()
    table[cell[last]] = values[last]
    known[cell[last]] = seen[last]
    first[cell[start]] = seen[start]
    return Panel(
        names,
        frequency,
        axis,
        table.reshape(shape),
        known.reshape(shape),
        first.reshape(shape),
        now,
    )


def blocks(panel: Panel, width: int = 7, least: int = 4, ends: int | None = None) -> Panel:
    """Means of `width` days: one value a weekly release.

    Blocks are counted back from the newest day, or, with `ends` (0 Monday ... 6 Sunday) and weeks,
    from the newest such day that is over or is tomorrow: then a day more makes no new block. One
    with fewer than `least` values is missing. What a block knows is as old as its newest day. The
    panel must be daily and its series should end on about the same day.
    """
    if panel.frequency is not Frequency.DAY:
        raise ValueError("only a daily panel is cut into blocks")
    if ends is not None:
        panel = _ending(panel, ends)
    count = len(panel.periods) // width
    cut = len(panel.periods) - count * width
    shape = (len(panel.names), count, width)
    parts = panel.values[:, cut:].reshape(shape)
    has = ~np.isnan(parts)
    sums = np.where(has, parts, 0.0).sum(axis=2)
    number = has.sum(axis=2)
    means = np.full(number.shape, np.nan)
    np.divide(sums, number, out=means, where=number >= least)
    return Panel(
        panel.names,
        Frequency.WEEK,
        panel.periods[cut::width],
        means,
        _latest(panel.known[:, cut:].reshape(shape)),
        _latest(panel.first[:, cut:].reshape(shape)),
        panel.now,
    )


def _ending(panel: Panel, weekday: int) -> Panel:
    """The panel with days cut off, or one empty day added, so that it ends on that weekday."""
    if not len(panel.periods):
        return panel
    last = panel.periods[-1].astype(int)  # days since 1970-01-01, a Thursday
    over = int((last + 3 - weekday) % 7)
    if over < 6:
        keep = len(panel.periods) - over
        return replace(
            panel, periods=panel.periods[:keep], values=panel.values[:, :keep],
            known=panel.known[:, :keep], first=panel.first[:, :keep],
        )  # fmt: skip
    rows = (len(panel.names), 1)
    never = np.full(rows, np.datetime64("NaT"), "M8[us]")
    return replace(
        panel,
        periods=np.append(panel.periods, panel.periods[-1] + 1),
        values=np.hstack([panel.values, np.full(rows, np.nan)]),
        known=np.hstack([panel.known, never]),
        first=np.hstack([panel.first, never]),
    )


def _latest(moments: Days) -> Days:
    """Newest moment of the last axis; NaT where there is none."""
    ticks = moments.astype(np.int64)  # NaT is the smallest whole number
    newest: Days = ticks.max(axis=2).astype("M8[us]")
    return newest


@dataclass(frozen=True, slots=True)
class Scores:
    """What one detector says of each value, each from that value's own past and nothing later."""

    detector: str
    score: Floats  # [n, t] larger is more unusual; NaN: not judged (missing, or too little past)
    tail: Floats  # [n, t] nominal probability of a score as large when nothing happens, two-sided
    up: Bools  # [n, t] the value lies above what was expected
    expected: Floats  # [n, t] in the panel's unit; NaN where the detector expects nothing

    @classmethod
    def silent(cls, detector: str, panel: Panel) -> Scores:
        """Scores that judge nothing, to be filled."""
        shape = panel.values.shape
        return cls(
            detector,
            np.full(shape, np.nan),
            np.full(shape, np.nan),
            np.zeros(shape, np.bool_),
            np.full(shape, np.nan),
        )
