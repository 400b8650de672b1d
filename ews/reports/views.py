"""What a face shows: flat rows with codes already turned into words, in Korean and English.

CLI, API and pages print these and compute nothing. Only text, numbers, times and tuples, so that
`plain()` (the CLI's --json) and FastAPI (the API) write the same JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime

YEAR = 365  # days


@dataclass(frozen=True, slots=True)
class Label:
    """A code with its names."""

    code: str
    en: str
    ko: str

    def text(self, lang: str) -> str:
        return self.ko if lang == "ko" else self.en


@dataclass(frozen=True, slots=True)
class ShareLine:
    """How much of Korea's import of an item comes from one partner; None is unknown."""

    item: Label
    partner: Label
    share: float | None
    unit: str  # quantity | value | unstated
    period: str
    basis: str
    citation: str
    reliability: str  # high | medium | low
    scope: str  # the part or group of the item that the figure is of; "" the item itself
    at_least: bool  # the source prints a lower bound
    stale: bool  # before 2016: old, used because nothing newer is known


@dataclass(frozen=True, slots=True)
class UseLine:
    """What the item is for in Korea, and who answers for it."""

    item: Label
    use: Label
    industry: Label | None
    ministries: tuple[Label, ...]
    basis: str
    ministry_basis: str
    citation: str


@dataclass(frozen=True, slots=True)
class RouteLine:
    """How an item of a partner reaches Korea by sea. Assumed by geography, never measured."""

    item: Label
    partner: Label
    chokepoints: tuple[Label, ...]
    sailing_days: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A chokepoint and the known share of the import that passes it."""

    chokepoint: Label
    share: float | None


@dataclass(frozen=True, slots=True)
class DependenceLine:
    """How concentrated the import of an item is, what passes where, and how long stocks last."""

    item: Label
    hhi: float | None  # Herfindahl-Hirschman index of the known shares, 0..1: a lower bound
    covered: float | None  # sum of the shares behind it, 0..1; None without an index
    passages: tuple[Passage, ...]  # largest first
    stock_days: float | None  # days of cover that a source stated
    stock_as_of: str
    stock_citation: str
    why_unknown: Label | None = None  # why there is no index


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A supplier link that a firm gave itself; None is what it did not say."""

    owner: str
    firm: Label
    supplier: str
    country: Label
    item: Label
    share: float | None  # of the firm's own input of the item, 0..1
    stock_days: float | None
    lead_days: float | None  # None where it was not stated and no route is known
    synthetic: bool
    lead_basis: str = "assumed"  # own: the firm stated it | assumed: at sea, by the route
    overridden_by: str = ""  # shape of file whose rows of the good count in its place


@dataclass(frozen=True, slots=True)
class HopLine:
    """One step of a path. `weight` None means unknown, and is shown as unknown."""

    source: Label
    target: Label
    en: str
    ko: str
    weight: float | None
    basis: str
    period: str
    citation: str


@dataclass(frozen=True, slots=True)
class ExposureLine:
    """One exposure: who is hit, how much, how soon, by which path."""

    id: str
    event_id: str
    item: Label
    origin: Label | None
    use: Label | None
    industry: Label | None
    ministries: tuple[Label, ...]
    firm: str | None
    share_at_risk: float | None
    magnitude: float
    loss: float | None
    probability: float
    impact_day: float | None
    time_to_survive_days: float | None
    time_to_recover_days: float
    synthetic: bool
    critical: bool
    path: tuple[HopLine, ...]
    via: tuple[Label, ...] = ()  # straits, canals and ports on the path
    origins: tuple[Label, ...] = ()  # every supplier on the path


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert as a row of a list."""

    id: str
    stage: int  # 1..4
    stage_en: str
    stage_ko: str
    max_stage: int
    state: str
    type: Label
    title: str
    countries: tuple[Label, ...]
    items: tuple[Label, ...]
    chokepoints: tuple[Label, ...]
    ports: tuple[Label, ...]
    ministries: tuple[Label, ...]
    raised_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    independent_sources: int
    signed_off_by: str | None
    event_id: str
    rule: str
    ruleset: int
    unsigned: bool = False  # of a stage that a named person must sign, and nobody has
    chance: float | None = None  # that the alert is right, as messages say it


@dataclass(frozen=True, slots=True)
class TagLine:
    type: Label
    probability: float


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One signal behind an event, and what the classifier said of it."""

    signal_id: str
    title: str
    outlet: str
    url: str  # "" unless http(s)
    lang: str
    independence: str
    observed_at: datetime | None
    available_at: datetime
    model: str
    degraded: bool
    phase: str
    p_event: float | None
    tags: tuple[TagLine, ...]
    sentence: str = ""  # of the body: the one that states it; "" when the title alone does
    named: tuple[Label, ...] = ()  # what that sentence names, linked to the reference data


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event with all that speaks for it."""

    id: str
    type: Label
    also: tuple[Label, ...]
    status: str
    phase: str
    probability: float
    severity: float
    title: str
    countries: tuple[Label, ...]
    items: tuple[Label, ...]
    ports: tuple[Label, ...]
    chokepoints: tuple[Label, ...]
    first_seen: datetime
    updated_at: datetime
    onset: datetime | None
    detector: str
    model: str
    authority: bool
    revision: int
    independent_sources: int
    facts: dict[str, float]
    evidence: tuple[EvidenceLine, ...]
    unverified: tuple[
        EvidenceLine, ...
    ] = ()  # told beside it by sources nobody promoted; not counted


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One step in the life of an alert."""

    at: datetime
    kind: str
    revision: int
    before: int | None
    after: int
    after_en: str
    after_ko: str
    reason: str
    ruleset: int
    said: Label  # the reason in words
    rule: str = ""
    facts: tuple[Label, ...] = ()  # the values behind the stage, as they stood
    by: str = ""  # person who brought it, for readers who may know; "" the rules
    proposed: int | None = None  # stage that waited for a signature after it
    signed_off_by: str | None = None
    timed_out: bool = False  # the stage was taken because nobody signed in time
    refused: int | None = None  # stage that a person had said no to
    event_revision: int = 0  # of the event it stood on


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One message to one receiver: why it was sent or held, and what became of it."""

    notification_id: str
    alert_revision: int
    receiver: str
    channel: str
    reason: str
    why: str
    at: datetime
    state: str
    attempts: int
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class RuleSetLine:
    """One version of the rules: who set it, when and why."""

    version: int
    by: str
    reason: str
    created_at: datetime
    digest: str
    changed: tuple[RuleChange, ...]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One key that differs from the version before; "" where it did not exist."""

    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class BasisCount:
    """How many rows of a report rest on that basis."""

    basis: str
    rows: int


def plain(value: object) -> object:
    """JSON-ready copy of a report: dicts, lists, text, numbers; times as ISO 8601 with Z.

    >>> plain(Label("CN", "China", "중국"))
    {'code': 'CN', 'en': 'China', 'ko': '중국'}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [plain(part) for part in value]
    return value


def percent(share: float | None, lang: str = "en") -> str:
    """A share as all faces print it; unknown stays unknown.

    >>> percent(0.834), percent(0.0004), percent(None), percent(None, "ko")
    ('83.4 %', '0.04 %', 'unknown', '모름')
    """
    if share is None:
        return "모름" if lang == "ko" else "unknown"
    return f"{share * 100:.2f} %" if 0 < share < 0.001 else f"{share * 100:.1f} %"


def days(value: float | None, lang: str = "en", *, exact: bool = False) -> str:
    """Days as all faces print them; more than a year is no figure to plan by, unless `exact`.

    >>> days(12.4), days(None), days(1, "ko"), days(400), days(400, exact=True)
    ('12 days', 'unknown', '1일', 'over a year', '400 days')
    """
    if value is None:
        return "모름" if lang == "ko" else "unknown"
    if value > YEAR and not exact:
        return "1년 이상" if lang == "ko" else "over a year"
    number = f"{value:.0f}"
    return f"{number}일" if lang == "ko" else f"{number} day{'' if number == '1' else 's'}"


def safe_url(url: str) -> str:
    """The URL when it is http(s), else "": text from outside never becomes another kind of link.

    >>> safe_url("javascript:alert(1)"), safe_url("https://example.org/a")
    ('', 'https://example.org/a')
    """
    return url if url.lower().startswith(("https://", "http://")) else ""
