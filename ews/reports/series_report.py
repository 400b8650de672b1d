"""Why did this series alarm, at what budget, what was known when, and what was revised?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np

from ews.detectors.achieved import outcome_of
from ews.detectors.alarms import moment
from ews.detectors.calibration import class_of
from ews.detectors.panel import Floats, Panel
from ews.measuring.monitored import TRADE, derived_names
from ews.model import Detection, Event, Source, series_parts
from ews.reports.names import told
from ews.reports.series_budget import (
    Kept,
    Shared,
    achieved_of,
    budget_of_series,
    kept,
    kind_of,
    shared,
    shared_of,
)
from ews.reports.series_list import Ages, derived_line, derived_series, line_of
from ews.reports.series_scores import Judged, band, expecting, firsts, group_of, judged, panel_for
from ews.reports.series_views import (
    About,
    Found,
    Joined,
    Point,
    SeriesLine,
    SeriesReport,
    Vintage,
)
from ews.reports.viewer import NotFound
from ews.reports.views import Label
from ews.storage import Store
from ews.storage.series_list import Listed
from ews.storage.series_rows import Summary
from scrapers import load_sources
from scrapers.calendars import release_of

PERIODS = 60  # periods of the table of vintages, the newest


@dataclass(frozen=True, slots=True)
class Known:
    """What is worked out once for many questions of one moment."""

    shared: Shared
    kept: Kept


def known(store: Store, at: datetime, past: bool = False) -> Known:
    return Known(shared(store, at), kept(store, at, past))


def known_of(store: Store, name: str, now: datetime) -> Known | None:
    """The same for one series as things stand now, at once; None when all must be shared out."""
    found = shared_of(store, now, name)
    return None if found is None else Known(found, kept(store, now))


def series_report(
    store: Store,
    name: str,
    now: datetime,
    as_of: datetime | None = None,
    periods: int | None = PERIODS,
    given: Known | None = None,
) -> SeriesReport:
    """One series as known at `as_of`, or now. Nothing later is read: values, vintages, detections,
    events, rules. NotFound when there was no such series then; ValueError for a name of another
    form."""
    at, past = as_of or now, as_of is not None
    given = given or (None if past else known_of(store, name, at)) or known(store, at, past)
    group = group_of(given.shared.summaries, name)
    panel = panel_for(store, group, name, at)
    if panel is None or not np.isfinite(panel.values[panel.names.index(name)]).any():
        raise NotFound(
            f"no series {name!r} had a value by {at:%Y-%m-%d}; `ews series list` or /series lists "
            "what there is",
            f"‘{name}’ 계열은 {at:%Y-%m-%d}까지 값이 없습니다. 있는 계열은 `ews series list`나 "
            "/series에서 찾으십시오.",
        )
    line = line_then(store, name, given.shared, at)
    scored = judged(panel, name, given.shared.params)
    detections = [one for one in store.detections(series=[name]) if one.found_at <= at]
    vintages, count = vintages_of(store, name, at, periods)
    best = expecting(scored)
    return SeriesReport(
        series=line,
        as_of=at,
        past=past,
        about=_about(line, group, panel),
        expected_by=best.detector.name if best else "",
        points=tuple(_points(panel, name, scored, firsts(store, group, name, at))),
        vintages=vintages,
        periods=count,
        detections=tuple(found_line(one) for one in detections),
        events=tuple(_joined(store, detections, at, past)),
        budget=budget_of_series(given.shared, name),
        since=given.kept.since,
        achieved=achieved_of(given.shared, given.kept, name),
    )


def line_then(store: Store, name: str, found: Shared, at: datetime) -> SeriesLine:
    """The line of the list, as of then."""
    stored = store.series([name])
    mine = [one for one in store.detections(series=[name]) if one.found_at <= at]
    newest = mine[0].found_at if mine else None
    if not stored:
        series = derived_series(name)
        assert series is not None  # a panel was derived
        return derived_line(series, found.budget, newest, len(mine))
    values = store.observations(at, series=name)
    newest_one = values[-1]
    listed = Listed(
        stored[0], values[0].observed_at, newest_one.observed_at,
        max(one.available_at for one in values), newest_one.value, newest, len(mine),
    )  # fmt: skip
    reports = store.newest_reports() if found.one else _reports_then(found.summaries)
    return line_of(listed, Ages(reports, at), found.budget)


def _reports_then(summaries: Sequence[Summary]) -> dict[tuple[str, str, str], datetime]:
    """As `Store.newest_reports`, from summaries as they stood."""
    newest: dict[tuple[str, str, str], datetime] = {}
    for one in summaries:
        if one.newest is not None:
            key = (one.provider, one.measure, one.place)
            newest[key] = max(one.newest, newest.get(key, one.newest))
    return newest


def _about(line: SeriesLine, group: Sequence[Summary], panel: Panel) -> About:
    source = _source(line)
    release = release_of(line.name)
    _, measure, _, item = series_parts(line.name)
    names = [one.name for one in group]
    flows = [one.name for one in group if one.item == item and class_of(one.measure) in TRADE]
    derived = derived_names(flows, panel.now) if class_of(measure) in TRADE else ()
    return About(
        publisher=source.publisher if source else "",
        source_title=source.title if source else "",
        source_title_ko=source.titled("ko") if source else "",
        terms=source.terms if source else "",
        calendar=Label(release.name, release.said, release.said_ko) if release else None,
        calendar_basis=release.read_in if release else "",
        kind=kind_of(line.name),
        judged=panel.frequency.value,
        made_of=tuple(n for n in sorted(names) if line.derived and series_parts(n)[3] == item),
        leads_to=tuple(sorted(derived)),
    )


@cache
def _sources() -> tuple[Source, ...]:
    """The sources that come with ews; they do not change while it runs."""
    return tuple(load_sources())


def _source(line: SeriesLine) -> Source | None:
    """The source that brings it; for values from a file, one of the same publisher."""
    every = _sources()
    own = (one for one in every if one.name == line.source)
    alike = (one for one in every if one.name.replace("_", "").startswith(line.provider))
    return next(own, None) or next(alike, None)


# --------------------------------------------------------------------------- period by period


@dataclass(frozen=True, slots=True)
class _Periods:
    """All that is said of the periods of one series; each array is [t]."""

    panel: Panel
    row: int
    expected: Floats
    low: Floats
    high: Floats
    published: Floats | None  # as first published; its newest period is that of the panel
    in_force: Sequence[Judged]

    def point(self, t: int) -> Point:
        known, revised = self.panel.known[self.row, t], bool(self.panel.revised[self.row, t])
        best = min(
            (one for one in self.in_force if np.isfinite(one.p[t])),
            key=lambda one: float(one.p[t]), default=None,
        )  # fmt: skip
        return Point(
            period=moment(self.panel.periods[t]).date(),
            value=_number(self.panel.values[self.row, t]),
            first=self._first(t) if revised else None,
            known_at=None if np.isnat(known) else moment(known),
            revised=revised,
            expected=_number(self.expected[t]),
            low=_number(self.low[t]),
            high=_number(self.high[t]),
            p=None if best is None else float(best.p[t]),
            detector="" if best is None else best.detector.name,
        )

    def _first(self, t: int) -> float | None:
        if self.published is None:
            return None
        at = t - (len(self.panel.periods) - len(self.published))
        return _number(self.published[at]) if at >= 0 else None


def _points(
    panel: Panel, name: str, scored: Sequence[Judged], published: Floats | None
) -> list[Point]:
    """From the first period with a value to the newest."""
    row, expects = panel.names.index(name), expecting(scored)
    values = panel.values[row]
    expected = expects.expected if expects else np.full(values.shape, np.nan)
    low, high = band(values, expected, kind_of(name))
    in_force = [one for one in scored if one.detector.in_force]
    every = _Periods(panel, row, expected, low, high, published, in_force)
    shown = np.flatnonzero(np.isfinite(values))
    return [every.point(t) for t in range(int(shown[0]), int(shown[-1]) + 1)]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def vintages_of(
    store: Store, name: str, at: datetime, periods: int | None
) -> tuple[tuple[Vintage, ...], int]:
    """(every vintage known at `at` of the newest periods, the newest period first and its newest
    vintage last; how many periods have one). All periods without a number."""
    found = store.vintages(at, series=name)
    days = sorted({one.observed_at for one in found}, reverse=True)
    kept_days = set(days if periods is None else days[:periods])
    rows: list[Vintage] = []
    number, before = 0, None
    for one in found:  # by period and available_at
        number = number + 1 if one.observed_at == before else 1
        before = one.observed_at
        if one.observed_at in kept_days:
            rows.append(
                Vintage(
                    one.observed_at.date(), one.value, one.available_at, one.basis.value, number
                )
            )
    rows.sort(key=lambda one: (one.period, -one.number), reverse=True)
    return tuple(rows), len(days)


# --------------------------------------------------------------------------- detections


def found_line(one: Detection) -> Found:
    return Found(
        id=one.id,
        detector=one.detector,
        period=one.period.date(),
        found_at=one.found_at,
        direction=one.direction.value,
        value=one.value,
        expected=one.expected,
        p=one.p,
        alpha=one.alpha,
        revised=one.revised,
        event_id=one.event_id,
        synthetic=one.synthetic,
    )


def _joined(
    store: Store, detections: Sequence[Detection], at: datetime, past: bool
) -> list[Joined]:
    """The events that the detections became or joined, as they stood then."""
    ids = list(dict.fromkeys(one.event_id for one in detections if one.event_id))
    found = []
    for id_ in ids:
        event = store.event_as_of(id_, at) if past else store.event(id_)
        if event is not None:
            alerts = [one.id for one in store.alerts(event_id=id_) if one.raised_at <= at]
            found.append(_event_line(event, alerts))
    return found


def _event_line(event: Event, alerts: Sequence[str]) -> Joined:
    real = outcome_of(event)
    return Joined(
        id=event.id,
        type=event.type,
        title=Label(event.id, told(event, "en"), told(event, "ko")),
        status=event.status.value,
        first_seen=event.first_seen,
        outcome="open" if real is None else "real" if real else "false",
        alerts=tuple(sorted(alerts)),
    )
