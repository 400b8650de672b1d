"""What is a time line made of, and what does it show? Flat rows, codes as they are.

Every row has its time; what people see and the replay did not read is marked `read=False`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.routing import Routes
from ews.model import Article, Observation, RuleSet, TaggedArticle
from ews.tuning.cases import Fact
from ews.tuning.references import Episode


@dataclass(frozen=True, slots=True)
class Known:
    """One fact, with both clocks."""

    observed_at: datetime  # when it was public; of a value, the period it is for
    available_at: datetime  # when ews could have known
    en: str
    ko: str
    outlet: str
    url: str
    read: bool  # False: for people only, the replay was not shown it
    hour_assumed: bool  # only the day is known
    page_later: bool  # told from a page of a later day: a collector of then may not have had it
    types: tuple[str, ...]  # event types that the classifier is sure enough of
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """When ews detected: an event made of signals, as it first stood."""

    at: datetime
    event: str
    type: str
    detector: str
    title: str
    countries: tuple[str, ...]
    items: tuple[str, ...]
    chokepoints: tuple[str, ...]
    probability: float
    severity: float


@dataclass(frozen=True, slots=True)
class Told:
    """One receiver and one change: told, or held back and why."""

    receiver: str
    sent: bool
    reason: str  # a RouteReason
    lang: str


@dataclass(frozen=True, slots=True)
class Step:
    """One change of an alert, with who heard of it."""

    at: datetime
    alert: str
    change: str  # a ChangeKind
    stage: int
    before: int | None
    title: str
    type: str
    countries: tuple[str, ...]
    items: tuple[str, ...]
    chokepoints: tuple[str, ...]
    chance: float | None
    reason: str
    of_case: bool  # False: an alert on something else that these signals told of
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """A ministry that the supply graph names for the alerts of the case, and for what."""

    ministry: str
    industries: tuple[str, ...]
    items: tuple[str, ...]
    told: tuple[str, ...]  # receivers of that ministry that were sent a message


@dataclass(frozen=True, slots=True)
class Happened:
    """What the state did, or how it went on. No replay reads it."""

    at: datetime
    en: str
    ko: str
    source: str
    meets: bool = False  # the reaction that the warning lead is taken to
    shortage: bool = False  # users were short
    hour_assumed: bool = True


@dataclass(frozen=True, slots=True)
class First:
    """An alert of the case that stood at a stage for the first time."""

    at: datetime
    alert: str
    stage: int


@dataclass(frozen=True, slots=True)
class Lead:
    """From our alert to what happened, in days; negative: we came later. None: there is no such."""

    hint: First | None  # first alert on the happening, an earlier hint included, at any stage
    hint_caution: First | None  # the same, at 주의 or higher
    measure: First | None  # first at 주의 or higher since 24 h before the onset: the thing itself
    reaction: Happened | None
    shortage: Happened | None
    hint_days: float | None  # from `hint_caution` to the reaction
    measure_days: float | None  # from `measure` to the reaction
    shortage_days: float | None  # from `measure` to the first shortage


@dataclass(frozen=True, slots=True)
class Played:
    """By what the case was played."""

    rules: str  # digest of the rule set
    rules_from: str  # shipped | home | version N | name of a file
    models: tuple[str, ...]
    tags_of_then: bool  # the store's own tags were taken, no text was read again
    network: str
    routes: str  # shipped | home | name of a file
    receivers: tuple[str, ...]
    since: datetime
    until: datetime
    texts: int
    values: int


@dataclass(frozen=True, slots=True)
class Script:
    """A case as it is played and shown."""

    name: str
    kind: str  # crisis | quiet | case
    en: str
    ko: str
    signals: Sequence[Article | Observation]
    facts: Sequence[Fact]
    episode: Episode | None = None
    onset: datetime | None = None
    reactions: tuple[Happened, ...] = ()
    reality: tuple[Happened, ...] = ()
    tags: Mapping[str, TaggedArticle] = field(default_factory=dict)  # of then, by text
    history: Sequence[Observation] = ()  # figures known before, which nothing is found in


@dataclass(frozen=True, slots=True)
class Setting:
    """By what a case is played, and where each part is from."""

    ruleset: RuleSet
    rules_from: str
    routes: Routes
    routes_from: str
    network: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A case, played: what was known when, what ews made of it, who was told, what came of it."""

    name: str
    kind: str  # crisis | quiet | case
    en: str
    ko: str
    onset: datetime | None
    reference_time: datetime | None
    expected_stage: int | None
    played: Played
    known: tuple[Known, ...]
    seen: tuple[Seen, ...]
    steps: tuple[Step, ...]
    reached: tuple[Reached, ...]
    lead: Lead | None
    reactions: tuple[Happened, ...]
    reality: tuple[Happened, ...]

    @property
    def alerts(self) -> int:
        return len({step.alert for step in self.steps})
