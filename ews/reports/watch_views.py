"""What the faces of `ews watch` are given: plain rows that print, go over the API, and fill a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ews.reports.views import AlertLine, Label


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """One index: whose, what it is called there, and from which value it is over the threshold."""

    key: str
    system: str  # ews | EU | EU CRM | CEPII | KR | KIET | MOTIE
    name: Label
    says: Label
    threshold: float | None
    weight: float  # in our score; 0 when it only stands beside it
    why: Label  # of the weight
    source: str


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody or something domestic, and whether that was read (stated) or concluded (inferred)."""

    what: Label
    basis: str


@dataclass(frozen=True, slots=True)
class WatchLine:
    """One HS6 item as a row of the table."""

    item: Label
    month: str  # 2026-10: the newest that its figures are of
    provider: str  # whose figures of Korea's imports
    score: float | None
    rank: int | None
    rank_low: int | None  # 5th and 95th percentile of the rank over other weights
    rank_high: int | None
    coverage: float  # share of the weight that is known
    top_partner: Label | None
    top_share: float | None
    import_usd: float  # of 12 months
    indices: Mapping[str, float]
    exceeded: tuple[str, ...]  # indices over the threshold of their system
    watched: bool
    ministries: tuple[Told, ...]
    synthetic: bool


@dataclass(frozen=True, slots=True)
class WatchTable:
    """The items that were asked for, in the order that was asked for."""

    month: str | None  # asked for; None: the newest of each item
    months: tuple[str, ...]  # that have figures, newest first
    computed_at: datetime | None  # the newest of them
    weights: str  # digest
    items: int  # with figures
    scored: int
    matched: int
    offset: int
    sort: str
    rank_shift: float  # mean places that an item moves when the weights are others
    draws: int
    stale: int  # items left out: computed with other weights
    synthetic: int  # items among them whose figures are made up
    columns: tuple[IndexColumn, ...]
    lines: tuple[WatchLine, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What one index did to the score."""

    index: str  # or "coverage": another part of the weight became known
    name: Label
    before: float | None
    after: float | None
    effect: float


@dataclass(frozen=True, slots=True)
class WatchChange:
    """How an item's score moved between two months; the parts add up to `rise`."""

    item: Label
    since: str
    month: str
    before: float
    after: float
    rise: float
    like_for_like: float  # without what only became known or unknown
    parts: tuple[Part, ...]
    said: tuple[Label, ...]  # the same in words
    watched: bool
    ministries: tuple[Told, ...]
    synthetic: bool


@dataclass(frozen=True, slots=True)
class WatchChanges:
    """What rose and what fell most."""

    since: str | None
    month: str | None
    compared: int
    not_compared: int  # new, gone, without a score, or figures of another provider
    rises: tuple[WatchChange, ...]
    falls: tuple[WatchChange, ...]
    synthetic: int


@dataclass(frozen=True, slots=True)
class Spot:
    """An item that rises unseen: why, what it is for, who makes it, who would have to be told."""

    item: Label
    month: str
    rise: float
    score: float
    import_usd: float
    worth: float  # what orders the list: rise x level x money
    change: WatchChange
    uses: tuple[Told, ...]
    makers: tuple[Told, ...]
    ministries: tuple[Told, ...]
    reason: Label  # all of it in one line
    command: str  # that puts it on the watch list
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Spots:
    since: str | None
    month: str | None
    count: int  # all of them; `spots` may be fewer
    unwatched: int  # items with a score that nobody watches
    spots: tuple[Spot, ...]
    synthetic: int  # of those that nobody watches


@dataclass(frozen=True, slots=True)
class IndexValue:
    column: IndexColumn
    value: float | None  # None: not known
    exceeded: bool
    contribution: float | None  # to the score; they add up to it


@dataclass(frozen=True, slots=True)
class MonthPoint:
    month: str
    score: float | None
    coverage: float
    top_share: float | None
    import_usd: float


@dataclass(frozen=True, slots=True)
class PartnerLine:
    partner: Label
    usd: float  # of 12 months
    share: float | None  # None where the whole is not known
    recent_share: float | None  # of the newest three months
    before_share: float | None  # of the same a year before


@dataclass(frozen=True, slots=True)
class IndustryTold:
    industry: Label
    role: str  # uses | makes
    basis: str


@dataclass(frozen=True, slots=True)
class WatchItem:
    """Everything about one item."""

    line: WatchLine
    columns: tuple[IndexValue, ...]
    facts: tuple[tuple[Label, Label], ...]  # name and value
    mover: Label | None  # the index whose weight moves the rank most
    moves: int  # by how many places, when it is left out; above 0: it ranks lower
    scored: int
    history: tuple[MonthPoint, ...]  # oldest first
    change: WatchChange | None
    uses: tuple[Told, ...]
    industries: tuple[IndustryTold, ...]
    partners: tuple[PartnerLine, ...]
    series: tuple[Label, ...]
    alerts: tuple[AlertLine, ...]
    ours: tuple[Label, ...]  # items of our network with this code
    chosen: Chosen | None  # how it came on the watch list
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class Chosen:
    """An entry of the analysts' watch list."""

    item: Label
    codes: tuple[str, ...]  # HS6 codes that it covers
    budget: float  # false alarms a year
    by: str
    at: datetime | None
    reason: str
    version: int


@dataclass(frozen=True, slots=True)
class WatchList:
    entries: tuple[Chosen, ...]
    ours: int  # HS6 codes of our own watched items
    codes: int  # HS6 codes watched in all


def month_word(at: datetime) -> str:
    return f"{at.year:04}-{at.month:02}"


def short_name(name: Label, lang: str) -> str:
    """What stands in a column: the name without what explains it.

    >>> short_name(Label("eu-cdi-1", "CDI 1 (concentration)", "CDI 1(수입집중도)"), "ko")
    'CDI 1'
    """
    return re.split(r" ?[(:]", name.text(lang))[0]
