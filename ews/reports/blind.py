"""What can be seen, and what cannot? Each item alerting, calm, blind or not watched; never calm when
blind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.rulebook import read_blind
from ews.blindness import EVERYTHING, Watch, look, origins
from ews.model import Alert, Source
from ews.reports.collection import sources_here
from ews.reports.names import label
from ews.reports.views import Label
from ews.storage import Store
from graph.reference import ITEMS, USES

ORDER = ("blind", "alerting", "calm", "unwatched")


@dataclass(frozen=True, slots=True)
class SilentSource:
    name: str
    title: str
    state: str  # stale | failing | never
    until: datetime | None  # when its silence could last be read as calm; None: it never could
    title_ko: str  # the title for Korean readers


@dataclass(frozen=True, slots=True)
class BoardLine:
    """How one item stands."""

    item: Label
    state: str  # alerting | calm | blind | unwatched
    blind: bool  # also of an item with an alert: what comes next would not be seen
    since: datetime | None  # of being blind
    told: bool  # it lasts longer than the limit
    alerts: tuple[str, ...]  # firing ones on it
    sources: int  # it depends on so many of those watched live
    silent: tuple[SilentSource, ...]


@dataclass(frozen=True, slots=True)
class CountryLine:
    """How one country stands that items of ours come from."""

    country: Label
    state: str  # calm | blind | unwatched
    since: datetime | None
    told: bool
    sources: int
    silent: tuple[SilentSource, ...]

    @property
    def blind(self) -> bool:
        return self.state == "blind"


@dataclass(frozen=True, slots=True)
class Board:
    """Every item, what cannot be seen first."""

    watched: bool  # False: nothing was ever fetched live here, so silence says nothing at all
    blind: bool  # most of all sources are silent
    since: datetime | None
    sources: int
    silent: tuple[SilentSource, ...]
    lines: tuple[BoardLine, ...]
    countries: tuple[CountryLine, ...] = ()


def _believed(store: Store, now: datetime) -> list[Source]:
    """Nothing rests on a source that nobody vouches for, so its silence blinds nobody."""
    return [one for one in sources_here(store, now) if one.trusted]


def board_states(
    store: Store, now: datetime, sources: Sequence[Source] | None = None, every: bool = False
) -> Board:
    """The board at `now`: items with a known domestic use, or watched, or alerting; with `every`,
    all of the reference."""
    ruleset = store.ruleset()
    limits = read_blind(ruleset.rules if ruleset else {})
    watch = look(store, _believed(store, now) if sources is None else sources, limits, now)
    firing = _by_item(store.open_alerts())
    items = [i for i in ITEMS if every or i in USES or ITEMS[i].watched or i in firing]
    lines = [_line(item, watch, firing.get(item, ())) for item in items]
    lines.sort(key=lambda line: (ORDER.index(line.state), not line.blind, line.item.code))
    dark = watch.dark(EVERYTHING) if watch else None
    return Board(
        watched=watch is not None,
        blind=dark is not None,
        since=dark.since if dark else None,
        sources=len(watch.feeds) if watch else 0,
        silent=_silent(watch, EVERYTHING) if watch else (),
        lines=tuple(lines),
        countries=_countries(watch, now),
    )


def _countries(watch: Watch | None, now: datetime) -> tuple[CountryLine, ...]:
    found = []
    for code in origins(now):
        subject = f"country:{code}"
        dark = watch.dark(subject) if watch else None
        found.append(CountryLine(
            label("country", code),
            "unwatched" if watch is None else "blind" if dark else "calm",
            dark.since if dark else None, bool(watch and dark and watch.lasts(dark.since)),
            len(watch.of(subject)) if watch else 0, _silent(watch, subject) if watch else (),
        ))  # fmt: skip
    return tuple(sorted(found, key=lambda one: (ORDER.index(one.state), one.country.code)))


def _line(item: str, watch: Watch | None, alerts: Sequence[str]) -> BoardLine:
    subject = f"item:{item}"
    dark = watch.dark(subject) if watch else None
    state = (
        "alerting" if alerts else "unwatched" if watch is None else "blind" if dark else "calm"
    )  # fmt: skip
    return BoardLine(
        item=label("item", item),
        state=state,
        blind=dark is not None,
        since=dark.since if dark else None,
        told=bool(watch and dark and watch.lasts(dark.since)),
        alerts=tuple(alerts),
        sources=len(watch.of(subject)) if watch else 0,
        silent=_silent(watch, subject) if watch else (),
    )


def _by_item(firing: Iterable[Alert]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for alert in firing:
        for item in alert.items:
            found[item].append(alert.id)
    return found


def _silent(watch: Watch, subject: str) -> tuple[SilentSource, ...]:
    return tuple(
        SilentSource(
            name=feed.source.name,
            title=feed.source.title,
            state=feed.state.value,
            until=feed.until,
            title_ko=feed.source.titled("ko"),
        )
        for feed in watch.of(subject)
        if feed.state.blind
    )
