"""Who leads? One scheduler works, the others stand by; a leader that lost the lease writes nothing.

The lease row says who leads, under which token. A standby takes it when the leader's lock is free
(its process is dead), or when the row has not moved for a whole lease by the standby's own clock
(frozen, or cut off): clocks of two machines are never compared.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from ews.storage import Lease, SessionLock, Store, StoreError

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
RENEWALS = 5  # a lease is renewed this often before it would end
LOCK_WAIT_S = 1.0  # for the server to end a session; without the lock the lease alone must do


def owner_name(called: str, line_name: str) -> str:
    """A name of its own for each term: the token rises even when the same process comes back."""
    return f"{called}/{line_name}/{secrets.token_hex(4)}"


def line_of(lease: Lease) -> str:
    """What the server calls the sessions of the lease's owner.

    >>> line_of(Lease("host:7/ews-1f/9c", datetime(2026, 1, 5), 3))
    'ews-1f'
    """
    return lease.owner.split("/")[-2] if lease.owner.count("/") >= 2 else ""


class Term:
    """One spell of leading: kept by a thread of its own until it is ended or lost."""

    def __init__(self, candidate: Candidate, token: int, lock: SessionLock | None, begun: float):
        self.token = token
        self.why_lost = ""
        self._candidate = candidate
        self._lock = lock
        self._renewed = begun
        self._done = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._keeper.start()

    def lost(self) -> bool:
        """Whether another leads, or may lead by now because no renewal got through for a lease."""
        lease_s = self._candidate.lease_s
        if time.monotonic() - self._renewed > lease_s and not self._candidate.alone:
            self.lose(f"no renewal got through for {lease_s:g} s")
        return bool(self.why_lost)

    def lose(self, why: str) -> None:
        self.why_lost = self.why_lost or why

    def end(self) -> None:
        """Stop renewing; give the lease back if it is still ours."""
        self._done.set()
        with self.finishing():
            self._keeper.join()
            if not self.lost():
                self._candidate.give_back()
        if self._lock is not None:
            self._lock.release()

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Inside, what has begun is waited for. Once the term is lost, connections are cut again
        and again, so that nobody waits for a database that does not answer."""
        done = threading.Event()

        def cut() -> None:
            while not done.wait(0.2):
                if self.lost():
                    self._candidate.store.hang_up()

        thread = threading.Thread(target=cut, name="hang up", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _keep(self) -> None:
        while not self._done.wait(self._candidate.lease_s / RENEWALS) and not self.lost():
            begun = time.monotonic()
            try:
                if not self._candidate.renew(self.token):
                    self.lose("another scheduler took the lease")
                self._keep_lock()
            except StoreError as err:
                log.warning("the lease could not be renewed, trying again: %s", err)
            else:
                self._renewed = begun

    def _keep_lock(self) -> None:
        """The lock is what a standby sees fall when this process dies."""
        if self._lock is not None and self._lock.held():
            return
        had, self._lock = self._lock, self._candidate.lock()
        if had is not None:
            had.release()
        if had is not None and self._lock is None and not self._candidate.alone:
            self.lose("another scheduler took the lock")


class Candidate:
    """A scheduler that would lead. `alone`: a file lock already proves that no other runs here."""

    def __init__(
        self, store: Store, name: str, owner: str, lease_s: float, clock: Clock, alone: bool = False
    ) -> None:
        self.store = store
        self.name = name
        self.lease_s = lease_s
        self.alone = alone
        self._clock = clock
        self._called = owner
        self._owner = owner
        self._lock: SessionLock | None = None
        self._seen: tuple[Lease | None, float] = (None, 0.0)

    def ask(self) -> Term | None:
        """A term when the leader is gone; None while another leads."""
        if self._lock is not None and not self._lock.held():
            self._lock.release()
            self._lock = None
        self._lock = self._lock or self.lock()
        lease, begun = self.store.lease(self.name), time.monotonic()
        if not (self.alone or self._lock or self._unmoved(lease, begun)):
            return None
        if lease is not None and self._lock is None:
            self._end(lease)
        self._owner = owner_name(self._called, self.store.line_name)
        token = self.store.take_lease(
            self.name, self._owner, self._clock(), self.lease_s, dead=lease
        )
        if token is None:
            return None
        lock, self._lock, self._seen = self._lock, None, (None, 0.0)
        return Term(self, token, lock, begun)

    def _end(self, lease: Lease) -> None:
        """End the sessions of a leader that does not move any more, and have the lock they free:
        without it, that leader would think itself called when it wakes up."""
        self.store.end_sessions(line_of(lease))
        deadline = time.monotonic() + LOCK_WAIT_S
        while self.store.serves_many and time.monotonic() < deadline:
            if (lock := self.lock()) is not None:
                self._lock = lock
                return
            time.sleep(0.02)

    def _unmoved(self, lease: Lease | None, at: float) -> bool:
        """Whether nobody has the lease, or nobody has renewed it for as long as it lasts."""
        if lease is None or not lease.owner:
            return True
        if lease != self._seen[0]:
            self._seen = (lease, at)
        return at - self._seen[1] > self.lease_s

    def wait(self, stop: threading.Event, poll_s: float) -> Term | None:
        """Stand by until this one leads; None when `stop` comes first."""
        told = False
        while not stop.is_set():
            try:
                if (term := self.ask()) is not None:
                    return term
                if not told:
                    log.info("standing by: another scheduler leads")
                    told = True
            except StoreError as err:
                log.warning("the store does not answer, asking again: %s", err)
            stop.wait(poll_s)
        if self._lock is not None:
            self._lock.release()
        return None

    def renew(self, token: int) -> bool:
        until = self._clock() + timedelta(seconds=self.lease_s)
        return self.store.renew_lease(self.name, token, until)

    def lock(self) -> SessionLock | None:
        return self.store.session_lock(self.name)

    def give_back(self) -> None:
        try:
            self.store.end_lease(self.name, self._owner, self._clock())
        except StoreError as err:
            log.warning("the lease could not be given back; it ends by itself: %s", err)
