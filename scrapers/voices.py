"""Whose text is it, when two sources give the same link and title?

An article's id is made of link and title, so that the feeds of one house give it once. A feed that
copies the links of another house, and is asked first, must not silence it: then a ministry's own words
would count as hearsay. Who tells it first hand (its own site, or with its authority) keeps its voice,
under an id of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from ews.model import Article, Source, content_id
from scrapers.mapping import independence_of

_SECOND = frozenset("ac co com edu go gob gov ne net or org re".split())  # of national domains


def own_id(source: str, article: Article) -> str:
    """The id of an article that must not stand for the same one of another source."""
    return content_id("art", source, article.url, article.title)


def first_hand(
    source: Source, articles: Sequence[Article], known: Mapping[str, Article]
) -> list[Article]:
    """Those articles that another source has given before and that the source itself must be heard
    with, under their own ids. `known`: what is stored under the ids of `articles`."""
    return [
        replace(one, id=own_id(source.name, one))
        for one in articles
        if one.id in known and _silenced(source, one, known[one.id])
    ]


def may_be_silenced(source: Source, article: Article) -> bool:
    """Whether it is the source's own: said with its authority, or on its own site."""
    return source.trusted and (article.authority is not None or _own_site(source, article.url))


def _silenced(source: Source, article: Article, before: Article) -> bool:
    if before.source == source.name or not may_be_silenced(source, article):
        return False
    if article.authority is not None:
        return before.authority != article.authority
    # What a gatherer says of that outlet is the same voice.
    host = _host(article.url)
    return before.independence != article.independence and before.independence not in (
        host, site_of(article.url), *host.split("."),
    )  # fmt: skip


def _own_site(source: Source, url: str) -> bool:
    if not url:
        return False
    return site_of(url) == site_of(source.url) or (
        source.independence != "" and independence_of("", url) == source.independence
    )


def site_of(url: str) -> str:
    """The part of a host name that somebody registered, as far as it shows.

    >>> site_of("https://www.motie.go.kr/x"), site_of("https://feeds.example.org:8443/")
    ('motie.go.kr', 'example.org')
    """
    labels = _host(url).split(".")
    national = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND
    return ".".join(labels[-3 if national else -2 :])


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
