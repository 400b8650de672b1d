"""What does each detector say of each value of one series, as known at one moment?

The detectors read the same panel as the service's own turns do (ews.measuring.turns): the other
partners of an item, the other straits of a provider. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ews.detectors.alarms import ADDITIVE
from ews.detectors.calibration import calibrated, class_of, shipped
from ews.detectors.derived import derive
from ews.detectors.numeric import NUMERIC, Numeric
from ews.detectors.panel import Floats, Panel, Scores, panel_of
from ews.detectors.stopped import filled
from ews.measuring.monitored import TRADE
from ews.measuring.turns import HISTORY, grouped, panel_at
from ews.model import Frequency, series_parts
from ews.storage import Store
from ews.storage.series_rows import Summary, Waiting

BAND = (0.05, 0.95)  # of earlier errors
LEAST_ERRORS = 12  # that make a band


@dataclass(frozen=True, slots=True)
class Judged:
    """One detector on one series: all [t]."""

    detector: Numeric
    score: Floats
    tail: Floats
    p: Floats
    up: Floats
    expected: Floats


def group_of(summaries: Sequence[Summary], name: str) -> list[Summary]:
    """The series that are read side by side with one, itself among them; of a derived series those
    that it is worked out from. [] when there is none."""
    by_name = {one.name: one for one in summaries}
    if name in by_name:
        return next(grouped(summaries, {name: Waiting(name, 0, None)}), [])
    _, _, _, item = series_parts(name)
    for one in summaries:
        if one.item == item and class_of(one.measure) in TRADE and one.frequency is Frequency.MONTH:
            return next(grouped(summaries, {one.name: Waiting(one.name, 0, None)}), [])
    return []


def panel_for(store: Store, group: Sequence[Summary], name: str, now: datetime) -> Panel | None:
    """The panel of the class of measure of the series, as known at `now`; None without the series."""
    if not group:
        return None
    panel = panel_at(store, tuple(one.name for one in group), group[0].frequency, now)
    if name not in panel.names:
        panel = derive(panel)
    if name not in panel.names:
        return None
    kind = class_of(series_parts(name)[1])
    return panel.rows(np.array([class_of(one) == kind for one in panel.measures()], np.bool_))


def judged(
    panel: Panel, name: str, params: Mapping[str, float], last: int | None = None
) -> list[Judged]:
    """Every detector in force for the class, then the baselines, on one series of the panel."""
    kind = class_of(series_parts(name)[1])
    row = panel.names.index(name)
    found = []
    for detector in NUMERIC.values():
        if detector.in_force and kind not in detector.told:
            continue
        scores = detector.score(filled(panel) if detector.fills else panel, params, last)
        if not detector.in_force:  # the table of curves calls baselines by their name here
            scores = replace(scores, detector=detector.name)
        p = calibrated(scores, panel.measures(), shipped())
        found.append(_row(detector, scores, p, row))
    return found


def _row(detector: Numeric, scores: Scores, p: Floats, row: int) -> Judged:
    return Judged(
        detector, scores.score[row], scores.tail[row], p[row], scores.up[row].astype(np.float64),
        scores.expected[row],
    )  # fmt: skip


def expecting(found: Sequence[Judged]) -> Judged | None:
    """The detector in force that says most often what it expects."""
    told = [one for one in found if one.detector.in_force and np.isfinite(one.expected).any()]
    return max(told, key=lambda one: int(np.isfinite(one.expected).sum()), default=None)


def band(values: Floats, expected: Floats, kind: str) -> tuple[Floats, Floats]:
    """([t] low, [t] high): where nine of ten earlier values lay around what was expected then.

    Errors are shares of the expected value, differences for classes that are logarithms or standard
    deviations. NaN until a dozen values were expected. Each period's band is from earlier ones only.
    """
    low, high = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    additive = kind in ADDITIVE
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = values - expected if additive else values / expected
    for t in range(len(values)):
        past = errors[:t][np.isfinite(errors[:t])]
        if len(past) < LEAST_ERRORS or not np.isfinite(expected[t]):
            continue
        ends = np.quantile(past, BAND)
        at = expected[t] + ends if additive else expected[t] * ends
        low[t], high[t] = float(at[0]), float(at[1])
    return low, high


def firsts(store: Store, group: Sequence[Summary], name: str, now: datetime) -> Floats | None:
    """[t] the values as first published, of a stored series that is not read by weeks; None else."""
    frequency = group[0].frequency
    if frequency is Frequency.DAY or name not in {one.name for one in group}:
        return None
    got = store.columns(now, [name], now - HISTORY[frequency])
    if not len(got.rows):
        return None
    first = np.append(True, got.periods[1:] != got.periods[:-1])
    panel = panel_of(
        got.names, frequency, got.rows[first], got.periods[first].astype("M8[us]").astype("M8[D]"),
        got.available[first].astype("M8[us]"), got.values[first], now,
    )  # fmt: skip
    published: Floats = panel.values[0]
    return published
