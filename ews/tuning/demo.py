"""The demo: the shipped crises and quiet weeks through the real pipeline, on a simulated clock.

The facts are told in our own words, each with its date and where it was read; nothing in the
pipeline knows that they are a demo. After the run each case is checked against what a careful
officer should have been told (cases/expected.toml), and the quiet weeks against silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ews.model import Alert, AlertChange, AlertState, Article, Observation, Stage
from ews.pipeline import Pipeline
from ews.storage import Store
from ews.tuning import case_figures, cases
from ews.tuning.replay import Progress, replay

WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What the run showed of one case."""

    name: str
    reference: datetime
    alert: Alert | None  # the best alert of the case at 주의 or higher within 24 h
    change: AlertChange | None  # the change that reached that stage
    hours: float | None  # from the reference time to that change
    lacking: tuple[str, ...]  # what should be in it and is not: item, country, industry, ministry

    @property
    def passed(self) -> bool:
        return self.alert is not None and not self.lacking


@dataclass(frozen=True, slots=True)
class QuietResult:
    """Alerts that a quiet week raised; none is right."""

    name: str
    lines: int
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class DemoResult:
    cases: tuple[CaseResult, ...]
    quiet: tuple[QuietResult, ...]
    alerts: int

    @property
    def passed(self) -> bool:
        return all(c.passed for c in self.cases) and not any(q.alerts for q in self.quiet)


def run_demo(
    pipeline: Pipeline,
    names: Sequence[str] = (),
    progress: Callable[[str, float, int], None] | None = None,
) -> DemoResult:
    """Play the cases (default: all, and the quiet weeks) in order of time and check them.

    Played again over the same store it changes nothing. After a kill it goes on where it was.
    """
    chosen = tuple(names) or (*cases.names(), *cases.quiet())
    signals = signals_of(chosen)
    days = sorted({signal.available_at.date() for signal in signals})
    runs = _runs(days)
    past = [one for name in chosen for one in case_figures.history(name)]
    for number, (first, last) in enumerate(runs, start=1):
        part = [s for s in signals if first <= s.available_at.date() <= last]
        replay(
            pipeline,
            part,
            first,
            last,
            feeds=[f"case {first}"],
            history=past,
            progress=_part_of(progress, number, len(runs)) if progress else None,
        )
    wanted = set(chosen)
    return DemoResult(
        cases=tuple(check_case(pipeline.store, name) for name in cases.names() if name in wanted),
        quiet=tuple(check_quiet(pipeline.store, name) for name in cases.quiet() if name in wanted),
        alerts=pipeline.store.counts("alerts")["alerts"],
    )


def _part_of(progress: Callable[[str, float, int], None], number: int, parts: int) -> Progress:
    """Progress over all stretches from the progress inside one."""

    def tell(day: date, done: float, alerts: int) -> None:
        progress(day.isoformat(), (number - 1 + done) / parts, alerts)

    return tell


def _runs(days: Sequence[date], gap: int = 45) -> list[tuple[date, date]]:
    """Stretches of days with signals; a gap longer than `gap` days is not played day by day.

    Each stretch runs on past its last signal, so that alerts can end.
    """
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and (day - runs[-1][1]).days <= gap:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return [(first, last + timedelta(days=gap - 1)) for first, last in runs]


def check_case(store: Store, name: str) -> CaseResult:
    """Was it told in time, at 주의 or higher, with the right item, place, industry and ministry?"""
    wanted = cases.expected(name)
    best: tuple[int, float, AlertChange] | None = None
    for change in store.changes(since=wanted.at - WITHIN, until=wanted.at + WITHIN):
        alert = change.alert
        if alert.stage < Stage.CAUTION or alert.state is AlertState.RESOLVED:
            continue
        lack = len(_lacking(store, alert, wanted))
        hours = (change.at - wanted.at).total_seconds() / 3600
        if best is None or (lack, abs(hours)) < best[:2]:
            best = (lack, abs(hours), change)
    if best is None:
        return CaseResult(name, wanted.at, None, None, None, ("no alert at 주의 or higher",))
    change = best[2]
    hours = (change.at - wanted.at).total_seconds() / 3600
    lacking = _lacking(store, change.alert, wanted)
    return CaseResult(name, wanted.at, change.alert, change, hours, lacking)


def _lacking(store: Store, alert: Alert, wanted: cases.Expected) -> tuple[str, ...]:
    lacking = []
    if wanted.types and alert.type not in wanted.types:
        lacking.append("type")
    if wanted.countries and not set(wanted.countries) & set(alert.countries):
        lacking.append("country")
    if wanted.items and not set(wanted.items) & set(alert.items):
        lacking.append("item")
    if wanted.chokepoints and not set(wanted.chokepoints) & set(alert.chokepoints):
        lacking.append("chokepoint")
    events = dict.fromkeys((alert.event_id, *alert.members))
    exposures = [one for id_ in events for one in store.exposures(event_id=id_) if one.firm is None]
    industries = {exposure.industry for exposure in exposures if exposure.industry}
    if wanted.industries and not set(wanted.industries) & industries:
        lacking.append("industry")
    if not industries:
        lacking.append("a dependent industry")
    ministries = {m for exposure in exposures for m in exposure.ministries}
    if wanted.ministries and not set(wanted.ministries) & ministries:
        lacking.append("ministry")
    return tuple(lacking)


def check_quiet(store: Store, name: str) -> QuietResult:
    """Alerts whose first evidence is a line of the quiet week."""
    lines = cases.load(name)
    own = {line.id for line in lines}
    raised = []
    for alert in store.alerts():
        event = store.event(alert.event_id)
        if event is not None and event.evidence and event.evidence[0].signal_id in own:
            raised.append(alert)
    return QuietResult(name, len(lines), tuple(raised))


def signals_of(names: Sequence[str]) -> list[Article | Observation]:
    """All signals of these cases, oldest first, with the published figures of their time."""
    found = [one for name in names for one in (*cases.load(name), *case_figures.figures(name))]
    return sorted(found, key=lambda signal: (signal.available_at, signal.id))
