"""The task of `ews run` that tells that it works: to receivers once a day, to the dead man's switch
outside every few minutes, and to every process that reads the store.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.digests import carry
from alerts.routes import Routes
from alerts.view import Names
from ews.liveness.beats import (
    QUIET,
    Book,
    Missed,
    due_now,
    dues,
    enrol,
    keep_book,
    missed_before,
    missing,
    on_the_list,
    read_book,
)
from ews.liveness.life import Life, life
from ews.liveness.pulse import BEGAN, SEEN, Ping, began_at, cycle_done, keep_ping, last_ping
from ews.liveness.words import heartbeat
from ews.model import Bulletin, Receiver, Source
from ews.storage import StaleLeader, Store
from scrapers.errors import SourceError

log = logging.getLogger(__name__)

POLL_S = 30.0
PING_EVERY = timedelta(minutes=5)
DAY = timedelta(days=1)
BEAT = "beat"  # how a heartbeat that was made is noted; QUIET: none was needed
Ask = Callable[[str], int]  # asks an address, gives the HTTP status; SourceError when it cannot


@dataclass(frozen=True, slots=True)
class Beating:
    """What telling that ews works needs. `at` is a local time, "" for no heartbeat; `ask` asks the
    address `url` of the dead man's switch, "" for none."""

    store: Store
    routes: Routes
    names: Names
    sources: Callable[[], Sequence[Source]]  # those that are asked here, as they stand
    at: str
    grace: timedelta
    url: str = ""
    ask: Ask | None = None
    _said: set[Missed] = field(default_factory=set)  # in the log

    def look(self, now: datetime) -> int:
        """One look: this process is at work; heartbeats that are due are written to the outbox,
        those that are missing to the log; the switch is asked. How many heartbeats were written."""
        self.store.put(SEEN, now.isoformat())
        made = beat(self, now) if self.at else 0
        gone = missing(self.store, on_the_list(self.routes), self.at, self.grace, now)
        for one in gone:
            if one not in self._said:
                self._said.add(one)
                log.error("the heartbeat of %s to %s did not come: %s %s; see `ews outbox list`",
                          one.due.isoformat(), one.receiver, one.kind, one.why)  # fmt: skip
        if self.url and self.ask is not None and not gone:
            ping(self.store, self.ask, self.url, now, at_once=made > 0)
        return made


def beat(beating: Beating, now: datetime) -> int:
    """Write the heartbeats that are due, in one transaction with the note of it; how many."""
    store, on = beating.store, on_the_list(beating.routes)
    book = read_book(store)
    enrol(book, on, now)
    waiting = {
        one.name: due
        for one in on
        if (due := due_now(book, one, beating.at, now)) is not None
    }  # fmt: skip
    if not waiting:
        with store.begin() as tx:
            keep_book(tx, book)
        return 0
    found = life(store, beating.sources(), now)
    with store.begin() as tx:
        book = read_book(tx)
        enrol(book, on, now)
        told = [
            (bulletin, carry(bulletin, one))
            for one in on
            if one.name in waiting
            and (bulletin := _written(beating, tx, book, one, waiting[one.name], found, now))
        ]
        tx.save_bulletins([one for one, _ in told], [carried for _, carried in told])
        keep_book(tx, book)
    return len(told)


def _written(
    beating: Beating,
    tx: Store,
    book: Book,
    receiver: Receiver,
    due: datetime,
    found: Life,
    now: datetime,
) -> Bulletin | None:
    """The heartbeat of one receiver, noted in the book; None where it heard of us that day."""
    done = book.done[receiver.name]
    if due in done:
        return None
    if not receiver.operator and found.told.get(receiver.name):
        done[due] = QUIET
        return None
    done[due] = BEAT
    before = missed_before(tx, book, receiver, beating.at, beating.grace, due)
    latest = next(dues(receiver, beating.at, due + DAY + timedelta(hours=2))) + beating.grace
    return heartbeat(receiver, due, latest, found, before, beating.names, now)


def ping(store: Store, ask: Ask, url: str, now: datetime, at_once: bool = False) -> bool | None:
    """Ask the dead man's switch, when a cycle was finished since the last time and that is five
    minutes ago, or `at_once`. Whether it answered; None: it was not its turn. Whatever goes wrong
    is noted and never raised."""
    last, (done, _) = last_ping(store), cycle_done(store)
    news = done is not None and (last.at is None or done > last.at)
    due = news and (last.at is None or now - last.at >= PING_EVERY)
    if not (due or at_once):
        return None
    error = _asked(ask, url)
    if error:
        log.warning("the dead man's switch outside was not reached: %s", error)
        keep_ping(store, replace(last, at=now, failures=last.failures + 1, error=error))
    else:
        keep_ping(store, Ping(now, now))
    return not error


def _asked(ask: Ask, url: str) -> str:
    """What went wrong; "" nothing. Never the address: it is a secret."""
    try:
        status = ask(url)
    except SourceError as error:
        return error.message.replace("source.toml", "heartbeat_url")[:200]
    return "" if 200 <= status < 300 else f"HTTP {status}"


def note_begin(store: Store, now: datetime) -> None:
    """A scheduler begins to lead. One that dies again and again before its first cycle is done
    keeps the time of its first try."""
    began, (done, _) = began_at(store), cycle_done(store)
    if began is None or (done is not None and done > began):
        store.put(BEGAN, now.isoformat())


def telling_life(
    beating: Beating, clock: Callable[[], datetime], poll_s: float = POLL_S
) -> Callable[[threading.Event], None]:
    """The task, for as long as this process leads."""

    def task(over: threading.Event) -> None:
        note_begin(beating.store, clock())
        while not over.is_set():
            try:
                beating.look(clock())
            except StaleLeader:
                raise
            except Exception:
                log.exception("heartbeat: the look failed; the next does it")
            over.wait(poll_s)

    return task
