"""Where a replay's clock stands: one line on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
from datetime import date

from rich.console import Console

from ews.cli.output import Output


class Clock:
    """A status line on stderr while it is entered."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._status = Console(stderr=True).status("...") if sys.stderr.isatty() else None

    def __enter__(self) -> Clock:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def told(self, day: str, share: float, alerts: int) -> None:
        if self._status:
            said = self._out.t(f"{day} 재생 중, 경보 {alerts}건", f"playing {day}, {alerts} alerts")
            self._status.update(f"{said} ({share:.0%})")

    def day(self, day: date, share: float, alerts: int) -> None:
        self.told(day.isoformat(), share, alerts)


class Counter:
    """How many of how many are done, on stderr while it is entered."""

    def __init__(self, of: str) -> None:
        self._of = of
        self._status = Console(stderr=True).status("...") if sys.stderr.isatty() else None

    def __enter__(self) -> Counter:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def told(self, done: int, whole: int) -> None:
        if self._status:
            self._status.update(f"{done:,} / {whole:,} {self._of} ({done / whole:.0%})")
