"""What the faces show of series: flat rows, with units, in words of both languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ews.reports.views import Label


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """A series of the list, with how old it is."""

    name: str  # provider/measure/place/item
    title: Label
    provider: str
    measure: str
    place: str
    item: str
    frequency: str  # D W M Q A
    unit: str
    currency: str  # ISO 4217, for money
    classification: str  # HS2017, HS2022, HS (revision not stated); "" for no goods
    valuation: str  # CIF | FOB | ""
    source: str
    synthetic: bool
    derived: bool  # worked out from other series, never fetched
    oldest: date | None  # first days of periods
    newest: date | None
    value: float | None  # of the newest period, as last revised
    available_at: datetime | None  # when the newest value became known
    age: str  # on_time | due | late | stale | silent | ended | unknown
    due_at: datetime | None  # when the next value is due by the release calendar
    blind: bool  # its silence must not read as calm
    found_at: datetime | None  # newest detection
    detections: int
    allowed: float  # false alarms a year that are accepted of its item, place or port, as set


@dataclass(frozen=True, slots=True)
class SeriesList:
    """One page of the series that fit what was asked."""

    series: tuple[SeriesLine, ...]
    count: int  # on all pages
    offset: int
    limit: int
    at: datetime  # ages are told as of then
    providers: tuple[str, ...]  # that there are, whatever was asked
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One period as the detectors saw it: its newest value known, and what they made of it."""

    period: date  # first day
    value: float | None  # None: missing, which is not zero
    first: float | None  # as first published, where it was revised
    known_at: datetime | None  # when the value became known
    revised: bool
    expected: float | None  # by the detector that says what it expects
    low: float | None  # nine of ten earlier values lay from here
    high: float | None  # to here, around what was expected then
    p: float | None  # smallest calibrated p of the detectors in force
    detector: str  # whose p it is


@dataclass(frozen=True, slots=True)
class Vintage:
    """One published figure of one period."""

    period: date
    value: float
    available_at: datetime
    basis: str  # recorded | calendar
    number: int  # 1: as first published


@dataclass(frozen=True, slots=True)
class Found:
    """One detection, as it was first seen."""

    id: str
    detector: str
    period: date
    found_at: datetime
    direction: str  # up | down
    value: float
    expected: float | None
    p: float
    alpha: float
    revised: bool
    event_id: str
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """An event that detections of the series became or joined, as it stood then."""

    id: str
    type: str
    title: Label
    status: str
    first_seen: datetime
    outcome: str  # real | false | open
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DetectorCost:
    """What one detector may cost on the series."""

    detector: str
    tests_per_year: float
    alpha: float  # it alarms when the calibrated p is at or below this
    per_year: float  # expected false alarms a year, at most
    basis: str  # what the p rests on: recorded | synthetic | other measures | assumed


@dataclass(frozen=True, slots=True)
class RateLine:
    """What was allowed and what came in a stretch of time."""

    name: str
    expected: float | None  # false alarms that the budget allowed; None: not kept apart
    alarms: int  # detections of one series and direction that follow one another are one
    real: int
    false: int
    open: int
    tests: int | None
    per_week: float | None  # false alarms, open ones counted as false
    low: float | None  # its 95% interval
    high: float | None
    verdict: str  # within | above | too few to say


@dataclass(frozen=True, slots=True)
class SeriesBudget:
    """What a series may cost, and the limits above it."""

    payer: Label  # item, HS code, chokepoint or port whose budget pays
    watched: bool
    tests: tuple[DetectorCost, ...]  # () when the series is not monitored
    per_year: float  # expected false alarms of the series a year
    item_set: float  # a year, as the analyst set it
    item_per_year: float  # what its tests may come to
    service_set: float  # a week
    service_per_week: float
    scaled: tuple[Label, ...]  # who got less than was set, and why


@dataclass(frozen=True, slots=True)
class About:
    """Where a series comes from and how it is read."""

    publisher: str
    source_title: str
    source_title_ko: str
    terms: str
    calendar: Label | None  # when the source makes a figure public
    calendar_basis: str  # where that was read
    kind: str  # class of measure whose null behaviour it shares
    judged: str  # frequency at which the detectors read it
    made_of: tuple[str, ...]  # series that a derived one is worked out from
    leads_to: tuple[str, ...]  # derived series that are worked out from it


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """One series as it was known at `as_of`: why it alarmed, at what budget, what was revised."""

    series: SeriesLine
    as_of: datetime
    past: bool  # as_of was asked for; nothing later is in the report
    about: About
    expected_by: str  # detector of the expected line; "" when none expects anything
    points: tuple[Point, ...]
    vintages: tuple[Vintage, ...]  # newest periods first
    periods: int  # with a value, of all time
    detections: tuple[Found, ...]  # newest first
    events: tuple[Joined, ...]
    budget: SeriesBudget
    since: datetime  # from when on achieved figures count
    achieved: tuple[RateLine, ...]  # of the series, its item, the service


@dataclass(frozen=True, slots=True)
class ItemBudget:
    """What one item may cost."""

    payer: Label
    watched: bool
    series: int  # monitored
    per_year_set: float
    per_year: float  # given
    tests_per_year: float
    least_alpha: float
    most_alpha: float


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """How the false-alarm budget is set, shared out and kept."""

    at: datetime
    ruleset: int
    per_week_set: float
    per_week: float  # what all tests may come to
    per_watched_year: float
    per_item_year: float
    own: tuple[tuple[Label, float], ...]  # items with a budget of their own
    series: int  # monitored
    tests_per_year: float
    items: tuple[ItemBudget, ...]
    items_count: int
    scaled: tuple[Label, ...]
    since: datetime
    service: RateLine
    detectors: tuple[RateLine, ...]
    classes: tuple[RateLine, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What one detector says of one period at one release."""

    release: datetime
    period: date
    value: float
    revised: bool
    detector: str
    in_force: bool  # a baseline is scored for comparison only
    score: float
    tail: float  # nominal
    p: float  # calibrated
    alpha: float  # 0: not monitored
    expected: float | None
    direction: str
    alarm: bool


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would have been detected at each release of a stretch of time."""

    series: SeriesLine
    since: datetime
    until: datetime
    releases: int
    left_out: int  # earlier releases than the newest that are looked at
    told: tuple[Told, ...]
    alarms: int
