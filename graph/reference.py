"""The shipped facts: items, who sells them to Korea, who uses them, and by which sea route.

Read once from graph/data/*.csv. Every share, use and stock carries where it was read; a figure
that was not read is absent, never guessed (docs/reference-network.md).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Item:
    """A traded good. `critical`: on a Korean list of critical or managed items."""

    id: str
    hs: tuple[str, ...]  # HS codes of 2 to 6 digits; empty for a group without one
    en: str
    ko: str
    lists: tuple[str, ...]
    watched: bool
    critical: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Country:
    code: str  # ISO 3166-1 alpha-2, and EU
    en: str
    ko: str
    zh: str
    ja: str
    sea_region: str  # the coast its cargo for Korea leaves from (assumed)


@dataclass(frozen=True, slots=True)
class Chokepoint:
    id: str
    en: str
    ko: str
    zh: str
    ja: str
    lat: float
    lon: float
    mode: str  # detour: ships go round | block: no way round | open-sea: cannot be closed
    detour_days: float | None
    alternative: str
    basis: str
    citation: str


@dataclass(frozen=True, slots=True)
class Port:
    id: str
    country: str
    en: str
    ko: str
    zh: str
    ja: str
    lat: float
    lon: float
    sea_region: str
    basis: str
    citation: str
    unlocode: str = ""


@dataclass(frozen=True, slots=True)
class Industry:
    ksic: str  # KSIC 10, five digits
    ko: str
    en: str
    isic: str


@dataclass(frozen=True, slots=True)
class Ministry:
    id: str
    ko: str
    en: str
    short: str


@dataclass(frozen=True, slots=True)
class Use:
    """What an item is for in Korea. `scope` names the grade of the item that this use takes."""

    id: str  # node id, "use:urea:1"
    item: str
    en: str
    ko: str
    ksic: str  # "" when not known
    ministries: tuple[str, ...]
    basis: str  # stated | inferred | unknown
    ministry_basis: str
    citation: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """Share of Korea's import of an item that one partner had in one period, as published."""

    item: str
    partner: str
    share: float | None
    unit: str  # value | quantity | unstated
    period: str  # as printed: "2023", "2024-01..05"
    basis: str  # stated | computed
    citation: str
    reliability: str  # high | medium | low
    period_end: date
    scope: str = ""  # the part or group of the item that the figure is of; "" the item itself
    fit: str = "item"  # item | part | wider: how the scope relates to the item
    at_least: bool = False  # the source prints a lower bound
    stale: bool = False  # before 2016; used only when nothing newer is known
    hs: str = ""


@dataclass(frozen=True, slots=True)
class Stock:
    """Days of cover that a source stated for an item on a day."""

    item: str
    scope: str
    days: float
    as_of: date
    citation: str
    note: str


@dataclass(frozen=True, slots=True)
class Route:
    """How goods of an origin reach Korea by sea. Assumed by geography, never measured."""

    origin: str  # ISO2 or sea region
    items: frozenset[str]  # empty: all items of the origin
    via: str
    chokepoints: tuple[str, ...]
    sailing_days: float


def _rows(name: str) -> Iterator[Row]:
    text = files("graph").joinpath("data").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(io.StringIO(text))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


def _cite(row: Row) -> str:
    return f"{row['publisher']}, {row['source_url']}"


def _items() -> dict[str, Item]:
    return {
        row["item"]: Item(
            id=row["item"],
            hs=_split(row["hs"]),
            en=row["name_en"],
            ko=row["name_ko"],
            lists=_split(row["lists"]),
            watched=row["watched"] == "true",
            critical=row["critical"] == "true",
            note=row["note"],
        )
        for row in _rows("items.csv")
    }


def _countries() -> dict[str, Country]:
    return {
        row["country"]: Country(
            row["country"],
            row["name_en"],
            row["name_ko"],
            row["name_zh"],
            row["name_ja"],
            row["sea_region"],
        )
        for row in _rows("countries.csv")
    }


def _chokepoints() -> dict[str, Chokepoint]:
    return {
        row["chokepoint"]: Chokepoint(
            id=row["chokepoint"],
            en=row["name_en"],
            ko=row["name_ko"],
            zh=row["name_zh"],
            ja=row["name_ja"],
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            mode=row["mode"],
            detour_days=float(row["detour_days"]) if row["detour_days"] else None,
            alternative=row["alternative"],
            basis=row["basis"],
            citation=row["source"],
        )
        for row in _rows("chokepoints.csv")
    }


def _ports() -> dict[str, Port]:
    return {
        row["port"]: Port(
            id=row["port"],
            country=row["country"],
            en=row["name_en"],
            ko=row["name_ko"],
            zh=row["name_zh"],
            ja=row["name_ja"],
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            sea_region=row["sea_region"],
            basis=row["basis"],
            citation=row["source"],
            unlocode=row["unlocode"],
        )
        for row in _rows("ports.csv")
    }


def _uses() -> dict[str, list[Use]]:
    table: dict[str, list[Use]] = {}
    for row in _rows("uses.csv"):
        table.setdefault(row["item"], []).append(
            Use(
                id=f"use:{row['item']}:{row['n']}",
                item=row["item"],
                en=row["use_en"],
                ko=row["use_ko"],
                ksic=row["ksic"],
                ministries=_split(row["ministries"]),
                basis=row["use_basis"],
                ministry_basis=row["ministry_basis"],
                citation=_cite(row),
                scope=row["scope"],
            )
        )
    return table


def _shares() -> dict[str, list[Share]]:
    table: dict[str, list[Share]] = {}
    for name in ("shares.csv", "shares_customs_2013.csv"):
        for row in _rows(name):
            table.setdefault(row["item"], []).append(
                Share(
                    item=row["item"],
                    partner=row["partner"],
                    share=float(row["share"]) if row["share"] else None,
                    unit=row["unit"],
                    period=row["period"],
                    basis=row["basis"],
                    citation=_cite(row),
                    reliability=row["reliability"],
                    period_end=date.fromisoformat(row["period_end"]),
                    scope=row["scope"],
                    fit=row["fit"],
                    at_least=bool(row["bound"]),
                    stale=row["stale"] == "true",
                    hs=row["hs"],
                )
            )
    return table


def _stocks() -> dict[str, list[Stock]]:
    table: dict[str, list[Stock]] = {}
    for row in _rows("stocks.csv"):
        table.setdefault(row["item"], []).append(
            Stock(
                row["item"],
                row["scope"],
                float(row["days"]),
                date.fromisoformat(row["as_of"]),
                _cite(row),
                row["note"],
            )
        )
    return table


def _routes() -> list[Route]:
    return [
        Route(
            row["origin"],
            frozenset(_split(row["items"])),
            row["via"],
            _split(row["chokepoints"]),
            float(row["sailing_days"]),
        )
        for row in _rows("routes.csv")
    ]


ITEMS: Mapping[str, Item] = MappingProxyType(_items())
COUNTRIES: Mapping[str, Country] = MappingProxyType(_countries())
CHOKEPOINTS: Mapping[str, Chokepoint] = MappingProxyType(_chokepoints())
PORTS: Mapping[str, Port] = MappingProxyType(_ports())
INDUSTRIES: Mapping[str, Industry] = MappingProxyType(
    {
        r["ksic"]: Industry(r["ksic"], r["name_ko"], r["name_en"], r["isic4"])
        for r in _rows("industries.csv")
    }
)
MINISTRIES: Mapping[str, Ministry] = MappingProxyType(
    {
        r["ministry"]: Ministry(r["ministry"], r["name_ko"], r["name_en"], r["short"])
        for r in _rows("ministries.csv")
    }
)
USES: Mapping[str, list[Use]] = MappingProxyType(_uses())
SHARES: Mapping[str, list[Share]] = MappingProxyType(_shares())
STOCKS: Mapping[str, list[Stock]] = MappingProxyType(_stocks())
ROUTES: tuple[Route, ...] = tuple(_routes())

# Members of the Union: a measure of the EU is laid on those that sell the item to Korea.
EU_MEMBERS = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)


def items_by_hs(code: str) -> list[Item]:
    """Items whose HS code begins with `code`, or that `code` narrows; table order.

    >>> [item.id for item in items_by_hs("310210")]
    ['urea', 'diesel-exhaust-fluid', 'fertilisers']
    >>> [item.id for item in items_by_hs("2709")]
    ['crude-oil']
    """
    digits = "".join(ch for ch in code if ch.isdigit())
    if len(digits) < 2:
        return []
    return [
        item
        for item in ITEMS.values()
        if any(hs.startswith(digits) or digits.startswith(hs) for hs in item.hs)
    ]


@cache
def route_of(country: str, item: str) -> Route | None:
    """The sea route from a country for an item; the most special row wins; None when unknown.

    >>> route_of("QA", "lng").chokepoints
    ('hormuz', 'malacca', 'taiwan-strait')
    """
    region = COUNTRIES[country].sea_region if country in COUNTRIES else ""
    best: Route | None = None
    rank = 0
    for route in ROUTES:
        if route.items and item not in route.items:
            continue
        own = {country: 3, "*": 2, region: 1}.get(route.origin, 0)
        if own and own * 2 + bool(route.items) > rank:
            best, rank = route, own * 2 + bool(route.items)
    return best


_RELIABILITY = {"high": 0, "medium": 1, "low": 2}
_UNITS = ("value", "quantity", "unstated")
SAME_TIME_DAYS = 1100  # figures further apart are not added up
MISFIT_DAYS = 730  # a figure of a part or a wider group counts as this much older
OTHER_SCOPE_DAYS = 1825  # ... of another grade than the use takes
WHOLE_ITEM_DAYS = 365  # ... of the whole item, where the use takes one grade


def _misfit(share: Share, scope: str) -> int:
    """Days to add to a figure's age for not being of the asked grade."""
    if not scope:
        return 0 if share.fit == "item" else MISFIT_DAYS
    if share.scope == scope:
        return 0
    return WHOLE_ITEM_DAYS if share.fit == "item" else OTHER_SCOPE_DAYS


def share_order(share: Share, on: date | None, scope: str) -> tuple[object, ...]:
    """Sort key, best first: known by `on`; fresh and reliable; newest, allowing for misfit."""
    late = on is not None and share.period_end > on
    age = share.period_end.toordinal() * (1 if late else -1)  # of later figures, the nearest
    return (
        late,
        share.stale or share.reliability == "low",
        share.stale,
        age + _misfit(share, scope),
        _RELIABILITY[share.reliability],
        _UNITS.index(share.unit),
        share.share or 0,  # of figures of equal standing the lower
    )


def choose_share(rows: Iterable[Share], on: date | None = None, scope: str = "") -> Share | None:
    """The best of several figures for one partner by `share_order`; None when there is none."""
    known = [row for row in rows if row.share is not None]
    return min(known, key=lambda row: share_order(row, on, scope), default=None)


@cache
def best_share(item: str, partner: str, on: date | None = None, scope: str = "") -> Share | None:
    """THE share used for a partner: see `share_order`. None when no figure was read.

    A figure whose period ends after `on` serves only when there is no earlier one; the others
    are kept and can be shown (`SHARES`).

    >>> best_share("urea", "VN").share
    0.531
    >>> best_share("urea", "CN", on=date(2021, 10, 11)).period
    '2021-01..09'
    >>> best_share("urea", "NZ") is None
    True
    """
    return choose_share((s for s in SHARES.get(item, ()) if s.partner == partner), on, scope)


def comparable(figures: Iterable[Share | None]) -> list[Share]:
    """The figures of about the newest time among them: only these may be added or squared.

    A share of 2013 added to one of 2024 would be a figure of no year at all.
    """
    known = [s for s in figures if s is not None and s.share is not None]
    if not known:
        return []
    oldest = max(s.period_end for s in known) - timedelta(days=SAME_TIME_DAYS)
    return [s for s in known if s.period_end >= oldest]


@cache
def partners(item: str) -> tuple[str, ...]:
    """Countries with a figure for the item, the largest best share first.

    >>> partners("helium")
    ('QA', 'US', 'RU')
    """
    codes = dict.fromkeys(s.partner for s in SHARES.get(item, ()))

    def size(code: str) -> float:
        best = best_share(item, code)
        return -(best.share or 0.0) if best else 0.0

    return tuple(sorted(codes, key=lambda code: (size(code), code)))


@cache
def items_from(country: str) -> tuple[str, ...]:
    """Items with a figure for the country: watched first, then the largest share."""
    found = {item for item, rows in SHARES.items() if any(s.partner == country for s in rows)}

    def size(item: str) -> tuple[bool, float, str]:
        best = best_share(item, country)
        return (not ITEMS[item].watched, -(best.share or 0.0) if best else 0.0, item)

    return tuple(sorted(found, key=size))


@cache
def best_stock(item: str, on: date | None = None, scope: str = "") -> Stock | None:
    """The newest stated days of cover not after `on` and for that scope; None when none."""
    rows = [
        s
        for s in STOCKS.get(item, ())
        if (on is None or s.as_of <= on) and (not s.scope or s.scope == scope)
    ]
    return max(rows, key=lambda s: s.as_of, default=None)
