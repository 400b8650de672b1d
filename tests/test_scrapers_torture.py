"""Other people's test sets through our readers: feedparser's own files, and JSONTestSuite.

The sets are fetched by `make torture-sets`; without them these tests are skipped.
"""

from __future__ import annotations

import io
import re
import time
import warnings
from calendar import timegm
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest

from ews.model import Article, Source
from scrapers import Client, collect
from scrapers.errors import SourceError
from scrapers.http import Reply
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from scrapers.rows import read_json
from scrapers.text import canonical_url, clean_text
from scrapers.worker import Workers
from tests.torture_sets import json_files, members, needs

NOW = datetime(2026, 11, 26, tzinfo=UTC)
FEED = Source(
    "torture", "Made up", "Made up", "https://feed.example/rss", "rss", "en", "news", "test set",
    900, 86_400, 0, 100_000, independence="torture",
)  # fmt: skip
_HEADER = re.compile(rb"^Header:\s+([^:]+):(.+)$", re.MULTILINE)
# what must be in no title, text, outlet or link, whatever came
UNSAFE = re.compile(
    r"<\s*/?\s*[a-z!?]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]",
    re.IGNORECASE,
)


@dataclass
class Told:
    """What came of the files: each is in exactly one of the counts."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)  # by rule; with entries in feedparser
    differ: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)  # links and dates that are not feedparser's
    linked: int = 0
    dated: int = 0
    slowest_s: float = 0.0
    entries: int = 0


def header_of(body: bytes) -> str:
    """The content type that the file wants to be sent with, as feedparser's own tests send it."""
    said = {name.strip().lower(): value.strip() for name, value in _HEADER.findall(body)}
    return said.get(b"content-type", b"application/xml").decode("latin-1")


def read(body: bytes) -> tuple[Parsed | None, str, float]:
    """(what our path gives, why it refused, seconds of processor time)."""
    label = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", header_of(body))
    began = time.process_time()
    try:
        parsed, why = parse(FEED, body, NOW, label.group(1) if label else ""), ""
    except SourceError as error:
        parsed, why = None, rule_of(error)
    return parsed, why, time.process_time() - began


RULES = {
    "a DOCTYPE with ENTITY": "DOCTYPE with ENTITY", "the feed is cut off": "cut off",
    "broken XML and no entry": "no entry", "no feed in this body": "no feed",
    "this is not XML": "not XML", "a web page": "web page",
}  # fmt: skip


def rule_of(error: SourceError) -> str:
    said = error.message.partition(": ")[2]
    return next((rule for begin, rule in RULES.items() if said.startswith(begin)), said)


def words_of(entry: Any) -> str:
    """The title that an entry has to give, "" when it has no words at all: no article then."""
    content = dict.get(entry, "content") or [{}]
    texts = (dict.get(entry, "summary"), content[0].get("value"))
    text = next((one for one in texts if one), "")
    text = clean_text(text, 1500)[:120]
    title = clean_text(dict.get(entry, "title") or "", 300)
    return title or (text if re.search(r"\w", text) else "")


def compare(name: str, body: bytes, told: Told) -> None:
    """One file through both, counted in `told`."""
    try:
        parsed, why, took_s = read(body)
    except Exception as error:
        told.raised.append(f"{name}: {error!r}")
        return
    told.slowest_s = max(told.slowest_s, took_s)
    theirs = theirs_of(body)
    told.entries += len(theirs)
    if parsed is None:
        told.refused[why] += 1 if theirs else 0
        told.counts["refused, with entries" if theirs else "refused, and no entry either"] += 1
        return
    articles = [one for one in parsed.signals if isinstance(one, Article)]
    told.unsafe += [f"{name}: {said!r}" for one in articles for said in unsafe(one)]
    titles = [one.title for one in articles]
    wanted = list(dict.fromkeys(filter(None, map(words_of, theirs))))
    same = parsed.rows == len(theirs) and list(dict.fromkeys(titles)) == wanted
    if not same and parsed.rows == len(theirs) and undeclared(body):
        told.counts["the same entries, their charset guessed"] += 1
    elif not same:
        told.differ.append(f"{name}: {parsed.rows} of {len(theirs)}, {titles} for {wanted}")
    elif len(titles) == len(theirs):
        told.counts["the same entries"] += 1
        for entry, article in zip(theirs, articles, strict=True):
            _beside(name, entry, article, told)
    elif len(titles) == sum(map(bool, map(words_of, theirs))):
        told.counts["the same without entries that have no word"] += 1
    else:
        told.counts["the same, one that comes twice taken once"] += 1


def _beside(name: str, entry: Any, article: Article, told: Told) -> None:
    """Link and date of one entry, where feedparser has a whole link and a date."""
    link = dict.get(entry, "link") or ""
    if re.match(r"https?://", link):
        told.linked += 1
        told.links += [f"{name}: {link} {article.url}"] * (article.url != canonical_url(link))
    date = dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")
    if date is not None and timegm(date) <= NOW.timestamp():
        told.dated += 1
        at = int(article.observed_at.timestamp())
        told.links += [f"{name}: {timegm(date)} {at}"] * (at != timegm(date))


def theirs_of(body: bytes) -> list[Any]:
    """The entries as feedparser alone reads them. It is not asked to clean HTML: we do that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        headers = {"content-type": header_of(body)}
        read = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False)
    return list(read.entries)


def undeclared(body: bytes) -> bool:
    """Whether no charset that body or header names reads the bytes: then each reader guesses."""
    named = re.findall(rb"(?:encoding|charset)\s*=\s*[\"']?([\w.:-]+)", body[:300])
    for name in ["utf-8", *(one.decode() for one in named)]:
        try:
            body.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
        return False
    return True


def unsafe(article: Article) -> list[str]:
    said = [article.title, article.text, article.outlet, article.url]
    link = [] if article.url == "" or re.match(r"https?://[^/]", article.url) else [article.url]
    return [one for one in said if UNSAFE.search(one)] + link


def through_ours() -> Told:
    told = Told()
    for name, body in members("feedparser").items():
        if not name.endswith(".py"):
            compare(name, body, told)
    return told


@needs("feedparser")
def test_the_files_of_feedparser_give_the_entries_that_feedparser_sees() -> None:
    """2,248 files: nothing raised but SourceError, nothing over a second, nothing unsafe, and the
    same entries in the same order, save two files that our rules refuse on purpose."""
    told = through_ours()
    assert sum(told.counts.values()) == len(members("feedparser")) - 1  # one is Python
    assert (told.raised, told.unsafe, told.differ, told.links) == ([], [], [], [])
    assert told.linked >= 30  # few of these files have links and dates at all
    assert told.dated >= 25
    assert told.slowest_s < 1
    assert +told.refused == Counter({"cut off": 1, "DOCTYPE with ENTITY": 1})
    assert told.counts["the same entries, their charset guessed"] <= 10
    assert told.entries > 1200


class Served(Client):
    """A client whose network is one body with its header."""

    def __init__(self, body: bytes) -> None:
        self.environ, self.body = {}, body

    def get(self, url: str, **_: Any) -> Reply:
        return Reply(200, {"content-type": header_of(self.body)}, self.body, url)


@needs("feedparser")
@pytest.mark.torture
def test_the_whole_collector_with_its_worker_gives_what_the_parser_gives() -> None:
    """No worker is lost over 2,248 files, and what comes through its pipe is what was read."""
    differ = []
    with Workers(1) as workers:
        for name, body in members("feedparser").items():
            if name.endswith(".py"):
                continue
            parsed, why, _ = read(body)
            got = collect(FEED, None, NOW, Served(body), parser=workers.parse)
            said = rule_of(SourceError(got.fetch.error or "")) if parsed is None else ""
            signals = [] if parsed is None else parsed.signals
            if got.signals != signals or said != why or len(got.raws) != 1:
                differ.append(f"{name}: {why} {got.fetch.error} {len(got.signals)} {len(signals)}")
        assert workers.started == 1 + 2_248 // 2_000
    assert differ == []


# --------------------------------------------------------------------------- JSONTestSuite


def accepts(body: bytes) -> bool:
    try:
        read_json(FEED, body)
    except SourceError:
        return False
    return True


@needs("json")
def test_json_is_accepted_and_refused_as_the_standard_says() -> None:
    files = json_files()
    kinds = Counter(name[0] for name in files)
    assert kinds == Counter(y=95, n=188, i=35)
    wrong = [
        name
        for name, body in files.items()
        if name[0] in "yn" and accepts(body) != (name[0] == "y")
    ]
    assert wrong == []
    free = Counter(accepts(body) for name, body in files.items() if name[0] == "i")
    assert free[True] + free[False] == 35
