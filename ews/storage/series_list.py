"""Store: which series are there, a page at a time? For people and programs who look for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ews.model import Frequency, Series
from ews.storage import schema
from ews.storage.series_rows import series_of
from ews.storage.transactions import Transactions

NEWEST = 3  # periods that show whether a series that nobody described has days or months


@dataclass(frozen=True, slots=True)
class Word:
    """What one word of a search may mean; a series that fits any of it fits the word."""

    text: str  # a part of the name
    items: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()  # either side of a pair, or the place itself


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which series are asked for; all that is given must fit."""

    words: tuple[Word, ...] = ()
    items: tuple[str, ...] | None = None
    item_begins: str = ""  # an HS chapter or heading
    provider: str = ""
    measure: str = ""
    place: str = ""
    detected: bool = False
    synthetic: bool | None = None
    sort: str = "name"  # name | newest | found


@dataclass(frozen=True, slots=True)
class Listed:
    """One series of the list."""

    series: Series
    oldest: datetime | None
    newest: datetime | None
    newest_available: datetime | None
    value: float | None  # the newest vintage of the newest period
    found_at: datetime | None  # of its newest detection
    detections: int


@dataclass(frozen=True, slots=True)
class Page:
    rows: tuple[Listed, ...]
    count: int  # of all pages


class SeriesListStore(Transactions):
    def series_page(self, wanted: Wanted, offset: int = 0, limit: int = 100) -> Page:
        """Series with a value that fit, `limit` of them from `offset` on."""
        table, found = schema.series, _detected()
        joined = sa.outerjoin(table, found, found.c.series == table.c.name)
        where = _where(wanted, found)
        order = {
            "name": (table.c.name,),
            "newest": (table.c.newest_available.desc(), table.c.name),
            "found": (found.c.found_at.is_(None), found.c.found_at.desc(), table.c.name),
        }[wanted.sort]
        query = (
            sa.select(table, found.c.found_at, found.c.number)
            .select_from(joined).where(*where).order_by(*order).offset(offset).limit(limit)
        )  # fmt: skip
        count = sa.select(sa.func.count()).select_from(joined if wanted.detected else table)
        with self._read() as connection:
            number = int(connection.scalar(count.where(*where)) or 0)
            return Page(self._listed(connection, connection.execute(query).all()), number)

    def _listed(
        self, connection: Connection, rows: Sequence[sa.Row[tuple[object, ...]]]
    ) -> tuple[Listed, ...]:
        told = [row._mapping for row in rows]
        values = _newest_values(connection, [one["id"] for one in told])
        shown = {one["id"]: _shown(connection, one["id"]) for one in told if not one["frequency"]}
        return tuple(
            Listed(
                series_of(row, shown), one["oldest_period"], one["newest_period"],
                one["newest_available"], values.get(one["id"]), one["found_at"],
                int(one["number"] or 0),
            )
            for row, one in zip(rows, told, strict=True)
        )  # fmt: skip

    def series_facets(self) -> dict[str, list[str]]:
        """The providers and measures that there are, by name."""
        table = schema.series
        found: dict[str, list[str]] = {}
        with self._read() as connection:
            for name in ("provider", "measure"):
                column = table.c[name]
                query = sa.select(column).where(table.c.newest_available.is_not(None))
                found[name] = list(connection.scalars(query.distinct().order_by(column)))
        return found

    def series_of(self, source: str, limit: int = 20) -> tuple[list[str], int]:
        """Names of the series that the source brings, those with the newest value first, and how
        many there are."""
        table = schema.series
        own = table.c.source == source
        names = sa.select(table.c.name).where(own)
        names = names.order_by(table.c.newest_available.desc(), table.c.name).limit(limit)
        count = sa.select(sa.func.count()).where(own)
        with self._read() as connection:
            return list(connection.scalars(names)), connection.scalar(count) or 0

    def newest_reports(self) -> dict[tuple[str, str, str], datetime]:
        """(provider, measure, place) -> the newest period that any of its series has."""
        table = schema.series
        key = (table.c.provider, table.c.measure, table.c.place)
        query = sa.select(*key, sa.func.max(table.c.newest_period)).where(
            table.c.newest_period.is_not(None)
        )
        with self._read() as connection:
            rows = connection.execute(query.group_by(*key))
            return {(a, b, c): newest for a, b, c, newest in rows}

    def detected_series(self) -> dict[str, tuple[datetime, int]]:
        """Series with a detection: when the newest was found, and how many there are. Derived
        series, which hold no value of their own, are among them."""
        found = _detected()
        with self._read() as connection:
            rows = connection.execute(sa.select(found.c.series, found.c.found_at, found.c.number))
            return {name: (at, int(number)) for name, at, number in rows}


def _detected() -> sa.Subquery:
    table = schema.detections
    return (
        sa.select(
            table.c.series, sa.func.max(table.c.found_at).label("found_at"),
            sa.func.count().label("number"),
        )
        .group_by(table.c.series)
        .subquery()
    )  # fmt: skip


def _where(wanted: Wanted, found: sa.Subquery) -> list[sa.ColumnElement[bool]]:
    table = schema.series
    where: list[sa.ColumnElement[bool]] = [table.c.newest_available.is_not(None)]
    for column in ("provider", "measure", "place"):
        if value := getattr(wanted, column):
            where.append(table.c[column] == value)
    if wanted.items is not None or wanted.item_begins:
        begins = [table.c.item.startswith(wanted.item_begins, autoescape=True)]
        within = [table.c.item.in_(wanted.items or ())]
        where.append(sa.or_(*within, *(begins if wanted.item_begins else [])))
    if wanted.detected:
        where.append(found.c.series.is_not(None))
    if wanted.synthetic is not None:
        where.append(table.c.synthetic == wanted.synthetic)
    return where + [_fits(word) for word in wanted.words]


def _fits(word: Word) -> sa.ColumnElement[bool]:
    table = schema.series
    fits: list[sa.ColumnElement[bool]] = [
        sa.func.lower(table.c.name).contains(word.text.lower(), autoescape=True)
    ]
    if word.items:
        fits.append(table.c.item.in_(word.items))
    if word.places or word.countries:
        fits.append(table.c.place.in_((*word.places, *word.countries)))
    for code in word.countries:
        fits.append(table.c.place.startswith(f"{code}-", autoescape=True))
        fits.append(table.c.place.endswith(f"-{code}", autoescape=True))
    return sa.or_(*fits)


def _newest_values(connection: Connection, ids: Sequence[int]) -> dict[int, float]:
    """The newest vintage of the newest period of each series."""
    series, values = schema.series, schema.series_values
    found: dict[int, dict[datetime, float]] = defaultdict(dict)
    query = (
        sa.select(series.c.id, values.c.available_at, values.c.value)
        .join(values, sa.and_(values.c.series_id == series.c.id,
                              values.c.period == series.c.newest_period))
        .where(series.c.id.in_(ids))
    )  # fmt: skip
    for id_, at, value in connection.execute(query):
        found[id_][at] = value
    return {id_: by[max(by)] for id_, by in found.items()}


def _shown(connection: Connection, id_: int) -> Frequency:
    """Monthly when its newest periods are firsts of months, else daily."""
    table = schema.series_values
    query = sa.select(table.c.period).where(table.c.series_id == id_).distinct()
    newest = connection.scalars(query.order_by(table.c.period.desc()).limit(NEWEST))
    return Frequency.MONTH if all(one.day == 1 for one in newest) else Frequency.DAY
