"""What was acknowledged stays: concurrent writers, kill -9, errors half way, queues that stay fast."""

from __future__ import annotations

import functools
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ews.model import Article, Observation, TaggedArticle
from ews.storage import Store, schema, sqlite_version_ok
from ews.storage import engine as connections

NOW = datetime(2023, 10, 20, 9, tzinfo=UTC)
ROOT = Path(__file__).parent.parent

COUNT = """
import sys
from pathlib import Path
from ews.storage import Store
store = Store.open(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with store.begin() as tx:
        tx.put("count", str(int(tx.get("count") or 0) + 1))
"""

WRITE_UNTIL_KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ews.model import Observation
from ews.storage import Store
store = Store.open(Path(sys.argv[1]))
n = int(store.get("last") or 0)
at = datetime(2023, 1, 1, tzinfo=UTC)
while True:
    n += 1
    with store.begin() as tx:
        tx.put("last", str(n))
        tx.save_observations([Observation(f"a/b/{n}/{k}", at, at, float(n)) for k in range(50)])
    print(n, flush=True)
"""


@functools.cache
def migrated() -> bytes:
    """A new database file, migrated once for all tests here."""
    with tempfile.TemporaryDirectory() as home:
        Store.open(Path(home)).close()
        return (Path(home) / "ews.db").read_bytes()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "ews.db").write_bytes(migrated())
    store = Store.open(tmp_path)
    yield store
    store.close()


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def articles(count: int, first: int = 0) -> list[Article]:
    return [
        Article(
            f"art-{n:08}", "s", "매체", f"https://news.test/{n}", "제목 " * 8, "본문 글자 " * 30,
            "ko", NOW + timedelta(seconds=n), NOW + timedelta(seconds=n),
        )
        for n in range(first, first + count)
    ]  # fmt: skip


def tags(of: list[Article]) -> list[TaggedArticle]:
    return [TaggedArticle(article.id, "m.v1", (), 0.5, None, 1.0) for article in of]


# --------------------------------------------------------------------------- writers


def run_four(home: Path, transactions: int) -> None:
    workers = [start(COUNT, home, transactions) for _ in range(4)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0, 0]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.close()


def check_counter(home: Path, transactions: int) -> None:
    run_four(home, transactions)
    store = Store.open(home)
    assert store.get("count") == str(4 * transactions)
    assert store.integrity_check() == []
    store.close()


def test_four_processes_on_an_empty_home_lose_no_read_then_write_transaction(
    tmp_path: Path,
) -> None:
    check_counter(tmp_path / "new", transactions=75)


@pytest.mark.torture
def test_four_processes_lose_none_of_1200_read_then_write_transactions(tmp_path: Path) -> None:
    check_counter(tmp_path, transactions=300)


def killed_after(home: Path, seconds: float) -> int:
    """Start a writer, kill it; the last transaction it said was written."""
    worker = start(WRITE_UNTIL_KILLED, home)
    assert worker.stdout is not None
    said = int(worker.stdout.readline())  # started for sure
    time.sleep(seconds)
    worker.kill()
    for line in worker.stdout.read().splitlines():
        said = int(line)
    worker.wait()
    worker.stdout.close()
    return said


def check_kills(home: Path, kills: int) -> None:
    for n in range(kills):
        said = killed_after(home, 0.02 + (n % 5) * 0.013)
        store = Store.open(home)
        last = int(store.get("last") or 0)
        assert last in (said, said + 1), "an acknowledged transaction is gone"
        assert store.counts()["series_values"] == last * 50, "half a transaction stayed"
        assert store.integrity_check() == []
        store.close()


def test_kill_9_loses_nothing_acknowledged_and_leaves_no_half_transaction(tmp_path: Path) -> None:
    check_kills(tmp_path, kills=3)


@pytest.mark.torture
def test_forty_times_kill_9_lose_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, kills=40)


def test_an_error_half_way_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.begin() as tx:
            tx.put("key", "value")
            tx.save_articles(articles(3))
            assert tx.get("key") == "value"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.get("key") is None
    assert store.counts()["articles"] == 0
    store.put("key", "the lock is free again")


def test_a_reader_sees_the_state_before_and_does_not_wait_for_a_writer(store: Store) -> None:
    store.put("key", "old")
    with store.begin() as tx:
        tx.put("key", "new")
        assert store.get("key") == "old"
    assert store.get("key") == "new"


def test_begin_inside_a_transaction_joins_it(store: Store) -> None:
    with store.begin() as tx, tx.begin() as inner:
        inner.put("key", "value")
        assert tx.get("key") == "value"
    assert store.get("key") == "value"


# --------------------------------------------------------------------------- what errors show


def test_an_error_message_never_shows_bound_values(store: Store) -> None:
    secret = "a firm's name"
    orphan = TaggedArticle(secret, "m.v1", (), 0.5, None, 1.0, price_direction=secret)
    with pytest.raises(sa.exc.IntegrityError) as caught:
        store.save_tagged([orphan], NOW)
    assert secret not in str(caught.value)
    assert "FOREIGN KEY" in str(caught.value)


def test_an_sqlite_with_the_wal_reset_race_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "sqlite_version", lambda: "3.40.1")
    assert not sqlite_version_ok()
    with caplog.at_level(logging.WARNING):
        connections.open_engine(tmp_path).dispose()
    assert re.search(r"3\.40\.1 can corrupt .* install pysqlite3", caplog.text)


# --------------------------------------------------------------------------- queues


def test_an_article_passes_the_queues_once(store: Store) -> None:
    three = articles(3)
    store.save_articles(three[::-1])
    late = three[2].available_at
    assert store.unclassified(late - timedelta(microseconds=1)) == three[:2], "not before its time"
    assert store.unclassified(late, limit=1) == three[:1]
    assert store.undetected(late) == []
    store.save_tagged(tags(three[:2]), NOW)
    assert store.unclassified(late) == [three[2]]
    assert store.undetected(late) == list(zip(three[:2], tags(three[:2]), strict=True))
    assert store.undetected(late, limit=1)[0][0] == three[0]
    store.mark_detected([three[0].id], NOW)
    assert [article for article, _ in store.undetected(late)] == [three[1]]
    store.save_articles(three)
    assert store.unclassified(late) == [three[2]], "saved again, not queued again"


def test_a_series_waits_until_the_detectors_have_read_all_that_is_known(store: Store) -> None:
    two = [Observation("a/b/c/-", NOW, NOW + timedelta(n), float(n)) for n in range(2)]
    late = NOW + timedelta(9)
    store.save_observations(two)
    (waiting,) = store.waiting_series(NOW)
    assert (waiting.name, waiting.scored_until) == ("a/b/c/-", None)
    store.mark_scored([waiting], NOW)
    assert store.waiting_series(NOW) == [], "its second vintage is not known yet"
    assert store.waiting_series(late)[0].scored_until == NOW
    store.mark_scored(store.waiting_series(late), late)
    assert store.waiting_series(late + timedelta(1)) == []
    store.save_observations(two)
    assert store.waiting_series(late) == [], "the same values again are no news"
    store.save_observations([replace(two[0], available_at=NOW + timedelta(3), value=7.0)])
    assert [one.saved for one in store.waiting_series(late)] == [2]
    store.mark_scored([waiting], late)
    assert len(store.waiting_series(late)) == 1, "what was saved since it was read is still to read"


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (schema.UNCLASSIFIED, "ix_articles_unclassified"),
        (schema.UNDETECTED, "ix_articles_undetected"),
        (schema.OPEN_EVENT, "ix_events_open"),
        (schema.UNPROPAGATED, "ix_events_unpropagated"),
        (schema.UNEVALUATED, "ix_events_unevaluated"),
        (schema.OPEN_ALERT, "ix_alerts_open"),
        (schema.UNROUTED, "ix_alert_changes_unrouted"),
        (schema.PENDING, "ix_deliveries_pending"),
    ],
)
def test_each_queue_is_read_from_its_partial_index(
    store: Store, condition: sa.ColumnElement[bool], index: str
) -> None:
    query = sa.select(sa.func.count()).where(condition)
    sql = str(query.compile(store._engine, compile_kwargs={"literal_binds": True}))
    with store._engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
    assert any(index in str(step) for step in plan), plan


def test_queues_stay_as_fast_when_much_is_kept(store: Store) -> None:
    old = articles(20_000)
    with store.begin() as tx:
        tx.save_articles(old)
        tx.save_tagged(tags(old), NOW)
        tx.mark_detected([article.id for article in old], NOW)
    new = articles(5, first=20_000)
    store.save_articles(new)
    late = new[-1].available_at
    started = time.perf_counter()
    for _ in range(20):
        assert store.unclassified(late) == new
        assert store.undetected(late) == []
    assert time.perf_counter() - started < 2  # 40 scans of 20,000 rows would take longer


def test_articles_are_saved_in_bulk(store: Store) -> None:
    many = articles(10_000)
    started = time.perf_counter()
    assert store.save_articles(many) == len(many)
    rate = len(many) / (time.perf_counter() - started)
    assert rate > 4_000, "the floor is 20,000/s on a free machine; a row at a time is below this"
