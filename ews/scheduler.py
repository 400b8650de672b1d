"""The clock: one job per source, one for the cycle. The truth is the store's `next_due`.

APScheduler 3 in memory, rebuilt from the sources at each start; one leader per home (a file lock,
and a lease in the store, which also holds off another machine on the same PostgreSQL).
"""

from __future__ import annotations

import fcntl
import logging
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ews.config import Settings
from ews.model import FetchOutcome, Source
from ews.pipeline import Pipeline
from ews.storage import Store
from scrapers import Client, load_sources

log = logging.getLogger(__name__)

LEASE = "scheduler"
LEASE_S = 120.0
SCRAPES_AT_ONCE = 4
Clock = Callable[[], datetime]


class AlreadyRunning(RuntimeError):
    """Another scheduler has this home."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


def make_client(settings: Settings) -> Client:
    """The one way out. SettingsError when no contact is set: publishers must be able to reach us."""
    return Client(settings.live_contact(), environ=os.environ)


def due_sources(store: Store, now: datetime) -> list[Source]:
    """Enabled sources whose time has come, or that were never fetched."""
    enabled = [source for source in load_sources() if source.enabled]
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


def build_scheduler(
    pipeline: Pipeline,
    client: Client,
    sources: Sequence[Source],
    cycle_every_s: int,
    clock: Clock = wall_clock,
) -> BackgroundScheduler:
    """A scheduler with a job per source and the cycle, not started."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={
            "default": ThreadPoolExecutor(SCRAPES_AT_ONCE),
            "cycle": ThreadPoolExecutor(1),
            "lease": ThreadPoolExecutor(1),
        },
        # Late is better than never, once is enough, and never two at a time.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    for source in sources:
        scheduler.add_job(
            turn,
            IntervalTrigger(seconds=source.every_s, timezone=UTC, jitter=jitter_s(source.every_s)),
            args=(scheduler, pipeline, client, source, clock),
            id=f"scrape {source.name}",
            next_run_time=first_turn(pipeline.store, source, clock()),
        )
    scheduler.add_job(
        lambda: log.info("cycle %s", pipeline.cycle(clock(), clock)),
        IntervalTrigger(seconds=cycle_every_s, timezone=UTC),
        id="cycle",
        executor="cycle",
        next_run_time=clock(),
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
    clock: Clock = wall_clock,
) -> None:
    """One turn of a source: scrape it if the store says it is due, then book the next turn there.

    A publisher's Retry-After moves `next_due`; the interval alone would come back too early.
    """
    now = clock()
    due = pipeline.store.next_due(source.name)
    if due is None or due <= now:
        new = pipeline.scrape(source, client, now)
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
    settings: Settings, pipeline: Pipeline, stop: threading.Event | None = None
) -> None:
    """Run until SIGTERM, SIGINT or `stop`; jobs that have begun are finished. AlreadyRunning when
    another scheduler has the home or the lease."""
    stop = stop or threading.Event()
    client = make_client(settings)
    enabled = [source for source in load_sources() if source.enabled]
    with leader(settings.home):
        _take(pipeline)
        scheduler = build_scheduler(pipeline, client, enabled, settings.cycle_every_s)
        scheduler.add_job(
            lambda: _renew(pipeline, stop),
            IntervalTrigger(seconds=LEASE_S / 4, timezone=UTC),
            executor="lease",  # slow sources must not delay it
        )
        with _signals(stop):
            scheduler.start()
            log.info(
                "running: %d sources, a cycle every %d s", len(enabled), settings.cycle_every_s
            )
            stop.wait()
            log.info("stopping: finishing what has begun")
            scheduler.shutdown(wait=True)
        pipeline.store.end_lease(LEASE, pipeline.rooms.owner, wall_clock())


def _take(pipeline: Pipeline) -> None:
    store, owner = pipeline.store, pipeline.rooms.owner
    if store.take_lease(LEASE, owner, wall_clock(), LEASE_S) is None:
        raise AlreadyRunning(
            f"another scheduler has the lease on this store; after a crash it ends in {LEASE_S:.0f} s"
        )


def _renew(pipeline: Pipeline, stop: threading.Event) -> None:
    store, owner = pipeline.store, pipeline.rooms.owner
    if store.take_lease(LEASE, owner, wall_clock(), LEASE_S) is None:
        log.error("the lease went to another scheduler; this one stops")
        stop.set()


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
