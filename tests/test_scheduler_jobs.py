"""The scheduler: the store's next_due is the truth, one leader, a clean stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from ews.model import Circuit, Polling, Source
from ews.own_sources import Known
from ews.pipeline import Pipeline
from ews.scheduler import (
    AlreadyRunning,
    Cycles,
    Look,
    World,
    build_scheduler,
    due_sources,
    enabled_sources,
    leader,
    make_client,
    turn,
)
from ews.storage import Store
from ews.turns import Turns
from scrapers import Client
from scrapers.schedule import resumed
from tests.source_made import made_source

if TYPE_CHECKING:
    from ews.config import Settings
    from ews.leading import Term

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
PRIVATE = """
publisher = "Port of X"
title = "Notices"
url = "https://x.example/feed"
kind = "rss"
lang = "en"
group = "official"
terms = "read on its site"
every = "30m"
fresh_within = "30d"
expect = { min = 1, max = 100 }
independence = "port-of-x"
live_tested = false
country = "KR"
tier = 4
"""
CLIENT = cast("Client", None)  # no test here fetches


def unheard() -> None:
    """Nobody asks whether something was stored."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def source() -> Source:
    return made_source("s")


@dataclass
class Scrapes:
    """A pipeline that only notes its scrapes and books the next turn as the real one does."""

    store: Store
    wait_s: int = 600
    seen: list[str] = field(default_factory=list)
    new: int = 1

    def scrape(self, source: Source, client: Client, now: datetime) -> int:
        self.seen.append(source.name)
        with self.store.begin() as tx:
            tx.save_polling(Polling(source.name, now + timedelta(seconds=self.wait_s)))
        return self.new


def scrapes(store: Store, wait_s: int = 600) -> tuple[Scrapes, Pipeline]:
    noted = Scrapes(store, wait_s)
    return noted, cast("Pipeline", noted)


def test_the_clock_has_two_jobs_and_late_ones_run_once() -> None:
    scheduler = build_scheduler(unheard, unheard, World())
    scheduler.start(paused=True)
    try:
        jobs = {job.id: job for job in scheduler.get_jobs()}
    finally:
        scheduler.shutdown(wait=False)
    assert set(jobs) == {"turns", "sources"}
    for job in jobs.values():
        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)
        assert job.trigger.timezone is UTC


def test_a_turn_scrapes_and_says_when_the_next_one_is(store: Store, source: Source) -> None:
    noted, pipeline = scrapes(store, wait_s=7200)
    polling = turn(pipeline, CLIENT, source, unheard, clock=lambda: NOW)
    assert noted.seen == [source.name]
    assert polling.next_due == NOW + timedelta(hours=2)


def test_a_turn_that_comes_too_early_fetches_nothing(store: Store, source: Source) -> None:
    noted, pipeline = scrapes(store)
    store.save_polling(Polling(source.name, NOW + timedelta(seconds=1)))
    polling = turn(pipeline, CLIENT, source, unheard, clock=lambda: NOW)
    assert (noted.seen, polling.next_due) == ([], NOW + timedelta(seconds=1))


def test_a_source_that_is_gone_is_not_asked_until_it_is_resumed(
    store: Store, source: Source
) -> None:
    noted, pipeline = scrapes(store)
    gone = Polling(source.name, why="gone", circuit=Circuit.GONE, url=source.url)
    store.save_polling(gone)
    turn(pipeline, CLIENT, source, unheard, clock=lambda: NOW)
    assert noted.seen == []
    store.save_polling(resumed(gone, NOW))
    turn(pipeline, CLIENT, source, unheard, clock=lambda: NOW)
    assert noted.seen == [source.name]


def test_only_due_and_enabled_sources_are_fetched_by_a_cycle(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Known((made_source("a"), made_source("b"), made_source("c", enabled=False)))
    monkeypatch.setattr("ews.scheduler.read_sources", lambda *_: known)
    settings = cast("Settings", SimpleNamespace(home=tmp_path))
    assert [s.name for s in due_sources(settings, store, NOW)] == ["a", "b"]
    store.save_polling(Polling("a", NOW + timedelta(seconds=1)))
    assert [s.name for s in due_sources(settings, store, NOW)] == ["b"]


def test_a_home_has_one_leader(tmp_path: Path) -> None:
    with leader(tmp_path), pytest.raises(AlreadyRunning, match="another"), leader(tmp_path):
        pass
    with leader(tmp_path):
        pass  # free again


def test_a_killed_leader_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom ews.scheduler import leader\n"
        "with leader(Path(sys.argv[1])):\n    print('mine', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        with pytest.raises(AlreadyRunning), leader(tmp_path):
            pass
        other.kill()
    with leader(tmp_path):
        pass


def test_without_a_contact_nothing_is_fetched(tmp_path: Path) -> None:
    from ews.config import SettingsError, load_settings

    with pytest.raises(SettingsError, match="contact"):
        make_client(load_settings(tmp_path), cast("Store", None))


class Counted:
    """A pipeline that counts its cycles; the first `fails` of them raise."""

    def __init__(self, fails: int = 0) -> None:
        self.begun: list[float] = []
        self.fails = fails
        self.at_once = 0
        self.busy = threading.Lock()
        self.ran = threading.Semaphore(0)

    def cycle(self, now: datetime, clock: object, deliver: bool) -> dict[str, int]:
        assert not deliver, "sending has a worker of its own"
        assert self.busy.acquire(blocking=False), "two cycles at a time"
        self.begun.append(time.monotonic())
        self.ran.release()
        self.busy.release()
        if len(self.begun) <= self.fails:
            raise RuntimeError("the disk is full")
        return {}


@contextmanager
def cycling(pipeline: object, every_s: float) -> Iterator[Cycles]:
    stop = threading.Event()
    cycles = Cycles(cast("Pipeline", pipeline), every_s, clock=lambda: NOW)
    thread = threading.Thread(target=cycles.run, args=(stop,))
    thread.start()
    try:
        yield cycles
    finally:
        stop.set()
        cycles.nudge()
        thread.join(10)
        assert not thread.is_alive()


def test_new_signals_are_looked_at_soon_and_a_burst_of_them_once() -> None:
    counted = Counted()
    with cycling(counted, every_s=900) as cycles:
        assert counted.ran.acquire(timeout=5), "one at the start"
        nudged = time.monotonic()
        for _ in range(20):
            cycles.nudge()
            time.sleep(0.005)
        assert counted.ran.acquire(timeout=5)
        assert counted.begun[1] - nudged < 2
        assert not counted.ran.acquire(timeout=0.5)
    assert len(counted.begun) == 2


def test_a_nudge_during_a_cycle_is_not_lost(store: Store) -> None:
    counted = Counted()
    with cycling(counted, every_s=900) as cycles:
        assert counted.ran.acquire(timeout=5)
        cycles.nudge()
        assert counted.ran.acquire(timeout=5)
        cycles.nudge()
        assert counted.ran.acquire(timeout=5)


def test_a_stop_between_two_cycles_does_not_wait_for_the_next_turn() -> None:
    stop = threading.Event()

    class Stopped(Counted):
        def cycle(self, now: datetime, clock: object, deliver: bool) -> dict[str, int]:
            stop.set()
            cycles.nudge()  # as `lead` does, while the cycle is at work
            return {}

    cycles = Cycles(cast("Pipeline", Stopped()), 900, clock=lambda: NOW)
    thread = threading.Thread(target=cycles.run, args=(stop,), daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()


def test_without_a_nudge_cycles_keep_their_pace_and_a_failed_one_is_no_end() -> None:
    counted = Counted(fails=2)
    with cycling(counted, every_s=0.02):
        for _ in range(5):
            assert counted.ran.acquire(timeout=5)


def test_a_scrape_that_stored_something_nudges_and_an_unchanged_one_does_not(
    store: Store, source: Source
) -> None:
    nudges: list[str] = []
    noted, pipeline = scrapes(store)
    turn(pipeline, CLIENT, source, lambda: nudges.append("new"), clock=lambda: NOW)
    noted.new = 0
    later = NOW + timedelta(seconds=noted.wait_s)
    turn(pipeline, CLIENT, source, lambda: nudges.append("old"), clock=lambda: later)
    assert (noted.seen, nudges) == ([source.name] * 2, ["new"])


SERVE = """
import sys, threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
import ews.scheduler as scheduler
from ews.model import Polling
from ews.storage import Store
from tests.source_made import made_source

class Pipeline:
    def __init__(self, store):
        self.store = store
    def watch(self, sources):
        pass
    def scrape(self, source, client, now):
        print("scrape", flush=True)
        threading.Event().wait(0.5)
        self.store.save_polling(Polling(source.name, now + timedelta(hours=1)))
        print("scraped", flush=True)
        return 0
    def cycle(self, now, clock, deliver):
        self.store.put("cycled", "yes")
        print("cycle", flush=True)
        threading.Event().wait(0.5)
        print("done", flush=True)
        return {}

home = Path(sys.argv[1])
one = [made_source("s", every_s=1)]
world = scheduler.World(client=lambda *_: None, sources=lambda *_: one, tick_s=0.05)
settings = SimpleNamespace(
    home=home, database_url=None, cycle_every_s=900, live_contact=lambda: "a@b.kr"
)
scheduler.serve_forever(settings, Store.open(home), Pipeline, tasks=lambda _: [], world=world)
print("stopped", flush=True)
"""


def test_sigterm_finishes_the_cycle_and_the_scrape_that_have_begun_and_stops(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as service:
        assert service.stdout is not None
        assert {service.stdout.readline(), service.stdout.readline()} == {"cycle\n", "scrape\n"}
        os.kill(service.pid, signal.SIGTERM)
        begun = time.monotonic()
        *finished, last = service.stdout.read().split()
        assert (set(finished), last) == ({"done", "scraped"}, "stopped")
        assert time.monotonic() - begun < 10
    assert service.returncode == 0


def test_a_source_put_into_the_home_is_asked_after_the_next_look(
    store: Store, tmp_path: Path
) -> None:
    settings = cast("Settings", SimpleNamespace(home=tmp_path))
    shipped = {one.name for one in enabled_sources(settings, store)}
    folder = tmp_path / "sources" / "port_of_x"
    folder.mkdir(parents=True)
    (folder / "source.toml").write_text(PRIVATE, "utf-8")
    assert {one.name for one in enabled_sources(settings, store)} - shipped == {"port_of_x"}


def test_a_look_that_fails_leaves_everything_as_it_was(store: Store) -> None:
    class Watched(Scrapes):
        watched: Sequence[Source] = ()

        def watch(self, sources: Sequence[Source]) -> None:
            self.watched = sources

    noted, found = Watched(store), [made_source("a")]
    turns = Turns(lambda one: Polling(one.name), lambda: NOW, 1, _not_called)

    def sources() -> Sequence[Source]:
        if not found:
            raise OSError("the disk is gone")
        return list(found)

    look = Look(cast("Pipeline", noted), turns, sources, cast("Term", None))
    look()
    assert (look.count, list(noted.watched)) == (1, found)
    kept = list(found)
    found.clear()
    look()
    assert (look.count, list(noted.watched)) == (1, kept)


def _not_called(error: Exception) -> None:
    raise AssertionError(error)
