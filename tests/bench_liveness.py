"""What /metrics costs with 300 sources, a million articles, ten weeks of tallies and 100,000 deliveries.

All of it is synthetic. `python -m tests.bench_liveness` prints and returns the figures.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

import ews.own_sources
from ews.config import load_settings
from ews.liveness.pulse import note_cycle
from ews.model import Polling
from ews.reports.metrics import StoreCollector, exposition
from ews.storage import Store, schema
from ews.storage.tallies import KEPT, SPAN, span_of
from scrapers import load_sources

NOW = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
SOURCES, ARTICLES, DELIVERIES, FETCHES = 300, 1_000_000, 100_000, 400
PART = 50_000
LIMIT_S = 0.2


def fill(store: Store, names: list[str]) -> None:
    """Rows as they would lie there; only what is asked by count and by index matters."""
    moment = schema.Moment()

    def at(when: datetime) -> int:
        return int(moment.process_bind_param(when, None) or 0)  # type: ignore[arg-type]

    with store._write() as connection:
        spans = int(KEPT / SPAN)
        rows = [
            (name, at(span_of(NOW) - n * SPAN), 24, 3, 1, 400, 0, 12, 0)
            for name in names for n in range(spans)
        ]  # fmt: skip
        rows += [(name, 0, 9_000, 900, 9, 90_000, 0, 5_000, 0) for name in names]
        _insert(connection, "tallies", rows)
        fetches = [
            (f"f{name}{n}", name, at(NOW - n * timedelta(minutes=15)), "new", 40,
             at(NOW - timedelta(minutes=20)), 0)
            for name in names for n in range(FETCHES)
        ]  # fmt: skip
        columns = "id,source,at,outcome,signals,newest,permanent"
        _insert(connection, "fetches", fetches, columns)
        for begin in range(0, ARTICLES, PART):
            articles = [
                (f"a{n}", names[n % SOURCES], "o", f"https://x/{n}", "title", "text " * 20, "en",
                 at(NOW - timedelta(seconds=n)), at(NOW - timedelta(seconds=n)), "", "m.v1",
                 at(NOW), at(NOW))
                for n in range(begin, begin + PART)
            ]  # fmt: skip
            columns = ("id,source,outlet,url,title,text,lang,observed_at,available_at,"
                       "independence,model,tagged_at,detected_at")  # fmt: skip
            _insert(connection, "articles", articles, columns)
        told = [
            (f"n{n}", f"x{n}", 1, "raised", "r", "console", "-", "ko", "first", at(NOW), "")
            for n in range(DELIVERIES)
        ]
        columns = "id,alert_id,alert_revision,change,receiver,channel,address,lang,reason,at,why"
        _insert(connection, "notifications", told, columns)
        sent = [(f"n{n}", f"x{n}", 1, "r", at(NOW), "sent", 1) for n in range(DELIVERIES)]
        columns = "notification_id,alert_id,alert_revision,receiver,at,state,attempts"
        _insert(connection, "deliveries", sent, columns)


def _insert(
    connection: sa.Connection, table: str, rows: list[tuple[object, ...]], columns: str = ""
) -> None:
    marks = ",".join("?" * len(rows[0]))
    names = f" ({columns})" if columns else ""
    connection.exec_driver_sql(f"INSERT INTO {table}{names} VALUES ({marks})", rows)


def measure(runs: int = 9) -> dict[str, object]:
    """Seconds of one answer (median and worst of `runs`), its size, and the bar."""
    base = [one for one in load_sources() if one.enabled]
    known = [replace(base[n % len(base)], name=f"s{n:03}") for n in range(SOURCES)]
    kept, ews.own_sources.shipped_sources = ews.own_sources.shipped_sources, lambda: tuple(known)  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory() as home:
            store = Store.open(Path(home))
            fill(store, [one.name for one in known])
            store.put("run.began_at", NOW.isoformat())
            note_cycle(store, NOW, 1.0)
            for one in known:
                store.save_polling(Polling(one.name, next_due=NOW, news_at=NOW))
            settings = load_settings(Path(home))
            took, used, body = [], [], b""
            collector = StoreCollector(settings, store, lambda: NOW)
            for _ in range(runs):
                begun, cpu = time.perf_counter(), time.process_time()
                body, _ = exposition(collector)
                took.append(time.perf_counter() - begun)
                used.append(time.process_time() - cpu)
            store.close()
    finally:
        ews.own_sources.shipped_sources = kept
    return {
        "sources": SOURCES, "articles": ARTICLES, "deliveries": DELIVERIES,
        "first_s": round(took[0], 3), "median_s": round(statistics.median(took), 3),
        "first_cpu_s": round(used[0], 3), "median_cpu_s": round(statistics.median(used[1:]), 3),
        "worst_after_first_s": round(max(took[1:]), 3), "bytes": len(body),
        "lines": body.count(b"\n"), "limit_s": LIMIT_S,
    }  # fmt: skip


def main() -> None:
    print(json.dumps(measure(), indent=1))


if __name__ == "__main__":
    main()
