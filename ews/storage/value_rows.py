"""Vintages of values between the database and numpy, hundreds of thousands at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from ews.storage.schema_base import EPOCH, MICROSECOND

CHUNK = 200_000  # rows that pass at once
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Columns:
    """Vintages as columns: `names[rows[i]]` had `values[i]` for a period, from `available[i]` on.

    `periods` and `available` are microseconds since 1970 (UTC); `calendar` is 1 where the release
    calendar says when the value became known.
    """

    names: tuple[str, ...]
    rows: Whole
    periods: Whole
    available: Whole
    values: NDArray[np.float64]
    calendar: NDArray[np.int8]


VALUE = np.dtype(
    [("series", "i8"), ("period", "i8"), ("available", "i8"), ("value", "f8"), ("calendar", "i1")]
)
_RAW = np.dtype([("both", "i8"), ("period", "i8"), ("available", "i8"), ("value", "f8")])
_SHORT = np.dtype([("all", "i8"), ("available", "i8"), ("value", "f8")])
DAY = 86_400_000_000  # microseconds
# Days fit beside the number of the series: from the year 1696 to 2413, the first one as 0.
DAYS, BEGIN = 1 << 18, 100_000
LAST = (DAYS - BEGIN - 1) * DAY


def read_values(connection: Connection, ids: Sequence[int], where: str) -> NDArray[np.void]:
    """Values of these series, ordered by series, period and `available_at`."""
    # One number fewer a row: most of the time goes into making Python's numbers.
    told = "series_id * 2 + calendar, period, available_at, value"
    raw = _fetched(connection, told, ids, where, _RAW)
    return _values(raw, raw["both"], raw["period"])


def read_days(connection: Connection, ids: Sequence[int], where: str) -> NDArray[np.void]:
    """As `read_values`, with periods cut to their day: a number fewer again, a quarter of the time.
    Periods before 1696 and after 2413 are left out."""
    day = f"(period + {BEGIN * DAY}) / {DAY}"
    told = f"(series_id * 2 + calendar) * {DAYS} + {day}, available_at, value"
    where += f" AND period BETWEEN {-BEGIN * DAY} AND {LAST}"
    raw = _fetched(connection, told, ids, where, _SHORT)
    both, days = np.divmod(raw["all"], DAYS)
    return _values(raw, both, (days - BEGIN) * DAY)


def _fetched(
    connection: Connection, told: str, ids: Sequence[int], where: str, kind: np.dtype[np.void]
) -> NDArray[np.void]:
    """The driver's own tuples: millions of SQLAlchemy rows would cost four times the time."""
    chosen = ",".join(str(int(id_)) for id_ in ids)
    cursor = connection.connection.cursor()
    try:
        cursor.execute(
            f"SELECT {told} FROM series_values WHERE series_id IN ({chosen}) AND {where} "
            "ORDER BY series_id, period, available_at"
        )
        return np.fromiter(cast(Iterable[object], cursor), kind)
    finally:
        cursor.close()


def _values(raw: NDArray[np.void], both: Whole, periods: Whole) -> NDArray[np.void]:
    """Rows of dtype VALUE; `both` is twice the number of the series, plus `calendar`."""
    data = np.empty(len(raw), VALUE)
    data["available"], data["value"], data["period"] = raw["available"], raw["value"], periods
    data["series"], data["calendar"] = np.divmod(both, 2)
    return data


def fresh(held: NDArray[np.void] | None, number: Whole, columns: Columns) -> Whole:
    """Indices of the values that say something new, in the order of the table's key. What is no
    finite number says nothing."""
    count = len(number)
    keys = [columns.available, columns.periods, number]
    values, old = columns.values, np.zeros(count, np.bool_)
    if held is not None and len(held):
        before = [held["available"], held["period"], held["series"]]
        keys = [np.concatenate(pair) for pair in zip(keys, before, strict=True)]
        values = np.concatenate([values, held["value"]])
        old = np.concatenate([old, np.ones(len(held), np.bool_)])
    order = np.lexsort((~old, *keys))
    available, periods, series = (key[order] for key in keys)
    same_cell = (series[1:] == series[:-1]) & (periods[1:] == periods[:-1])
    no_news = same_cell & (
        (values[order][1:] == values[order][:-1]) | (available[1:] == available[:-1])
    )
    news = np.append(True, ~no_news) if len(order) else np.empty(0, np.bool_)
    kept: Whole = order[news & ~old[order] & np.isfinite(values[order])]
    return kept


def insert_values(connection: Connection, number: Whole, columns: Columns, fresh: Whole) -> None:
    insert = (
        "INSERT INTO series_values (series_id, period, available_at, value, calendar) "
        f"VALUES ({', '.join([mark(connection)] * 5)}) ON CONFLICT DO NOTHING"
    )
    for start in range(0, len(fresh), CHUNK):
        part = fresh[start : start + CHUNK]
        rows = zip(
            number[start : start + CHUNK].tolist(), columns.periods[part].tolist(),
            columns.available[part].tolist(), columns.values[part].tolist(),
            columns.calendar[part].tolist(), strict=True,
        )  # fmt: skip
        connection.exec_driver_sql(insert, list(rows))


def note_values(
    connection: Connection, ids: Whole, available: Whole, periods: Whole, oldest: Whole
) -> None:
    """How far the values of these series reach, after one more turn that brought some."""
    sets = (
        "saved = saved + 1",
        "newest_available = CASE WHEN newest_available > {0} THEN newest_available ELSE {0} END",
        "newest_period = CASE WHEN newest_period > {0} THEN newest_period ELSE {0} END",
        "oldest_period = CASE WHEN oldest_period < {0} THEN oldest_period ELSE {0} END",
    )
    rows = zip(
        *(one.tolist() for one in (available, available, periods, periods, oldest, oldest, ids)),
        strict=True,
    )
    set_many(connection, "series", sets, "id", list(rows))


def set_many(
    connection: Connection,
    table: str,
    sets: Sequence[str],
    key: str,
    rows: Sequence[tuple[object, ...]],
) -> None:
    """UPDATE one row for each of `rows`, whose last value is the key. `{0}` or `{}` in a part of
    `sets` is the next value. Straight to the driver: SQLAlchemy takes twice as long a row."""
    sign = mark(connection)
    told = ", ".join(one.format(sign) for one in sets)
    connection.exec_driver_sql(f"UPDATE {table} SET {told} WHERE {key} = {sign}", list(rows))


def mark(connection: Connection) -> str:
    """What stands for a bound value in SQL for this driver."""
    return "?" if connection.dialect.name == "sqlite" else "%s"


def ticks(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone; give an aware UTC datetime")
    return (moment - EPOCH) // MICROSECOND


def moment(ticks: int) -> datetime:
    return EPOCH + ticks * MICROSECOND
