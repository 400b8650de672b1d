"""What does the tuning desk answer? The same shapes for the command line, the API and the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from ews.model import Stage


@dataclass(frozen=True, slots=True)
class Period:
    """What is played: [since, until)."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise ValueError(f"the period ends ({self.until}) before it starts ({self.since})")

    @property
    def days(self) -> float:
        return (self.until - self.since) / timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Changes of a version of the rules: dotted key -> the value as it is typed."""

    base_version: int
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Against:
    """Files to score against, besides the cases of the store and the shipped ones."""

    episodes: tuple[Path, ...] = ()
    traps: tuple[Path, ...] = ()
    verdicts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Knob:
    """One value that may be moved."""

    key: str
    group: str  # rule | sensitivity | budget | other
    value: float | None  # None: not set (a budget that routes.toml leaves open)
    low: float
    high: float
    step: float
    label_en: str
    label_ko: str
    rule: str = ""  # of a threshold: its rule, stage and measure
    stage: Stage | None = None
    measure: str = ""
    end: str = ""  # raise_at | clear_at


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One key that differs; None: not there."""

    key: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class StageLoad:
    """New alerts that ever reached this stage as their highest."""

    stage: int
    stage_en: str
    stage_ko: str
    total: int
    per_day: float


@dataclass(frozen=True, slots=True)
class AlertLoad:
    """New alerts of the period."""

    total: int
    per_day: float
    most_in_a_day: int
    caution: int  # that ever reached 주의 or more
    caution_per_day: float
    by_stage: tuple[StageLoad, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """Messages a day to expect in the next period, with an 80% interval."""

    per_day: float
    low: float
    high: float
    says: str = ""  # key of what it rests on


@dataclass(frozen=True, slots=True)
class Told:
    """What one receiver was told, or would have been."""

    budget: int | None
    told: int
    told_per_day: float
    held: int
    held_per_day: float
    held_by_budget: int
    most_in_a_day: int
    days_over_budget: int
    expected: Expected | None = None


@dataclass(frozen=True, slots=True)
class ReceiverRow:
    receiver: str
    before: Told
    after: Told


@dataclass(frozen=True, slots=True)
class Point:
    """One operating point: what rules at these thresholds give."""

    factor: float | None  # all thresholds of the stage and above times this; None: as they stand
    per_day: float  # new alerts that reach the stage
    caught: int
    episodes: int
    recall: float | None  # None: no episode in the period
    right: int
    judged: int
    precision: float | None  # of the alerts that were judged; None: none was


@dataclass(frozen=True, slots=True)
class Curve:
    """Recall against alerts a day as the thresholds move together."""

    stage: int
    points: tuple[Point, ...]
    before: Point
    after: Point


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One reference episode before and after, caught at 주의 or more."""

    id: str
    name: str
    link: str
    severity: int
    required: bool
    before: bool
    after: bool
    hours_before: float | None  # from the reference time to the first alert; None: not, or by luck
    hours_after: float | None
    seen_before: bool  # at any stage
    seen_after: bool
    state: str  # kept | gained | lost | missed
    alert: str = ""  # that caught it after, or else before


@dataclass(frozen=True, slots=True)
class ConfusionRow:
    """One alert to read, as it is under the candidate (of one that is lost: as it was)."""

    alert: str
    at: datetime
    title: str
    link: str
    type: str
    stage: int  # highest it reached
    stage_en: str
    stage_ko: str
    stage_before: int | None  # None: there was none
    rule: str
    side: str  # same | gained | lost | moved
    judged: str  # true | false | episode | trap | open: nobody has judged it
    basis: str  # verdict | ledger | episode | trap | ""
    what: str = ""  # name of the episode, category of the trap, reason


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One rule test under the candidate."""

    name: str
    passed: bool
    expected: str
    got: str
    own: bool  # of $EWS_HOME/rules_test.toml
    guard: bool


@dataclass(frozen=True, slots=True)
class CaseRun:
    passed: int
    failed: tuple[CaseLine, ...]
    file_error: str = ""  # why $EWS_HOME/rules_test.toml cannot be read


@dataclass(frozen=True, slots=True)
class Basis:
    """What a preview rests on."""

    model: tuple[str, ...]
    network: str
    collected: int  # items in the period
    collected_per_day: float
    notes: tuple[str, ...]  # keys: what is of then, what is of now
    episodes: int
    verdicts: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would have done in the period."""

    period: Period
    base_version: int
    newest_version: int
    basis: Basis
    diff: tuple[DiffRow, ...]
    alerts_before: AlertLoad
    alerts_after: AlertLoad
    receivers: tuple[ReceiverRow, ...]
    curve: Curve | None
    episodes: tuple[EpisodeRow, ...]
    alerts: tuple[ConfusionRow, ...]
    traps_before: int
    traps_after: int
    tests: CaseRun
    seconds: float = field(default=0.0, compare=False)  # of work; not part of the answer


@dataclass(frozen=True, slots=True)
class Target:
    """What a proposal should reach: at most so many a day, at the best recall."""

    most_per_day: float
    stage: Stage = Stage.WATCH  # alerts that reach it count
    receiver: str | None = None  # count what this one would be told instead
    precision_at_least: float | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Changes found for a target, fitted on the first half of the period."""

    target: Target
    candidate: Candidate
    met: bool  # on the half it was fitted on
    fitted: tuple[Period, Point, Point]  # period, before, after
    held_out: tuple[Period, Point, Point]
    held_out_met: bool
    tried: int  # rule sets that were backtested
    most_tries: int
    preview: Preview  # of the whole period


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the rules, as the desk shows it."""

    version: int
    name: str
    by: str
    reason: str
    saved_at: datetime
    in_force_at: datetime | None
    state: str  # in_force | planned | past | replaced: a plan that a later version took over
    restores: int | None  # the version it took back to
    diff: tuple[DiffRow, ...]  # against the version before
