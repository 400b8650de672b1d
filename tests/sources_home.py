"""A home whose sources stand in every way that there is: written by the Store, nothing was fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ews.model import Article, Circuit, Fetch, FetchOutcome, Host, Polling, Raw
from ews.own_sources import TEXTS, shipped_sources, switch
from ews.storage import Store
from ews.storage.tallies import SPAN, Tally, span_of
from tests.empty_store import migrated

NOW = datetime(2026, 11, 25, 3, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOUD = '=HYPERLINK("http://x") <script>alert("1")</script> [red]항만[/red] <b>' + "긴" * 300
NASTY = LOUD + "\u202eevil\u202c"  # a title that no source.toml may have, but a text may
PRIVATE = """publisher = "{publisher}"
title = {title}
url = "https://feeds.example.org/{name}?token=secret-of-mine"
kind = "rss"
lang = "ko"
group = "news"
country = "KR"
tier = 4
terms = "unknown"
every = "30m"
fresh_within = "1d"
expect = {{ min = 1, max = 500 }}
independence = "{name}"
live_tested = false
"""
# name -> (HTTP status, what was said, failures in a row)
FAILED = {
    "bbc_world": (503, "bbc_world: HTTP 503 from feeds.bbci.co.uk", 7),
    "aljazeera": (410, "aljazeera: HTTP 410 from www.aljazeera.com; the publisher removed it for good", 1),
    "scmp_china": (403, "scmp_china: HTTP 403 from www.scmp.com; we are not welcome there", 4),
    "gcaptain": (200, "gcaptain: broken or cut-off XML at line 3", 5),
    "ofac_sdn": (200, "ofac_sdn: suspicious: 9,000 of 18,500 entries are gone at once; nothing is told before 2026-11-28", 2),
    "mk_economy": (200, "mk_economy: 1 rows where at least 5 are expected; it dries up or has changed", 9),
    "hankyung_economy": (404, "hankyung_economy: HTTP 404 from www.hankyung.com", 6),
}  # fmt: skip
STALE, MOVED, DRYING, OFF = "koreakr_motir", "nhc", "etnews", "gdacs"


def private_text(name: str, title: str = "지역 항만 소식", publisher: str = "우리 분석실") -> str:
    return PRIVATE.format(
        name=name, title=json.dumps(title, ensure_ascii=False), publisher=publisher
    )


def open_sources_home(folder: Path, private: int = 2) -> Iterator[Store]:
    """The store; closed at the end."""
    (folder / "ews.db").write_bytes(migrated())
    store = Store.open(folder)
    try:
        with store.begin() as tx:
            _fill(tx, private)
        yield store
    finally:
        store.close()


def _fill(tx: Store, private: int) -> None:
    texts = {f"own_{n:03}": private_text(f"own_{n:03}") for n in range(private)}
    texts |= {"own_nasty": private_text("own_nasty", LOUD), "own_broken": 'title = "<b>no"'}
    tx.put(TEXTS, json.dumps(texts, ensure_ascii=False))
    on = [one for one in shipped_sources() if one.enabled]
    known = {one.name for one in on}
    first = next(one for one in on if one.name == "yonhap_economy")
    for one in on:
        if one.name in FAILED:
            _fail(tx, one.name)
        elif one.name != "kotra":
            newest = NOW - (timedelta(days=90) if one.name == STALE else HOUR)
            tx.save_fetch(Fetch(one.name, NOW - HOUR / 2, FetchOutcome.NEW, 200, signals=20,
                                newest=newest, rows=max(one.expect_min, 20), took_s=1.2))  # fmt: skip
            tx.save_polling(Polling(one.name, NOW + HOUR / 2, "history", every_s=one.every_s * 2,
                                    moved_to="https://new.example.org/feed" if one.name == MOVED else None,
                                    url=one.url, changed_at=NOW - HOUR))  # fmt: skip
    assert set(FAILED) <= known, set(FAILED) - known
    _past(tx, first.name, 40, 40)
    _past(tx, DRYING, 60, 4)
    switch(tx, next(one for one in on if one.name == OFF), False, "운영자", NOW - DAY)
    _kept(tx, first.name)


def _fail(tx: Store, name: str) -> None:
    status, said, times = FAILED[name]
    tx.save_fetch(Fetch(name, NOW - 3 * DAY, FetchOutcome.NEW, 200, signals=5, newest=NOW - 3 * DAY, rows=5))  # fmt: skip
    gone = status == 410
    for n in range(times):
        tx.save_fetch(Fetch(name, NOW - HOUR * (n + 1), FetchOutcome.FAILED, status, error=said,
                            permanent=status in (403, 404, 410)))  # fmt: skip
    circuit = Circuit.GONE if gone else Circuit.OPEN if times >= 5 else Circuit.CLOSED
    why = "gone" if gone else "circuit" if times >= 5 else "back-off"
    source = next(one for one in shipped_sources() if one.name == name)
    tx.save_polling(Polling(name, None if gone else NOW + 2 * HOUR, why, times, circuit,
                            opened_at=NOW - DAY, url=source.url))  # fmt: skip


def _past(tx: Store, name: str, usual: int, now: int) -> None:
    """Five weeks of spans, the last two days of them with other counts."""
    end = span_of(NOW)
    for n in range(1, 36 * 4):
        at = end - n * SPAN
        new = (now if n <= 8 else usual) // 4
        failed = 3 if n == 50 else 0
        if not 60 <= n < 66:  # a day on which nobody asked
            tx.add_tally(Tally(name, at, 12, 0, failed, new, 0, new, 0))


def _kept(tx: Store, name: str) -> None:
    tx.save_articles([
        Article(f"art-{n:016x}", name, "연합뉴스", "https://e.org/x" if n else "javascript:alert(1)",
                NASTY if n == 0 else f"부산항 하역 중단 {n}", "", "ko", NOW - n * HOUR, NOW - n * HOUR,
                trusted=n != 1)
        for n in range(25)
    ])  # fmt: skip
    tx.save_raws([Raw(name, NOW - HOUR, 0, "https://e.org/feed", {}, b"<rss><script>1</script></rss>")])  # fmt: skip
    source = next(one for one in shipped_sources() if one.name == name)
    host = source.url.split("/")[2]
    tx.save_host(
        Host(host, NOW - HOUR, held_until=NOW + HOUR, robots_status=200, robots_at=NOW - HOUR)
    )
