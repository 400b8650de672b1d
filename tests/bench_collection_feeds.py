"""How much does the whole way of a feed into the store cost, beside feedparser alone?

    python -m tests.bench_collection_feeds [--bodies N]

The same bodies (tests.feed_bodies), slice by slice in turn: (a) `feedparser.parse(body)` as it comes
and (b) ours: `Pipeline.scrape`, where a worker parses and the articles, the raw body, the fetch and
the plan go into a fresh SQLite file. In every fourth slice also (c) feedparser with the header said
and (d) ours without the raw body. Processor time, user and system, of this process and of its
workers. The network alone is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, cast

import feedparser

from ews.model import FetchOutcome, Source
from ews.pipeline import Pipeline, Rooms
from ews.storage import Store
from scrapers import Client, load_source
from scrapers.http import Reply
from scrapers.worker import Workers
from tests.feed_bodies import Feed, feeds

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("EWS_RECORDED_DATA", ROOT.parent / "shared" / "data"))
BODIES, SLICE = 10_000, 250
BAR = 1.6
START = datetime(2026, 3, 1, tzinfo=UTC)
HEADERS = {"content-type": "application/xml; charset=utf-8", "etag": '"1"', "server": "nginx"}


class Served(Client):
    """A client whose network is the next body."""

    def __init__(self) -> None:
        self.environ, self.body = {}, b""

    def get(self, url: str, **_: Any) -> Reply:
        return Reply(200, HEADERS, self.body, url)


@dataclass
class Ours:
    """Our way with one store, and what it cost."""

    folder: Path
    keep_raw: bool
    cpu_s: float = 0.0
    articles: int = 0
    lost: int = 0
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.workers = Workers(1)
        self.store = Store.open(self.folder)
        rooms = Rooms(None, None, None, {}, None, parser=self.workers.parse)  # type: ignore[arg-type]
        self.pipeline, self.client = Pipeline(self.store, rooms), Served()
        self.turns = 0

    def run(self, bodies: Sequence[Feed], entries: Sequence[int]) -> None:
        before = self._cpu()
        for feed in bodies:
            self.client.body = feed.body
            self.turns += 1
            at = START + timedelta(seconds=self.turns)
            self.articles += self.pipeline.scrape(source_of(feed, self.keep_raw), self.client, at)
        self.cpu_s += self._cpu() - before
        fetches = self.store.fetches(limit=len(bodies))[::-1]
        for feed, fetch, count in zip(bodies, fetches, entries, strict=True):
            self.lost += max(0, count - (fetch.rows or 0))
            if fetch.outcome is not FetchOutcome.NEW and len(self.faults) < 10:
                self.faults.append(f"{feed.form}: {fetch.error}")

    def _cpu(self) -> float:
        """Of this process, of workers that ended and of those that live."""
        gone = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (
            time.process_time()
            + gone.ru_utime
            + gone.ru_stime
            + sum(map(_ran, self.workers.pids()))
        )


def _ran(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def source_of(feed: Feed, keep_raw: bool) -> Source:
    name = "feed_" + "".join(char if char.isalnum() else "_" for char in feed.name)
    options = {} if keep_raw else {"keep_raw": False}
    return replace(
        load_source("bbc_world"), name=name, lang=feed.lang, url=f"https://{name}.example.org/feed",
        expect_min=0, expect_max=100, options=options,
    )  # fmt: skip


@dataclass
class Alone:
    """feedparser and nothing else."""

    headers: dict[str, str] | None
    cpu_s: float = 0.0

    def run(self, bodies: Sequence[Feed]) -> list[int]:
        """How many entries each body has."""
        more = {} if self.headers is None else {"response_headers": self.headers}
        before, counts = time.process_time(), []
        for feed in bodies:
            counts.append(len(feedparser.parse(feed.body, **more).entries))
        self.cpu_s += time.process_time() - before
        return counts


def slices(bodies: Iterator[Feed]) -> Iterator[list[Feed]]:
    while part := list(islice(bodies, SLICE)):
        yield part


def measure(count: int = BODIES) -> dict[str, object]:
    """The figures of one run over `count` bodies."""
    warnings.simplefilter("ignore")
    data = DATA if (DATA / "feeds" / "rss2023").exists() else None
    load_source("bbc_world"), feedparser.parse(b"<rss/>")
    alone, told = Alone(None), Alone({"content-type": HEADERS["content-type"]})
    shapes: list[tuple[int, str]] = []
    entries, beside = 0, [0.0, 0.0]  # what (a) and (b) cost in the slices of (c) and (d)
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(Path(folder) / "raw", True)
        bare = Ours(Path(folder) / "bare", False)
        for number, part in enumerate(slices(feeds(count, data))):
            before = (alone.cpu_s, ours.cpu_s)
            counts = alone.run(part)
            ours.run(part, counts)
            if number % 4 == 0:
                beside = [beside[0] + alone.cpu_s - before[0], beside[1] + ours.cpu_s - before[1]]
                told.run(part)
                bare.run(part, counts)
            entries += sum(counts)
            shapes += [(len(feed.body), feed.form) for feed in part]
        kept = sum(one.stat().st_size for one in (Path(folder) / "raw").iterdir())
        for one in (ours, bare):
            one.workers.close()
            one.store.close()
    sizes = sorted(size for size, _ in shapes)
    ratio = ours.cpu_s / alone.cpu_s
    return {
        "texts": "recorded 2021-2025, frames made up" if data else "made up",
        "bodies": len(sizes), "entries": entries, "forms": Counter(form for _, form in shapes),
        "bytes": {"least": sizes[0], "median": sizes[len(sizes) // 2], "most": sizes[-1]},
        "feedparser_cpu_s": round(alone.cpu_s, 1), "ours_cpu_s": round(ours.cpu_s, 1),
        "ratio": round(ratio, 3), "bar": BAR, "met": ratio <= BAR and not ours.lost,
        "feedparser_told_the_header_over_feedparser": round(told.cpu_s / beside[0], 3),
        "ours_without_raw_over_feedparser": round(bare.cpu_s / beside[0], 3),
        "ours_in_those_slices_over_feedparser": round(beside[1] / beside[0], 3),
        "articles": ours.articles, "entries_lost": ours.lost, "faults": ours.faults + bare.faults,
        "workers_started": [ours.workers.started, bare.workers.started],
        "store_mb": round(kept / 1e6, 1),
        "machine": {
            "cores": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version(),
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--bodies", type=int, default=BODIES)
    figures = measure(cast(int, parser.parse_args().bodies))
    print(json.dumps(figures, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
