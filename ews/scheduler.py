"""The clock: one job per source, cycles when something new came. The truth is the store's `next_due`.

APScheduler 3 in memory, rebuilt from the sources at each start. One leader (`ews.leading`): on
SQLite one process per home, by a file lock; on PostgreSQL others stand by and take over.
"""

from __future__ import annotations

import fcntl
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ews.config import Settings
from ews.delivering import Worker
from ews.leading import Candidate, Term
from ews.model import FetchOutcome, Source
from ews.pipeline import Pipeline
from ews.storage import StaleLeader, Store
from ews.tuning.drift_telling import watching
from ews.tuning.ledger_settling import settling
from ews.watching import keep_watch
from scrapers import Client, load_sources

log = logging.getLogger(__name__)

LEASE = "scheduler"
LEASE_S = 15.0  # a frozen leader is replaced after it; longer than an idle transaction may last
STANDBY_POLL_S = 0.5
SCRAPES_AT_ONCE = 4
SETTLE_S = 0.3  # signals that come together are looked at together
TEND_S = 2.0  # between looks at what people did and what falls due
RETRY_S = 60.0  # after a cycle that failed
Clock = Callable[[], datetime]
Task = Callable[[threading.Event], None]  # works until the event is set


class AlreadyRunning(RuntimeError):
    """Another scheduler has this home."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


def make_client(settings: Settings, store: Store | None = None) -> Client:
    """The one way out. SettingsError when no contact is set: publishers must be able to reach us."""
    return Client(settings.live_contact(), environ=os.environ, hosts=store)


def due_sources(store: Store, now: datetime) -> list[Source]:
    """Enabled sources whose time has come, or that were never fetched."""
    enabled = [source for source in load_sources(os.environ) if source.enabled]
    return [s for s in enabled if (due := store.next_due(s.name)) is None or due <= now]


def jitter_s(every_s: float) -> float:
    """How far a source's turn may shift, so that turns do not bunch.

    >>> jitter_s(300), jitter_s(86_400)
    (30.0, 60.0)
    """
    return min(0.1 * every_s, 60.0)


@contextmanager
def leader(home: Path) -> Iterator[None]:
    """Holds the home's file lock; AlreadyRunning when another process has it. The system frees it
    when the process dies, however it dies."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "scheduler.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise AlreadyRunning(f"another `ews run` has the home {home}") from err
        yield


class Gate:
    """Lets turns begin until it is shut. The pool of APScheduler must not be waited for: its
    shutdown holds the lock that a turn needs to book the next one."""

    def __init__(self) -> None:
        self._slots = threading.Semaphore(SCRAPES_AT_ONCE)
        self._shut = threading.Event()

    def enter(self, begin: Callable[[], None]) -> None:
        with self._slots:
            if not self._shut.is_set():
                begin()

    def shut(self) -> None:
        """Returns when the turns that have begun are finished; the others do nothing."""
        self._shut.set()
        for _ in range(SCRAPES_AT_ONCE):
            self._slots.acquire()
        self._slots.release(SCRAPES_AT_ONCE)


class Cycles:
    """A cycle when it is nudged, and at least every `every_s`; never two at a time."""

    def __init__(self, pipeline: Pipeline, every_s: float, clock: Clock = wall_clock) -> None:
        self.pipeline = pipeline
        self.every_s = every_s
        self.clock = clock
        self._nudged = threading.Event()

    def nudge(self) -> None:
        """Something new is stored: look at it soon, not at the next full turn."""
        self._nudged.set()

    def run(self, stop: threading.Event) -> None:
        """Cycle until `stop`; the one that has begun is finished."""
        while True:
            self._nudged.clear()  # what comes from here on may be missed by this cycle
            if stop.is_set():  # asked after clearing: the last nudge says that it is set
                return
            wait_s = self.every_s if self._cycle() else min(self.every_s, RETRY_S)
            if self._tended(wait_s):
                stop.wait(SETTLE_S)

    def _tended(self, wait_s: float) -> bool:
        """Wait for a nudge, at most so long; meanwhile see to what people did and what falls due."""
        end = time.monotonic() + wait_s
        while (left := end - time.monotonic()) > 0:
            if self._nudged.wait(min(left, TEND_S)):
                return True
            try:
                self.pipeline.tend(self.clock())
            except StaleLeader:
                raise
            except Exception:
                log.exception("what is due could not be seen to; the next look does it")
        return False

    def _cycle(self) -> bool:
        try:
            done = self.pipeline.cycle(self.clock(), self.clock, deliver=False)
        except StaleLeader:
            raise
        except Exception:
            log.exception("the cycle failed; what it left is done by the next")
            return False
        log.info("cycle %s", done)
        return True


def build_scheduler(
    pipeline: Pipeline,
    client: Client,
    sources: Sequence[Source],
    stored: Callable[[], None],
    gate: Gate,
    clock: Clock = wall_clock,
) -> BackgroundScheduler:
    """A scheduler with a job per source, not started; `stored` is called when one brought news."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(SCRAPES_AT_ONCE)},
        # Late is better than never, once is enough, and never two at a time.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    for source in sources:
        scheduler.add_job(
            gate.enter,
            IntervalTrigger(seconds=source.every_s, timezone=UTC, jitter=jitter_s(source.every_s)),
            args=(partial(turn, scheduler, pipeline, client, source, stored, clock),),
            id=f"scrape {source.name}",
            name=f"scrape {source.name}",
            next_run_time=first_turn(pipeline.store, source, clock()),
        )
    return scheduler


def first_turn(store: Store, source: Source, now: datetime) -> datetime:
    """When the source is due; an overdue or new one within its jitter, so a start is no stampede."""
    due = store.next_due(source.name)
    if due is not None and due > now:
        return due
    return now + timedelta(seconds=random.uniform(0, jitter_s(source.every_s)))


def turn(
    scheduler: BackgroundScheduler,
    pipeline: Pipeline,
    client: Client,
    source: Source,
    stored: Callable[[], None],
    clock: Clock = wall_clock,
) -> None:
    """One turn of a source: scrape it if the store says it is due, then book the next turn there.

    A publisher's Retry-After moves `next_due`; the interval alone would come back too early.
    """
    now = clock()
    due = pipeline.store.next_due(source.name)
    if due is None or due <= now:
        new = pipeline.scrape(source, client, now)
        if new:
            stored()
        fetch = pipeline.store.last_fetch(source.name)
        if fetch is not None and fetch.outcome is FetchOutcome.FAILED:
            log.warning("scrape of %s failed: %s", source.name, fetch.error)
        else:
            log.info("scraped %s, %d new", source.name, new)
    due = pipeline.store.next_due(source.name)
    if due is not None:
        late = timedelta(seconds=random.uniform(0, jitter_s(source.every_s)))
        try:
            scheduler.modify_job(f"scrape {source.name}", next_run_time=due + late)
        except JobLookupError:
            log.info("no job for %s any more", source.name)


def serve_forever(
    settings: Settings,
    store: Store,
    make: Callable[[Store], Pipeline],
    stop: threading.Event | None = None,
    tasks: Callable[[Pipeline], Sequence[Task]] | None = None,
) -> None:
    """Run until SIGTERM, SIGINT or `stop`; what has begun is finished. On SQLite AlreadyRunning when
    another has the home; on PostgreSQL this one stands by until the leader is gone.

    `make` builds the pipeline on the store of one term, whose writes are refused once it is over;
    `tasks` are what else runs while this one leads (by default: the outbox).
    """
    stop = stop or threading.Event()
    client = make_client(settings)
    with _signals(stop), sole(settings, store) as alone:
        owner = f"{os.uname().nodename}:{os.getpid()}"
        candidate = Candidate(store, LEASE, owner, LEASE_S, wall_clock, alone)
        while (term := candidate.wait(stop, STANDBY_POLL_S)) is not None:
            pipeline = make(store.fenced(LEASE, term.token))
            lead(term, pipeline, client, settings.cycle_every_s, stop, (tasks or outbox)(pipeline))


@contextmanager
def sole(settings: Settings, store: Store) -> Iterator[bool]:
    """Holds the file lock of the home where the store is SQLite; whether that proves that no other
    scheduler works on this store."""
    if store.serves_many:
        yield False
        return
    with leader(settings.home):
        yield settings.database_url is None  # the database lies in the locked home


def lead(
    term: Term,
    pipeline: Pipeline,
    client: Client,
    cycle_every_s: float,
    stop: threading.Event,
    tasks: Sequence[Task],
) -> None:
    """Work until `stop`, or until another leads; then finish what has begun and end the term."""
    enabled = [source for source in load_sources(os.environ) if source.enabled]
    over, gate = threading.Event(), Gate()
    cycles = Cycles(pipeline, cycle_every_s)
    scheduler = build_scheduler(pipeline, client, enabled, cycles.nudge, gate)
    scheduler.add_listener(lambda event: _failed(term, event), EVENT_JOB_ERROR)
    threads = [
        threading.Thread(target=_kept_up, args=(task, term, over), name=name)
        for name, task in zip(("cycles", *(f"task {n}" for n, _ in enumerate(tasks))),
                              (cycles.run, *tasks), strict=True)
    ]  # fmt: skip
    scheduler.start()
    for thread in threads:
        thread.start()
    log.info("leading, term %d: %d sources, a cycle when something new came and every %d s",
             term.token, len(enabled), cycle_every_s)  # fmt: skip
    while not (term.lost() or stop.wait(0.1)):
        pass
    log.info("%s: finishing what has begun", term.why_lost or "stopping")
    over.set()
    cycles.nudge()
    with term.finishing():
        scheduler.shutdown(wait=False)
        gate.shut()
        for thread in threads:
            thread.join()
    term.end()


def outbox(pipeline: Pipeline) -> Sequence[Task]:
    """Beside the cycles: the worker that sends what is due and tells operators of dead addresses;
    and once a day, how alerts turned out, what drifted, and how vulnerable each item is."""
    rooms = pipeline.rooms
    worker = Worker(
        pipeline.store, rooms.channels, pipeline.message, wall_clock, rooms.owner,
        routes=rooms.routes,
    )  # fmt: skip
    store = pipeline.store
    return (
        worker.serve, settling(store, wall_clock), watching(store, rooms.routes, wall_clock),
        keep_watch(store, wall_clock),
    )  # fmt: skip


def _kept_up(task: Task, term: Term, over: threading.Event) -> None:
    """The task until the term is over, begun again when it fails."""
    while not over.is_set():
        try:
            task(over)
        except StaleLeader as err:
            term.lose(str(err))
            return
        except Exception:
            log.exception("a task failed; it is begun again")
            over.wait(1.0)


def _failed(term: Term, event: JobExecutionEvent) -> None:
    if isinstance(event.exception, StaleLeader):
        term.lose(str(event.exception))


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`; the old handlers come back afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = (signal.SIGTERM, signal.SIGINT)
    old = {name: signal.signal(name, lambda *_: stop.set()) for name in names}
    try:
        yield
    finally:
        for name, handler in old.items():
            signal.signal(name, handler)
