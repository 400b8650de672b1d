"""Rows of an outlook: bands, shortage days, paths, deciding assumptions and what could be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ews.reports.views import BasisCount, Label


@dataclass(frozen=True, slots=True)
class DayBand:
    """Days from the start of the event, with the dates; None: not within the horizon."""

    p5: float | None
    p50: float | None
    p95: float | None
    p5_date: date | None
    p50_date: date | None
    p95_date: date | None
    never: float  # share of worlds in which it does not come within the horizon, 0..1


@dataclass(frozen=True, slots=True)
class LossBand:
    """Loss over the horizon in days of normal use, given that the event comes as told."""

    mean: float
    p5: float
    p50: float
    p95: float
    cvar95: float
    mean_error: float  # standard error of the mean that the finite number of worlds leaves
    expected: float  # mean times the probability of the event


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Share of a day's normal use that is short, 0..1."""

    day: int
    on: date
    p5: float
    p50: float
    p95: float
    assumed: float  # in the run as assumed
    bad: float  # with every assumption at its bad end


@dataclass(frozen=True, slots=True)
class HitBy:
    """Probability of being short by a day, given the event."""

    day: int
    on: date
    probability: float


@dataclass(frozen=True, slots=True)
class PathStep:
    """One hop of a path: from a seller to a buyer, with the share and where it was read."""

    source: Label
    target: Label
    weight: float  # share of the buyer's input, 0..1
    basis: str
    period: str
    citation: str
    felt_from: int  # first and last day on which it is felt at the end of the hop
    felt_to: int


@dataclass(frozen=True, slots=True)
class PathLine:
    """A path and what of the buyer's loss came by it."""

    share: float  # of the loss, 0..1
    lost_days: float  # of normal use
    struck: Label  # what the event hit
    steps: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class BuyerLine:
    """One use, industry or firm."""

    who: Label
    kind: str  # use | industry | firm
    items: tuple[Label, ...]
    ministries: tuple[Label, ...]
    shortage: DayBand
    assumed_day: int | None
    bad_day: int | None
    loss: LossBand
    hit_by: tuple[HitBy, ...]
    curve: tuple[CurvePoint, ...]
    paths: tuple[PathLine, ...]
    paths_loss: float  # days of normal use that the paths explain: of the run as assumed or bad
    paths_rest: float  # share of the loss that paths not listed carry
    paths_bad: bool  # of the bad case: the run as assumed loses nothing
    synthetic: bool


@dataclass(frozen=True, slots=True)
class DecidingLine:
    """An assumption and how far the worst buyer's loss moves with it."""

    name: Label
    basis: str
    citation: str
    unit: str
    low: float
    middle: float
    high: float
    loss_low: float  # days of normal use lost at the low end, all else as assumed
    loss: float
    loss_high: float
    flips: bool  # between its ends a shortage comes or goes
    variance: float | None  # share of the variance of the loss, 0..1


@dataclass(frozen=True, slots=True)
class FigureLine:
    """A number, None for unknown, with its basis."""

    value: float | None
    basis: str
    source: str


@dataclass(frozen=True, slots=True)
class AlternativeLine:
    """Another origin of an item, in the order of preference."""

    item: Label
    who: Label
    share: FigureLine
    spare: FigureLine
    lag_days: FigureLine
    price: FigureLine
    own_loss: FigureLine  # share of its flow that the same event takes
    shared: tuple[Label, ...]  # places of the event that it depends on too


@dataclass(frozen=True, slots=True)
class PlanLine:
    """How long a buyer lasts on its stock, and what would keep the bad case under the line."""

    who: Label
    item: Label
    impact_day: float | None  # first day on which less arrives, as assumed; None: not so
    stock_days: float
    stock_basis: str
    stock_as_of: str
    cover_days: float | None  # from the impact until the stock is gone, as assumed; None: it lasts
    bad_cover_days: float | None
    recover_days: float
    order_by: date | None  # in the bad case; before the start: it is late already
    order_late: bool
    lag_days: float
    lag_basis: str
    stock_needed: float | None  # days; None: no stock is enough
    bad_stock_days: float  # what there is of it in the bad case
    move_share: float | None  # of the import, to origins that are left alone; None: not enough


@dataclass(frozen=True, slots=True)
class OutlookReport:
    """What an event, or a what-if, may do and what could be done about it."""

    what: Label
    event_id: str  # "" for a what-if
    hypothetical: bool  # a what-if: nobody reported it
    start: date  # day 0
    as_of: datetime
    horizon_days: int
    probability: float
    magnitude: float  # the largest of its shocks
    duration_days: float
    shock_bases: tuple[str, ...]
    worlds: int
    seed: int
    enough: bool  # worlds enough for 2 % of the worst mean and 5 % of its P95
    engine: str
    switches: str
    residual: float
    line: float  # days of normal use that the plans keep to in the bad case
    buyers: tuple[BuyerLine, ...]
    untouched: tuple[Label, ...]  # buyers of the same items that lose nothing even in the bad case
    deciding: tuple[DecidingLine, ...]
    deciding_of: Label | None  # whose loss the assumptions decide
    plans: tuple[PlanLine, ...]
    alternatives: tuple[AlternativeLine, ...]
    unknown: tuple[Label, ...]  # items hit whose share was never read: not counted
    counted: bool  # False: no flow whose share was read is hit, so nothing can be said
    facts_on: date  # shares and stocks as known on that day
    bad_magnitude: float  # the largest of the bad case
    bad_duration_days: float
    no_alternatives: tuple[Label, ...]  # items hit of which no other origin is known
    bases: tuple[BasisCount, ...]
