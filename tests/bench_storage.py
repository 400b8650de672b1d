"""Rates of the store, best of three, beside the same work without bulk writes.

    python -m tests.bench_storage [--url URL]    writes docs/bench/storage.json

The rival is what the store would be without bulk writes: one article, one transaction.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ews.model import Article, Mention, MentionKind, Observation, Phase, Tag, TaggedArticle
from ews.storage import Store, schema, sqlite_version
from ews.storage.engine import open_engine

NOW = datetime(2023, 7, 1, tzinfo=UTC)
ROWS = 20_000
OUT = Path(__file__).parent.parent / "docs" / "bench" / "storage.json"


def articles(first: int, count: int) -> list[Article]:
    """Rows of about 700 bytes of Korean text, as a headline with its lede."""
    return [
        Article(
            Article.make_id("bench", f"https://news.test/{n}", "t"), "bench", "매체",
            f"https://news.test/{n}", "제목 한 줄 " * 6, "요약문 한 문장 " * 12, "ko",
            NOW + timedelta(seconds=n), NOW + timedelta(seconds=n),
        )
        for n in range(first, first + count)
    ]  # fmt: skip


def tags(of: list[Article]) -> list[TaggedArticle]:
    mention = Mention(MentionKind.COUNTRY, "CN", 0.9, 0, 2, "중국", in_title=True)
    return [
        TaggedArticle(
            article.id, "m.v1", (Tag("export_restriction", 0.8), Tag("price_shock", 0.1)), 0.9,
            Phase.ACTUAL, 1.5, (mention, mention),
        )
        for article in of
    ]  # fmt: skip


def rate(count: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def one_run(store: Store, run: int) -> dict[str, float]:
    some = articles(run * ROWS, ROWS)
    late = some[-1].available_at
    single = articles(10_000_000 + run * 300, 300)
    observations = [
        Observation(f"p/m/{n % 40}/-", NOW + timedelta(n // 40), NOW + timedelta(run), float(n))
        for n in range(run * ROWS, (run + 1) * ROWS)
    ]
    return {
        "articles_per_s": rate(ROWS, lambda: store.save_articles(some)),
        "articles_again_per_s": rate(ROWS, lambda: store.save_articles(some)),
        "tagged_per_s": rate(ROWS, lambda: store.save_tagged(tags(some), NOW)),
        "undetected_read_per_s": rate(ROWS, lambda: store.undetected(late)),
        "mark_detected_per_s": rate(
            ROWS, lambda: store.mark_detected([a.id for a in some], NOW)
        ),
        "observations_per_s": rate(ROWS, lambda: store.save_observations(observations)),
        "one_article_per_transaction_per_s": rate(
            300, lambda: [store.save_articles([a]) for a in single]
        ),
        "counter_transactions_per_s": rate(
            300, lambda: [store.put("count", str(n)) for n in range(300)]
        ),
    }  # fmt: skip


def measure(url: str | None) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as home:
        if url:
            engine = open_engine(Path(home), url)
            schema.metadata.drop_all(engine)
            with engine.begin() as connection:
                connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
            engine.dispose()
        store = Store.open(Path(home), url)
        runs = [one_run(store, run) for run in range(3)]
        faults = store.integrity_check()
        database = "postgresql" if url else f"sqlite {sqlite_version()}, WAL, FULL"
        store.close()
    best = {name: round(max(run[name] for run in runs)) for name in runs[0]}
    return {
        "database": database,
        "rows": ROWS,
        **best,
        "bulk_over_single": round(
            best["articles_per_s"] / best["one_article_per_transaction_per_s"], 1
        ),
        "faults": faults,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a PostgreSQL database to measure too; it is EMPTIED")
    asked = parser.parse_args()
    figures = {
        "machine": {
            "cores": os.cpu_count(),
            "load_before": [round(load, 1) for load in os.getloadavg()],
            "python": platform.python_version(),
        },
        "results": [measure(url) for url in [None, *([asked.url] if asked.url else [])]],
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
