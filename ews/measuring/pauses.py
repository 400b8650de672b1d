"""Which series have no value for a period whose report has arrived, and were not read since?

A trade that stops sends nothing, so nothing of it waits to be read. Without this question the stop
of everything in an item would be seen by nobody, and a pause would be tested at every look.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from ews.detectors.calibration import class_of
from ews.detectors.stopped import ARRIVED, FILL_YEARS, SIBLINGS, report_of
from ews.measuring.monitored import TRADE
from ews.model import Frequency
from ews.storage.series_rows import Summary

Report = tuple[str, str, str, Frequency]
ALIVE = timedelta(days=366 * FILL_YEARS)  # after its newest value a trade has ended


def pausing(summaries: Iterable[Summary], waiting: Collection[str]) -> list[Summary]:
    """Series of trade that miss the newest period of a report of which something waits."""
    trade = {measure: class_of(measure) in TRADE for measure in {s.measure for s in summaries}}
    reports: dict[Report, list[Summary]] = defaultdict(list)
    touched: set[Report] = set()
    for one in summaries:
        if trade[one.measure] and one.newest is not None:
            key = (*report_of(one.provider, one.measure, one.place), one.frequency)
            reports[key].append(one)
            if one.name in waiting:
                touched.add(key)
    return [one for key in sorted(touched) for one in _missing(reports[key])]


def _missing(report: Sequence[Summary]) -> list[Summary]:
    newest = max(one.newest for one in report if one.newest is not None)
    live = [one for one in report if one.newest is not None and newest - one.newest <= ALIVE]
    arrived = _arrived(live, newest)
    if arrived is None:
        return []
    return [
        one for one in live
        if one.newest != newest and (one.scored_until is None or one.scored_until < arrived)
    ]  # fmt: skip


def _arrived(live: Sequence[Summary], newest: datetime) -> datetime | None:
    """When enough of the report had its newest period; None: it has not, or is too small to say."""
    there = sorted(
        one.newest_available for one in live
        if one.newest == newest and one.newest_available is not None
    )  # fmt: skip
    need = math.ceil(ARRIVED * len(live))
    return there[need - 1] if len(live) >= SIBLINGS and len(there) >= need else None
