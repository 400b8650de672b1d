"""How well are hostile and odd texts read? Test sets of others, charsets, languages, bombs.

    EWS_RECORDED_DATA=... python -m tests.bench_collection_text      prints one JSON object

Needs `make torture-sets`; what needs the recorded data is left out without it. Figures are counts
and shares of this run, seconds are processor time.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from scrapers.errors import SourceError
from scrapers.kinds import parse
from scrapers.langs import guess_lang
from tests import test_scrapers_charsets as charsets
from tests import test_scrapers_naughty as naughty
from tests import test_scrapers_parse_bombs as bombs
from tests import test_scrapers_torture as torture
from tests.source_made import made_source
from tests.torture_sets import json_files

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SPOKEN = {  # recorded file -> languages whose `lang` field is right
    "feeds/kr_news/kr_news_2025-08_2026-03.jsonl.gz": ("ko", "en", "fr", "ja"),
    "feeds/rss2021/rss_2021.jsonl.gz": ("en", "pl"),
}


def measure() -> dict[str, object]:
    """Every figure of this part, by bar."""
    found: dict[str, object] = {
        "feedparser_files": of_feedparser(),
        "json_test_suite": of_json(),
        "naughty_strings": of_naughty(),
        "charset_matrix": of_matrix(),
        "bombs": of_bombs(),
    }
    folder = os.environ.get("EWS_RECORDED_DATA", "")
    if folder:
        found["undeclared_korean"] = {
            name: charsets.undeclared(Path(folder) / name) for name in charsets.RECORDED
        }
        found["languages"] = {
            name: of_languages(Path(folder) / name, told) for name, told in SPOKEN.items()
        }
    return found


def of_feedparser() -> dict[str, object]:
    told = torture.through_ours()
    return {
        "files": sum(told.counts.values()), "by_outcome": dict(told.counts), "entries_there": told.entries,
        "refused_with_entries": dict(+told.refused), "raised": len(told.raised),
        "unsafe": len(told.unsafe), "differ": len(told.differ), "slowest_s": round(told.slowest_s, 3),
        "links_and_dates": told.linked + told.dated, "links_differ": len(told.links),
    }  # fmt: skip


def of_json() -> dict[str, object]:
    """Accepted of each kind of file: y_ must be, n_ must not, i_ may."""
    files = json_files()
    all_of = Counter(name[0] for name in files)
    taken = Counter(name[0] for name, body in files.items() if torture.accepts(body))
    return {kind: f"{taken[kind]} of {all_of[kind]} accepted" for kind in "yni"}


def of_naughty() -> dict[str, object]:
    """Titles that come out as defined, by way of writing them; cells of a CSV that are safe; those
    that lose nothing but space at the ends and runs of it (the others have markup or controls)."""
    ways = {}
    for way in naughty.WAYS:
        titles = {url: one.title for url, one in naughty.collected(way).items()}
        ways[way] = sum(titles.get(url) == title for url, title in naughty.wanted(way).items())
    titles = list(naughty.wanted("escaped in CDATA").values())
    sheet = naughty.written(["title"], [[one] for one in titles]).removeprefix("\ufeff")
    cells = [row[0] for row in list(csv.reader(io.StringIO(sheet)))[1:]]
    back = sum(cell in (one, f"'{one}") for cell, one in zip(cells, titles, strict=True))
    sent = {
        f"https://feed.example/{n}": " ".join(one.split())
        for n, one in enumerate(naughty.naughty())
    }
    whole = sum(sent[url] == title for url, title in naughty.wanted("escaped in CDATA").items())
    return {
        "strings": len(titles),
        "as_defined": ways,
        "back_from_csv": back,
        "letter_for_letter": whole,
    }


def of_matrix() -> dict[str, object]:
    cells = [(charset, way) for charset in charsets.WRITTEN for way in charsets.WAYS]
    right = []
    for charset, way in cells:
        with suppress(AssertionError):
            right += [charset] if charsets.read_right(charset, way) else []
    asked = [one for one in right if one != "cp1251"]
    return {"right": len(asked), "of": 56, "russian_beside": f"{len(right) - len(asked)} of 7"}


def of_bombs() -> dict[str, float]:
    """Seconds of processor time of each."""
    took = {}
    for name, (kind, body, _) in (bombs.QUICK | bombs.SLOW).items():
        source, began = made_source("bomb", **bombs.KINDS[kind]), time.process_time()
        with suppress(SourceError):
            parse(source, body, NOW)
        took[name] = round(time.process_time() - began, 3)
    return took


def of_languages(path: Path, told: tuple[str, ...]) -> dict[str, object]:
    """Shares of titles whose language is the recorded one, when English is the default."""
    right, all_of = Counter[str](), Counter[str]()
    for lang, title in set(_titles(path)):
        if lang in told:
            all_of[lang] += 1
            right[lang] += guess_lang(title, "en") == lang
    return {lang: f"{right[lang]} of {all_of[lang]}" for lang in told}


def _titles(path: Path) -> Iterator[tuple[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row.get("title"):
                yield (row.get("lang") or "")[:2].lower(), row["title"]


def main() -> None:
    print(json.dumps(measure(), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
