"""When may this host be asked again? What all sources of a host share, kept where it survives a restart.

Every request is booked first: the host's next free moment, never before its gap, a hold that it
asked for (Retry-After), or the wait of its circuit. Five failures in a row over all its sources open
the circuit: one request a wait, and the wait doubles from a minute to six hours until it answers.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from ews.model import Host
from scrapers.errors import SourceError

log = logging.getLogger(__name__)

OPENS_AFTER = 5  # failures in a row
FIRST_WAIT_S = 60
LONGEST_WAIT_S = 6 * 3600
PROBE_S = 120  # while one request tries an open circuit, nobody else does
LONGEST_HOLD_S = 86_400  # of a Retry-After
# No gap and queue of ours comes near an hour: a booking further ahead was made by a clock that has
# been put back since.
FURTHEST_BOOKING_S = 3600
SLEPT_THROUGH_S = 5
LINE_KNOWN_S = 600


class HostBook(Protocol):
    """What is known of hosts. `MemoryHosts` here; the Store is one too."""

    def host(self, name: str) -> Host:
        """What is known of the host; nothing, when it was never asked."""
        ...

    def change_host(self, name: str, change: Callable[[Host], Host]) -> Host:
        """The host after `change`, kept before this returns. Atomic over threads and processes."""
        ...


class MemoryHosts:
    """A HostBook that forgets with the process: for tests and single looks."""

    def __init__(self) -> None:
        self._known: dict[str, Host] = {}
        self._lock = threading.Lock()

    def host(self, name: str) -> Host:
        with self._lock:
            return self._known.get(name) or Host(name)

    def change_host(self, name: str, change: Callable[[Host], Host]) -> Host:
        with self._lock:
            changed = change(self._known.get(name) or Host(name))
            self._known[name] = changed
            return changed


class FewHosts(MemoryHosts):
    """The last few hosts, without long texts: for those that only a redirect led to. Whoever writes
    the redirects could else make us remember without end."""

    LONGEST = 32 * 1024  # characters of a robots.txt

    def __init__(self, most: int = 200) -> None:
        super().__init__()
        self.most = most

    def change_host(self, name: str, change: Callable[[Host], Host]) -> Host:
        changed = super().change_host(name, change)
        with self._lock:
            if len(changed.robots or "") > self.LONGEST:
                self._known.pop(name, None)
            while len(self._known) > self.most:
                del self._known[next(iter(self._known))]
        return changed


@dataclass(frozen=True, slots=True)
class Booking:
    """A turn at a host: when it begins (None: not in time), and the host as it then stands."""

    start: datetime | None
    host: Host


def booked(host: Host, gap_s: float, now: datetime, at_latest: datetime) -> Booking:
    """The host's next free moment, with `gap_s` seconds kept free after it.

    None, and nothing booked, when that is later than `at_latest`, or when the host is to be left
    alone for more than a few seconds: nobody sleeps through a hold. The first to come when the wait of
    an open circuit is over is its probe: the others wait until it has answered.
    """
    host = believable(host, now)
    alone = max([now, *(at for at in (host.held_until, host.open_until) if at)])
    start = max(alone, host.free_at or now)
    if start > at_latest or alone > now + timedelta(seconds=SLEPT_THROUGH_S):
        return Booking(None, host)
    host = replace(host, free_at=start + timedelta(seconds=gap_s))
    if host.failures >= OPENS_AFTER:
        host = replace(host, open_until=start + timedelta(seconds=max(PROBE_S, gap_s)))
    return Booking(start, host)


def believable(host: Host, now: datetime) -> Host:
    """The host without moments that only a clock that ran ahead can have written."""
    kept = replace(
        host,
        free_at=_near(host.free_at, now, FURTHEST_BOOKING_S),
        held_until=_near(host.held_until, now, LONGEST_HOLD_S + FURTHEST_BOOKING_S),
        open_until=_near(host.open_until, now, LONGEST_WAIT_S + FURTHEST_BOOKING_S),
    )
    if kept != host:
        log.warning("clock_went_back", extra={"host": host.name, "now": now.isoformat()})
    return kept


def _near(at: datetime | None, now: datetime, ahead_s: int) -> datetime | None:
    return None if at is None or at > now + timedelta(seconds=ahead_s) else at


def answered(host: Host) -> Host:
    """The host after an answer: the circuit is closed."""
    return replace(host, failures=0, open_until=None)


def failed(host: Host, now: datetime) -> Host:
    """The host after a connection, answer or server that failed; the fifth opens the circuit."""
    failures = host.failures + 1
    if failures < OPENS_AFTER:
        return replace(host, failures=failures)
    wait_s = min(FIRST_WAIT_S * 2 ** min(failures - OPENS_AFTER, 20), LONGEST_WAIT_S)
    return replace(host, failures=failures, open_until=now + timedelta(seconds=wait_s))


def held(host: Host, seconds: float, now: datetime) -> Host:
    """The host after it asked us to wait; an earlier, longer wait stays."""
    until = now + timedelta(seconds=min(seconds, LONGEST_HOLD_S))
    return replace(host, held_until=max(until, host.held_until or until))


class Guests:
    """What those meet at a host whom nobody vouches for: private sources, and redirects to it.

    They wait in its line like all others, but what they are answered (429, 500) is remembered apart:
    whoever leads them to an address that always refuses would else keep its own sources away.
    """

    def __init__(self, hosts: HostBook) -> None:
        self._hosts = hosts
        self.met = FewHosts(2_000)

    def check(self, name: str, now: datetime) -> None:
        """SourceError (deferred) while they are to stay away. The first request after the wait of an
        open circuit is none of theirs."""
        met, host = believable(self.met.host(name), now), self._hosts.host(name)
        until = [at for at in (met.held_until, met.open_until) if at is not None]
        if host.failures >= OPENS_AFTER:
            until.append(now + timedelta(seconds=FIRST_WAIT_S))
        if until and max(until) > now:
            raise why_not(replace(met, free_at=None, held_until=max(until), open_until=None), now)


def why_not(host: Host, now: datetime) -> SourceError:
    """Why the host is not asked now, with the seconds until it may be."""
    reasons = {
        "asked us to wait": host.held_until,
        f"failed {host.failures} times in a row and is tried again": host.open_until,
        "has a queue of our own requests": host.free_at,
    }
    ahead = {words: at for words, at in reasons.items() if at is not None and at > now}
    words = max(ahead, key=lambda one: ahead[one])
    wait_s = (ahead[words] - now).total_seconds()
    return SourceError(
        f"{host.name} {words} in {wait_s:.0f} s; nothing is sent before, its turn comes by itself",
        retry_after_s=int(wait_s) + 1,
        deferred=True,
    )


class OwnLine:
    """Does our own line work? Which hosts answered last, and when."""

    def __init__(self) -> None:
        self._latest: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def works(self, name: str, now: datetime) -> None:
        """Notes that this host answered."""
        with self._lock:
            self._latest.pop(name, None)
            self._latest[name] = now
            while len(self._latest) > 2:  # the last one and one other are enough to know
                del self._latest[next(iter(self._latest))]

    def works_elsewhere(self, name: str, now: datetime) -> bool:
        """Whether another host answered within the last ten minutes."""
        with self._lock:
            return any(
                other != name and now - at < timedelta(seconds=LINE_KNOWN_S)
                for other, at in self._latest.items()
            )
