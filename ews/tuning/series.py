"""Recorded series -> observations, and the shared tables -> one series file.

A series file is CSV with the columns series, observed_at, available_at, value and, if known, unit
and basis ("calendar" where nobody recorded when the value became known, else "recorded"). None of
the shared tables has that form: `convert_series` makes it, each value dated by the release calendar
of its source (scrapers/calendars.toml), so that a replay sees a figure only when an officer could.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from ews.model import Observation, Series, VintageBasis, utc
from ews.tuning.series_tables import MISSING, TABLES, Table
from scrapers.calendars import Release, release_of

CALENDAR = VintageBasis.CALENDAR
COLUMNS = ("series", "observed_at", "available_at", "value", "unit", "basis")
NEEDED = COLUMNS[:4]


class SeriesFileError(ValueError):
    """A row of a series file or table cannot be read; the message names the file and the line."""


def read_series(
    paths: Sequence[Path], since: datetime | None = None, until: datetime | None = None
) -> list[Observation]:
    """Observations available in [since, until), oldest first. SeriesFileError names a bad line."""
    found: dict[str, Observation] = {}
    for path in paths:
        for obs in _observations(path):
            early = since is not None and obs.available_at < since
            if not early and (until is None or obs.available_at < until):
                found[obs.id] = obs
    return sorted(found.values(), key=lambda obs: (obs.available_at, obs.id))


def convert_series(data: Path, out: Path) -> dict[str, int]:
    """Write every known table under `data` (its `trade` folder) to one series file.

    Gives the number of rows per table; a table that is absent is left out of the answer.
    SeriesFileError when none is there or a row cannot be read.
    """
    counts: dict[str, int] = {}
    rows: list[Observation] = []
    for table in TABLES:
        path = data / table.path
        if path.is_file():
            made = list(_converted(path, table))
            counts[table.path] = len(made)
            rows += made
    if not counts:
        tables = ", ".join(table.path for table in TABLES)
        raise SeriesFileError(f"{data}: no known table here; expected some of {tables}")
    _write(rows, out)
    return counts


def described(observations: Iterable[Observation]) -> list[Series]:
    """What the series of converted tables are, each once: a series file has no room for it.

    Figures of UN Comtrade are exports, FOB; the tables do not say which revision of the HS.
    """
    found: dict[str, Series] = {}
    for one in observations:
        if one.series in found:
            continue
        provider, measure, _, item = one.parts
        money, goods = measure.endswith("-usd"), provider == "comtrade" and item.isdigit()
        found[one.series] = Series(
            name=one.series,
            frequency=_release(one.series).frequency,
            unit=one.unit,
            source=provider,
            currency="USD" if money else "",
            classification="HS" if goods else "",
            valuation="FOB" if money and measure.startswith("export") else "",
        )
    return list(found.values())


@cache
def _release(series: str) -> Release:
    release = release_of(series)
    if release is None:
        raise ValueError(f"series {series!r} has no rule in scrapers/calendars.toml; add one")
    return release


def _write(rows: list[Observation], out: Path) -> None:
    rows.sort(key=lambda obs: (obs.available_at, obs.series, obs.observed_at))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for obs in rows:
            times = (obs.observed_at.date().isoformat(), _stamp(obs.available_at))
            writer.writerow([obs.series, *times, f"{obs.value:.10g}", obs.unit, obs.basis.value])


# --------------------------------------------------------------------------- reading


def _converted(path: Path, table: Table) -> Iterator[Observation]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                for series, day, text, unit in table.rows(row):
                    if text.strip() not in MISSING:
                        at = _release(series).available(day)
                        value = _number(text)
                        yield Observation(series, day, at, value, unit, table.provider, CALENDAR)
            except (KeyError, ValueError, TypeError) as error:
                raise SeriesFileError(f"{path.name} line {number}: {_told(error)}") from error


def _observations(path: Path) -> Iterator[Observation]:
    if not path.is_file():
        raise SeriesFileError(f"{path}: no such series file")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise SeriesFileError(
                f"{path.name} line 1: columns {', '.join(missing)} are missing; "
                "`ews series convert` makes such a file from the shared tables"
            )
        for row in reader:
            try:
                obs = Observation(
                    row["series"], utc(row["observed_at"]), utc(row["available_at"]),
                    _number(row["value"]), row.get("unit") or "", "",
                    VintageBasis(row.get("basis") or "recorded"),
                )  # fmt: skip
                provider = obs.parts[0]
                if obs.available_at < obs.observed_at:
                    raise ValueError("available_at lies before observed_at")
            except (ValueError, TypeError, AttributeError) as error:
                raise SeriesFileError(f"{path.name} line {reader.line_num}: {error}") from error
            yield replace(obs, source=provider)


def _number(text: str) -> float:
    value = float(text.replace(",", ""))
    if not math.isfinite(value):
        raise ValueError(f"value {text!r} is not a finite number")
    return value


def _told(error: Exception) -> str:
    return f"{error} is missing or unknown" if isinstance(error, KeyError) else str(error)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
