"""Recorded feeds -> articles in order of when they could be known.

A feed is JSON Lines, plain or gzip: published, source, title, summary or text, link or url, lang.
`available_at` is the row's own where it has one; else published + 15 min, or the end of the day for
a row that only knows its day (`"precision": "day"`).
"""

from __future__ import annotations

import gzip
import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, cast

from ews.model import DEFAULT_PUBLICATION_DELAY, Article, utc
from ews.tuning.outlets import newsroom, outlet, plain_language

SORT_BUFFER = 20_000  # rows kept back while a file is put in order
DAY_ONLY = frozenset({"taipeitimes"})


class FeedFileError(ValueError):
    """A feed line cannot be read; the message names the file and the line."""


def read_feed(
    paths: Sequence[Path], since: datetime | None = None, until: datetime | None = None
) -> Iterator[Article]:
    """Articles available in [since, until), oldest first, each once; files are read as they go.

    Recorded files stand in order of publication, so a buffer of rows is enough to sort them; a
    file in another order is read again whole. FeedFileError names a bad line.
    """
    streams = [_ordered(path, since, until) for path in paths]
    seen: set[str] = set()
    for article in heapq.merge(*streams, key=lambda a: (a.available_at, a.id)):
        if article.id not in seen:
            seen.add(article.id)
            yield article


def article_of(row: Mapping[str, object]) -> Article:
    """One row as an article. KeyError or ValueError when a needed field is missing or wrong."""
    published = utc(_text(row, "published"))
    source, title = _text(row, "source"), _text(row, "title", empty=True)
    url = str(row.get("link") or row.get("url") or "")
    return Article(
        id=Article.make_id(source, url, title),
        source=source,
        outlet=outlet(source),
        url=url,
        title=title,
        text=str(row.get("summary") or row.get("text") or ""),
        lang=plain_language(row.get("lang")),
        observed_at=published,
        available_at=_available(row, published),
        independence=newsroom(source),
    )


def _ordered(path: Path, since: datetime | None, until: datetime | None) -> Iterator[Article]:
    """The file's articles in order, through a bounded heap."""
    heap: list[tuple[datetime, str, int, Article]] = []
    last: datetime | None = None
    for number, article in enumerate(_rows(path, since, until)):
        if last is not None and article.available_at < last:
            # Further out of order than the buffer: sort it all. `read_feed` drops what is out
            # already, and a row that should have come before comes as soon as it can.
            rows = list(_rows(path, since, until))
            yield from sorted(rows, key=lambda a: (a.available_at, a.id))
            return
        heapq.heappush(heap, (article.available_at, article.id, number, article))
        if len(heap) > SORT_BUFFER:
            last, _, _, first = heapq.heappop(heap)
            yield first
    while heap:
        yield heapq.heappop(heap)[-1]


def _rows(path: Path, since: datetime | None, until: datetime | None) -> Iterator[Article]:
    with _open(path) as file:
        number = 0  # the line that was read last, for the error
        try:
            for line in file:
                number += 1
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("not a JSON object")
                article = article_of(cast("Mapping[str, object]", row))
                said = article.title or article.text  # some recorded rows are empty
                early = since is not None and article.available_at < since
                late = until is not None and article.available_at >= until
                if said and not early and not late:
                    yield article
        except KeyError as error:
            raise FeedFileError(f"{path.name} line {number}: field {error} is missing") from error
        except (ValueError, EOFError, OSError) as error:
            raise FeedFileError(f"{path.name} line {number}: {error}") from error


def _open(path: Path) -> IO[str]:
    if not path.is_file():
        raise FeedFileError(f"{path}: no such feed file; give a .jsonl or .jsonl.gz")
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _available(row: Mapping[str, object], published: datetime) -> datetime:
    if row.get("available_at"):
        return utc(str(row["available_at"]))
    if row.get("precision") == "day" or _only_a_day(row, published):
        return published.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return published + DEFAULT_PUBLICATION_DELAY


def _only_a_day(row: Mapping[str, object], published: datetime) -> bool:
    """Taipei Times gives midnight for a day; a midnight of another outlet may be a real time."""
    return newsroom(str(row["source"])) in DAY_ONLY and published == published.replace(
        hour=0, minute=0, second=0, microsecond=0
    )


def _text(row: Mapping[str, object], name: str, empty: bool = False) -> str:
    value = row[name]
    if not isinstance(value, str) or not (empty or value.strip()):
        raise ValueError(f"field '{name}' must be text, not {value!r}")
    return value.strip()
