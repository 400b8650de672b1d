"""What do the reports of sources hold? Frozen rows, the same for command, API and page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ews.reports.views import Label

INTERNATIONAL = Label("INT", "international", "국제기구")


@dataclass(frozen=True, slots=True)
class Advice:
    """What an operator should do about a source. `command` is typed at the machine, "" for none."""

    code: str  # a key of ews.reports.source_advice.ADVICE
    ko: str
    en: str
    command: str = ""

    def text(self, lang: str) -> str:
        return self.ko if lang == "ko" else self.en


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source and what may be concluded from its silence."""

    name: str
    title: str
    publisher: str
    kind: str
    group: str
    lang: str
    url: str
    state: str  # fresh | stale | failing | never | off
    blind: bool
    last_at: datetime | None
    last_outcome: str
    last_good_at: datetime | None
    newest: datetime | None
    signals: int | None
    next_due: datetime | None
    error: str  # why the last fetch failed
    note: str  # what the last fetch left out or could not ask, though it worked
    key_env: str  # the environment variable of its API key; "" when it needs none
    round_s: int | None  # for a source that asks a part each turn: how long until all was asked
    every_s: int
    fresh_within_s: int
    terms: str
    live_tested: bool
    title_ko: str  # the title for Korean readers
    trusted: bool = True  # False: private, and not promoted: its texts make no event
    country: Label = INTERNATIONAL  # of the publisher's seat
    tier: int = (
        2  # 1 its own acts or measurements, 2 a newsroom, 3 gathered by a machine, 4 private
    )
    independence: str = ""  # sources that share it are one voice
    authority: str = ""  # ISO2 of the state whose own acts it tells
    private: bool = False  # of this installation, not shipped
    off_here: bool = False  # an operator switched it off
    status: int | None = None  # HTTP status of the last fetch
    permanent: bool = False  # the last fetch failed so that trying again cannot help
    rows: int | None = None  # of the last good answer, before any filter
    expect_min: int = 0  # rows of an answer
    expect_max: int = 0
    learnt_s: int | None = None  # the wait that its own history asks for
    why: str = ""  # what set next_due: a key of ews.reports.source_words.WHY
    failures: int = 0  # failed turns in a row
    circuit: str = "closed"  # closed | open | gone
    moved_to: str = ""  # where a permanent redirect led
    changed_at: datetime | None = None  # when its body last differed
    late: bool = False  # its turn is long past and nobody asked
    seen_day: int | None = None  # new texts and figures of the last 24 hours
    usual_day: float | None = None  # as many are usual then; None: too short a past to say
    seen_week: int | None = None
    usual_week: float | None = None
    drying: bool = False  # it brings far less than it used to
    covers_items: int | None = None  # items that rest on it; None where nothing is watched live
    covers_countries: int | None = None
    dark: int | None = None  # of those, how many cannot be seen now
    advice: tuple[Advice, ...] = ()  # what to do, the most pressing first


@dataclass(frozen=True, slots=True)
class GroupLine:
    """How the sources of one group stand."""

    group: str
    count: int
    states: dict[str, int]  # state -> sources


@dataclass(frozen=True, slots=True)
class TodoLine:
    """One thing to do, and for which sources."""

    advice: Advice
    sources: tuple[str, ...]  # names
    more: str = ""  # the environment variable of a key


@dataclass(frozen=True, slots=True)
class DarkLine:
    """An item or a country that cannot be seen, and through which silent sources."""

    subject: Label  # code item:<id>, country:<ISO2> or all
    since: datetime
    silent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A folder of the home that is no source."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class SourcesReport:
    """The sources that were asked for, and how all stand."""

    sources: tuple[SourceLine, ...]
    blind: int  # of all: sources whose silence must not read as calm
    count: int  # of all
    on: int  # of all: not switched off and not without a key
    states: dict[str, int]
    groups: tuple[GroupLine, ...]
    todo: tuple[TodoLine, ...]
    watched: bool  # False: nothing was ever fetched live here
    dark: tuple[DarkLine, ...]
    broken: tuple[BrokenLine, ...]


@dataclass(frozen=True, slots=True)
class TurnLine:
    """One attempt at a source."""

    at: datetime
    outcome: str
    status: int | None
    asked: bool  # False: its host was left alone, nothing was sent
    rows: int | None
    signals: int
    newest: datetime | None
    took_s: float | None
    error: str


@dataclass(frozen=True, slots=True)
class DayCount:
    """What came of a source on a UTC day."""

    day: date
    new: int  # texts and figures that the store did not have
    turns: int
    failed: int


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text as the source gave it: data, never markup."""

    id: str
    title: str
    url: str
    outlet: str
    lang: str
    observed_at: datetime
    available_at: datetime
    trusted: bool


@dataclass(frozen=True, slots=True)
class BodyLine:
    """A kept body."""

    at: datetime
    page: int
    url: str
    size: int  # bytes
    sha256: str
    parsed: bool


@dataclass(frozen=True, slots=True)
class HostLine:
    """How the host that the source asks stands, over all sources on it."""

    name: str
    held_until: datetime | None  # it asked us to wait
    open_until: datetime | None  # it failed too often: not asked before
    failures: int
    robots_status: int | None
    robots_at: datetime | None  # None: never read, or exempt
    sources: tuple[str, ...]  # others that ask it


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """What an operator decided of it."""

    at: datetime
    by: str
    done: str  # on | off | promoted | demoted | resumed
    why: str


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One source in full. `bodies` is None for who may not read them."""

    source: SourceLine
    covers: tuple[Label, ...]  # codes item:<id> and country:<ISO2>
    dark: tuple[DarkLine, ...]
    turns: tuple[TurnLine, ...]
    days: tuple[DayCount, ...]
    texts: tuple[TextLine, ...]
    series: tuple[str, ...]  # the newest ones
    series_count: int
    bodies: tuple[BodyLine, ...] | None
    host: HostLine | None
    decisions: tuple[DecisionLine, ...]
