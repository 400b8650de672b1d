"""Series between the database and their nouns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ews.model import Frequency, Series, series_parts
from ews.storage.transactions import batches
from ews.storage.value_rows import mark, moment

MANY = 20_000  # series: more are looked up by reading all

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


_TOLD = (
    "name", "provider", "measure", "place", "item", "frequency", "oldest_period", "newest_period",
    "newest_available", "saved", "synthetic", "scored_until", "id",
)  # fmt: skip
_FREQUENCIES = {one.value: one for one in Frequency}


def summary_rows(
    connection: Connection, item: str = "", of: tuple[str, str] = ("", "")
) -> list[tuple[Any, ...]]:
    """Of every series that has a value, by name: its summary as kept, then its row id. With `item`
    those of an item, and with it or alone `of`, those of a provider and measure."""
    # Straight from the driver: a hundred thousand series have a few hundred different moments.
    where, given = "", [item, *of] if item or any(of) else []
    if given:
        one = mark(connection)
        where = f" AND (item = {one} OR (provider = {one} AND measure = {one}))"
    query = (
        f"SELECT {', '.join(_TOLD)} FROM series WHERE newest_available IS NOT NULL{where} "
        "ORDER BY name"
    )
    cursor = connection.connection.cursor()
    try:
        cursor.execute(query, given)
        return [tuple(row) for row in cursor.fetchall()]
    finally:
        cursor.close()


def summaries_of(rows: Sequence[tuple[Any, ...]], shown: Mapping[int, Frequency]) -> list[Summary]:
    """Rows of `summary_rows`; `shown` is the frequency of those that nobody described."""
    at: dict[int | None, datetime | None] = {None: None}
    for row in rows:
        for tick in (*row[6:9], row[11]):
            if tick not in at:
                at[tick] = moment(tick)
    return [
        Summary(
            row[0], row[1], row[2], row[3], row[4],
            _FREQUENCIES[row[5]] if row[5] else shown[row[12]], at[row[6]], at[row[7]], at[row[8]],
            row[9], bool(row[10]), at[row[11]],
        )
        for row in rows
    ]  # fmt: skip


def numbers_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Row id of each of these series that there is."""
    wanted = dict.fromkeys(names)
    query = "SELECT name, id FROM series"
    if len(wanted) > MANY:  # one pass is faster than hundreds of questions
        rows = connection.exec_driver_sql(query).all()
        return {name: id_ for name, id_ in rows if name in wanted}
    found: dict[str, int] = {}
    for batch in batches(wanted):
        marks = ", ".join([mark(connection)] * len(batch))
        rows = connection.exec_driver_sql(f"{query} WHERE name IN ({marks})", tuple(batch)).all()
        found.update((name, id_) for name, id_ in rows)
    return found


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
