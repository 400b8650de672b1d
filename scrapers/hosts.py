"""When may this host be asked again? What all sources of a host share, kept where it survives a restart."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from ews.model import Host


class HostBook(Protocol):
    """What is known of hosts. `MemoryHosts` here; the Store is one too."""

    def host(self, name: str) -> Host:
        """What is known of the host; nothing, when it was never asked."""
        ...

    def save_host(self, host: Host) -> None: ...

    def book_host(
        self, name: str, gap_s: float, now: datetime, at_latest: datetime
    ) -> tuple[Host, datetime | None]:
        """Book the host's next free moment and keep the gap after it: (the host as it stood, that
        moment). None: it would be later than `at_latest`, and nothing was booked. Atomic."""
        ...


class MemoryHosts:
    """A HostBook that forgets with the process: for tests and single looks."""

    def __init__(self) -> None:
        self._known: dict[str, Host] = {}
        self._lock = threading.Lock()

    def host(self, name: str) -> Host:
        with self._lock:
            return self._known.get(name) or Host(name)

    def save_host(self, host: Host) -> None:
        with self._lock:
            self._known[host.name] = host

    def book_host(
        self, name: str, gap_s: float, now: datetime, at_latest: datetime
    ) -> tuple[Host, datetime | None]:
        with self._lock:
            host = self._known.get(name) or Host(name)
            start = max([now, *(t for t in (host.free_at, host.held_until, host.open_until) if t)])
            if start > at_latest:
                return host, None
            self._known[name] = replace(host, free_at=start + timedelta(seconds=gap_s))
            return host, start
