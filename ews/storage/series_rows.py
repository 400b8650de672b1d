"""Series between the database and their nouns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ews.model import Frequency, Series, series_parts
from ews.storage import schema

# Shortest length of a period in days.
DAYS = {
    Frequency.DAY: 1, Frequency.WEEK: 7, Frequency.MONTH: 28, Frequency.QUARTER: 90,
    Frequency.YEAR: 365,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """A series with values that the detectors have not read."""

    name: str
    saved: int
    scored_until: datetime | None  # None: no detector ever read it


@dataclass(frozen=True, slots=True)
class Summary:
    """A series and how far its values reach."""

    name: str
    provider: str
    measure: str
    place: str
    item: str
    frequency: Frequency
    oldest: datetime | None  # first period; None without a value
    newest: datetime | None
    newest_available: datetime | None
    saved: int
    synthetic: bool
    scored_until: datetime | None

    def enough(self, now: datetime, least: int, silent: timedelta) -> bool:
        """Whether there are about `least` periods, and a value within `silent`."""
        if self.oldest is None or self.newest is None or self.newest < now - silent:
            return False
        return (self.newest - self.oldest).days >= least * DAYS[self.frequency]


def larger(column: sa.Column[datetime], name: str) -> sa.ColumnElement[datetime]:
    new = sa.bindparam(name, type_=schema.Moment())
    return sa.case((column.is_(None), new), (column < new, new), else_=column)


def smaller(column: sa.Column[datetime], name: str) -> sa.ColumnElement[datetime]:
    new = sa.bindparam(name, type_=schema.Moment())
    return sa.case((column.is_(None), new), (column > new, new), else_=column)


def new_series(name: str, id_: int) -> dict[str, object]:
    provider, measure, place, item = series_parts(name)
    return {
        "id": id_, "name": name, "provider": provider, "measure": measure, "place": place,
        "item": item, "frequency": None, "unit": "", "source": "", "currency": "",
        "classification": "", "valuation": "", "title": "", "synthetic": False, "saved": 0,
        "scored": 0,
    }  # fmt: skip


def series_of(row: sa.Row[tuple[object, ...]], shown: Mapping[int, Frequency]) -> Series:
    told = row._mapping
    frequency = told["frequency"]
    return Series(
        name=told["name"],
        frequency=Frequency(frequency) if frequency else shown.get(told["id"], Frequency.MONTH),
        unit=told["unit"],
        source=told["source"],
        currency=told["currency"],
        classification=told["classification"],
        valuation=told["valuation"],
        title=told["title"],
        synthetic=told["synthetic"],
    )


def units(name: str, before: str, after: str) -> str:
    return (
        f"series {name!r} is kept in {before!r} and came in {after!r}: correct the unit in the "
        "source's source.toml, or give the series another measure"
    )
