"""Recorded series -> observations, and the shared tables -> one series file.

A series file is CSV with the columns series, observed_at, available_at, value and, if known, unit.
None of the shared tables has that form: `convert_series` makes it, each source with its
publication lag (`LAGS`), so that a replay sees a figure only when an officer could have.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ews.model import Observation, utc

COLUMNS = ("series", "observed_at", "available_at", "value", "unit")
NEEDED = COLUMNS[:4]
MISSING = frozenset({"", "…", "...", "..", "None", ".", "#N/A", "nan"})


class SeriesFileError(ValueError):
    """A row of a series file or table cannot be read; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Lag:
    """When a figure of a source becomes known."""

    source: str
    rule: str
    read_in: str  # where the lag was read; "assumed" when nowhere
    available: Callable[[datetime], datetime]  # from the day, or first of the month, it is for


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


def convert_file(layout: str, file: Path, out: Path) -> int:
    """Write one provider's file as a series file; gives the number of rows.

    `layout` is a key of `LAYOUTS`: portwatch, pinksheet, gscpi, brent, wti, henryhub, ...
    """
    if layout not in LAYOUTS:
        raise SeriesFileError(f"unknown layout {layout!r}; use one of {', '.join(LAYOUTS)}")
    if not file.is_file():
        raise SeriesFileError(f"{file}: no such file")
    rows = list(_converted(file, LAYOUTS[layout]))
    _write(rows, out)
    return len(rows)


def _write(rows: list[Observation], out: Path) -> None:
    rows.sort(key=lambda obs: (obs.available_at, obs.series, obs.observed_at))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for obs in rows:
            times = (obs.observed_at.date().isoformat(), _stamp(obs.available_at))
            writer.writerow([obs.series, *times, f"{obs.value:.10g}", obs.unit])


# --------------------------------------------------------------------------- lags


def next_tuesday(day: datetime) -> datetime:
    """End of the first Tuesday at least three days after the day.

    >>> next_tuesday(datetime(2023, 12, 15, tzinfo=UTC)).isoformat()  # a Friday
    '2023-12-20T00:00:00+00:00'
    """
    ready = day + timedelta(days=3)
    return ready + timedelta(days=(1 - ready.weekday()) % 7 + 1)


def working_day_of_next_month(number: int) -> Callable[[datetime], datetime]:
    """End of the n-th Monday-to-Friday of the month after; holidays are not known here."""

    def available(month: datetime) -> datetime:
        day = _next_month(month)
        left = number
        while True:
            left -= day.weekday() < 5
            if left == 0:
                return day + timedelta(days=1)
            day += timedelta(days=1)

    return available


def days_after_month(days: int) -> Callable[[datetime], datetime]:
    return lambda month: _next_month(month) + timedelta(days=days)


def end_of_next_day(day: datetime) -> datetime:
    return day + timedelta(days=2)


LAGS: Mapping[str, Lag] = {
    lag.source: lag
    for lag in (
        Lag("portwatch", "end of the first Tuesday at least 3 days after",
            "sources survey, section 6: weekly (Tuesday), chokepoints 3-8 days", next_tuesday),
        Lag("pinksheet", "end of the 2nd working day of the next month",
            "sources survey, section 6: about the 2nd working day", working_day_of_next_month(2)),
        Lag("gscpi", "end of the 4th working day of the next month",
            "sources survey, section 6: about the 4th working day", working_day_of_next_month(4)),
        Lag("eia", "end of the next day",
            "assumed: daily prices, no lag was read", end_of_next_day),
        Lag("comtrade", "75 days after the end of the month",
            "assumed: no lag was read for UN Comtrade; slower than the 35 days of the US Census",
            days_after_month(75)),
    )
}  # fmt: skip


# --------------------------------------------------------------------------- tables


@dataclass(frozen=True, slots=True)
class Table:
    """One shared table: where it is and how a row becomes values (series, day, value, unit)."""

    path: str
    provider: str
    rows: Callable[[Mapping[str, str]], Iterable[tuple[str, datetime, str, str]]]


CHOKEPOINTS = {
    "bab_el_mandeb": "bab-el-mandeb", "suez": "suez", "hormuz_strait": "hormuz",
    "cape_of_good_hope": "good-hope",
}  # fmt: skip
# Column of the Pink Sheet -> (place or grade, item id, unit)
PINK_SHEET: Mapping[str, tuple[str, str, str]] = {
    "Crude oil, Dubai": ("dubai", "crude-oil", "USD/bbl"),
    "Coal, Australian": ("australian", "bituminous-coal", "USD/t"),
    "Natural gas, Europe": ("europe", "natural-gas", "USD/mmbtu"),
    "Liquefied natural gas, Japan": ("japan-import", "lng", "USD/mmbtu"),
    "Cocoa": ("WLD", "cocoa", "USD/kg"), "Coffee, Arabica": ("arabica", "coffee", "USD/kg"),
    "Palm oil": ("WLD", "palm-oil", "USD/t"), "Soybeans": ("WLD", "soybeans", "USD/t"),
    "Soybean oil": ("WLD", "soybean-oil", "USD/t"),
    "Soybean meal": ("WLD", "soybean-meal", "USD/t"),
    "Sunflower oil": ("WLD", "sunflower-oil", "USD/t"), "Barley": ("WLD", "barley", "USD/t"),
    "Maize": ("WLD", "corn", "USD/t"), "Rice, Thai 5%": ("thai-5", "rice", "USD/t"),
    "Wheat, US HRW": ("us-hrw", "wheat", "USD/t"), "Beef **": ("WLD", "beef", "USD/kg"),
    "Sugar, world": ("WLD", "sugar", "USD/kg"), "Logs, Malaysian": ("malaysian", "logs", "USD/m3"),
    "Sawnwood, Malaysian": ("malaysian", "sawnwood", "USD/m3"),
    "Cotton, A Index": ("WLD", "cotton", "USD/kg"),
    "Rubber, TSR20 **": ("tsr20", "natural-rubber", "USD/kg"),
    "Phosphate rock": ("WLD", "phosphate-rock", "USD/t"),
    "DAP": ("WLD", "diammonium-phosphate", "USD/t"),
    "TSP": ("WLD", "phosphate-fertilisers", "USD/t"),
    "Urea": ("WLD", "urea", "USD/t"), "Potassium chloride **": ("WLD", "potash", "USD/t"),
    "Aluminum": ("WLD", "aluminium", "USD/t"),
    "Iron ore, cfr spot": ("cfr", "iron-ore", "USD/t"),
    "Copper": ("WLD", "copper", "USD/t"), "Lead": ("WLD", "lead", "USD/t"),
    "Tin": ("WLD", "tin", "USD/t"), "Nickel": ("WLD", "nickel", "USD/t"),
    "Zinc": ("WLD", "zinc", "USD/t"), "Gold": ("WLD", "gold", "USD/troy oz"),
    "Platinum": ("WLD", "platinum", "USD/troy oz"), "Silver": ("WLD", "silver", "USD/troy oz"),
}  # fmt: skip
# 811292 holds gallium, germanium and other metals: it cannot be given to one item.
HS6_ITEMS = {"250410": "natural-graphite", "380110": "artificial-graphite"}
GROUP_ITEMS = {"Polysilicon": "polysilicon", "Rare Earths": "rare-earths"}
KOREA = "South Korea"  # other buyers' flows are too small and jumpy to say anything of supply


def _portwatch(row: Mapping[str, str]) -> Iterator[tuple[str, datetime, str, str]]:
    place = CHOKEPOINTS[row["chokepoint"]]
    yield f"portwatch/transits/{place}/-", utc(row["date"]), row["total"], "ships/day"


def _pink_sheet(row: Mapping[str, str]) -> Iterator[tuple[str, datetime, str, str]]:
    month = utc(f"{row['month']}-01")
    for column, (place, item, unit) in PINK_SHEET.items():
        yield f"pinksheet/price-usd/{place}/{item}", month, row[column], unit


def _gscpi(row: Mapping[str, str]) -> Iterator[tuple[str, datetime, str, str]]:
    day = datetime.strptime(row["Date"], "%d-%b-%Y").replace(tzinfo=UTC)
    yield "gscpi/pressure/WLD/-", day.replace(day=1), row["Rate"], "std dev"


def _spot(
    place: str, item: str, unit: str
) -> Callable[[Mapping[str, str]], Iterator[tuple[str, datetime, str, str]]]:
    def rows(row: Mapping[str, str]) -> Iterator[tuple[str, datetime, str, str]]:
        yield f"eia/price-usd/{place}/{item}", utc(row["Date"]), row["Price"], unit

    return rows


def _hs6(row: Mapping[str, str]) -> Iterator[tuple[str, datetime, str, str]]:
    if row["partner_name"] == KOREA:
        item = HS6_ITEMS.get(row["hs6"], row["hs6"])
        yield f"comtrade/export-kg/CN-KR/{item}", utc(row["period_dt"]), row["qty"], "kg"


def _group(row: Mapping[str, str]) -> Iterator[tuple[str, datetime, str, str]]:
    item = GROUP_ITEMS.get(row["broad_group"])
    if item and row["partner_name"] == KOREA:
        yield f"comtrade/export-kg/CN-KR/{item}", utc(row["period_dt"]), row["qty"], "kg"


TABLES = (
    Table("trade/shipping/portwatch_chokepoints_daily_2019_2026.csv", "portwatch", _portwatch),
    Table("trade/prices/pinksheet_monthly.csv", "pinksheet", _pink_sheet),
    Table("trade/prices/gscpi_data.csv", "gscpi", _gscpi),
    Table("trade/prices/brent-daily.csv", "eia", _spot("brent", "crude-oil", "USD/bbl")),
    Table("trade/prices/wti-daily.csv", "eia", _spot("wti", "crude-oil", "USD/bbl")),
    Table("trade/prices/henryhub-daily.csv", "eia", _spot("henry-hub", "natural-gas", "USD/mmbtu")),
    Table("trade/mirror/cn_exports_deep_dive_hs6_monthly.csv", "comtrade", _hs6),
    Table("trade/mirror/cn_exports_country_monthly_stats.csv", "comtrade", _group),
)


LAYOUTS: Mapping[str, Table] = dict(
    zip(
        ("portwatch", "pinksheet", "gscpi", "brent", "wti", "henryhub", "comtrade-hs6",
         "comtrade-group"),
        TABLES,
        strict=True,
    )
)  # fmt: skip


# --------------------------------------------------------------------------- reading


def _converted(path: Path, table: Table) -> Iterator[Observation]:
    lag = LAGS[table.provider]
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                for series, day, text, unit in table.rows(row):
                    if text.strip() not in MISSING:
                        at = lag.available(day)
                        yield Observation(series, day, at, _number(text), unit, table.provider)
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
                )  # fmt: skip
                provider = obs.parts[0]
                if obs.available_at < obs.observed_at:
                    raise ValueError("available_at lies before observed_at")
            except (ValueError, TypeError, AttributeError) as error:
                raise SeriesFileError(f"{path.name} line {reader.line_num}: {error}") from error
            yield Observation(
                obs.series, obs.observed_at, obs.available_at, obs.value, obs.unit, provider
            )


def _number(text: str) -> float:
    value = float(text.replace(",", ""))
    if not math.isfinite(value):
        raise ValueError(f"value {text!r} is not a finite number")
    return value


def _told(error: Exception) -> str:
    return f"{error} is missing or unknown" if isinstance(error, KeyError) else str(error)


def _next_month(month: datetime) -> datetime:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
