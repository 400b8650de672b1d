"""The clock: turns of sources as the store's `next_due` says, cycles when something new came.

APScheduler 3 ticks: it lets begin what is due (ews.turns), and looks each minute for sources that
came, went or were resumed. One leader (`ews.leading`): on SQLite one process per home, by a file
lock; on PostgreSQL others stand by and take over.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ews.config import Settings
from ews.delivering import Worker
from ews.leading import Candidate, Term
from ews.liveness.pulse import note_cycle
from ews.liveness.turns import Beating, telling_life
from ews.model import Polling, Source
from ews.own_sources import read_sources
from ews.pipeline import Pipeline
from ews.storage import StaleLeader, Store
from ews.trimming import trimming
from ews.tuning.drift_telling import watching
from ews.tuning.ledger_settling import settling
from ews.turns import Turns
from ews.watching import keep_watch
from scrapers import Client
from scrapers.schedule import is_due

log = logging.getLogger(__name__)

LEASE = "scheduler"
LEASE_S = 15.0  # a frozen leader is replaced after it; longer than an idle transaction may last
STANDBY_POLL_S = 0.5
SCRAPES_AT_ONCE = 16  # most of a turn is waiting for a host; only one turn per host at a time
TICK_S = 0.5  # between looks at what is due
LOOK_S = 60.0  # between looks for sources that came, went, or were resumed
SWITCH_S = 10.0  # the dead man's switch outside must answer within it
STOP_S = 20.0  # turns that have begun are waited for so long at a stop
SETTLE_S = 0.3  # signals that come together are looked at together
TEND_S = 2.0  # between looks at what people did and what falls due
RETRY_S = 60.0  # after a cycle that failed
Clock = Callable[[], datetime]
Task = Callable[[threading.Event], None]  # works until the event is set


class AlreadyRunning(RuntimeError):
    """Another scheduler has this home."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


def make_client(settings: Settings, store: Store) -> Client:
    """The one way out; what it knows of hosts lies in the store. SettingsError when no contact is
    set: publishers must be able to reach us."""
    return Client(settings.live_contact(), environ=os.environ, hosts=store)


def enabled_sources(settings: Settings, store: Store) -> list[Source]:
    """The sources that are asked here: shipped ones and the home's own, as switched."""
    known = read_sources(settings.home, store, os.environ)
    return [one for one in known.sources if one.enabled]


@dataclass(frozen=True, slots=True)
class World:
    """What the scheduler lives in; a simulated day has a faster clock and sources of its own."""

    clock: Clock = wall_clock
    client: Callable[[Settings, Store], Client] = make_client
    sources: Callable[[Settings, Store], Sequence[Source]] = enabled_sources
    tick_s: float = TICK_S
    look_s: float = LOOK_S
    stop_s: float = STOP_S


def due_sources(settings: Settings, store: Store, now: datetime) -> list[Source]:
    """Enabled sources whose time has come, or that were never fetched."""
    pollings = store.pollings()
    return [
        one
        for one in enabled_sources(settings, store)
        if is_due(one, pollings.get(one.name) or Polling(one.name), now)
    ]


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
        begun = time.monotonic()
        try:
            done = self.pipeline.cycle(self.clock(), self.clock, deliver=False)
            note_cycle(self.pipeline.store, self.clock(), time.monotonic() - begun)
        except StaleLeader:
            raise
        except Exception:
            log.exception("the cycle failed; what it left is done by the next")
            return False
        log.info("cycle %s", done)
        return True


def build_scheduler(
    tick: Callable[[], None], look: Callable[[], None], world: World
) -> BackgroundScheduler:
    """A scheduler that lets due turns begin and looks for sources, not started."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(2)},
        # Late is better than never, once is enough, and never two at a time.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    for name, job, every_s in (("turns", tick, world.tick_s), ("sources", look, world.look_s)):
        trigger = IntervalTrigger(seconds=every_s, timezone=UTC)
        scheduler.add_job(job, trigger, id=name, name=name)
    return scheduler


def turn(
    pipeline: Pipeline,
    client: Client,
    source: Source,
    stored: Callable[[], None],
    clock: Clock = wall_clock,
) -> Polling:
    """One turn of a source, if the store says that it is due (another may have asked it
    meanwhile); how it is polled from then on. `stored` is called when it brought news."""
    store, now = pipeline.store, clock()
    if not is_due(source, store.polling(source.name), now):
        return store.polling(source.name)
    new = pipeline.scrape(source, client, now)
    if new:
        stored()
    polling = store.polling(source.name)
    if polling.failures or polling.why == "host":
        fetch = store.last_fetch(source.name)
        log.warning("scrape of %s: %s", source.name, fetch.error if fetch else "no fetch was kept")
    else:
        log.info("scraped %s, %d new", source.name, new)
    return polling


def serve_forever(
    settings: Settings,
    store: Store,
    make: Callable[[Store], Pipeline],
    stop: threading.Event | None = None,
    tasks: Callable[[Pipeline], Sequence[Task]] | None = None,
    world: World | None = None,
) -> None:
    """Run until SIGTERM, SIGINT or `stop`; what has begun is finished. On SQLite AlreadyRunning when
    another has the home; on PostgreSQL this one stands by until the leader is gone.

    `make` builds the pipeline on the store of one term, whose writes are refused once it is over;
    `tasks` are what else runs while this one leads (by default: the outbox).
    """
    stop, world = stop or threading.Event(), world or World()
    client = world.client(settings, store)
    with _signals(stop), sole(settings, store) as alone:
        owner = f"{os.uname().nodename}:{os.getpid()}"
        candidate = Candidate(store, LEASE, owner, LEASE_S, wall_clock, alone)
        while (term := candidate.wait(stop, STANDBY_POLL_S)) is not None:
            pipeline = make(store.fenced(LEASE, term.token))
            lead(
                term, pipeline, client, settings, stop, (tasks or partial(outbox, settings=settings))(pipeline), world
            )  # fmt: skip


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
    settings: Settings,
    stop: threading.Event,
    tasks: Sequence[Task],
    world: World,
) -> None:
    """Work until `stop`, or until another leads; then finish what has begun and end the term."""
    over = threading.Event()
    cycles = Cycles(pipeline, settings.cycle_every_s, world.clock)
    turns = Turns(
        lambda source: turn(pipeline, client, source, cycles.nudge, world.clock),
        world.clock, SCRAPES_AT_ONCE, lambda error: _failed(term, error),
    )  # fmt: skip
    look = Look(pipeline, turns, lambda: world.sources(settings, pipeline.store), term)
    scheduler = build_scheduler(turns.tick, look, world)
    threads = _threads([cycles.run, *tasks], term, over)
    look()
    turns.start()
    scheduler.start()
    for thread in threads:
        thread.start()
    log.info("leading, term %d: %d sources, a cycle when something new came and every %d s",
             term.token, look.count, settings.cycle_every_s)  # fmt: skip
    while not (term.lost() or stop.wait(0.1)):
        pass
    log.info("%s: finishing what has begun", term.why_lost or "stopping")
    over.set()
    cycles.nudge()
    with term.finishing():
        scheduler.shutdown(wait=False)
        if left := turns.shut(world.stop_s):
            log.warning("not waited for, made again at the next start: %s", ", ".join(left))
        for thread in threads:
            thread.join()
    term.end()


class Look:
    """Sources as they stand now take turns: those of the home that came or went, were switched, or
    are asked again. What cannot be read leaves everything as it was."""

    def __init__(
        self, pipeline: Pipeline, turns: Turns, sources: Callable[[], Sequence[Source]], term: Term
    ) -> None:
        self.count = 0
        self._pipeline = pipeline
        self._turns = turns
        self._sources = sources
        self._term = term

    def __call__(self) -> None:
        try:
            sources = self._sources()
            self._pipeline.watch([one for one in sources if one.trusted])
            self._turns.know(sources, self._pipeline.store.pollings())
        except Exception as error:
            log.exception("the sources could not be read; the next look does it")
            _failed(self._term, error)
        else:
            self.count = len(sources)


def outbox(pipeline: Pipeline, settings: Settings) -> Sequence[Task]:
    """Beside the cycles: the worker that sends what is due and tells operators of dead addresses;
    and once a day, how alerts turned out, what drifted, how vulnerable each item is, which kept
    bodies go, and to every receiver that ews works."""
    rooms = pipeline.rooms
    worker = Worker(
        pipeline.store, rooms.channels, pipeline.message, wall_clock, rooms.owner,
        routes=rooms.routes,
    )  # fmt: skip
    store = pipeline.store
    return (
        worker.serve, settling(store, wall_clock), watching(store, rooms.routes, wall_clock),
        keep_watch(store, wall_clock),
        trimming(store, wall_clock, settings.keep_raw_days, settings.keep_raw_mb),
        telling_life(beating(pipeline, settings), wall_clock),
    )  # fmt: skip


def beating(pipeline: Pipeline, settings: Settings) -> Beating:
    """What tells that this scheduler works, by the settings."""
    store, secret = pipeline.store, settings.heartbeat_url
    url = secret.get_secret_value() if secret else ""
    return Beating(
        store, pipeline.rooms.routes, pipeline.rooms.names, lambda: pipeline.rooms.sources,
        settings.heartbeat_at, timedelta(minutes=settings.heartbeat_grace_min), url,
        asking(make_client(settings, store)) if url else None,
    )  # fmt: skip


def asking(client: Client) -> Callable[[str], int]:
    """Asks an address of ours with the guarded client; the HTTP status. No message has the path."""

    def ask(url: str) -> int:
        secret = url.split("://", 1)[-1].partition("/")[2]
        return client.get(
            url, robots=False, max_bytes=65_536, deadline_s=SWITCH_S, secret=secret
        ).status

    return ask


def _threads(tasks: Sequence[Task], term: Term, over: threading.Event) -> list[threading.Thread]:
    """One for each task, not started; the first one runs the cycles."""
    names = ["cycles", *(f"task {n}" for n in range(len(tasks) - 1))]
    return [
        threading.Thread(target=_kept_up, args=(task, term, over), name=name)
        for name, task in zip(names, tasks, strict=True)
    ]


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


def _failed(term: Term, error: Exception) -> None:
    if isinstance(error, StaleLeader):
        term.lose(str(error))


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
