"""Whose turn is it? The oldest due first, one turn per host at a time, a bounded number at once.

A host that hangs holds one thread and its own sources; all others go on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ews.model import Polling, Source
from scrapers.schedule import due_at, host_of_turn

log = logging.getLogger(__name__)

AFTER_A_FAULT_S = 60.0  # of ours: the turn could not even be written down
Clock = Callable[[], datetime]
Turn = Callable[[Source], Polling]  # one turn of a source; how it is polled from then on


@dataclass(frozen=True, slots=True)
class Waiting:
    """A source in the line."""

    due: datetime
    host: str
    source: Source
    first: bool = False  # never asked so far


class Line:
    """Sources in the order of their turns. For one thread at a time: `Turns` locks it.

    At most `unvouched` private sources that nobody promoted are at work at once: hundreds of them,
    each slow on purpose, would else keep the others waiting.
    """

    def __init__(self, unvouched: int = 8) -> None:
        self._unvouched = unvouched
        self._waiting: dict[str, Waiting] = {}
        self._busy: dict[str, str] = {}  # source at work -> its host
        self._guests: set[str] = set()  # of them, those that nobody vouches for
        self._known: dict[str, Source] = {}

    def know(
        self, sources: Sequence[Source], pollings: Mapping[str, Polling], now: datetime
    ) -> None:
        """These sources and no others; one at work comes back when it is done."""
        self._known = {one.name: one for one in sources}
        for name in set(self._waiting) - set(self._known):
            del self._waiting[name]
        for one in sources:
            if one.name not in self._busy:
                self._put(one, pollings.get(one.name) or Polling(one.name), now)

    def _put(self, source: Source, polling: Polling, now: datetime) -> None:
        due, before = due_at(source, polling, now), self._waiting.pop(source.name, None)
        if due is None:
            return
        first = polling.next_due is None
        if first and before is not None and before.first:
            due = min(due, before.due)  # being looked at again puts nobody off
        host = host_of_turn(source, polling, max(due, now))
        self._waiting[source.name] = Waiting(due, host, source, first)

    def ready(self, now: datetime) -> list[Waiting]:
        """Who could begin now, oldest due first, one per host."""
        busy, first = set(self._busy.values()), dict[str, Waiting]()
        full = len(self._guests) >= self._unvouched
        due = [
            one
            for one in self._waiting.values()
            if one.due <= now and one.host not in busy and (one.source.trusted or not full)
        ]
        for one in sorted(due, key=lambda one: (one.due, one.source.name)):
            first.setdefault(one.host, one)
        return list(first.values())

    def take(self, now: datetime) -> Source | None:
        """Whose turn it is, now at work; None when nobody can begin."""
        chosen = next(iter(self.ready(now)), None)
        if chosen is None:
            return None
        name = chosen.source.name
        del self._waiting[name]
        self._busy[name] = chosen.host
        if not chosen.source.trusted:
            self._guests.add(name)
        return chosen.source

    def done(self, source: Source, polling: Polling, now: datetime) -> None:
        """The source's turn is over; it waits for the next, unless it was switched off meanwhile."""
        del self._busy[source.name]
        self._guests.discard(source.name)
        if source.name in self._known:
            self._put(self._known[source.name], polling, now)

    @property
    def at_work(self) -> list[str]:
        return sorted(self._busy)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._busy)


class Turns:
    """Threads that take turns from the line until they are shut. `failed` hears of errors that no
    bad source can cause."""

    def __init__(
        self, turn: Turn, clock: Clock, at_once: int, failed: Callable[[Exception], None]
    ) -> None:
        self._line = Line(max(1, at_once // 2))
        self._turn = turn
        self._clock = clock
        self._failed = failed
        self._free = threading.Condition()
        self._shut = False
        self._threads = [
            # A hanging turn must not keep the process alive; what it wrote is whole or not at all.
            threading.Thread(target=self._work, name=f"turns {n}", daemon=True)
            for n in range(at_once)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def know(self, sources: Sequence[Source], pollings: Mapping[str, Polling]) -> None:
        """From now on these sources take turns, as they stand in the store."""
        with self._free:
            self._line.know(sources, pollings, self._clock())

    def tick(self) -> None:
        """Wake as many threads as there are turns that can begin."""
        with self._free:
            ready = len(self._line.ready(self._clock()))
            if ready:
                self._free.notify(ready)

    def shut(self, wait_s: float) -> list[str]:
        """Begin no turn any more and wait for those that have begun, at most so long; the sources
        whose turns go on. They are made again at the next start."""
        with self._free:
            self._shut = True
            self._free.notify_all()
        end = time.monotonic() + wait_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(end - time.monotonic(), 0))
        with self._free:
            return self._line.at_work

    def _work(self) -> None:
        while (source := self._next()) is not None:
            try:
                polling = self._turn(source)
            except Exception as error:
                log.exception("the turn of %s failed; it is made again", source.name)
                self._failed(error)
                again = self._clock() + timedelta(seconds=AFTER_A_FAULT_S)
                polling = replace(Polling(source.name), next_due=again)
            with self._free:
                self._line.done(source, polling, self._clock())

    def _next(self) -> Source | None:
        with self._free:
            while not self._shut:
                source = self._line.take(self._clock())
                if source is not None:
                    return source
                self._free.wait()
            return None
