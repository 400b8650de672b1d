"""What a row of graph/data/*.csv means, and its reader. The tables are in graph.reference."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

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


def rows(name: str) -> Iterator[Row]:
    text = files("graph").joinpath("data").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(io.StringIO(text))


def split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


def cite(row: Row) -> str:
    return f"{row['publisher']}, {row['source_url']}"


def read_items() -> dict[str, Item]:
    return {
        row["item"]: Item(
            id=row["item"],
            hs=split(row["hs"]),
            en=row["name_en"],
            ko=row["name_ko"],
            lists=split(row["lists"]),
            watched=row["watched"] == "true",
            critical=row["critical"] == "true",
            note=row["note"],
        )
        for row in rows("items.csv")
    }


def read_countries() -> dict[str, Country]:
    return {
        row["country"]: Country(
            row["country"],
            row["name_en"],
            row["name_ko"],
            row["name_zh"],
            row["name_ja"],
            row["sea_region"],
        )
        for row in rows("countries.csv")
    }


def read_chokepoints() -> dict[str, Chokepoint]:
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
        for row in rows("chokepoints.csv")
    }


def read_ports() -> dict[str, Port]:
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
        for row in rows("ports.csv")
    }


def read_uses() -> dict[str, list[Use]]:
    table: dict[str, list[Use]] = {}
    for row in rows("uses.csv"):
        table.setdefault(row["item"], []).append(
            Use(
                id=f"use:{row['item']}:{row['n']}",
                item=row["item"],
                en=row["use_en"],
                ko=row["use_ko"],
                ksic=row["ksic"],
                ministries=split(row["ministries"]),
                basis=row["use_basis"],
                ministry_basis=row["ministry_basis"],
                citation=cite(row),
                scope=row["scope"],
            )
        )
    return table


def read_shares() -> dict[str, list[Share]]:
    table: dict[str, list[Share]] = {}
    for name in ("shares.csv", "shares_customs_2013.csv"):
        for row in rows(name):
            table.setdefault(row["item"], []).append(
                Share(
                    item=row["item"],
                    partner=row["partner"],
                    share=float(row["share"]) if row["share"] else None,
                    unit=row["unit"],
                    period=row["period"],
                    basis=row["basis"],
                    citation=cite(row),
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


def read_stocks() -> dict[str, list[Stock]]:
    table: dict[str, list[Stock]] = {}
    for row in rows("stocks.csv"):
        table.setdefault(row["item"], []).append(
            Stock(
                row["item"],
                row["scope"],
                float(row["days"]),
                date.fromisoformat(row["as_of"]),
                cite(row),
                row["note"],
            )
        )
    return table


def read_routes() -> list[Route]:
    return [
        Route(
            row["origin"],
            frozenset(split(row["items"])),
            row["via"],
            split(row["chokepoints"]),
            float(row["sailing_days"]),
        )
        for row in rows("routes.csv")
    ]


def read_industries() -> dict[str, Industry]:
    return {
        row["ksic"]: Industry(row["ksic"], row["name_ko"], row["name_en"], row["isic4"])
        for row in rows("industries.csv")
    }


def read_ministries() -> dict[str, Ministry]:
    return {
        row["ministry"]: Ministry(row["ministry"], row["name_ko"], row["name_en"], row["short"])
        for row in rows("ministries.csv")
    }
