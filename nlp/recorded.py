"""Texts of the recorded data by id. The project keeps ids and labels, never the text.

Rows of `news/` carry an id. Feed rows do not; theirs is the feed's name and a hash of the link,
title and time that the feed gave.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DATA = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parents[2] / "shared" / "data"))
LEDE = 400  # characters of the text that are kept
FEEDS = {
    "rss2021": "feeds/rss2021/rss_2021.jsonl.gz",
    "rss2023h1": "feeds/rss2023/rss_2023_h1.jsonl.gz",
    "rss2023h2": "feeds/rss2023/rss_2023_h2.jsonl.gz",
    "krnews": "feeds/kr_news/kr_news_2025-08_2026-03.jsonl.gz",
}


@dataclass(frozen=True, slots=True)
class Text:
    """One recorded item. `published` is as the source wrote it."""

    id: str
    source: str  # file stem of the news, or name of the feed
    outlet: str
    lang: str
    published: str
    title: str
    text: str
    link: str = ""


def feed_id(feed: str, raw: Mapping[str, object]) -> str:
    """Stable id of a feed row, which has none of its own."""
    told = f"{raw.get('link')}|{raw.get('title')}|{raw.get('published')}"
    return f"{feed}-{hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"


def read_jsonl(path: Path) -> Iterator[dict[str, object]]:
    """Rows of a gzipped file, one JSON object a line. FileNotFoundError when absent."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def feed(name: str, data: Path = DATA) -> Iterator[Text]:
    """Every item of one recorded feed, in its order."""
    for raw in read_jsonl(data / FEEDS[name]):
        yield Text(
            feed_id(name, raw),
            name,
            str(raw.get("source") or ""),
            str(raw.get("lang") or "en")[:2],
            str(raw["published"]),
            str(raw["title"] or ""),
            str(raw["summary"] or "")[:LEDE],
            str(raw.get("link") or ""),
        )


def news(name: str, data: Path = DATA) -> Iterator[Text]:
    """Every row of one file of `news/`."""
    for raw in read_jsonl(data / "news" / f"{name}.jsonl.gz"):
        yield Text(
            str(raw["id"]),
            name,
            name,
            str(raw["lang"]),
            str(raw["published"] or ""),
            str(raw["title"] or ""),
            str(raw["text"] or "")[:LEDE],
            str(raw.get("url") or ""),
        )


def news_names(data: Path = DATA) -> list[str]:
    return sorted(path.name.removesuffix(".jsonl.gz") for path in (data / "news").glob("*.gz"))


def find(ids: Collection[str], data: Path = DATA) -> dict[str, Text]:
    """The texts of those ids. KeyError, naming a few, when the recorded data lacks some."""
    wanted = set(ids)
    found: dict[str, Text] = {}
    feeds = {row_id.rsplit("-", 1)[0] for row_id in wanted} & FEEDS.keys()
    for name in sorted(feeds):
        found |= {row.id: row for row in feed(name, data) if row.id in wanted}
    if wanted - found.keys():
        for name in news_names(data):
            found |= {row.id: row for row in news(name, data) if row.id in wanted}
            if not wanted - found.keys():
                break
    if missing := sorted(wanted - found.keys()):
        raise KeyError(f"{len(missing)} ids are not in {data}, among them {missing[:3]}")
    return found
