"""How far a long command is: one line on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
from datetime import date
from typing import Self

from rich.console import Console

from ews.cli.output import Output


class StatusLine:
    """A status line on stderr while it is entered."""

    def __init__(self) -> None:
        self._status = Console(stderr=True).status("...") if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def say(self, text: str) -> None:
        if self._status:
            self._status.update(text)


class Clock(StatusLine):
    """Where a replay's clock stands."""

    def __init__(self, out: Output) -> None:
        super().__init__()
        self._out = out

    def told(self, day: str, share: float, alerts: int) -> None:
        said = self._out.t(f"{day} 재생 중, 경보 {alerts}건", f"playing {day}, {alerts} alerts")
        self.say(f"{said} ({share:.0%})")

    def day(self, day: date, share: float, alerts: int) -> None:
        self.told(day.isoformat(), share, alerts)


class Counter(StatusLine):
    """How many of how many are done."""

    def __init__(self, of: str) -> None:
        super().__init__()
        self._of = of

    def told(self, done: int, whole: int) -> None:
        self.say(f"{done:,} / {whole:,} {self._of} ({done / whole:.0%})")
