"""Two schedulers on one PostgreSQL: one leads; killed, frozen or cut off, the other takes over."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from ews.leading import Candidate, Term
from ews.model import Observation, Polling
from ews.storage import StaleLeader, Store, StoreError
from tests.bench_leader import restarted, silenced
from tests.empty_store import opened
from tests.leader_runs import ring, wire
from tests.pg_server import pg_url, socket_of

NOW = datetime(2026, 1, 5, tzinfo=UTC)
LEASE_S = 2.0


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        made = opened(tmp_path)
        yield made
        made.close()
        return
    with pg_url(migrated=True) as url:
        made = Store.open(tmp_path, url)
        yield made
        made.close()


def test_a_stale_leaders_writes_are_refused_whole_and_its_reads_are_not(store: Store) -> None:
    token = store.take_lease("scheduler", "a", NOW, 15)
    assert token is not None
    mine = store.fenced("scheduler", token)
    mine.put("key", "first")
    later = NOW + timedelta(seconds=20)
    assert store.take_lease("scheduler", "b", later, 15) == token + 1
    seen = Observation("a/b/-/-", NOW, NOW, 1.0)
    for write in (
        lambda: mine.put("key", "second"),
        lambda: mine.save_observations([seen]),
        lambda: mine.save_polling(Polling("x", NOW)),
        lambda: mine.claim(NOW, "a", 60),
    ):
        with pytest.raises(StaleLeader, match="nothing of this step was written"):
            write()
    with pytest.raises(StaleLeader), mine.begin() as tx:
        tx.put("key", "third")
    assert mine.get("key") == "first"
    assert store.observations(NOW) == []
    store.fenced("scheduler", token + 1).put("key", "new")
    store.put("key", "a person's command has no fence")


def test_a_lease_is_taken_from_the_dead_only_as_it_was_seen(store: Store) -> None:
    store.take_lease("scheduler", "a", NOW, 15)
    seen = store.lease("scheduler")
    assert store.renew_lease("scheduler", 1, NOW + timedelta(seconds=30))
    assert store.take_lease("scheduler", "b", NOW, 15, dead=seen) is None, "it moved since"
    assert store.take_lease("scheduler", "b", NOW, 15, dead=store.lease("scheduler")) == 2
    assert not store.renew_lease("scheduler", 1, NOW + timedelta(seconds=60)), "the token is old"


def test_a_standby_needs_no_clock_in_step_with_the_leaders(store: Store, tmp_path: Path) -> None:
    """The leader's clock is a year behind: its lease looks long over, and is not taken while it
    moves."""
    behind = Candidate(
        store, "scheduler", "a", 0.5, lambda: datetime.now(UTC) - timedelta(days=365)
    )
    term = behind.ask()
    assert term is not None
    try:
        standby = Candidate(store, "scheduler", "b", 0.5, lambda: datetime.now(UTC))
        standby.lock = lambda: None  # type: ignore[method-assign]  # the lease alone decides
        deadline = time.monotonic() + 1.2
        while time.monotonic() < deadline:
            assert standby.ask() is None
            time.sleep(0.05)
        assert not term.lost()
    finally:
        term.end()


def test_a_leader_that_cannot_renew_gives_up_before_a_standby_takes_over(store: Store) -> None:
    first = Candidate(store, "scheduler", "a", 0.5, lambda: datetime.now(UTC))
    term = first.ask()
    assert term is not None
    first.renew = lambda token: _unreachable()  # type: ignore[method-assign]
    standby = Candidate(store, "scheduler", "b", 0.5, lambda: datetime.now(UTC))
    standby.lock = lambda: None  # type: ignore[method-assign]
    begun = time.monotonic()
    second: Term | None = None
    while second is None and time.monotonic() - begun < 5:
        second = standby.ask()
        if second is not None:
            assert term.lost()
            assert "no renewal got through" in term.why_lost
        time.sleep(0.01)
    assert second is not None
    assert second.token == term.token + 1
    second.end()
    term.end()


def _unreachable() -> bool:
    raise StoreError("UPDATE", {}, Exception("no answer"))


def test_a_given_back_lease_is_free_at_once(store: Store) -> None:
    first = Candidate(store, "scheduler", "a", 30, lambda: datetime.now(UTC))
    term = first.ask()
    assert term is not None
    second = Candidate(store, "scheduler", "b", 30, lambda: datetime.now(UTC))
    assert second.ask() is None
    term.end()
    begun = time.monotonic()
    after = second.wait(threading.Event(), 0.05)
    assert after is not None
    assert time.monotonic() - begun < 2
    assert after.token == term.token + 1
    after.end()


def test_hanging_up_frees_a_thread_that_waits_for_the_database(tmp_path: Path) -> None:
    with pg_url(migrated=True) as url, wire(socket_of(url)) as line:
        name = url.partition("@/")[2].partition("?")[0]
        near = f"postgresql+psycopg://postgres@127.0.0.1:{line.port}/{name}?connect_timeout=1"
        store = Store.open(tmp_path, near)
        store.put("a", "b")
        line.cut()
        errors: list[BaseException] = []

        def ask() -> None:
            try:
                store.get("a")
            except StoreError as err:
                errors.append(err)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive(), "nobody answers"
        deadline = time.monotonic() + 15
        while thread.is_alive() and time.monotonic() < deadline:
            store.hang_up()
            thread.join(0.1)
        assert not thread.is_alive()
        assert errors
        line.mend()
        assert store.get("a") == "b", "the store finds new connections by itself"
        store.close()


def test_cut_off_frozen_and_killed_leaders_are_replaced_and_nothing_runs_twice(
    tmp_path: Path,
) -> None:
    with (
        pg_url(migrated=True) as url,
        wire(socket_of(url)) as line,
        ring(tmp_path, url, LEASE_S) as group,
    ):
        name = url.partition("@/")[2].partition("?")[0]
        first = group.start(f"postgresql+psycopg://postgres@127.0.0.1:{line.port}/{name}")
        group.led(first)
        second = group.start()

        group.at_work(first)
        line.cut()
        cut = time.time()
        heir, seconds = group.taken_over(first, cut, 20)
        assert heir == second
        assert seconds <= LEASE_S + 2
        line.mend()
        group.refused(first, cut)
        group.stands_by(first, cut)

        group.at_work(second)
        frozen = group.signal(second, signal.SIGSTOP)
        heir, seconds = group.taken_over(second, frozen, 20)
        assert heir == first
        assert seconds <= LEASE_S + 2
        woken = group.signal(second, signal.SIGCONT)
        group.refused(second, woken)
        group.stands_by(second, woken)

        killed = group.signal(first, signal.SIGKILL)
        heir, seconds = group.taken_over(first, killed, 20)
        assert heir == second
        assert seconds < 2

        group.settle()
        proc = group.procs[second]
        group.signal(second, signal.SIGTERM)
        assert proc.returncode == 0
        assert group.committed_twice() == []
        assert group.begun_twice() == []
        assert set(group.runs()) == {"s0", "s1", "s2", "s3"}
        # A run may meet two failures in a row: the heir is frozen while it does what was left.
        assert group.latest_s() <= 2 * (LEASE_S + 2)


@pytest.mark.torture
def test_forty_restarts_run_nothing_twice_and_miss_nothing() -> None:
    figures = restarted(40)
    assert figures["restarts"] == 40
    assert figures["committed_twice"] == 0
    assert figures["begun_twice_by_the_living"] == 0
    assert figures["sources_never_run_again"] == 0
    took = cast("dict[str, dict[str, float]]", figures["take_over_s"])
    assert took["SIGKILL"]["worst"] < 2
    assert cast("float", figures["latest_run_s"]) < 4


@pytest.mark.torture
@pytest.mark.parametrize("cut", [False, True], ids=["frozen", "cut off"])
def test_a_silent_leader_is_replaced_within_the_lease_and_two_seconds(cut: bool) -> None:
    figures = silenced(5, 3.0, cut)
    took = cast("dict[str, float]", figures["take_over_s"])
    assert took["worst"] <= 5
    assert figures["stale_writers_refused"] == 5
    assert figures["committed_twice"] == 0
    assert figures["begun_twice_by_the_living"] == 0
