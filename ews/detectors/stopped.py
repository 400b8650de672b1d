"""Stopped: has a trade stopped, or has only its source fallen silent?

Two different things. A period that is missing while the other series of the same report arrived
means that nothing was traded: that is news, and unusual for a trade that never paused. A report
that is overdue means that we are blind: that is never calm, and never a shortage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ews.detectors.codes import replaced
from ews.detectors.panel import PER_YEAR, Bools, Days, Floats, Panel, Scores
from ews.detectors.smoothing import Params, is_size, least_seen
from ews.detectors.windows import later, sums
from ews.model import Frequency, series_parts

NAME: Final = "stopped"
ARRIVED: Final = 0.6  # of the series that usually come: then the report is there
SIBLINGS: Final = 5  # fewer say nothing of the report
FILL_YEARS: Final = 0.5  # of absence are read as zero; then the series has ended
# Chance of the first pause of a trade (Jeffreys: half a pause before any was seen), and of another
# period once it pauses (one of four before any was seen).
FIRST_PRIOR: Final = (0.5, 0.5)
STAY_PRIOR: Final = (0.5, 1.5)


@dataclass(frozen=True, slots=True)
class Overdue:
    """[n] how late the next value of each series is, and whether its whole report is."""

    days: Floats  # past the day it was due; negative: not due yet; NaN: no value to reckon from
    silent: Bools  # most of the live series of the same report are overdue: we are blind


def score(panel: Panel, params: Params, last: int | None = None) -> Scores:
    """Pauses of quantities, values and counts: `score` is -log10 of `tail`, `expected` what it was.

    A period with trade is judged, too, and has tail 1. Missing periods count as pauses where
    `filled` reads them so; others are not judged, nor are codes that a new code replaced. `params`:
    "least" values of past.
    """
    told = Scores.silent(NAME, panel)
    rows = is_size(panel)
    if not rows.any() or not panel.values.size:
        return told
    part = filled(panel.rows(rows))
    tail, seen = _pauses(part.values)
    judged = np.isfinite(part.values) & (seen >= params.get("least", least_seen(panel.frequency)))
    judged &= ~((part.values == 0) & replaced(part))
    traded = np.where(part.values > 0, part.values, np.nan)
    total, count = sums(traded, max(int(PER_YEAR[panel.frequency]), 1), 1)
    told.tail[rows] = np.where(judged, tail, np.nan)
    told.score[rows] = np.where(judged, np.abs(np.log10(tail)), np.nan)
    told.expected[rows] = np.where(judged, later(total / np.maximum(count, 1), 1), np.nan)
    return told


def filled(panel: Panel) -> Panel:
    """The panel with zeros where a flow is missing though its report has arrived.

    Only flows (import-*, export-*) are filled: their statistics have no row where there was no
    trade. `known` and `first` of such a zero are when enough of the report had arrived. A series is
    filled from its first value on, and for half a year after its newest trade at most; one whose
    code a new code replaced is not.
    """
    flows = np.array([m.startswith(("import-", "export-")) for m in panel.measures()], np.bool_)
    values, known, first = panel.values.copy(), panel.known.copy(), panel.first.copy()
    group = _reports(panel)
    has = np.isfinite(panel.values)
    usual = _usual(has, panel.frequency)
    far = max(int(FILL_YEARS * PER_YEAR[panel.frequency]), 1)
    traded = (panel.values > 0).astype(float)
    open_ = ~has & (sums(traded, far + 1, 1)[0] > 0) & flows[:, None]
    open_ &= ~replaced(panel)
    for report in np.unique(group[flows]):
        rows = np.flatnonzero(group == report)
        at = _arrived(panel.first[rows], has[rows], usual[rows])
        cells = open_[rows] & ~np.isnat(at)
        values[rows] = np.where(cells, 0.0, values[rows])
        known[rows] = np.where(cells, at, known[rows])
        first[rows] = np.where(cells, at, first[rows])
    return replace(panel, values=values, known=known, first=first)


def overdue(panel: Panel) -> Overdue:
    """Which next values are late, by the delay with which each series usually comes.

    A value is due one period after the newest, as long after the period's first day as half of the
    last twelve came; half a period, five days at least, is grace.
    """
    step = 365.25 / PER_YEAR[panel.frequency]
    usual = _median_of_last(_days(panel.first) - _days(panel.periods), 12)
    newest = panel.newest()
    has = newest >= 0
    started = np.where(has, _days(panel.periods)[newest], np.nan) if has.any() else np.nan
    now = np.array([panel.now.replace(tzinfo=None)], "M8[us]")
    since: Floats = np.broadcast_to(_days(now) - started, has.shape)
    days = since - step - usual - max(step / 2, 5.0)
    live = has & (since < 365.25 + usual)
    group = _reports(panel)
    late = np.bincount(group, live & (days > 0), minlength=1)
    number = np.bincount(group, live, minlength=1)
    return Overdue(days, late[group] > number[group] / 2)


def _pauses(values: Floats) -> tuple[Floats, Floats]:
    """[n, t] chance of a pause as long as the one that each period is in, and values before it.

    The chance is that of a two-state chain whose probabilities the periods before this pause gave.
    """
    shape = values.shape
    tail, seen = np.ones(shape), np.zeros(shape)
    starts, presents, stays, absents, number, run = np.zeros((6, shape[0]))
    for t, column in enumerate(np.ascontiguousarray(values.T)):
        has = np.isfinite(column)
        absent = has & (column == 0)
        begin = (starts + FIRST_PRIOR[0]) / (presents + sum(FIRST_PRIOR))
        stay = (stays + STAY_PRIOR[0]) / (absents + sum(STAY_PRIOR))
        seen[:, t] = number
        chance = np.minimum(begin * stay ** np.maximum(run, 0), 1.0)
        tail[:, t] = np.where(absent, chance, 1.0)
        over = has & ~absent  # a pause is learned from when it has ended
        presents += over
        starts += over & (run > 0)
        stays += np.where(over, np.maximum(run - 1, 0), 0)
        absents += np.where(over, run, 0)
        run = np.where(absent, run + 1, np.where(over, 0, run))
        number += has
    return np.maximum(tail, 1e-300), seen


def report_of(provider: str, measure: str, place: str) -> tuple[str, str, str]:
    """The report that a series comes with: provider, measure and, of trade, who reports.

    >>> report_of("customs", "import-kg", "CN-KR"), report_of("comtrade", "export-kg", "CN-KR")
    (('customs', 'import-kg', 'KR'), ('comtrade', 'export-kg', 'CN'))
    """
    sides = place.split("-")
    trade = measure.startswith(("import-", "export-")) and len(sides) == 2
    return provider, measure, sides[measure.startswith("import-")] if trade else ""


def _reports(panel: Panel) -> NDArray[np.intp]:
    """[n] number of the report that a series comes with."""
    numbers: dict[tuple[str, str, str], int] = {}
    found = [
        numbers.setdefault(report_of(*series_parts(name)[:3]), len(numbers)) for name in panel.names
    ]
    return np.array(found, np.intp)


def _usual(has: Bools, frequency: Frequency) -> Bools:
    """[n, t] True where the series had a value in at least half of the year's periods before."""
    year = max(int(PER_YEAR[frequency]), 2)
    usual: Bools = later(sums(has.astype(float), year, 1)[0], 1) >= year / 2
    return usual


def _arrived(first: Days, has: Bools, usual: Bools) -> Days:
    """[t] when enough of a report's usual series had a period; NaT: they do not yet."""
    expected = usual.sum(axis=0)
    need = np.ceil(ARRIVED * expected).astype(int)
    never = np.iinfo(np.int64).max
    ticks = np.sort(np.where(has & usual, first.astype(np.int64), never), axis=0)
    nth = np.take_along_axis(ticks, np.maximum(need - 1, 0)[None], axis=0)[0]
    ok = (expected >= SIBLINGS) & (nth < never)
    return np.where(ok, nth, np.iinfo(np.int64).min).astype("M8[us]")


def _days(moments: Days) -> Floats:
    """Days since 1970; NaN for NaT."""
    days = moments.astype("M8[us]").astype(np.int64) / 86_400e6
    return np.where(np.isnat(moments), np.nan, days)


def _median_of_last(values: Floats, number: int) -> Floats:
    """[n] median of the last `number` values that are there; NaN where there is none."""
    has = np.isfinite(values)
    behind = np.cumsum(has[:, ::-1], axis=1)[:, ::-1]  # 1 at the newest value
    ranked = np.sort(np.where(has & (behind <= number), values, np.inf), axis=1)
    count = np.minimum(has.sum(axis=1), number)
    middle = np.maximum(count - 1, 0) // 2
    if not values.size:
        return np.full(len(values), np.nan)
    return np.where(count > 0, np.take_along_axis(ranked, middle[:, None], axis=1)[:, 0], np.nan)
