"""What does a row of a recorded table say? The shared tables, one function each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from ews.model import utc
from scrapers import load_source

Cells = Mapping[str, str]
# (series, first day of the period, the value as text, unit)
Said = tuple[str, datetime, str, str]

MISSING = frozenset({"", "…", "...", "..", "None", ".", "#N/A", "nan"})


@dataclass(frozen=True, slots=True)
class Table:
    """One shared table: where it is, and how a row becomes values."""

    path: str
    provider: str
    rows: Callable[[Cells], Iterable[Said]]


CHOKEPOINTS = {
    "bab_el_mandeb": "bab-el-mandeb", "suez": "suez", "hormuz_strait": "hormuz",
    "cape_of_good_hope": "good-hope",
}  # fmt: skip
# Measure -> columns that add up to it. The whole capacity is not recorded, its five classes are.
PASSAGES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "transits": (("total",), "ships/day"),
    "tanker-transits": (("tanker",), "ships/day"),
    "container-transits": (("container",), "ships/day"),
    "capacity": (
        ("capContainer", "capDryBulk", "capGeneralCargo", "capRoro", "capTanker"), "t/day",
    ),
}  # fmt: skip
# Groups of the mirror tables that are one item of ours. Gallium and germanium together are none.
GROUP_ITEMS = {"Polysilicon": "polysilicon", "Rare Earths": "rare-earths"}
WORLD_ITEMS = {**GROUP_ITEMS, "Graphite": "graphite"}
# The mirror tables name countries in words of their own.
COUNTRIES = {
    "Australia": "AU", "Austria": "AT", "Belgium": "BE", "Brazil": "BR", "Canada": "CA",
    "Czech Republic": "CZ", "Egypt": "EG", "France": "FR", "Germany": "DE", "Hong Kong": "HK",
    "Hungary": "HU", "India": "IN", "Indonesia": "ID", "Iran": "IR", "Italy": "IT", "Japan": "JP",
    "Kazakhstan": "KZ", "Malaysia": "MY", "Mexico": "MX", "Mozambique": "MZ", "Netherlands": "NL",
    "New Zealand": "NZ", "Philippines": "PH", "Poland": "PL", "Russia": "RU", "Singapore": "SG",
    "Slovakia": "SK", "South Africa": "ZA", "South Korea": "KR", "Spain": "ES", "Sweden": "SE",
    "Taiwan": "TW", "Tanzania": "TZ", "Thailand": "TH", "Turkey": "TR", "UAE": "AE",
    "USA": "US", "United Kingdom": "GB", "Vietnam": "VN",
}  # fmt: skip


@cache
def pink_sheet_columns() -> Mapping[str, Mapping[str, str]]:
    """{column: place, item, unit} of the Pink Sheet, as its live source has them."""
    columns = load_source("pink_sheet").options["columns"]
    assert isinstance(columns, Mapping)
    return columns


def _portwatch(row: Cells) -> Iterator[Said]:
    place, day = CHOKEPOINTS[row["chokepoint"]], utc(row["date"])
    for measure, (columns, unit) in PASSAGES.items():
        cells = [row[column].strip() for column in columns]
        known = not MISSING & set(cells)
        value = f"{sum(map(float, cells)):.10g}" if known else ""
        yield f"portwatch/{measure}/{place}/-", day, value, unit


def _pink_sheet(row: Cells) -> Iterator[Said]:
    month = utc(f"{row['month']}-01")
    for column, what in pink_sheet_columns().items():
        yield (
            f"pinksheet/price-usd/{what['place']}/{what['item']}", month, row[column], what["unit"],
        )  # fmt: skip


def _gscpi(row: Cells) -> Iterator[Said]:
    day = datetime.strptime(row["Date"], "%d-%b-%Y").replace(tzinfo=UTC)
    yield "gscpi/pressure/WLD/-", day.replace(day=1), row["Rate"], "std dev"


def _spot(place: str, item: str, unit: str) -> Callable[[Cells], Iterator[Said]]:
    def rows(row: Cells) -> Iterator[Said]:
        yield f"eia/price-usd/{place}/{item}", utc(row["Date"]), row["Price"], unit

    return rows


def _exports(place: str, item: str, row: Cells, usd: str, kg: str) -> Iterator[Said]:
    month = utc(row["period_dt"])
    yield f"comtrade/export-kg/CN-{place}/{item}", month, row[kg], "kg"
    yield f"comtrade/export-usd/CN-{place}/{item}", month, row[usd], "USD"


def _hs6(row: Cells) -> Iterator[Said]:
    yield from _exports(COUNTRIES[row["partner_name"]], row["hs6"], row, "val", "qty")


def _group(row: Cells) -> Iterator[Said]:
    if item := GROUP_ITEMS.get(row["broad_group"]):
        yield from _exports(COUNTRIES[row["partner_name"]], item, row, "val", "qty")


def _world(row: Cells) -> Iterator[Said]:
    if item := WORLD_ITEMS.get(row["broad_group"]):
        yield from _exports("WLD", item, row, "total_value", "total_qty")


TABLES = (
    Table("trade/shipping/portwatch_chokepoints_daily_2019_2026.csv", "portwatch", _portwatch),
    Table("trade/prices/pinksheet_monthly.csv", "pinksheet", _pink_sheet),
    Table("trade/prices/gscpi_data.csv", "gscpi", _gscpi),
    Table("trade/prices/brent-daily.csv", "eia", _spot("brent", "crude-oil", "USD/bbl")),
    Table("trade/prices/wti-daily.csv", "eia", _spot("wti", "crude-oil", "USD/bbl")),
    Table("trade/prices/henryhub-daily.csv", "eia", _spot("henry-hub", "natural-gas", "USD/mmbtu")),
    Table("trade/mirror/cn_exports_deep_dive_hs6_monthly.csv", "comtrade", _hs6),
    Table("trade/mirror/cn_exports_country_monthly_stats.csv", "comtrade", _group),
    Table("trade/mirror/cn_exports_overview_monthly.csv", "comtrade", _world),
)
