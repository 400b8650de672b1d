"""What would have been detected in one series at each release of a stretch of time? Nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from ews.detectors.alarms import ADDITIVE, moment, tested
from ews.detectors.panel import Bools, Panel
from ews.model import Direction
from ews.reports.series_budget import Shared, kind_of, shared
from ews.reports.series_report import line_then
from ews.reports.series_scores import Judged, group_of, judged, panel_for
from ews.reports.series_views import DryRun, Told
from ews.reports.viewer import NotFound
from ews.storage import Store
from ews.storage.series_rows import Summary

MOST = 120  # releases of one run
LAST = 12  # periods scored at each release: those tested, and what their runs look back to


def dry_run(
    store: Store, name: str, since: datetime, until: datetime, given: Shared | None = None
) -> DryRun:
    """Every detector, baselines too, on the values that each release brought, as known then.

    The budget and the rules are those of `until`. NotFound without such a series.
    """
    given = given or shared(store, until)
    group = group_of(given.summaries, name)
    whole = panel_for(store, group, name, until)
    if whole is None:
        raise NotFound(f"no series {name!r} had a value by {until:%Y-%m-%d}")
    every = _releases(store, group, name, since, until)
    releases = every[-MOST:]
    before = _before(every, releases, since)
    told: list[Told] = []
    for at in releases:
        panel = panel_for(store, group, name, at)
        if panel is not None:
            told += _at_release(panel, name, before, at, given)
        before = at
    alarms = {(one.period, one.detector) for one in told if one.alarm}
    return DryRun(
        series=line_then(store, name, given, until),
        since=since,
        until=until,
        releases=len(releases),
        left_out=len(every) - len(releases),
        told=tuple(told),
        alarms=len(alarms),
    )


def _before(every: Sequence[datetime], releases: Sequence[datetime], since: datetime) -> datetime:
    """When the series was read before the first release that is looked at."""
    earlier = every[: len(every) - len(releases)]
    return earlier[-1] if earlier else since


def _releases(
    store: Store, group: Sequence[Summary], name: str, since: datetime, until: datetime
) -> list[datetime]:
    """The moments in [since, until] at which the series got a value; of a derived one, those at which
    any series that it is made of did."""
    mine = {one.name for one in group}
    got = store.columns(until, [name] if name in mine else sorted(mine))
    at = np.unique(got.available).astype("M8[us]")
    return [moment(one) for one in at if since <= moment(one) <= until]


def _at_release(
    panel: Panel, name: str, before: datetime, at: datetime, given: Shared
) -> Iterator[Told]:
    row = panel.names.index(name)
    read = np.full(len(panel.names), np.datetime64(before.replace(tzinfo=None), "us"))
    mask = tested(panel, read)[row]
    if not mask.any():
        return
    last = min(len(panel.periods), max(LAST, len(panel.periods) - int(np.argmax(mask))))
    for one in judged(panel, name, given.params, last):
        yield from _told(panel, row, mask, one, at, given)


def _told(
    panel: Panel, row: int, mask: Bools, one: Judged, at: datetime, given: Shared
) -> Iterator[Told]:
    name = panel.names[row]
    alpha = _alpha(given, name, one.detector.name)
    for t in np.flatnonzero(mask & np.isfinite(one.p)):
        value, expected = float(panel.values[row, t]), float(one.expected[t])
        up, known = bool(one.up[t]), bool(np.isfinite(expected))
        direction = Direction.UP if up else Direction.DOWN
        yield Told(
            release=at,
            period=moment(panel.periods[t]).date(),
            value=value,
            revised=bool(panel.revised[row, t]),
            detector=one.detector.name,
            in_force=one.detector.in_force,
            score=float(one.score[t]),
            tail=float(one.tail[t]),
            p=float(one.p[t]),
            alpha=alpha,
            expected=expected if known else None,
            direction=direction.value,
            alarm=_alarms(one, name, direction, float(one.p[t]), alpha)
            and _matters(name, value, expected, given.params["least_move"]),
        )


def _alpha(given: Shared, name: str, detector: str) -> float:
    try:
        return given.allocation.alpha(name, detector)
    except KeyError:
        return 0.0


def _alarms(one: Judged, name: str, direction: Direction, p: float, alpha: float) -> bool:
    """Within its share of the budget, and the way that the detector tells (ews.detectors.alarms)."""
    return one.detector.in_force and p <= alpha and direction in one.detector.told[kind_of(name)]


def _matters(name: str, value: float, expected: float, least: float) -> bool:
    """Whether it moved by a share that matters; where nothing was expected, it may."""
    if not np.isfinite(expected):
        return True
    if kind_of(name) in ADDITIVE:
        return abs(value - expected) >= least
    with np.errstate(divide="ignore", invalid="ignore"):
        return not bool(np.abs(np.float64(value) / expected - 1.0) < least)
