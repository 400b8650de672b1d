"""A day of GDELT's files against Python's csv reader: how much processor does the whole way to the store cost?

    python -m tests.bench_collection_gdelt [--slots N] [--out FILE]

The files are synthetic, in the documented layout and of the sizes that GDELT's have (a slot of each of
two streams: 1,200-2,500 events, 4,000-10,000 mentions, 1,500-2,500 rows of the knowledge graph of some
3-8 kB). One row of GKG in eight carries a wanted theme and one event in 46 a wanted code: assumptions, no
recorded file of either is at hand. The
rival splits every row of the same text, already unzipped and decoded, and keeps nothing. Ours checks md5, size
and CRC, unzips, joins, cleans, and keeps articles in SQLite: once in this process, once as `ews run` does
it, with a parse worker. Processor seconds, user and system, children included.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import platform
import random
import resource
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from ews.model import FetchOutcome, Source
from ews.pipeline import Pipeline, Rooms
from ews.storage import Store
from scrapers import Client, load_source, parse
from scrapers.collected import Parser
from scrapers.http import Reply
from scrapers.slots import QUARTER, stamp
from scrapers.worker import Workers
from tests.gdelt_samples import event, index_of, mention, page, slot_files

BAR = 3.0  # times the processor seconds of csv.reader
START = datetime(2026, 11, 24, tzinfo=UTC)
STREAMS = {"gdelt_gkg": "", "gdelt_translated": ".translation"}
SHARE = 1 / 8  # of rows with a wanted theme
SPOKEN = {"kor": "항만 파업 하역 중단", "zho": "商务部公告限制出口", "rus": "Порт остановил погрузку",
          "spa": "El puerto para la carga", "ara": "إضراب في الميناء"}  # fmt: skip
SEED = 20261124


# --------------------------------------------------------------------------- the files


@dataclass
class Maker:
    """Makes slots. Long fields come from a pool: what differs from row to row is what a reader looks at."""

    random: random.Random
    source: Source

    def __post_init__(self) -> None:
        pick = self.random
        self.dull = [f"WB_{n}_SAMPLE_{n * 7919 % 997}" for n in range(600)]
        self.wanted = cast(list[str], self.source.options["themes"])
        self.tails = [
            {"gcam": ",".join(f"c{pick.randrange(1, 25)}.{pick.randrange(1, 300)}:{pick.randrange(1, 90)}"
                              for _ in range(pick.randrange(120, 420))),
             "names": ";".join(f"Sample Name {pick.randrange(5000)},{pick.randrange(9000)}"
                               for _ in range(pick.randrange(5, 40)))}
            for _ in range(300)
        ]  # fmt: skip

    def slot(self, at: datetime, stream: str) -> dict[str, bytes]:
        """The three zips of a slot by name."""
        pick, told = self.random, stamp(at)
        links = [
            f"https://news{n % 700}.example.org/{told}{stream}/{n}"
            for n in range(pick.randrange(1500, 2500))
        ]
        first = int(at.timestamp()) // 900 * 10_000
        events = range(first, first + pick.randrange(1200, 2500))
        codes = ["010", "036", "040", "042", "051", "111", "112", "190", "173"] * 5 + [
            "163",
            "143",
            "172",
        ]
        lands = ["USA", "CHN", "KOR", "RUS", "", "GBR"]
        rows = {
            "export.CSV": [event(n, pick.choice(codes), pick.choice(lands), pick.choice(lands), told)
                           for n in events],
            "mentions.CSV": [
                mention(pick.choice(events) - pick.choice((0, 0, 10_000)), pick.choice(links),
                        pick.randrange(10, 101, 10), told, "kor" if stream else "")
                for _ in range(pick.randrange(4000, 10_000))
            ],
            "gkg.csv": [self._page(n, link, stream, told) for n, link in enumerate(links)],
        }  # fmt: skip
        return slot_files(told, rows, stream, level=1)

    def _page(self, number: int, link: str, stream: str, told: str) -> str:
        pick = self.random
        themes = pick.sample(self.dull, pick.randrange(8, 40))
        if pick.random() < SHARE:
            themes.insert(pick.randrange(len(themes)), pick.choice(self.wanted))
        spoken = pick.choice(list(SPOKEN)) if stream else ""
        words = SPOKEN.get(spoken, "Sample: the port of Example &#x2013; ships wait")
        title = f"{words} {number} | News {number % 700}"
        row = page(number, link, title, themes, link[8:].partition("/")[0], told, spoken, told)
        cells, tail = row.split("\t"), pick.choice(self.tails)
        cells[17], cells[23] = tail["gcam"], tail["names"]
        return "\t".join(cells)


# --------------------------------------------------------------------------- the two readers


def cpu() -> float:
    """Processor seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def of_children() -> float:
    """Processor seconds of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def texts(files: dict[str, bytes]) -> Iterator[str]:
    """The text of each file, unzipped and decoded."""
    for body in files.values():
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            yield archive.read(archive.namelist()[0]).decode("utf-8", "replace")


class Files(Client):
    """The network: the files of the slot that was published last."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.environ = {}

    def get(self, url: str, **_: Any) -> Reply:
        body = self.files.get(url.rpartition("/")[2])
        return Reply(200 if body is not None else 404, {}, body or b"", url)


@dataclass
class Ours:
    """One way to collect, over a store of its own."""

    parser: Parser
    home: Path
    cpu_s: float = 0.0
    articles: int = 0
    rows: int = 0  # of the knowledge graph, as the fetches tell

    def __post_init__(self) -> None:
        no = cast(Any, None)  # only scraping is asked of the pipeline
        rooms = Rooms(no, no, no, no, no, parser=self.parser)
        self.pipeline, self.client = Pipeline(Store.open(self.home), rooms), Files()

    def slot(self, source: Source, files: dict[str, bytes], at: datetime) -> None:
        self.client.files = {**files, source.url.rpartition("/")[2]: index_of(files)}
        before = cpu()
        self.articles += self.pipeline.scrape(source, self.client, at)
        self.cpu_s += cpu() - before
        last = self.pipeline.store.last_fetch(source.name)
        assert last is not None and last.outcome is FetchOutcome.NEW, last  # noqa: PT018
        self.rows += last.rows or 0


# --------------------------------------------------------------------------- the measurement


def measure(slots: int = 96) -> dict[str, object]:
    """`slots` slots of both streams through the rival and both of ours; figures, and whether the bar is met."""
    load, begun = os.getloadavg()[0], time.monotonic()
    sources = {name: replace(load_source(name), trusted=True) for name in STREAMS}
    maker = Maker(random.Random(SEED), sources["gdelt_gkg"])
    rival, rows, size, packed_size, children = 0.0, 0, 0, 0, of_children()
    pages, lines, whole = 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as home, Workers(size=1) as workers:
        here = Ours(parse, Path(home) / "here")
        live = Ours(workers.parse, Path(home) / "live")
        for n in range(slots):
            at = START + n * QUARTER
            for name, stream in STREAMS.items():
                files = maker.slot(at, stream)
                packed_size += sum(map(len, files.values()))
                for text in texts(files):
                    pages += text.count("\n") if text.count("\t", 0, text.index("\n")) == 26 else 0
                    size += len(text.encode())
                    seconds, read = _by_csv(text)
                    rival, rows = rival + seconds, rows + read
                    lines += _lines_by_csv(text)
                del text
                whole += _files_by_csv(files)
                for way in (here, live):
                    way.slot(sources[name], files, at + timedelta(minutes=1))
        workers.close()
        in_workers = of_children() - children
    assert here.articles == live.articles > 0
    assert here.rows == live.rows == pages, "a row of the knowledge graph was left out"
    ours = live.cpu_s + in_workers
    return {
        "data": "synthetic", "seed": SEED, "slots": slots, "streams": len(STREAMS), "rows": rows,
        "mb_of_text": round(size / 1e6), "mb_packed": round(packed_size / 1e6), "articles": live.articles, "pages": pages,
        "csv_reader_cpu_s": round(rival, 2), "in_process_cpu_s": round(here.cpu_s, 2),
        "with_worker_cpu_s": round(ours, 2), "of_it_in_the_worker_s": round(in_workers, 2),
        "in_process_ratio": round(here.cpu_s / rival, 2), "ratio": round(ours / rival, 2),
        "ratio_to_csv_over_a_list_of_lines": round(ours / lines, 2),
        "ratio_to_csv_that_unzips": round(ours / whole, 2),
        "bar": BAR, "met": ours / rival <= BAR, "took_s": round(time.monotonic() - begun, 1),
        "machine": {
            "cores": os.cpu_count(), "load_before": round(load, 1),
            "load_after": round(os.getloadavg()[0], 1), "python": platform.python_version(),
            "cpu": platform.machine(),
        },
    }  # fmt: skip


def _lines_by_csv(text: str) -> float:
    """The same when it is handed a list of lines, which costs it less than a text to iterate."""
    before = cpu()
    for _ in csv.reader(text.split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE):
        pass
    return cpu() - before


def _files_by_csv(files: dict[str, bytes]) -> float:
    """The same when it has to unzip and decode too, as a program does that reads such files."""
    before = cpu()
    for body in files.values():
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            inside = io.TextIOWrapper(
                archive.open(archive.namelist()[0]), "utf-8", "replace", newline="\n"
            )
            for _ in csv.reader(inside, delimiter="\t", quoting=csv.QUOTE_NONE):
                pass
    return cpu() - before


def _by_csv(text: str) -> tuple[float, int]:
    """Processor seconds of csv.reader over the text, and its rows."""
    lines = io.StringIO(text, newline="\n")
    before = cpu()
    read = sum(1 for _ in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return cpu() - before, read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=96, help="of each stream; 96 are a day")
    parser.add_argument("--out", type=Path, help="write the figures there too")
    given = parser.parse_args()
    found = json.dumps(measure(given.slots), indent=1)
    print(found)
    if given.out is not None:
        given.out.write_text(found + "\n", "utf-8")


if __name__ == "__main__":
    main()
