"""Which feeds does an OPML file list, and how are ours written as one? OPML 1.0 and 2.0 (opml.org/spec2.opml)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
from lxml import etree

from ews.model import Source
from scrapers.bounds import wrong_words
from scrapers.errors import SourceError
from scrapers.guard import is_public, literal
from scrapers.hops import checked_url
from scrapers.probe import blank
from scrapers.rows import xml_root
from scrapers.templates import slug
from scrapers.text import clean_text

MAX_BYTES = 4 * 1024 * 1024
MAX_FEEDS = 1_000  # a reader's list has hundreds; every one is asked several times a day
DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a list. `group`: the outlines around it, outermost first, joined by " / "."""

    title: str
    url: str
    lang: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """The feeds of a file, and what was left out, in words."""

    feeds: tuple[Outline, ...]
    left_out: tuple[str, ...] = ()


def read_opml(body: bytes) -> Listed:
    """The feeds of an OPML file, each address once. SourceError for what is no OPML, has a DOCTYPE
    with entities, or is larger than a list of feeds can be."""
    if len(body) > MAX_BYTES:
        raise SourceError(f"the file is larger than {MAX_BYTES:,} bytes; split it", permanent=True)
    root = xml_root(blank("opml"), body, "")
    if etree.QName(root).localname.lower() != "opml":
        raise SourceError("no OPML: the first element is not <opml>", permanent=True)
    feeds: dict[str, Outline] = {}
    left_out: list[str] = []
    for node, group in _outlines(root):
        told = {name.lower(): value for name, value in node.items()}
        # braces are no part of an address (RFC 3986), and in a source.toml they stand for a date
        url = told.get("xmlurl", "").strip().replace("{", "%7B").replace("}", "%7D")
        if not url:
            continue
        title = clean_text(told.get("title") or told.get("text") or "", 120)
        if wrong := refused(url):
            left_out.append(f"{title or url[:80]}: {wrong}")
        elif same(url) not in feeds:
            feeds[same(url)] = Outline(title, url, _lang(told.get("language", "")), group)
        if len(feeds) > MAX_FEEDS:
            raise SourceError(f"more than {MAX_FEEDS:,} feeds; split the file", permanent=True)
    return Listed(tuple(feeds.values()), tuple(left_out))


def _outlines(root: etree._Element) -> Iterable[tuple[etree._Element, str]]:
    """Every outline with the names of those around it, in the order of the file."""
    waiting = [(root, "", 0)]
    while waiting:
        node, group, deep = waiting.pop()
        inside = group
        if node.tag == "outline":
            yield node, group
            inside = f"{group} / {_name(node)}".strip(" /")
        if deep < DEEPEST:
            waiting += [
                (one, inside, deep + 1) for one in reversed(node) if isinstance(one.tag, str)
            ]


def _name(node: etree._Element) -> str:
    return clean_text(node.get("title") or node.get("text") or "", 60)


def _lang(text: str) -> str:
    code = text.strip().lower()[:2]
    return code if code.isascii() and code.isalpha() and len(code) == 2 else ""


def refused(url: str) -> str:
    """Why this is no address that we ask; "" when it is one."""
    try:
        checked_url(url)
    except SourceError as error:
        return error.message
    except (httpx2.InvalidURL, ValueError):
        return "not a usable URL"
    address = literal(urlsplit(url).hostname or "")
    if address is not None and not is_public(address):
        return f"{address} is not a public address"
    if len(url) > 2_000:
        return "longer than an address can be"
    return wrong_words({"its address": url})


def same(url: str) -> str:
    """What two addresses of one feed share: scheme, www and a last slash do not tell them apart."""
    parts = urlsplit(url)
    host = parts.netloc.lower().removeprefix("www.")
    query = f"?{parts.query}" if parts.query else ""
    return f"{host}{parts.path.rstrip('/')}{query}"


def name_of(feed: Outline, taken: Collection[str]) -> str:
    """A folder name for the feed: its title where that is in Latin letters, else its host; with a
    number when taken."""
    host = (urlsplit(feed.url).hostname or "").removeprefix("www.")
    titled = slug(feed.title) if _latin(feed.title) else ""
    plain = (titled or slug(host) or "feed").replace("-", "_")[:50].strip("_")
    base = plain if plain[:1].isalpha() else f"feed_{plain}"
    return next(one for one in _numbered(base) if one not in taken)


def _latin(text: str) -> bool:
    """Whether no letter of it is lost in a folder name; of a Korean title only its numbers would stay.

    >>> _latin("Töne 24"), _latin("부산일보 24")
    (True, False)
    """
    return all(slug(one) for one in text if one.isalpha())


def _numbered(base: str) -> Iterable[str]:
    yield base
    number = 2
    while True:
        yield f"{base}_{number}"
        number += 1


def write_opml(sources: Iterable[Source], title: str, made: str) -> bytes:
    """The feeds among the sources (kind rss) as OPML 2.0, nested by group. `made`: RFC 822 date."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = title
    etree.SubElement(head, "dateCreated").text = made
    body = etree.SubElement(root, "body")
    groups: dict[str, etree._Element] = {}
    for one in sources:
        if one.kind != "rss":
            continue
        if one.group not in groups:
            groups[one.group] = etree.SubElement(body, "outline", text=one.group, title=one.group)
        etree.SubElement(
            groups[one.group], "outline", type="rss", text=clean_text(one.title, 200),
            title=clean_text(one.title, 200), xmlUrl=one.url, language=one.lang,
        )  # fmt: skip
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True))
