"""RSS and Atom: the bytes of a feed become articles."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.parsers import expat

import feedparser

from ews.model import Article, Source
from scrapers.errors import SourceError
from scrapers.mapping import (
    FUTURE,
    TEXT_CHARS,
    TITLE_CHARS,
    Parsed,
    Signal,
    dated,
    independence_of,
)
from scrapers.references import without_odd_references
from scrapers.text import canonical_url, clean_text, decode, guess_lang, parse_date

MAX_ENTRIES = 500
LOOSE_BYTES = 1024 * 1024  # the parser for broken XML is quadratic, so it gets no more
EASY_MARKS, EASY_EQUALS = 20_000, 5_000  # fewer "<", "&" and "=" keep feedparser 0.2 s at most
LOOSE_MARKS = 300_000  # of "<" and "&": the parser for broken XML needs a second for a million
_PROLOG = re.compile(r"\s*(?:<\?xml[^<>]*\?>\s*)?")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ROOT_END = re.compile(r"</(?:\w{1,20}:)?(?:rss|feed|rdf|channel)\s*(?:>|$)", re.IGNORECASE)
# what WordPress and the Guardian append to a summary
_TAIL = re.compile(
    r"(?:\[…\]\s*)?(?:The post .{1,400} appeared first on .{1,80}|Continue reading)\W*$"
)
_NUMERIC = re.compile(r"\s*\d{4}-?\d\d-?\d\d")
LONGEST_AUTHOR = 500
FIRST_FEEDS = datetime(1995, 1, 1, tzinfo=UTC)  # an older date is an empty field: 1970, year 203
_PERIODS = {"hourly": 3600, "daily": 86_400, "weekly": 86_400}


def _no_endless_authors() -> None:
    """feedparser looks for an address in each author with a pattern that is quadratic (100,000
    letters: 50 s); those that are longer than a name are left as they are."""
    mixin = feedparser.mixin._FeedParserMixin
    look = mixin._sync_author_detail

    def look_at_names(self: Any, key: str = "author") -> None:
        said = self._get_context().get(key)
        if not isinstance(said, str) or len(said) <= LONGEST_AUTHOR:
            look(self, key)

    mixin._sync_author_detail = look_at_names


_no_endless_authors()


def parse_feed(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """The feed's entries as articles, at most `max_entries`. Raises SourceError."""
    text = xml_text(source, body, label)
    limit = source.options.get("max_entries")
    text, over = cap_entries(text, limit if isinstance(limit, int) else MAX_ENTRIES)
    feed = _read(source, text)
    if not _ROOT_END.search(text[-4000:]):
        raise SourceError(
            f"{source.name}: the feed is cut off ({len(feed.entries)} entries came through); it is "
            "read again at the next turn"
        )
    return _parsed(source, feed, over, now)


def _parsed(source: Source, feed: Any, over: int, now: datetime) -> Parsed:
    """The entries as articles, and what is odd about them. `over`: entries that were cut out."""
    signals: dict[str, Signal] = {}
    newest: datetime | None = None
    undated = 0
    for entry in feed.entries:
        moment = _moment(entry, str(source.options.get("tz", "UTC")))
        undated += moment is None or moment > now + FUTURE
        observed, newest = dated(moment, now, newest)
        article = _article(source, entry, observed, now)
        if article is not None:
            signals.setdefault(article.id, article)
    rows = len(feed.entries)
    odd = [f"not well-formed: {str(feed.bozo_exception)[:120]}"] if feed.bozo else []
    if over:
        odd.append(f"{over} entries over the cap")
    if undated:
        odd.append(f"{undated} of {rows} entries without a usable date: the time they came stands")
    return Parsed(list(signals.values()), rows, newest, "; ".join(odd), _ttl(feed.feed))


def xml_text(source: Source, body: bytes, label: str = "") -> str:
    """The body as text that may be XML. SourceError for a page, JSON or a DOCTYPE with ENTITY."""
    text = _ILLEGAL.sub("", decode(body, label)).lstrip("\ufeff \t\r\n")
    if not text:
        raise SourceError(f"{source.name}: an empty body came; it is asked again next turn")
    if not text.startswith("<"):
        raise SourceError(
            f"{source.name}: this is not XML, it begins {clean_text(text[:200], 60)!r}; "
            "check url and kind in source.toml"
        )
    _refuse_root(source, text)
    prolog = _PROLOG.match(text)
    return without_odd_references(text[prolog.end() :] if prolog else text)


def _refuse_root(source: Source, text: str) -> None:
    """Raises SourceError for a web page and for a DOCTYPE that defines entities."""
    before = _before_root(text)
    root = text[before : before + 100].lower()
    if root.startswith(("<!doctype html", "<html")):
        title = re.search(r"<title[^<>]*>([^<]{0,200})", text[:20_000], re.IGNORECASE)
        words = clean_text(title.group(1), 80) if title else "no title"
        raise SourceError(
            f"{source.name}: a web page ({words}) came instead of XML; we may be blocked, or the "
            "feed has moved: open the url and correct source.toml"
        )
    if root.startswith("<!doctype") and "<!ENTITY" in text.upper():
        raise SourceError(
            f"{source.name}: a DOCTYPE with ENTITY is refused (it can blow up); tell the publisher",
            permanent=True,
        )


def _before_root(text: str) -> int:
    """Where the DOCTYPE or the root begins: after blanks, comments and processing instructions.

    An article about <!ENTITY or <html> inside a feed is no reason to refuse it.
    """
    at = 0
    while True:
        rest = text[at : at + 4]
        if rest[:1].isspace():
            at += len(text[at : at + 4096]) - len(text[at : at + 4096].lstrip())
            continue
        end = "-->" if rest == "<!--" else "?>" if rest.startswith("<?") else ""
        close = text.find(end, at + 2) if end else -1
        if close < 0:
            return at
        at = close + len(end)


def cap_entries(text: str, limit: int) -> tuple[str, int]:
    """The feed without its entries after the first `limit`, and how many were cut out.

    Done on the text, because feedparser needs seconds for tens of thousands of entries.
    """
    for mark in ("</item>", "</entry>"):
        total = text.count(mark)
        if total > limit:
            at = -1
            for _ in range(limit):
                at = text.find(mark, at + 1)
            last = text.rfind(mark)
            return text[: at + len(mark)] + text[last + len(mark) :], total - limit
    return text, 0


class _TooWild(Exception):
    """The document is deeper or larger than any feed."""


def _scan(data: bytes) -> bool:
    """True when well-formed. Raises _TooWild for more depth or elements than a feed can have.

    feedparser needs minutes for such a document; expat alone needs a second at most.
    """
    depth = count = 0

    def start(name: str, attributes: list[str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > 100 or count > 200_000 or len(attributes) > 200:
            raise _TooWild

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.ordered_attributes = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        return False
    return True


def _refuse_wild(source: Source, text: str, data: bytes) -> None:
    """Raises SourceError for what would keep feedparser busy for minutes."""
    marks = text.count("<") + text.count("&")
    if marks <= EASY_MARKS and text.count("=") <= EASY_EQUALS and len(data) <= LOOSE_BYTES:
        return  # nearly every feed: reading it twice would only cost time
    try:
        well_formed = _scan(data)
    except _TooWild:
        raise SourceError(
            f"{source.name}: nested deeper or with more elements than any feed; open the url and "
            "look what it is"
        ) from None
    if not well_formed and (len(data) > LOOSE_BYTES or marks > LOOSE_MARKS):
        raise SourceError(
            f"{source.name}: broken XML of {len(data):,} bytes; it is read again at the next turn"
        )


def _read(source: Source, text: str) -> Any:
    data = b'<?xml version="1.0" encoding="utf-8"?>\n' + text.encode("utf-8")
    _refuse_wild(source, text, data)
    try:
        feed = feedparser.parse(
            io.BytesIO(data),  # never a str: feedparser might open a file
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:  # feedparser on hostile bytes may raise anything
        raise SourceError(
            f"{source.name}: the feed cannot be read ({type(error).__name__}); keep the body and "
            "report it"
        ) from error
    return _with_entries(source, feed)


def _with_entries(source: Source, feed: Any) -> Any:
    """The feed. Raises SourceError when there is none, or nothing of it could be read."""
    said = str(feed.get("bozo_exception", "no <rss>, <feed> or <rdf> in it"))[:120]
    if not feed.get("version") and not feed.entries:  # CDF has entries and no version
        raise SourceError(
            f"{source.name}: no feed in this body ({said}); open the url and correct source.toml"
        )
    if feed.bozo and not feed.entries:
        raise SourceError(
            f"{source.name}: broken XML and no entry ({said}); it is read again at the next turn"
        )
    return feed


def _article(
    source: Source, entry: Mapping[str, Any], observed: datetime, now: datetime
) -> Article | None:
    options: Mapping[str, Any] = source.options
    content = entry.get("content") or [{}]
    summary = _text(entry.get("summary")) or _text(content[0].get("value"))
    text = _TAIL.sub("", clean_text(summary, TEXT_CHARS)).strip()
    title = clean_text(_text(entry.get("title")), TITLE_CHARS) or _as_title(text)
    url = canonical_url(_text(entry.get("link")), source.url)
    for name in options.get("drop_query", ()):  # a parameter that names the feed, not the text
        url = re.sub(rf"([?&]){re.escape(name)}=[^&]*(&|$)", _join_query, url)
    outlet, independence = source.publisher, source.independence
    key, place = source.name, url
    if options.get("aggregator"):  # links are encoded redirects and the text repeats the title
        outlet, independence = _outlet_behind(source, entry)
        title = title.removesuffix(f" - {outlet}").strip()
        key, place, text = outlet, "", ""
    if not title:
        return None
    return Article(
        id=Article.make_id(key, place, title), source=source.name, outlet=outlet, url=url, title=title,
        text="" if options.get("text") == "none" or text == title else text,
        lang=source.lang if source.lang != "mul" else guess_lang(f"{title} {text}", "en"),
        observed_at=observed, available_at=now, independence=independence, authority=source.authority,
    )  # fmt: skip


def _outlet_behind(source: Source, entry: Mapping[str, Any]) -> tuple[str, str]:
    """(who wrote what an aggregator lists, its independence group)."""
    origin = entry.get("source") or {}
    outlet = clean_text(_text(origin.get("title")), 80) or source.publisher
    return outlet, independence_of(outlet, _text(origin.get("href"))) or outlet.lower()


def _as_title(text: str) -> str:
    """The beginning of a text, for an entry without title; "" when there is no word in it."""
    return text[:120] if any(char.isalnum() for char in text) else ""


def _join_query(match: re.Match[str]) -> str:
    return match.group(1) if match.group(2) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moment(entry: dict[str, Any], zone: str) -> datetime | None:
    """When it was published; None without a date, for one that cannot be, or from before feeds."""
    for name in ("published", "updated", "created", "date"):
        # dict.get, because feedparser's own maps a missing `updated` with a warning
        said = _text(dict.get(entry, name))
        moment = parse_date(said, zone=zone) if said else None
        if moment is None and said and not _NUMERIC.match(said):
            moment = _as_feedparser_reads(dict.get(entry, f"{name}_parsed"))
        if moment is not None and moment >= FIRST_FEEDS:
            return moment
    return None


def _as_feedparser_reads(parsed: Any) -> datetime | None:
    """Its reading of the rare shapes that it knows (Greek, Hungarian); not of plain numbers, where it
    takes the 30th of February for the 2nd of March."""
    try:
        year, month, day, hour, minute, second = parsed[:6]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def _ttl(channel: Mapping[str, Any]) -> int:
    """Seconds that the feed asks us to wait, at most a day."""
    ttl = _text(channel.get("ttl")).strip()
    if ttl.isascii() and ttl.isdigit():
        return min(int(ttl[:6]) * 60, 86_400)
    period = _PERIODS.get(_text(channel.get("sy_updateperiod")).strip(), 0)
    often = _text(channel.get("sy_updatefrequency")).strip()
    times = int(often[:4]) if often.isascii() and often.isdigit() else 1
    return period // max(times, 1)
