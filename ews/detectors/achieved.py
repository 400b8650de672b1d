"""Do the detectors keep to their false-alarm budget? What was set, against what came.

What was set is the sum of the alphas of all tests that were made (`DetectorTurn.expected`). What
came are alarms: detections of one series and direction whose periods follow one another are one.
An alarm is real when news or a person confirmed what it saw, false when it was dismissed or ended
alone, and open until then. Open ones count as false when the question is whether a budget is
kept, and do not when it is whether it is broken: an unjudged alarm decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from scipy.special import gammaincinv

from ews.detectors.calibration import class_of
from ews.model import Detection, DetectorTurn, Event, EventStatus, Frequency, series_parts

# Below three expected false alarms a detector that is three times too loud is seen to be in less
# than seven of ten cases (Poisson): the figures are then too few to say.
ENOUGH = 3.0
WEEK = timedelta(days=7)
# Days from one period to the next, at most. Daily series are judged by weeks.
STEP = {
    Frequency.DAY: 7, Frequency.WEEK: 7, Frequency.MONTH: 31, Frequency.QUARTER: 92,
    Frequency.YEAR: 366,
}  # fmt: skip


class Verdict(StrEnum):
    WITHIN = "within"
    ABOVE = "above"
    TOO_FEW = "too few to say"

    @property
    def ko(self) -> str:
        words = {"within": "예산 이내", "above": "예산 초과", "too few to say": "판단하기에 부족"}
        return words[self]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Detections of one series and direction, by any detector, that follow one another."""

    detections: tuple[Detection, ...]  # by period
    real: bool | None  # None: open

    @property
    def series(self) -> str:
        return self.detections[0].series


@dataclass(frozen=True, slots=True)
class Rate:
    """What was set and what came, of one detector, class of measure, item, or of all."""

    name: str
    expected: float | None  # false alarms that the budget allowed; None where it is not kept apart
    alarms: int
    real: int
    false: int
    open: int
    tests: int | None = None
    weeks: float = 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95% of the mean number of false alarms: as if every open one were real, and false."""
        return poisson_interval(self.false)[0], poisson_interval(self.false + self.open)[1]

    @property
    def verdict(self) -> Verdict:
        """Within the budget, above it, or too little seen; too few where no budget is known."""
        if self.expected is None:
            return Verdict.TOO_FEW
        if poisson_interval(self.false)[0] > self.expected:
            return Verdict.ABOVE
        pessimistic = poisson_interval(self.false + self.open)[0]
        kept = self.expected >= ENOUGH and pessimistic <= self.expected
        return Verdict.WITHIN if kept else Verdict.TOO_FEW

    @property
    def per_week(self) -> tuple[float, float, float] | None:
        """False alarms a week (open ones counted as false), with its 95% interval."""
        if self.weeks <= 0:
            return None
        count = self.false + self.open
        low, high = poisson_interval(count)
        return count / self.weeks, low / self.weeks, high / self.weeks


@dataclass(frozen=True, slots=True)
class Achieved:
    """The service from `since` to `until`, and its parts by name."""

    since: datetime
    until: datetime
    service: Rate
    detectors: tuple[Rate, ...]
    classes: tuple[Rate, ...]
    items: tuple[Rate, ...]
    alarms: tuple[Alarm, ...] = field(repr=False)


def achieved(
    turns: Sequence[DetectorTurn],
    detections: Sequence[Detection],
    outcomes: Mapping[str, bool | None],
    since: datetime,
    until: datetime,
    frequencies: Mapping[str, Frequency],
    item_years: Mapping[str, float] | None = None,
) -> Achieved:
    """The rates in [since, until).

    `outcomes`: id of a detection -> whether it was real (`outcome_of`), None or absent: open.
    `frequencies`: of each series; a month where not given. `item_years`: expected false alarms a
    year of items (`Allocation.expected_per_item_year`); other items have no `expected`.
    """
    inside = [one for one in turns if since <= one.at < until]
    found = [one for one in detections if since <= one.found_at < until]
    alarms = episodes(found, outcomes, frequencies)
    weeks = max((until - since) / WEEK, 0.0)
    years = weeks * 7 / 365.25
    allowed = {item: per_year * years for item, per_year in (item_years or {}).items()}
    service = _rate("service", alarms, sum(t.expected for t in inside), inside, weeks)
    return Achieved(
        since, until, service,
        tuple(_of_detectors(inside, found, outcomes, frequencies, weeks)),
        tuple(_by(alarms, lambda a: (class_of(series_parts(a.series)[1]),), {}, weeks)),
        tuple(_by(alarms, lambda a: a.detections[0].items, allowed, weeks)),
        tuple(alarms),
    )  # fmt: skip


def episodes(
    detections: Iterable[Detection],
    outcomes: Mapping[str, bool | None],
    frequencies: Mapping[str, Frequency],
) -> list[Alarm]:
    """Alarms, in order of series, direction and period. One detection that was real makes its
    alarm real; without one, an open one keeps it open."""
    ordered = sorted(detections, key=lambda one: (one.series, one.direction, one.period, one.id))
    groups: list[list[Detection]] = []
    for one in ordered:
        before = groups[-1][-1] if groups else None
        step = timedelta(days=STEP[frequencies.get(one.series, Frequency.MONTH)])
        same = before is not None and (before.series, before.direction) == (
            one.series, one.direction,
        )  # fmt: skip
        if same and before is not None and one.period - before.period <= step:
            groups[-1].append(one)
        else:
            groups.append([one])
    return [Alarm(tuple(group), _real([outcomes.get(d.id) for d in group])) for group in groups]


def outcome_of(event: Event | None) -> bool | None:
    """Whether the event that a detection became or joined shows it to be real; None: open.

    Real: a person or the issuing authority confirmed it, or text tells of it too. False: it was
    dismissed, or it ended without any text.
    """
    if event is None:
        return None
    told = any(link.startswith("story:") for link in event.links)
    if event.status is EventStatus.DISMISSED:
        return False
    if event.status is EventStatus.CONFIRMED or told:
        return True
    return False if event.status is EventStatus.CLOSED else None


def poisson_interval(count: int) -> tuple[float, float]:
    """Exact 95% interval of the mean of a Poisson count (Garwood 1936).

    >>> [round(x, 2) for x in poisson_interval(0)], [round(x, 2) for x in poisson_interval(10)]
    ([0.0, 3.69], [4.8, 18.39])
    """
    low = float(gammaincinv(count, 0.025)) if count else 0.0
    return low, float(gammaincinv(count + 1, 0.975))


def _real(said: Sequence[bool | None]) -> bool | None:
    if True in said:
        return True
    return None if None in said else False


def _rate(
    name: str,
    alarms: Sequence[Alarm],
    expected: float | None,
    turns: Sequence[DetectorTurn] | None,
    weeks: float,
) -> Rate:
    said = [alarm.real for alarm in alarms]
    tests = None if turns is None else sum(turn.tests for turn in turns)
    return Rate(
        name, expected, len(said), said.count(True), said.count(False), said.count(None), tests,
        weeks,
    )  # fmt: skip


def _of_detectors(
    turns: Sequence[DetectorTurn],
    detections: Sequence[Detection],
    outcomes: Mapping[str, bool | None],
    frequencies: Mapping[str, Frequency],
    weeks: float,
) -> Iterable[Rate]:
    for name in sorted({t.detector for t in turns} | {d.detector for d in detections}):
        mine = [turn for turn in turns if turn.detector == name]
        found = [one for one in detections if one.detector == name]
        alarms = episodes(found, outcomes, frequencies)
        yield _rate(name, alarms, sum(turn.expected for turn in mine), mine, weeks)


def _by(
    alarms: Sequence[Alarm],
    names_of: Callable[[Alarm], Iterable[str]],
    allowed: Mapping[str, float],
    weeks: float,
) -> Iterable[Rate]:
    """A rate for each name that an alarm has or that something is allowed to, in order of name."""
    groups: dict[str, list[Alarm]] = {name: [] for name in allowed}
    for alarm in alarms:
        for name in names_of(alarm):
            groups.setdefault(name, []).append(alarm)
    for name in sorted(groups):
        yield _rate(name, groups[name], allowed.get(name), None, weeks)
