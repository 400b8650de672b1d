"""Which happenings are known to have touched a recorded series, and when?

Read from `data/dated_events.csv` (docs/dated-events.md): the windows in which an alarm on a
recorded series is not false, committed before any detector was tuned on those years.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files

import numpy as np

from ews.detectors.panel import Bools, Days

KINDS = frozenset({"measure", "policy", "pandemic", "conflict", "accident", "energy", "closure",
                   "classification"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dated:
    """One happening and the series that it can have touched."""

    id: str
    series: tuple[str, ...]  # patterns, as the shell reads them
    begin: np.datetime64  # first day
    until: np.datetime64  # last day, inside
    what_en: str
    what_ko: str
    source: str
    stated: bool  # the source says that this flow or route was hit; else that is our inference
    kind: str

    def touches(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.series)


def dated_events() -> list[Dated]:
    """All rows, in the order of the file. ValueError names a row that cannot be read."""
    text = (files("ews.detectors") / "data" / "dated_events.csv").read_text(encoding="utf-8")
    return [_dated(row) for row in csv.DictReader(text.splitlines())]


def _dated(row: dict[str, str]) -> Dated:
    begin, until = (np.datetime64(row[key], "D") for key in ("from", "until"))
    if until < begin or row["kind"] not in KINDS or row["basis"] not in ("stated", "inferred"):
        raise ValueError(
            f"dated_events.csv, {row['id']}: until must not lie before from, kind must be one of "
            f"{', '.join(sorted(KINDS))}, basis stated or inferred"
        )
    return Dated(
        row["id"],
        tuple(row["series"].split()),
        begin,
        until,
        row["what_en"],
        row["what_ko"],
        row["source"],
        row["basis"] == "stated",
        row["kind"],
    )


def touched(events: Iterable[Dated], names: Sequence[str], first: Days, last: Days) -> Bools:
    """[n, t] True where a period (its first and last day) has a day in a window of its series.

    >>> days = np.array(["2021-03-22", "2021-04-12"], "M8[D]")
    >>> touched(dated_events(), ["portwatch/transits/suez/-"], days, days + 6)
    array([[ True, False]])
    """
    inside = np.zeros((len(names), len(first)), np.bool_)
    for event in events:
        rows = [at for at, name in enumerate(names) if event.touches(name)]
        if rows:
            inside[rows] |= (first <= event.until) & (last >= event.begin)
    return inside
