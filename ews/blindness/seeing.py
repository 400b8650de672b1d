"""What can be seen? The sources that a subject depends on, and since when too few of them speak. Pure.

A subject is an item (`item:urea`), a country (`country:CN`) or everything ("all"). Sources of one
newsroom or ministry count once: twenty feeds of one house that is down are one silence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property, lru_cache

from alerts.rulebook import BlindLimits
from ews.model import Fetch, Source, SourceState
from graph.reference import EU_MEMBERS, ITEMS, USES, best_share, partners
from scrapers.schedule import NEWS

EVERYTHING = "all"
HOME = "KR"
MAIN_ORIGINS = 3  # the largest suppliers of an item
MAIN_SHARE = 0.1  # and what makes one of them matter
FEWEST = 2  # groups of its own by which a subject is judged; with fewer, all sources together judge
HS_DIGITS = 4  # a shorter code names a whole chapter, and no series is about all of it


@dataclass(frozen=True, slots=True)
class Feed:
    """A source that is watched live. `until`: when its silence could last be read as calm."""

    source: Source
    state: SourceState
    until: datetime | None = None  # None: it never could

    @property
    def group(self) -> str:
        return self.source.independence or self.source.name


@dataclass(frozen=True, slots=True)
class Dark:
    """Too few sources speak of the subject since then; `silent` are their names."""

    since: datetime
    silent: tuple[str, ...]


@dataclass(frozen=True)
class Watch:
    """All that is watched live, as it stands at `now`."""

    feeds: Mapping[str, Feed]
    informants: Mapping[str, frozenset[str]]  # subject -> names of the sources it depends on
    limits: BlindLimits
    began: datetime  # of watching live
    now: datetime
    memory: str = ""  # what the informants were read from, to be kept for the day

    def of(self, subject: str) -> tuple[Feed, ...]:
        """The sources that the subject depends on."""
        if subject == EVERYTHING:
            return tuple(self.feeds.values())
        names = self.informants.get(subject, frozenset())
        return tuple(self.feeds[name] for name in sorted(names & set(self.feeds)))

    def dark(self, subject: str) -> Dark | None:
        """Since when the subject cannot be seen: by its own sources, or because most of all are
        silent. None while it can be seen."""
        own = self.of(subject)
        if subject == EVERYTHING or len({feed.group for feed in own}) < FEWEST:
            return self._everything
        return gone_dark(own, self.limits.quorum, self.began) or self._everything

    @cached_property
    def _everything(self) -> Dark | None:
        return gone_dark(self.of(EVERYTHING), self.limits.quorum, self.began)

    def lasts(self, since: datetime) -> bool:
        """Whether what began then lasts so long that people are told."""
        return self.now - since >= self.limits.after


def believed_until(
    source: Source, state: SourceState, good: Fetch | None, news_at: datetime | None = None
) -> datetime | None:
    """When the source's silence could last be read as calm; `good` is its last good answer,
    `news_at` when its texts last were others than before."""
    if good is None or state is SourceState.FAILING:
        return None if good is None else good.at
    fresh = timedelta(seconds=source.fresh_within_s)
    if good.newest is None:
        if source.expect_min:
            return good.at
        if source.group != NEWS:
            return good.at + fresh
        return min(good.at, news_at) + fresh if news_at else None
    known = [good.at, good.newest, *([news_at] if news_at and good.signals else [])]
    return min(known) + fresh


def gone_dark(feeds: Sequence[Feed], quorum: float, began: datetime) -> Dark | None:
    """Since when fewer than that share of the independent groups speak; None while enough do, or
    where there is no source at all to judge by."""
    groups: dict[str, list[Feed]] = defaultdict(list)
    for feed in feeds:
        groups[feed.group].append(feed)
    silent_since = {
        group: max(began, *(feed.until or began for feed in own))
        for group, own in groups.items()
        if all(feed.state.blind for feed in own)
    }
    order = sorted(silent_since.values())
    for gone, since in enumerate(order, 1):
        if (len(groups) - gone) / len(groups) < quorum:
            silent = (feed.source.name for feed in feeds if feed.group in silent_since)
            return Dark(since, tuple(sorted(silent)))
    return None


def informants(
    sources: Iterable[Source],
    evidence: Mapping[str, Iterable[str]],
    series: Iterable[tuple[str, str]],
    now: datetime,
) -> dict[str, frozenset[str]]:
    """Subject -> names of the sources it depends on.

    An item: the authorities of its main origins and of Korea, the sources that gave evidence on it
    (`evidence`), the series named for it ((item of series, source) pairs, by HS code or by the
    item's own id). A country: its authorities, the sources that have their seat there and write
    themselves (tier 1 and 2), and those that gave evidence on it. Either: what says that it
    `covers` it.
    """
    sources = tuple(sources)
    authorities: dict[str, set[str]] = defaultdict(set)
    for source in sources:
        if source.authority:
            authorities[source.authority].add(source.name)
    found: dict[str, set[str]] = defaultdict(set)
    for source in sources:
        for subject in (*source.covers, *_seat(source)):
            found[subject].add(source.name)
    for country, own in authorities.items():
        found[f"country:{country}"] |= own
    for item in ITEMS:
        for country in (HOME, *main_origins(item, now)):
            found[f"item:{item}"] |= authorities[country]
            if country in EU_MEMBERS:
                found[f"item:{item}"] |= authorities["EU"]
    for subject, names in evidence.items():
        found[subject] |= set(names)
    for code, source_name in series:
        for item in named(code):
            found[f"item:{item}"].add(source_name)
    return {subject: frozenset(names) for subject, names in found.items()}


def _seat(source: Source) -> tuple[str, ...]:
    return (f"country:{source.country}",) if source.tier <= 2 and source.country != "INT" else ()


def main_origins(item: str, now: datetime) -> tuple[str, ...]:
    """The countries that most of Korea's import of the item comes from, as far as figures say."""
    return _origins(item, now.date())


@lru_cache(maxsize=4096)  # asked at each look for each item; figures change by the day at most
def _origins(item: str, on: date) -> tuple[str, ...]:
    shares = ((country, best_share(item, country, on)) for country in partners(item))
    large = [(s.share, c) for c, s in shares if s and s.share and s.share >= MAIN_SHARE]
    return tuple(country for _, country in sorted(large, reverse=True)[:MAIN_ORIGINS])


def origins(now: datetime) -> dict[str, tuple[str, ...]]:
    """Countries that must be seen: Korea, and the main origins of items that are watched or have a
    domestic use; each with these items."""
    found: dict[str, list[str]] = {HOME: []}
    for item in ITEMS:
        if item in USES or ITEMS[item].watched:
            for country in main_origins(item, now):
                found.setdefault(country, []).append(item)
    return {country: tuple(items) for country, items in sorted(found.items())}


@cache
def named(code: str) -> tuple[str, ...]:
    """Items whose HS codes the item of a series names: the code itself, or one that it begins; or
    the item whose id it is."""
    if code in ITEMS:
        return (code,)
    if not code.isdigit():
        return ()
    return tuple(
        item.id
        for item in ITEMS.values()
        if any(hs.startswith(code) or code.startswith(hs) for hs in item.hs if len(hs) >= HS_DIGITS)
    )
