"""What is at this URL, and how would a source.toml for it read? A look, and a draft to be checked."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from html.parser import HTMLParser
from itertools import pairwise
from statistics import median
from typing import cast
from urllib.parse import urlsplit

from ews.model import Article, Source
from scrapers.bounds import wrong_addresses
from scrapers.collected import Parser
from scrapers.conditional import charset_of, fill_url, judge
from scrapers.errors import SourceError
from scrapers.fields import guess_article, longest_list, repeated_element
from scrapers.http import Client, Reply
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from scrapers.rows import csv_rows, geojson_rows, local_name, read_json, xml_root, xml_rows
from scrapers.text import canonical_url, clean_text, decode, guess_lang

HOUR, DAY = 3600, 86_400
FEEDS_SHOWN = 20
FOLLOWED = 3  # feeds of a page that are tried
EMPTY = (
    "it holds no entries now, so nobody can tell how often it changes: look again later, or set every, "
    "fresh_within and expect by hand"
)
FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/rdf+xml")
SAMPLES = {"rss": "xml", "xml": "xml", "json": "json", "geojson": "json", "csv": "csv"}


@dataclass(frozen=True, slots=True)
class Draft:
    """What came from a URL and what was guessed of it. `missing`: what a person must fill in."""

    url: str
    status: int
    content_type: str
    charset: str
    body: bytes
    kind: str = ""  # of KINDS; "" when none was recognised
    title: str = ""
    lang: str = ""
    feeds: tuple[tuple[str, str], ...] = ()  # (title, url) that a web page names
    options: Mapping[str, object] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    rows: int = 0
    newest: datetime | None = None
    gap_s: float | None = None  # median between two dates inside
    ttl_s: int = 0
    every_s: int = HOUR
    fresh_within_s: int = 7 * DAY
    expect: tuple[int, int] = (1, 500)  # an empty answer is a failure until a person says otherwise
    said: str = ""  # why its entries could not be read, or what is odd


def look(
    url: str, client: Client, now: datetime, kind: str = "", lang: str = "", parser: Parser = parse
) -> Draft:
    """Fetch the URL as a source would (robots.txt, caps, public addresses only), and guess. A web
    page that names feeds is followed to the first that can be read. Raises SourceError."""
    draft = _guessed(client, url, now, kind, lang, parser)
    if draft.kind or not draft.feeds:
        return draft
    for _, link in draft.feeds[:FOLLOWED]:
        try:
            followed = _guessed(client, link, now, kind, lang, parser)
        except SourceError as error:
            draft = replace(
                draft, said=f"{draft.said}; its feed {link[:200]}: {error.message}"[:900]
            )
            continue
        if followed.kind:
            return replace(followed, feeds=draft.feeds)
    return draft


def _guessed(
    client: Client, url: str, now: datetime, kind: str, lang: str, parser: Parser
) -> Draft:
    if wrong := wrong_addresses(url, {}):
        raise SourceError(f"not a usable URL: {wrong}", permanent=True)
    filled = fill_url(url, now)
    reply = client.get(filled)
    judge(blank(filled), reply, now)
    draft = guess(reply, now, kind, lang, parser)
    # dates in braces are filled in anew at each turn
    return replace(draft, url=url) if filled != url and not reply.moved else draft


def blank(url: str, kind: str = "rss", **more: object) -> Source:
    """A source of nothing yet, for readers that want one."""
    return replace(
        Source(
            urlsplit(url).netloc or "new", "", "", url, kind, "mul", "news", "", HOUR, DAY, 0, 10**9
        ),
        **more,  # type: ignore[arg-type]
    )


def guess(
    reply: Reply, now: datetime, kind: str = "", lang: str = "", parser: Parser = parse
) -> Draft:
    """What the reply is, as far as a program can tell; nothing is fetched. Never raises for a body."""
    url = reply.moved or reply.url
    draft = Draft(
        url, reply.status, reply.headers.get("content-type", "")[:100], charset_of(reply.headers),
        reply.body,
    )  # fmt: skip
    text = decode(reply.body, draft.charset).lstrip("\ufeff \t\r\n")
    found = kind or kind_of(reply.body, text)
    if found not in SAMPLES:
        return replace(draft, feeds=_feeds(text, url), said=_unread(found))
    shaped = draft = replace(draft, kind=found)
    try:
        shaped = replace(draft, **_shape(draft))  # type: ignore[arg-type]
        return _measured(shaped, now, lang, parser)
    except SourceError as error:
        # a mapping can be mended by hand; where there is none, nothing of it can be read
        read = found if shaped.options else ""
        return replace(shaped, kind=read, lang=lang or "mul", said=error.message)


def _unread(found: str) -> str:
    if found == "html":
        return "a web page: give the address of its feed or of its data"
    if found == "zip":
        return "a zip or xlsx file: which sheet and rows must be said by hand (docs/howto-add-a-source.md)"
    return "neither a feed nor XML, JSON or CSV: open the url and look"


def kind_of(body: bytes, text: str) -> str:
    """rss, xml, json, geojson or csv; html or zip, which no kind reads as they are; "" for none.

    >>> kind_of(b"", '[{"a": 1}]'), kind_of(b"", "<feed xmlns='x'>"), kind_of(b"", "a,b\\n1,2\\n")
    ('json', 'rss', 'csv')
    """
    head = text[:3000]
    if body[:4] == b"PK\x03\x04":
        return "zip"
    if head.startswith(("{", "[")):
        return "geojson" if re.search(r'"type"\s*:\s*"FeatureCollection"', head) else "json"
    if head.startswith("<"):
        if re.search(r"<(?:\w{1,20}:)?(?:rss|feed|rdf)\b", head, re.IGNORECASE):
            return "rss"
        page = r"<!doctype html|<html\b|\A<(?:head|body)\b"
        return "html" if re.search(page, head, re.IGNORECASE) else "xml"
    lines = [line for line in head.splitlines()[:6] if line.strip()]
    widths = {len(cells) for cells in csv.reader(lines)} if len(lines) > 1 else set()
    return "csv" if len(widths) == 1 and widths.pop() > 1 else ""


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if (
            tag == "link" and "alternate" in told.get("rel", "").lower().split()
            and told.get("type", "").lower() in FEED_TYPES
        ):  # fmt: skip
            self.found.append((told.get("title", ""), told.get("href", "")))


def _feeds(text: str, url: str) -> tuple[tuple[str, str], ...]:
    """The feeds that a page names in its head; http(s) only."""
    reader = _Links()
    with suppress(AssertionError, ValueError):  # "<![": what came before it was read
        reader.feed(text[:200_000])
    joined = {canonical_url(href, url): clean_text(title, 100) for title, href in reader.found}
    return tuple((title, link) for link, title in joined.items() if link)[:FEEDS_SHOWN]


# --------------------------------------------------------------------------- shape


def _shape(draft: Draft) -> dict[str, object]:
    """Title, language and options of the draft, read off its body. Raises SourceError."""
    source = blank(draft.url, draft.kind)
    if draft.kind == "rss":
        return _of_feed(source, draft)
    options: dict[str, object] = {}
    if draft.kind == "xml":
        root = xml_root(source, draft.body, draft.charset)
        options["items"] = repeated_element(root)
        rows = xml_rows(root, str(options["items"]))
    elif draft.kind == "csv":
        lines = iter(decode(draft.body, draft.charset).splitlines())
        rows = list(csv_rows(source, lines))
    else:
        answer = read_json(source, draft.body, draft.charset)
        if draft.kind == "geojson":
            rows = geojson_rows(source, answer)
        else:
            path, rows = longest_list(answer)
            options |= {"items": path} if path else {}
    article, missing = guess_article(rows)
    options["article"] = article
    return {"options": options, "missing": tuple(missing)}


def _of_feed(source: Source, draft: Draft) -> dict[str, object]:
    """Title and language as a feed states them; a feed that is no proper XML states none."""
    try:
        root = xml_root(source, draft.body, draft.charset)
    except SourceError:
        return {}
    top = next((one for one in root if local_name(one) == "channel"), root)
    texts = {local_name(one): one.text or "" for one in reversed(top) if local_name(one)}
    lang = texts.get("language", "") or root.get("{http://www.w3.org/XML/1998/namespace}lang", "")
    code = re.match(r"[a-z]{2}", lang.strip().lower())
    return {"title": clean_text(texts.get("title", ""), 120), "lang": code[0] if code else ""}


# --------------------------------------------------------------------------- how often


def _measured(draft: Draft, now: datetime, lang: str, parser: Parser) -> Draft:
    """The draft with what its entries tell: how many, how new, how often. Raises SourceError."""
    if set(draft.missing) - {"url"}:
        return replace(draft, lang=lang or draft.lang or "mul")
    parsed = parser(as_source(draft), draft.body, now, draft.charset, "")
    articles = [one for one in parsed.signals if isinstance(one, Article)]
    titles = " ".join(one.title for one in articles[:30])
    spoken = lang or _spoken(titles, draft.lang) or "mul"
    gap = gap_of(parsed, now)
    every = rounded(min(max((gap or 4 * HOUR) / 4, 600, parsed.ttl_s), 6 * HOUR))
    fresh = rounded(min(max(20 * (gap or 0), 2 * DAY, 4 * every), 60 * DAY))
    expect = (max(1, parsed.rows // 4), max(50, 4 * parsed.rows))
    said = "; ".join(filter(None, [parsed.said, _aged(parsed, now, fresh)]))
    return replace(
        draft, lang=spoken, rows=parsed.rows, newest=parsed.newest, gap_s=gap, ttl_s=parsed.ttl_s,
        every_s=every, fresh_within_s=fresh, expect=expect, said=said,
    )  # fmt: skip


def _spoken(titles: str, told: str) -> str:
    """The feed's own word, but where the script says otherwise: many Korean sites say en-US."""
    found = guess_lang(titles, told)
    return found if not told or found in ("ko", "ja", "zh") else told


def _aged(parsed: Parsed, now: datetime, fresh_s: int) -> str:
    """What is odd about the age of its entries; "" when nothing is."""
    if not parsed.rows:
        return EMPTY
    if parsed.newest is None or (now - parsed.newest).total_seconds() <= fresh_s:
        return ""
    days = (now - parsed.newest).days
    return f"its newest entry is {days} days old: it may be dead, look at the publisher's pages"


def as_source(draft: Draft) -> Source:
    """A source that reads the draft; rows without a link get that of the whole, as its file says."""
    options = dict(draft.options)
    if "url" in draft.missing:
        options["article"] = {**cast("Mapping[str, str]", options["article"]), "url": draft.url}
    return blank(draft.url, draft.kind, options=options, lang=draft.lang or "mul")


def gap_of(parsed: Parsed, now: datetime) -> float | None:
    """Median seconds between two dates inside; None with fewer than three dates."""
    dates = sorted({one.observed_at for one in parsed.signals if one.observed_at < now})
    gaps = [(after - before).total_seconds() for before, after in pairwise(dates)]
    return median(gaps) if len(gaps) > 1 else None


def rounded(seconds: float) -> int:
    """To whole minutes, hours or days, never down to nothing.

    >>> rounded(3700), rounded(200_000), rounded(631)
    (3600, 172800, 660)
    """
    unit = DAY if seconds >= 2 * DAY else HOUR if seconds >= HOUR else 60
    return max(1, round(seconds / unit)) * unit
