"""The recorded series as columns, and as panels as they were known at one moment.

`ews series convert` makes one series file of the recorded tables, each value with the moment at
which its source's release calendar brings it; here that file is read into columns, one set a
provider and frequency. Daily series are looked at by the week, as the live service does.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ews.detectors.panel import Days, Floats, Panel, blocks, panel_of
from ews.model import Frequency
from ews.tuning.series import convert_series

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("EWS_RECORDED_DATA", ROOT.parent / "shared" / "data"))
DAILY = frozenset({"portwatch", "eia"})
# How far back a panel reaches: what a detector remembers, and no more.
YEARS = 20


@dataclass(frozen=True, slots=True)
class Recorded:
    """Every vintage of the series of one provider and frequency."""

    provider: str
    frequency: Frequency
    names: tuple[str, ...]
    rows: NDArray[np.intp]  # [m] index into names
    periods: Days  # [m] first day of the period
    available: Days  # [m] datetime64[us] UTC
    values: Floats  # [m]

    def moments(self) -> Days:
        """Every moment at which something was published, ascending."""
        return np.unique(self.available)

    def at(self, now: np.datetime64) -> Panel:
        """The panel as known at `now`; daily series as weekly means."""
        first = now.astype("M8[D]") - np.timedelta64(366 * YEARS, "D")
        keep = (self.periods >= first) & (self.available <= now)
        panel = panel_of(
            self.names,
            self.frequency,
            self.rows[keep],
            self.periods[keep],
            self.available[keep],
            self.values[keep],
            utc_of(now),
        )
        return blocks(panel) if self.frequency is Frequency.DAY else panel


def utc_of(moment: np.datetime64) -> datetime:
    """
    >>> utc_of(np.datetime64("2023-12-20T00:00")).isoformat()
    '2023-12-20T00:00:00+00:00'
    """
    return datetime.fromisoformat(str(moment.astype("M8[s]"))).replace(tzinfo=UTC)


def recorded(data: Path = DATA) -> list[Recorded]:
    """The recorded series, converted now from the tables under `data`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "series.csv"
        convert_series(data, file)
        return read(file)


def read(file: Path) -> list[Recorded]:
    """The columns of a series file, one set a provider and frequency, sorted by provider."""
    found: dict[str, list[tuple[str, str, str, float]]] = {}
    for row in _rows(file):
        found.setdefault(row[0].split("/", 1)[0], []).append(row)
    return [_columns(provider, rows) for provider, rows in sorted(found.items())]


def _rows(file: Path) -> Iterator[tuple[str, str, str, float]]:
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield row["series"], row["observed_at"], row["available_at"], float(row["value"])


def _columns(provider: str, rows: list[tuple[str, str, str, float]]) -> Recorded:
    names = tuple(sorted({row[0] for row in rows}))
    index = {name: at for at, name in enumerate(names)}
    return Recorded(
        provider,
        Frequency.DAY if provider in DAILY else Frequency.MONTH,
        names,
        np.array([index[row[0]] for row in rows], np.intp),
        np.array([row[1][:10] for row in rows], "M8[D]"),
        np.array([row[2].removesuffix("Z") for row in rows], "M8[us]"),
        np.array([row[3] for row in rows], np.float64),
    )
