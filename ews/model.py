"""Every noun of ews, as frozen dataclasses. Imports nothing of ours. READ FIRST.

Times are aware UTC. Shares, probabilities and magnitudes are 0..1. IDs are hashes of content, so
that every stage can run twice and write once. Every signal has two clocks: `observed_at` (what
the source says) and `available_at` (when we could have known); a replay sorts on the second.

The chain: Source -> Fetch -> Signal (Article | Observation), then Article -> TaggedArticle ->
Story, and Observation (a value of a Series) -> Detection; both -> Event -> Shock -> Exposure ->
Alert -> Notification -> Delivery.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum


def content_id(prefix: str, *parts: object) -> str:
    """A stable ID: the prefix and the first 16 hex digits of SHA-256 over the parts.

    >>> content_id("art", "https://example.org/a") == content_id("art", "https://example.org/a")
    True
    """
    text = "\x1f".join("" if part is None else str(part) for part in parts)
    return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


# --------------------------------------------------------------------------- collection


class FetchOutcome(StrEnum):
    """Three things, never two: an unchanged source is not a failed one."""

    NEW = "new"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class SourceState(StrEnum):
    """What a reader may conclude from a source's silence. Only `fresh` may read as calm."""

    FRESH = "fresh"
    STALE = "stale"  # it answers, but the newest date inside its data is too old
    FAILING = "failing"
    NEVER = "never"  # not fetched yet
    OFF = "off"  # disabled, or a key is missing

    @property
    def blind(self) -> bool:
        return self is not SourceState.FRESH


@dataclass(frozen=True, slots=True)
class Source:
    """A place we poll. Read from `scrapers/sources/<name>/source.toml`."""

    name: str
    publisher: str
    title: str
    url: str
    kind: str  # a key of scrapers.kinds.KINDS
    lang: str
    group: str  # news | official | hazard | shipping | statistics | price | policy
    terms: str
    every_s: int
    fresh_within_s: int
    expect_min: int
    expect_max: int
    enabled: bool = True
    key_env: str | None = None  # environment variable with the API key, when one is needed
    independence: str = ""  # sources of one newsroom or wire share a group; counts once
    authority: str | None = None  # ISO2 whose measures this source itself issues
    live_tested: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    country: str = "INT"  # ISO2 of the publisher's seat, EU, or INT for an international body
    tier: int = (
        2  # 1 states its own acts or measurements, 2 a newsroom, 3 gathered by a machine, 4 private
    )
    trusted: bool = True  # False: an analyst's own; it makes no event until an operator promotes it
    title_ko: str = ""  # the title for Korean readers; "" where none was written
    covers: tuple[str, ...] = ()  # item:<id> and country:<ISO2> that cannot be seen without it

    def titled(self, lang: str) -> str:
        """The title for readers of that language: Korean for `ko` where there is one."""
        return self.title_ko if lang == "ko" and self.title_ko else self.title

    def spoken_of(self, lang: str) -> str:
        """Publisher and title: "매일경제: 증권"; the title alone where it names the publisher."""
        title = self.titled(lang)
        named = self.publisher.casefold() in title.casefold()
        return title if named else f"{self.publisher}: {title}"


@dataclass(frozen=True, slots=True)
class Fetch:
    """One attempt at a source."""

    source: str
    at: datetime
    outcome: FetchOutcome
    status: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    sha256: str | None = None
    signals: int = 0
    newest: datetime | None = None  # newest observed_at inside the data
    error: str | None = None
    permanent: bool = False  # trying again cannot help
    retry_after_s: int | None = None
    rows: int | None = None  # read before any filter of ours, to compare with what is expected
    took_s: float | None = None  # from asking to parsed
    asked: bool = True  # False: its host is left alone for now, nothing was sent; not its failure
    answered_by: str = (
        ""  # mark of the URL that gave etag and last_modified: they are sent to no other
    )

    @property
    def id(self) -> str:
        return content_id("fch", self.source, self.at.isoformat())


@dataclass(frozen=True, slots=True)
class Raw:
    """One body as it came, kept so that a mended parser can read it again without the network."""

    source: str
    at: datetime  # of the fetch; all bodies of one turn share it
    page: int  # 0, 1, ... within the turn
    url: str  # as asked, without the key
    headers: Mapping[str, str]  # lower-case names; cookies and keys are not kept
    body: bytes
    parsed: bool = True  # False: an index that only led to another body

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


class Circuit(StrEnum):
    """Whether a source or a host is asked at all."""

    CLOSED = "closed"
    OPEN = "open"  # it failed too often in a row: one probe when the wait is over, nothing before
    GONE = "gone"  # 410: not asked again until an operator resumes it


@dataclass(frozen=True, slots=True)
class Polling:
    """How a source is polled: what must survive a restart."""

    name: str  # of the source
    next_due: datetime | None = None  # None: never planned
    why: str = ""  # what set next_due: schedule | history | cache (TTL too) | retry-after | back-off | circuit | gone | host
    failures: int = 0  # failed turns in a row
    circuit: Circuit = Circuit.CLOSED
    opened_at: datetime | None = None  # of the circuit
    moved_to: str | None = None  # where a permanent redirect sent us; asked there from then on
    moved_at: datetime | None = None
    changed_at: datetime | None = None  # when the body last differed from the one before
    every_s: int | None = None  # the interval that its own history asks for
    url: str = ""  # of source.toml at the last turn: a corrected one begins anew
    entries: str = ""  # digest of the ids of the texts of its last answer that had any
    news_at: datetime | None = None  # when such an answer last brought another text than before


@dataclass(frozen=True, slots=True)
class Host:
    """A host as all sources on it see it: what must survive a restart so that we stay polite."""

    name: str  # host[:port], lower case
    free_at: datetime | None = None  # no request before
    held_until: datetime | None = None  # it asked us to wait (429, 503 with Retry-After)
    failures: int = 0  # connections or answers that failed, in a row, over all its sources
    open_until: datetime | None = None  # the circuit: one probe then, nothing before
    robots: str | None = None  # text of robots.txt; None: never read, or not reachable
    robots_status: int | None = None  # its HTTP status; None: no answer
    robots_at: datetime | None = None  # when that was read


ARTICLE_ID = re.compile(r"art-(?:k-)?[0-9a-f]{16}")  # by its text, or by a publisher's key
KEYED_ID = re.compile(r"art-k-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Article:
    """One published text: news item, ministry notice, hazard bulletin. Plain text only."""

    id: str
    source: str
    outlet: str  # who publishes it: "Reuters", "산업통상부"
    url: str
    title: str
    text: str  # summary or lede, may be empty
    lang: str  # ko, en, zh, ja, ... ("" when not known)
    observed_at: datetime
    available_at: datetime
    independence: str = ""  # independence group; "" means the outlet stands alone
    authority: str | None = None  # ISO2 of the state that speaks here, when it is its own notice
    trusted: bool = True  # False: from a private source that nobody promoted yet

    @staticmethod
    def keyed_id(*key: str) -> str:
        """The ID by a publisher's own key, which cannot be computed from the text: such IDs stand
        apart from all others."""
        return content_id("art-k", *key)

    @staticmethod
    def make_id(source: str, url: str, title: str) -> str:
        return content_id("art", url or source, title)


class VintageBasis(StrEnum):
    """How we know when a value became known."""

    RECORDED = "recorded"  # we were there, or the source dates its vintages
    CALENDAR = "calendar"  # no vintage was recorded: the release calendar of the source says so


class Frequency(StrEnum):
    """One value a day, week, month, ... (the codes of SDMX)."""

    DAY = "D"
    WEEK = "W"
    MONTH = "M"
    QUARTER = "Q"
    YEAR = "A"


@dataclass(frozen=True, slots=True)
class Observation:
    """One vintage of the value of one series for one period.

    `series` reads `provider/measure/place/item`, e.g. `portwatch/transits/bab-el-mandeb/-`,
    `comtrade/export-kg/CN-KR/250410`, `pinksheet/price-usd/WLD/urea`; "-" means none. `observed_at`
    is the first day of the period. A missing value has no observation; zero is a value.
    """

    series: str
    observed_at: datetime
    available_at: datetime
    value: float
    unit: str = ""
    source: str = ""
    basis: VintageBasis = VintageBasis.RECORDED

    @property
    def id(self) -> str:
        return content_id(
            "obs", self.series, self.observed_at.isoformat(), self.available_at.isoformat()
        )

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """(provider, measure, place, item). ValueError when the series is not of that form."""
        return series_parts(self.series)


def series_parts(name: str) -> tuple[str, str, str, str]:
    """(provider, measure, place, item) of a series. ValueError when it is not of that form.

    >>> series_parts("comtrade/export-kg/CN-KR/250410")
    ('comtrade', 'export-kg', 'CN-KR', '250410')
    """
    bits = name.split("/")
    if len(bits) != 4 or not all(bits):
        raise ValueError(f"series {name!r} must read provider/measure/place/item ('-' for none)")
    return bits[0], bits[1], bits[2], bits[3]


@dataclass(frozen=True, slots=True)
class Series:
    """What the values of one series are: never guessed from their size."""

    name: str
    frequency: Frequency
    unit: str  # kg, USD, ships/day, USD/t, index, share, ...
    source: str = ""  # the source that brings it
    currency: str = ""  # ISO 4217, for money
    classification: str = ""  # "HS2017", "HS2022", "HS" (revision not stated); "" for no goods
    valuation: str = ""  # CIF | FOB | "" (not money of trade, or not stated)
    title: str = ""
    synthetic: bool = False  # made by our generator; shown as such wherever it appears


# --------------------------------------------------------------------------- what numbers say


class Direction(StrEnum):
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Detection:
    """One detector's alarm on one period of one series, as first seen."""

    series: str
    detector: str  # a key of ews.detectors.numeric.NUMERIC
    period: datetime  # first day of the period that is unusual
    found_at: datetime  # available_at of the value that made it so
    direction: Direction
    value: float
    expected: float | None  # what the series' own past makes likely; None when it says nothing
    score: float  # in the detector's own unit, docs/detectors.md
    p: float  # probability of a score as large when nothing happens, per test (calibrated)
    alpha: float  # the share of the false-alarm budget that this test had
    items: tuple[str, ...] = ()  # items of the reference network, or the HS code itself
    revised: bool = False  # the value replaces an earlier vintage of the period
    event_id: str = ""  # the event that it became, or joined
    facts: Mapping[str, float] = field(default_factory=dict)
    synthetic: bool = False

    @property
    def id(self) -> str:
        return content_id("det", self.detector, self.series, self.period.isoformat())


@dataclass(frozen=True, slots=True)
class DetectorTurn:
    """What one detector did in one turn: how many tests, and what they were allowed to cost."""

    detector: str
    at: datetime
    tests: int
    expected: float  # false alarms that the budget allows these tests: the sum of their alphas
    alarms: int


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """The indices of one item for Korea in one month, from the series known then."""

    item: str  # HS6 code
    month: datetime  # first day; the newest month whose imports are in
    computed_at: datetime  # `now` of the as-of view
    weights: str  # digest of the weights file
    indices: Mapping[str, float]  # name -> value; one that cannot be known is absent
    score: float | None  # 0..1, the weighted mean of what is known; None when too little is
    coverage: float  # share of the weight that is known
    facts: Mapping[str, str] = field(default_factory=dict)  # top partner, HS revision, periods, ...
    synthetic: bool = False


# --------------------------------------------------------------------------- text


class Phase(StrEnum):
    THREAT = "threat_or_proposed"
    ACTUAL = "actual_or_ongoing"
    EASING = "easing_or_aftermath"


class MentionKind(StrEnum):
    COUNTRY = "country"  # code: ISO 3166-1 alpha-2, or EU
    PORT = "port"  # code: slug of graph/data/ports.csv
    CHOKEPOINT = "chokepoint"  # code: slug of graph/data/chokepoints.csv
    ITEM = "item"  # code: item id of graph/data/items.csv
    FIRM = "firm"  # code: slug


@dataclass(frozen=True, slots=True)
class Mention:
    """Something a text names, linked to the reference data."""

    kind: MentionKind
    code: str
    confidence: float
    start: int  # span in `title + "\n" + text`
    end: int
    text: str
    role: str = "hit"  # hit (its supply or site is touched, or it is a party) | comment
    in_title: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """An event type with its calibrated probability, by a named model version."""

    type: str
    probability: float


@dataclass(frozen=True, slots=True)
class TaggedArticle:
    """What the classifier says of one article. `tags` holds every type above 0.02."""

    article_id: str
    model: str  # "ews-e5.v3", "lexicon.v1"
    tags: tuple[Tag, ...]
    p_event: float  # probability that the text reports any event (1 - P(none))
    phase: Phase | None
    severity: float  # expected severity 0..3, from the text alone
    mentions: tuple[Mention, ...] = ()
    screened: bool = False  # the cheap first pass called it irrelevant; the model did not run
    degraded: bool = False  # the fallback classifier spoke
    price_direction: str | None = None
    triage: bool = False  # the model does not know whether it is an event; a person should look
    vector: bytes = b""  # story vector: signed bytes, 127 times a unit vector; b"" without one
    # Probability that it tells of a present happening that can change what Korea buys; None: not read
    relevance: float | None = None
    folded: str = ""  # id of the earlier article that this one repeats: its tags are taken

    def probability(self, type_: str) -> float:
        return next((tag.probability for tag in self.tags if tag.type == type_), 0.0)

    def codes(self, kind: MentionKind) -> tuple[str, ...]:
        """Codes of that kind, each once, in order of mention."""
        return tuple(dict.fromkeys(m.code for m in self.mentions if m.kind is kind))


# --------------------------------------------------------------------------- stories


@dataclass(frozen=True, slots=True)
class StoryMember:
    """One article of a story, with what later stages need of it."""

    article_id: str
    independence: str
    outlet: str
    title: str
    url: str
    lang: str
    observed_at: datetime
    available_at: datetime
    probability: float  # of the story's type
    severity: float
    phase: Phase
    authority: str | None = None
    copy_of: str = ""  # the earlier member whose text this one repeats
    sketch: bytes = b""  # of the text, to know a repeated one (nlp.wires)
    states: bool = True  # its own text reaches the reader's line; others only follow the story
    relevance: float | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """Articles that tell the same happening, in any outlet or language. Evidence, not a fact.

    Counters map a code to the number of articles that name it; `members` keeps the first and the
    newest articles (a large story has more, see `size`).
    """

    id: str
    type: str
    first_seen: datetime
    last_seen: datetime
    size: int
    members: tuple[StoryMember, ...]
    groups: tuple[str, ...]  # independence groups of the articles that state the event, sorted
    types: Mapping[str, int]
    countries: Mapping[str, int]
    items: Mapping[str, int]
    ports: Mapping[str, int]
    chokepoints: Mapping[str, int]
    firms: Mapping[str, int]
    terms: Mapping[str, int]
    model: str = ""
    price_direction: str | None = None
    vector: bytes = b""  # mean story vector of the articles, as `TaggedArticle.vector`
    recent: bytes = b""  # the same of the newest few
    quiet: bool = False  # no article states the event surely enough for a reader: no event yet
    updates: int = 0  # articles after the first that repeat none before
    # Articles of sources that nobody promoted: shown beside the story, counted nowhere in it.
    unverified: tuple[StoryMember, ...] = field(default=(), metadata={"left_out": True})

    @property
    def stating(self) -> float:
        """About how many articles state the event themselves: a large story keeps part of them."""
        kept = sum(member.states for member in self.members)
        return self.size * kept / len(self.members) if kept else float(self.size)

    def core(self, kind: str, share: float = 0.2) -> tuple[str, ...]:
        """Codes of that counter that at least `share` of the articles that state the event name,
        most named first."""
        floor = max(1.0, share * self.stating)
        counts: Mapping[str, int] = getattr(self, kind)
        kept = sorted((-n, code) for code, n in counts.items() if n >= floor)
        return tuple(code for _, code in kept)


# --------------------------------------------------------------------------- events


class EventStatus(StrEnum):
    SUSPECTED = "suspected"
    CORROBORATED = "corroborated"  # two or more independence groups, or a detector and a text
    CONFIRMED = "confirmed"  # the authority that issues the measure says so, or an analyst
    CLOSED = "closed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One signal that speaks for an event."""

    signal_id: str
    independence: str
    available_at: datetime
    title: str = ""
    outlet: str = ""
    url: str = ""
    observed_at: datetime | None = None
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, or threatens, and can disrupt supply."""

    id: str
    type: str  # main event type, a key of nlp/taxonomy.toml
    also: tuple[str, ...]  # further types the evidence states
    status: EventStatus
    phase: Phase
    probability: float  # that the event is real and of this type (calibrated, pooled)
    severity: float  # expected 0..3
    countries: tuple[str, ...]
    items: tuple[str, ...]
    ports: tuple[str, ...]
    chokepoints: tuple[str, ...]
    firms: tuple[str, ...]
    title: str
    first_seen: datetime  # available_at of the first evidence
    updated_at: datetime  # available_at of the newest material change
    evidence: tuple[Evidence, ...]
    detector: str  # who raised it: a key of ews.detectors.DETECTORS
    revision: int = 1  # rises on each material change
    onset: datetime | None = None
    model: str = ""
    authority: bool = False  # the issuing state's own notice
    facts: Mapping[str, float] = field(default_factory=dict)  # detector's numbers, e.g. drop=0.44
    last_seen: datetime | None = None  # available_at of the newest evidence, material or not
    # Probability that its evidence tells of a present happening that can change what Korea buys
    relevance: float | None = None
    # What feeds it: "story:<id>", "series:<name>". Text and numbers of one happening share an event.
    links: tuple[str, ...] = ()

    @property
    def independent_sources(self) -> int:
        return len({e.independence for e in self.evidence})


# --------------------------------------------------------------------------- graph


@dataclass(frozen=True, slots=True)
class Shock:
    """An event laid on the network: a target loses `magnitude` of its flow."""

    event_id: str
    target_kind: str  # origin (country, item) | chokepoint | port | country | item | firm
    target: str  # node id, e.g. "origin:CN:urea", "chokepoint:bab-el-mandeb"
    magnitude: float
    probability: float
    duration_days: float
    start: datetime
    lag_days: float = 0.0  # notice period before it bites
    basis: str = ""  # where magnitude and duration come from: "assumed: ...", "observed: ..."


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path, with why it is believed."""

    source: str  # node id
    target: str  # node id
    label_en: str
    label_ko: str
    weight: float | None  # share 0..1; None means unknown, and is shown as unknown
    basis: str  # stated | computed | inferred | assumed | unknown | synthetic
    period: str = ""  # year of the figure, e.g. "2021"
    citation: str = ""  # publisher and URL that was read


@dataclass(frozen=True, slots=True)
class Exposure:
    """Share of a use's input that one event threatens, when it bites, and by which path."""

    event_id: str
    item: str
    origin: str | None  # ISO2 of the supplier hit, or None
    use_id: str  # node id of the domestic use, "" for a firm's own input
    industry: str  # KSIC code, "" unknown
    ministries: tuple[str, ...]
    share_at_risk: float | None  # of Korea's import of the item (or the firm's input); None unknown
    magnitude: float  # share of that flow that is lost, 0..1
    probability: float
    impact_day: float | None  # days from `start` until the loss reaches the user
    time_to_survive_days: float | None
    time_to_recover_days: float
    path: tuple[Hop, ...]
    firm: str | None = None  # only for a firm's own exposure
    synthetic: bool = False
    critical: bool = False  # on a public list of critical or managed items
    watched: bool = False  # on our own watch list

    @property
    def id(self) -> str:
        return content_id(
            "exp",
            self.event_id,
            self.item,
            self.origin,
            self.use_id,
            self.firm,
            "|".join(hop.target for hop in self.path),
        )

    @property
    def loss(self) -> float | None:
        """Expected share of the input lost if the event is real; None when a share is unknown."""
        return None if self.share_at_risk is None else self.share_at_risk * self.magnitude


# --------------------------------------------------------------------------- alerts


class Stage(IntEnum):
    """Each stage is tied to an action (docs/stages.md)."""

    WATCH = 1  # 관심
    CAUTION = 2  # 주의
    ALERT = 3  # 경계
    SEVERE = 4  # 심각

    @property
    def ko(self) -> str:
        return {1: "관심", 2: "주의", 3: "경계", 4: "심각"}[self.value]

    @property
    def en(self) -> str:
        return {1: "watch", 2: "caution", 3: "alert", 4: "severe"}[self.value]

    @classmethod
    def parse(cls, text: str) -> Stage:
        for stage in cls:
            if text.strip().lower() in {stage.ko, stage.en, stage.name.lower(), str(stage.value)}:
                return stage
        raise ValueError(f"unknown stage {text!r}; use one of 관심, 주의, 경계, 심각")


class AlertState(StrEnum):
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Ending(StrEnum):
    """How an alert ended."""

    EASED = "eased"  # the event eased or fell below every rule
    QUIET = "quiet"  # no new evidence for long; nobody said that it is over
    CLEARED = "cleared"  # a person said that it is over
    RETRACTED = "retracted"  # it was never so


@dataclass(frozen=True, slots=True)
class Threshold:
    """Raise at or above `raise_at`; once firing, clear only below `clear_at`."""

    raise_at: float
    clear_at: float


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules and thresholds in force: who set them, when and why."""

    version: int
    by: str
    reason: str
    created_at: datetime
    rules: Mapping[str, object]  # the parsed TOML document, as alerts/rules.toml
    name: str = ""
    in_force_at: datetime | None = None  # planned for then; None: as soon as it was saved

    def in_force(self, now: datetime) -> bool:
        return self.in_force_at is None or self.in_force_at <= now

    @property
    def digest(self) -> str:
        return content_id("rs", repr(sorted(flatten(self.rules).items())))


def flatten(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Dotted keys of a nested mapping.

    >>> flatten({"a": {"b": 1}})
    {'a.b': 1}
    """
    flat: dict[str, object] = {}
    for key, value in tree.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping):
            flat.update(flatten(value, path))
        else:
            flat[path] = value
    return flat


@dataclass(frozen=True, slots=True)
class Witness:
    """Who states one event of an alert, so that sources are counted over all of its events."""

    event_id: str
    groups: tuple[str, ...]  # independence groups, sorted
    authority: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that holds for an event. One per happening, however many outlets tell it."""

    id: str
    fingerprint: str
    event_id: str
    stage: Stage
    max_stage: Stage  # highest stage it ever reached
    state: AlertState
    raised_at: datetime
    updated_at: datetime
    revision: int
    ruleset: int  # version of the RuleSet that decided last
    rule: str  # name of the rule that holds
    reasons: tuple[str, ...]  # readable, "key=value" facts behind the stage
    type: str
    countries: tuple[str, ...]
    items: tuple[str, ...]
    chokepoints: tuple[str, ...]
    ports: tuple[str, ...]
    ministries: tuple[str, ...]
    title: str
    signed_off_by: str | None = None  # who signed the stage of now; None: nobody, or none is asked
    event_revision: int = 0
    exposure_ids: tuple[str, ...] = ()  # strongest first
    resolved_at: datetime | None = None
    signed_off_at: datetime | None = None
    members: Mapping[str, int] = field(
        default_factory=dict
    )  # event -> stage its rule holds, 0 none
    industries: tuple[str, ...] = ()  # KSIC codes of the industries that depend on it
    unlisted: tuple[str, ...] = ()  # items of which no domestic use is on record
    carried: tuple[str, ...] = ()  # further items that its routes carry, too many to name
    proposed: Stage | None = (
        None  # a stage that waits for a signature; `stage` is in force meanwhile
    )
    proposed_at: datetime | None = None
    sign_by: datetime | None = None  # then the proposed stage is taken unsigned, and says so
    timed_out: bool = False  # the stage of now was taken because nobody signed in time
    refused: Stage | None = None  # a person looked, and said no to this stage
    refused_by: str | None = None
    holder: str | None = None  # person who has taken it (acknowledged, or was handed it)
    acknowledged_at: datetime | None = None
    takers: Mapping[str, int] = field(default_factory=dict)  # who acknowledged it -> at which stage
    ending: Ending | None = None  # how it ended; None while it fires
    blind_since: datetime | None = None  # what it depends on cannot be seen since then
    witnesses: tuple[Witness, ...] = ()  # of the members that hold a stage
    asked_since: datetime | None = None  # since when 경계 or more waits unsigned
    signals: tuple[str, ...] = ()  # ids of its newest evidence: the same evidence, the same thread
    phase: Phase | None = None  # the most actual phase that was told
    mistake: str = ""  # why a person took it back: a reason of FALSE_ALARMS; "" the rules did
    # Probability, as sent, that it is true: a present happening that can change what Korea buys
    chance: float | None = None

    @property
    def independent_sources(self) -> int:
        """Independence groups over all its events; 0 when none was kept (alerts of old versions)."""
        return len({group for witness in self.witnesses for group in witness.groups})

    @property
    def authority(self) -> bool:
        return any(witness.authority for witness in self.witnesses)


class ChangeKind(StrEnum):
    """What happened to an alert. `MATERIAL` ones are told; the others only bring the first message
    of its thread up to date."""

    RAISED = "raised"
    STAGE_UP = "stage_up"
    STAGE_DOWN = "stage_down"
    UPDATED = "updated"  # something material was added; the stage stands
    RESOLVED = "resolved"  # eased, quiet, or cleared by a person
    RETRACTED = "retracted"  # it was never so: dismissed, refuted or a false alarm
    REOPENED = "reopened"
    PROPOSED = "proposed"  # a stage waits for a signature
    REFUSED = "refused"  # a person said no to the proposed stage
    ACKNOWLEDGED = "acknowledged"
    HANDED_OVER = "handed_over"
    ESCALATED = "escalated"  # nobody acknowledged in time: the next person is called
    RELEASED = "released"  # what held it back (silence, inhibition, quiet hours, cooldown) is over
    BLIND = "blind"  # what it depends on cannot be seen any more
    SEEING = "seeing"
    CLOSED = "closed"  # a decision and its outcome were written down
    NOTED = "noted"  # kept for the record: a further report joined, or one of several changed


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One step in the life of an alert, with its reason."""

    alert: Alert  # as it is after the change
    kind: ChangeKind
    at: datetime
    before: Stage | None
    reason: str
    by: str = ""  # person who brought it; "" the rules
    receivers: tuple[str, ...] = ()  # only these are told; empty: whoever the routes name

    @property
    def id(self) -> str:
        return content_id("chg", self.alert.id, self.alert.revision)


class RouteReason(StrEnum):
    """Why a notification is sent or held. Shown to the reader."""

    FIRST = "first"
    STAGE_ROSE = "stage_rose"
    STAGE_FELL = "stage_fell"
    MATERIAL_UPDATE = "material_update"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    RETRACTED = "retracted"
    PROPOSED = "proposed"
    REFUSED = "refused"
    ESCALATED = "escalated"
    HANDED_OVER = "handed_over"  # to a person on duty there
    RELEASED = "released"
    BLIND = "blind"
    SEEING = "seeing"
    STANDING = "standing"  # no message: the thread's first message shows how the alert stands
    BULLETIN = "bulletin"  # a digest, a heartbeat, or a word to the operator
    HELD_BY_SILENCE = "held_by_silence"
    HELD_BY_PLAN = "held_by_plan"  # a planned event explains it
    HELD_BY_INHIBITION = "held_by_inhibition"  # a larger alert explains it
    HELD_BY_COOLDOWN = "held_by_cooldown"
    HELD_BY_QUIET_HOURS = "held_by_quiet_hours"
    HELD_BY_BUDGET = "held_by_budget"
    HELD_BELOW_MINIMUM = "held_below_minimum"

    @property
    def sent(self) -> bool:
        return not self.value.startswith("held")


@dataclass(frozen=True, slots=True)
class Receiver:
    """A place where people read, with what they depend on and how much they can take."""

    name: str
    channel: str  # a key of alerts.channels.CHANNELS
    address: str  # channel's own address: a Slack channel id, "-" for the console
    lang: str = "ko"
    minimum: Stage = Stage.WATCH
    budget_per_day: int | None = None
    ministries: tuple[str, ...] = ()  # with items and sectors empty too: everything
    items: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()  # beginnings of KSIC codes
    people: tuple[str, ...] = ()  # names of persons on duty, first called first
    ack_within_min: Mapping[str, int] = field(default_factory=dict)  # stage in English -> minutes
    quiet: str = ""  # local hours without 관심 and 주의, e.g. "22:00-07:00"
    timezone: str = "Asia/Seoul"
    digests: tuple[str, ...] = ()  # local times, e.g. ("08:30",)
    cooldown_min: int = 60  # between updates of one thread
    item_share: float = 0.5  # of a day's budget that one item may take
    operator: bool = False  # runs ews: is told of dead channels and dead letters
    backup: str | None = None  # receiver that is told while this one's channel is dead
    unlisted: bool = False  # is told of items whose domestic uses nobody has written down
    heartbeat: bool | None = None  # a daily word that ews works; None: operators only


@dataclass(frozen=True, slots=True)
class Notification:
    """One message about one alert revision to one receiver, and why now."""

    id: str
    alert_id: str
    alert_revision: int
    change: ChangeKind
    receiver: str
    channel: str
    address: str
    lang: str
    reason: RouteReason
    at: datetime
    why: str = ""  # readable: which route matched, which ministry depends on what
    stage: Stage | None = None  # of the alert at that revision; None for a bulletin
    edit: bool = False  # no new message: only the thread's first one is brought up to date
    mentions: tuple[str, ...] = ()  # names of persons who are called
    bulletin: str | None = None  # id of the Bulletin it carries; `alert_id` then repeats it
    item: str = ""  # main item of the alert: one item may take only a part of a day's budget

    @staticmethod
    def make_id(alert_id: str, revision: int, receiver: str) -> str:
        return content_id("ntf", alert_id, revision, receiver)


class BulletinKind(StrEnum):
    DIGEST = "digest"
    BLIND = "blind"
    SEEING = "seeing"
    HEARTBEAT = "heartbeat"  # "nothing to report", which can itself fail loudly
    PLANNED = "planned"  # a planned event was entered
    OPERATOR = "operator"  # a dead channel, a dead letter


@dataclass(frozen=True, slots=True)
class BulletinPart:
    label: str
    lines: tuple[str, ...]
    links: tuple[str, ...] = ()  # beside the lines, "" none; http(s) only


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A message that is not of one alert, in the language of its receiver."""

    id: str
    kind: BulletinKind
    receiver: str
    lang: str
    at: datetime
    title: str
    parts: tuple[BulletinPart, ...]
    alerts: tuple[str, ...] = ()  # ids of the alerts it names


class DeliveryState(StrEnum):
    NEW = "new"
    TRYING = "trying"
    SENT = "sent"
    AMBIGUOUS = "ambiguous"  # the channel may have it; settle by reading its history
    DEAD = "dead"  # permanent refusal; the operator is told
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a notification got; written before sending."""

    notification_id: str
    state: DeliveryState
    attempts: int = 0
    first_try_at: datetime | None = None
    next_try_at: datetime | None = None
    lease_until: datetime | None = None
    owner: str | None = None
    external_id: str | None = None  # Slack's ts; the console's line number
    thread_id: str | None = None  # root message of the alert's thread
    sent_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How one address of a channel is doing: a pause it asked for, and since when nothing gets
    through."""

    channel: str
    address: str
    next_ok_at: datetime | None = None  # nothing is sent there before
    failing_since: datetime | None = None  # None: the last try got through
    failures: int = 0  # tries without an answer, one after the other
    error: str | None = None  # of the last try that failed
    paged_at: datetime | None = None  # when the operators were told of this spell


@dataclass(frozen=True, slots=True)
class Silence:
    """What is held back until when, by whom and why; or a planned event that explains what comes."""

    id: str
    by: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    matchers: Mapping[str, str]  # e.g. {"type": "labour_action", "country": "US"}
    planned: bool = False  # a planned event: told beforehand, shown in the calendar
    title: str = ""  # of a planned event


# --------------------------------------------------------------------------- people


class ActKind(StrEnum):
    """What a person can do."""

    ACKNOWLEDGE = "acknowledge"  # 확인: mine
    HAND_OVER = "hand_over"  # 담당 넘기기
    SIGN_OFF = "sign_off"  # 서명: the proposed stage is taken
    REFUSE = "refuse"  # 반려: it is not
    SILENCE = "silence"  # 묵음
    UNSILENCE = "unsilence"
    FALSE_ALARM = "false_alarm"  # 오경보, with a reason of FALSE_ALARMS
    MISSED = "missed"  # 놓친 경보 신고: nothing was told of this
    CLEAR = "clear"  # 해제
    CLOSE = "close"  # decision and outcome
    NOTE = "note"
    PLAN = "plan"  # a planned event
    RULES = "rules"  # a rule set saved or undone
    RESEND = "resend"  # a dead letter
    PEOPLE = "people"  # people, tokens, roles


# Reasons of a false alarm: what was wrong. `retracts` ends the alert; the others are feedback.
FALSE_ALARMS: Mapping[str, bool] = {
    "not_real": True,  # it did not happen, or was refuted
    "old_news": True,  # history, an anniversary, something long known
    "opinion": True,  # a forecast or an opinion, no event
    "duplicate": True,  # the same happening as another alert
    "wrong_item": False,
    "wrong_place": False,
    "wrong_type": False,
    "too_high": False,  # real, but the stage is too high
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a name, who can be called and held to what they did."""

    id: str
    name: str  # unique; how acts, messages and the audit name them
    role: str  # official | analyst | firm | operator
    added_at: datetime
    owner: str | None = None  # a firm's person: whose rows they see
    slack_id: str | None = None
    email: str | None = None
    signs: bool = False  # may sign 경계 and 심각
    ministries: tuple[str, ...] = ()
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did, once. Never changed."""

    id: str
    kind: ActKind
    by: str  # Person.name
    at: datetime
    via: str  # cli | api | page | slack
    alert_id: str | None = None
    note: str = ""
    detail: Mapping[str, str] = field(
        default_factory=dict
    )  # reason=, to=, decision=, outcome=, ...

    @staticmethod
    def make_id(key: str) -> str:
        """`key` names the doing, so that a repeated click is one act."""
        return content_id("act", key)


# --------------------------------------------------------------------------- ledger, learning


class Outcome(StrEnum):
    """How an alert turned out."""

    OPEN = "open"  # nobody can say yet
    TRUE = "true"  # it was so, and it mattered
    FALSE = "false"  # it was not so, or could not matter
    LATE = "late"  # it was so, and those who were told had the news already
    PREVENTED = "prevented"  # it was so, and what was done kept the harm away


class Basis(StrEnum):
    """What an outcome rests on, weakest first: a stronger basis takes the place of a weaker."""

    REPORTS = "reports"  # what later reports of the same happening say
    SERIES = "series"  # trade and price figures that came weeks later
    REVIEW = "review"  # a verdict file: readers who judged it afterwards
    FEEDBACK = "feedback"  # a named person's act


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that an outcome rests on."""

    kind: str  # act | article | observation | event | verdict
    ref: str  # its id
    at: datetime
    says: str  # in our own words, or a title where `kind` is article


@dataclass(frozen=True, slots=True)
class Resolution:
    """One decision on how an alert turned out. Append-only; the newest of the strongest basis holds."""

    id: str
    alert_id: str
    outcome: Outcome
    at: datetime
    basis: Basis
    by: str  # Person.name, or "ews"
    proofs: tuple[Proof, ...]
    note: str = ""


class ProposalState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Example:
    """A text with the labels that feedback says it should have had; used once a person accepts it."""

    id: str
    article_id: str
    labels: tuple[str, ...]  # event types; () says that it reports none
    relevant: bool | None  # can it change what Korea buys? None: nobody said
    source: str  # id of the act that it came from
    at: datetime
    alert_id: str = ""
    items: tuple[str, ...] = ()
    state: ProposalState = ProposalState.OPEN
    decided_by: str = ""
    decided_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A change of the rules that feedback speaks for; a person accepts or rejects it."""

    id: str
    at: datetime
    changes: Mapping[str, object]  # dotted key of the rules -> new value
    why: str  # key of the sentence that says it; `facts` fill it
    facts: Mapping[str, str]
    acts: tuple[str, ...]  # ids of the acts that it comes from
    state: ProposalState = ProposalState.OPEN
    decided_by: str = ""
    decided_at: datetime | None = None
    note: str = ""
    ruleset: int | None = None  # the version that accepting it made


@dataclass(frozen=True, slots=True)
class Case:
    """A reference episode that an analyst keeps: what should have been told, and when."""

    id: str
    body: Mapping[str, object]  # the fields of docs/score-format.md
    added_by: str
    added_at: datetime
    alert_id: str = ""  # the alert it was made from
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One link of the audit: its hash covers the row and the hash before it."""

    seq: int  # 1, 2, 3, ... without gaps
    at: datetime
    kind: str  # change | notification | delivery | act | ruleset | silence | person | bulletin
    subject: str  # id of what it is about
    who: str
    body: str  # JSON
    before: str  # hash of the row before; 64 zeros for the first
    hash: str


def utc(text: str) -> datetime:
    """An aware UTC datetime from ISO 8601 text; a bare date is its midnight.

    >>> utc("2023-10-20").isoformat()
    '2023-10-20T00:00:00+00:00'
    """
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


DEFAULT_PUBLICATION_DELAY = timedelta(minutes=15)  # when nothing better is known
