"""GDELT 2.0: which documents of fifteen minutes matter for supply? Three files become articles.

Each file is read by itself, so that it can be read in a worker; what the next one needs travels as
the memory of `Parsed`. Events give the ids of those whose CAMEO code is wanted; mentions, told those
ids, give per document how widely its events are told and whether a wanted one is among them; GKG,
told that, gives the articles: a page title, link, language and date. What GDELT codes is never written into
an article: its coding is a guess of a machine, and our classifier would read it as the text.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from ews.model import Article, Source
from scrapers.gdelt_files import EVENTS, GKG, MENTIONS, Table, open_table
from scrapers.gdelt_langs import language
from scrapers.mapping import TITLE_CHARS, Parsed, Signal, dated, independence_of, utc_stamp
from scrapers.references import unescaped
from scrapers.text import canonical_url, clean_text, guess_lang

WEB = b"1"  # of MentionType and SourceCollectionIdentifier: the identifier is a URL
MOST_IDS = 5000  # of wanted events in one slot, which has some 2,500 events in all
_TITLE = (b"<PAGE_TITLE>", b"</PAGE_TITLE>")
_PUBLISHED = (b"<PAGE_PRECISEPUBTIMESTAMP>", b"</PAGE_PRECISEPUBTIMESTAMP>")
_SPOKEN = re.compile(rb"srclc:([a-z]{3})")


def parse_gdelt(
    source: Source, body: bytes, now: datetime, label: str = "", memory: str = ""
) -> Parsed:
    """One file (zip) of a slot; which of the three its member's name says. Raises SourceError.

    `memory` is what the file before it gave, "" when there was none: then a GKG row counts by its
    themes alone. Rows with a wrong number of columns are left out and counted.
    """
    table = open_table(source, body)
    return _READERS[table.what](table, now, memory)


# --------------------------------------------------------------------------- events


def _events(table: Table, now: datetime, memory: str) -> Parsed:
    """As memory: a list of the ids of events with a wanted CAMEO code."""
    always, between = _codes(table.source, "cameo"), _codes(table.source, "cameo_between")
    wanted: list[str] = []
    for line in table:
        cells = line.split(b"\t", 27)
        code = cells[26]
        if code in always or (code in between and _abroad(cells[7], cells[17])):
            wanted.append(cells[0].decode("ascii", "replace"))
    return Parsed([], table.read, None, table.said, memory=json.dumps(known_ids(wanted)))


def known_ids(told: object) -> list[str]:
    """What can be ids of events in a list, at most MOST_IDS; a worker's word is checked by it too.

    >>> known_ids(["1", "1 2", 3, None]), known_ids({})
    (['1'], [])
    """
    ids = told if isinstance(told, list) else []
    good = (one for one in ids if isinstance(one, str) and len(one) < 20 and one.isdecimal())
    return list(islice(good, MOST_IDS))


def _abroad(one: bytes, other: bytes) -> bool:
    """Whether the two actors are of two countries, both known (CAMEO's three letters)."""
    return bool(one) and bool(other) and one != other


# --------------------------------------------------------------------------- mentions


def _mentions(table: Table, now: datetime, memory: str) -> Parsed:
    """As memory: {document: [mentions of its most mentioned event in this file, coded]}.

    Told the ids of wanted events, a document is `coded` when it mentions one of them with at least
    `min_confidence` (percent).
    """
    wanted = frozenset(one.encode() for one in json.loads(memory or "[]"))
    least = whole_option(table.source, "min_confidence", 0)
    counts: dict[bytes, int] = {}
    documents: dict[bytes, list[bytes]] = {}
    coded: set[bytes] = set()
    for line in table:
        event, _, _, kind, _, document, *_, confidence, _ = line.split(b"\t", 12)
        if kind != WEB:
            continue
        counts[event] = counts.get(event, 0) + 1
        documents.setdefault(document, []).append(event)
        if event in wanted and _percent(confidence) >= least:
            coded.add(document)
    told = {
        document.decode("utf-8", "replace"): [max(counts[one] for one in events), document in coded]
        for document, events in documents.items()
    }
    return Parsed([], table.read, None, table.said, memory=json.dumps(told, ensure_ascii=False))


def _percent(text: bytes) -> int:
    return int(text) if len(text) < 4 and text.isdigit() else -1


# --------------------------------------------------------------------------- GKG


class _Page(NamedTuple):
    """A row that matters, before it is cleaned."""

    mentions: int
    place: int  # in the file
    slot: datetime
    outlet: bytes
    url: str
    title: bytes
    spoken: bytes  # ISO 639-2, b"" for a document in English
    published: bytes


@dataclass
class _Seen:
    """What going through the rows told."""

    now: datetime
    newest: datetime | None = None
    pages: int = 0
    slots: dict[bytes, datetime] = field(default_factory=dict)

    def slot(self, stamp: bytes) -> datetime:
        """The moment of a row; all rows of a file share it."""
        if stamp not in self.slots:
            moment = utc_stamp(stamp.decode("ascii", "replace"))
            self.slots[stamp], self.newest = dated(moment, self.now, self.newest)
        return self.slots[stamp]


def _gkg(table: Table, now: datetime, memory: str) -> Parsed:
    """The articles of rows that carry a wanted theme, or whose document is coded.

    Of more than `max_entries` those stay whose events have the most mentions.
    """
    source, seen = table.source, _Seen(now)
    most = whole_option(source, "max_entries", 2000)
    kept = heapq.nlargest(most, _pages(table, seen, json.loads(memory or "{}")), key=_page_mentions)
    signals: dict[str, Signal] = {}
    for page in sorted(kept, key=lambda one: one.place):
        article = _article(source, page, now)
        if article is not None:
            signals.setdefault(article.url, article)
    over = f"{seen.pages - most} articles over the cap, the least mentioned, left out"
    said = "; ".join(filter(None, [table.said, over if seen.pages > most else ""]))
    return Parsed(list(signals.values()), table.read, seen.newest, said)


def _page_mentions(page: _Page) -> int:
    return page.mentions


def _pages(table: Table, seen: _Seen, told: Mapping[str, list[int]]) -> Iterator[_Page]:
    themes, nothing = _codes(table.source, "themes"), [0, 0]
    for line in table:
        cells = line.split(b"\t", 8)
        slot, url = seen.slot(cells[1]), cells[4].decode("utf-8", "replace")
        mentions, coded = told.get(url, nothing)
        if not coded and themes and themes.isdisjoint(cells[7].split(b";")):
            continue
        extras = line.rfind(b"\t") + 1
        title = _between(line, extras, _TITLE)
        if not title or cells[2] != WEB:
            continue
        seen.pages += 1
        spoken = _SPOKEN.search(line, line.rfind(b"\t", 0, extras - 1), extras)
        yield _Page(
            mentions, seen.pages, slot, cells[3], url, title,
            spoken.group(1) if spoken else b"", _between(line, extras, _PUBLISHED),
        )  # fmt: skip


def _between(line: bytes, start: int, marks: tuple[bytes, bytes]) -> bytes:
    """What stands between two marks after `start`, b"" when they are not there."""
    first = line.find(marks[0], start)
    last = line.find(marks[1], first) if first >= 0 else -1
    return line[first + len(marks[0]) : last][:4000] if last >= 0 else b""


def _article(source: Source, page: _Page, now: datetime) -> Article | None:
    title = clean_text(unescaped(page.title.decode("utf-8", "replace")), TITLE_CHARS)
    url = canonical_url(page.url)
    observed = _observed(page)
    days = whole_option(source, "keep_days", 0)
    if not title or not url or (days and observed < page.slot - timedelta(days=days)):
        return None
    outlet = clean_text(page.outlet.decode("utf-8", "replace"), 80) or source.publisher
    return Article(
        id=Article.make_id(source.name, url, title),
        source=source.name,
        outlet=outlet,
        url=url,
        title=title,
        text="",
        lang=_lang(page.spoken, title),
        observed_at=observed,
        available_at=now,
        independence=independence_of(outlet, url) or outlet.lower(),
    )


def _observed(page: _Page) -> datetime:
    """When the page says that it was published; the slot when it does not, or names a later moment."""
    stated = utc_stamp(page.published.decode("ascii", "replace")) if page.published else None
    return stated if stated is not None and stated <= page.slot else page.slot


def _lang(spoken: bytes, title: str) -> str:
    """By GDELT's own word on what it translated; else by script, English for Latin letters."""
    if not spoken:
        return "en" if title.isascii() else guess_lang(title, "en")
    return language(spoken.decode()) or guess_lang(title)


_READERS: Mapping[str, Callable[[Table, datetime, str], Parsed]] = {
    EVENTS: _events, MENTIONS: _mentions, GKG: _gkg,
}  # fmt: skip


def _codes(source: Source, option: str) -> frozenset[bytes]:
    value = source.options.get(option)
    return frozenset(str(one).encode() for one in value) if isinstance(value, list) else frozenset()


def whole_option(source: Source, option: str, default: int) -> int:
    """A whole number of source.toml, or the default."""
    value = source.options.get(option)
    return value if isinstance(value, int) else default
