"""Store: series with every vintage of their values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from ews.model import Frequency, Observation, Series, VintageBasis
from ews.storage import schema
from ews.storage.series_rows import (
    Summary,
    Waiting,
    new_series,
    numbers_of,
    series_of,
    summaries_of,
    summary_rows,
    units,
)
from ews.storage.transactions import Transactions, batches
from ews.storage.value_rows import (
    VALUE,
    Columns,
    Whole,
    fresh,
    insert_values,
    moment,
    note_values,
    read_days,
    read_values,
    set_many,
    ticks,
)


class UnitChanged(ValueError):
    """A value came in another unit than its series has: nothing of that turn is kept."""


class NumberStore(Transactions):
    # ----- series

    def describe_series(self, described: Sequence[Series]) -> None:
        """Keep what is said of these series, in place of what was said before.

        UnitChanged when one with values is said to be in another unit: they would mix.
        """
        fields = ("unit", "source", "currency", "classification", "valuation", "title", "synthetic")
        rows: list[dict[str, object]] = [
            {"of": one.name, "frequency": one.frequency.value}
            | {f"new_{name}": getattr(one, name) for name in fields}
            for one in described
        ]
        if not rows:
            return
        table = schema.series
        new: dict[str, sa.BindParameter[object]] = {
            name: sa.bindparam(f"new_{name}") for name in fields
        }
        change = sa.update(table).where(table.c.name == sa.bindparam("of")).values(
            frequency=sa.bindparam("frequency"), **new
        )  # fmt: skip
        with self._write() as connection:
            store = self._on(connection)
            store._ids([one.name for one in described])
            store._same_units({one.name: one.unit for one in described})
            connection.execute(change, rows)

    def series(
        self,
        names: Collection[str] | None = None,
        provider: str | None = None,
        measure: str | None = None,
        item: str | None = None,
    ) -> list[Series]:
        """The series by name that match all that is given; one never described has the frequency
        that its periods show."""
        table = schema.series
        asked = {table.c.provider: provider, table.c.measure: measure, table.c.item: item}
        where = [column == value for column, value in asked.items() if value is not None]
        found: list[Series] = []
        with self._read() as connection:
            for batch in [None] if names is None else batches(dict.fromkeys(names)):
                inside = [] if batch is None else [table.c.name.in_(batch)]
                rows = connection.execute(sa.select(table).where(*where, *inside)).all()
                unknown = [row.id for row in rows if row.frequency is None]
                shown = self._shown_frequencies(connection, unknown)
                found += [series_of(row, shown) for row in rows]
        return sorted(found, key=lambda one: one.name)

    def summaries(self, item: str = "", of: tuple[str, str] = ("", "")) -> list[Summary]:
        """Every series that has a value, by name; or those of an item, and those `of` a provider
        and measure."""
        with self._read() as connection:
            rows = summary_rows(connection, item, of)
            unknown = [row[12] for row in rows if row[5] is None]
            shown = self._shown_frequencies(connection, unknown)
        return summaries_of(rows, shown)

    def _shown_frequencies(
        self, connection: Connection, ids: Sequence[int]
    ) -> dict[int, Frequency]:
        """Monthly when every period is the first of a month, else daily."""
        table = schema.series_values
        shown: dict[int, Frequency] = {}
        for batch in batches(ids):
            query = sa.select(table.c.series_id, table.c.period).where(table.c.series_id.in_(batch))
            for id_, period in connection.execute(query.distinct()):
                if period.day != 1:
                    shown[id_] = Frequency.DAY
                shown.setdefault(id_, Frequency.MONTH)
        return shown

    def series_count(self) -> int:
        """How many series have a value."""
        table = schema.series
        query = sa.select(sa.func.count()).where(table.c.newest_available.is_not(None))
        with self._read() as connection:
            return int(connection.scalar(query) or 0)

    def series_names(self) -> list[str]:
        """Names of the series that have a value."""
        table = schema.series
        query = sa.select(table.c.name).where(table.c.newest_available.is_not(None))
        with self._read() as connection:
            return sorted(connection.scalars(query))

    def _ids(self, names: Sequence[str]) -> dict[str, int]:
        """Row id of each series; an unknown one is made. ValueError for a name of another form."""
        table = schema.series
        with self._write() as connection:
            known = numbers_of(connection, names)
            new = [name for name in dict.fromkeys(names) if name not in known]
            if new:
                first = (connection.scalar(sa.select(sa.func.max(table.c.id))) or 0) + 1
                rows = [new_series(name, first + n) for n, name in enumerate(new)]
                connection.execute(sa.insert(table), rows)
                known.update((name, first + n) for n, name in enumerate(new))
        return known

    # ----- values

    def save_observations(self, observations: Sequence[Observation]) -> int:
        """Keep new vintages; how many there were. A value equal to the one known then is no news.

        UnitChanged when an observation has another unit than its series.
        """
        if not observations:
            return 0
        names = tuple(dict.fromkeys(o.series for o in observations))
        index = {name: n for n, name in enumerate(names)}
        columns = Columns(
            names,
            np.array([index[o.series] for o in observations], np.int64),
            np.array([ticks(o.observed_at) for o in observations], np.int64),
            np.array([ticks(o.available_at) for o in observations], np.int64),
            np.array([o.value for o in observations], np.float64),
            np.array([o.basis is VintageBasis.CALENDAR for o in observations], np.int8),
        )
        with self._write() as connection:
            store = self._on(connection)
            kept = store.save_columns(columns)
            store._settle_units(observations)
        return kept

    def _same_units(self, told: Mapping[str, str]) -> None:
        """UnitChanged when a series has values in another unit than is told now."""
        table = schema.series
        query = sa.select(table.c.name, table.c.unit).where(
            table.c.unit != "", table.c.newest_available.is_not(None)
        )
        with self._read() as connection:
            for batch in batches(told):
                for name, unit in connection.execute(query.where(table.c.name.in_(batch))):
                    if told[name] and told[name] != unit:
                        raise UnitChanged(units(name, unit, told[name]))

    def _settle_units(self, observations: Sequence[Observation]) -> None:
        """The first unit and source that are told stay; another unit is an error."""
        told: dict[str, Observation] = {}
        for one in observations:
            first = told.setdefault(one.series, one)
            if first.unit != one.unit:
                raise UnitChanged(units(one.series, first.unit, one.unit))
        self._same_units({name: one.unit for name, one in told.items()})
        table = schema.series
        for column in ("unit", "source"):
            missing = [
                {"of": name, "told": getattr(one, column)}
                for name, one in told.items()
                if getattr(one, column)
            ]
            change = sa.update(table).where(
                table.c.name == sa.bindparam("of"), table.c[column] == ""
            )
            if missing:
                with self._write() as connection:
                    connection.execute(change.values({column: sa.bindparam("told")}), missing)

    def save_columns(self, columns: Columns) -> int:
        """As `save_observations`, for values in bulk; how many vintages were new."""
        with self._write() as connection:
            store = self._on(connection)
            ids = store._ids(columns.names)
            number = np.array([ids[name] for name in columns.names], np.int64)[columns.rows]
            held = store._held(connection, number, columns)
            new = fresh(held, number, columns)
            insert_values(connection, number[new], columns, new)
            store._note_saved(number[new], columns, new)
        return len(new)

    def _held(
        self, connection: Connection, number: Whole, columns: Columns
    ) -> NDArray[np.void] | None:
        """Vintages of these series for these periods: of dtype VALUE."""
        touched = np.unique(number)
        table = schema.series
        known: list[int] = []
        for batch in batches(touched.tolist()):
            query = sa.select(table.c.id).where(
                table.c.id.in_(batch), table.c.newest_available.is_not(None)
            )
            known += connection.scalars(query)
        if not known:
            return None
        low, high = int(columns.periods.min()), int(columns.periods.max())
        parts = [
            read_values(connection, batch, f"period BETWEEN {low} AND {high}")
            for batch in batches(known)
        ]
        return np.concatenate(parts)

    def _note_saved(self, number: Whole, columns: Columns, new: Whole) -> None:
        if not len(number):
            return
        order = np.argsort(number, kind="stable")
        ids, start = np.unique(number[order], return_index=True)
        available = np.maximum.reduceat(columns.available[new][order], start)
        periods = np.maximum.reduceat(columns.periods[new][order], start)
        oldest = np.minimum.reduceat(columns.periods[new][order], start)
        with self._write() as connection:
            note_values(connection, ids, available, periods, oldest)

    def columns(
        self,
        now: datetime,
        names: Sequence[str] | None = None,
        since: datetime | None = None,
        by_day: bool = False,
    ) -> Columns:
        """Every vintage known at `now` of these series (or of all), as columns in the order of the
        series' names given (by name for all), period and `available_at`. `by_day`: the day of each
        period is enough, which is read faster."""
        wanted = self.series_names() if names is None else list(dict.fromkeys(names))
        where = f"available_at <= {ticks(now)}"
        if since is not None:
            where += f" AND period >= {ticks(since)}"
        with self._read() as connection:
            ids = numbers_of(connection, wanted)
            present = tuple(name for name in wanted if name in ids)
            order = sorted(ids.values())
            read = read_days if by_day else read_values
            parts = [read(connection, batch, where) for batch in batches(order)]
        data = np.concatenate(parts) if parts else np.empty(0, VALUE)
        place = np.zeros(max(order, default=0) + 1, np.int64)
        place[[ids[name] for name in present]] = np.arange(len(present))
        rows = place[data["series"]]
        sort = np.argsort(rows, kind="stable")  # each series came in order of its key
        data, rows = data[sort], rows[sort]
        return Columns(
            present, rows, data["period"], data["available"], data["value"], data["calendar"]
        )

    def observations(
        self,
        now: datetime,
        since: datetime | None = None,
        series: str | Collection[str] | None = None,
    ) -> list[Observation]:
        """What was known at `now`: the newest vintage per series and period, oldest period first.

        `since` bounds `observed_at`; `series` is one name or several.
        """
        found = self.vintages(now, since, series)
        return [
            one
            for one, after in zip(found, [*found[1:], None], strict=False)
            if after is None or (after.series, after.observed_at) != (one.series, one.observed_at)
        ]

    def vintages(
        self,
        now: datetime,
        since: datetime | None = None,
        series: str | Collection[str] | None = None,
    ) -> list[Observation]:
        """Every vintage known at `now`, by series, period and `available_at`."""
        names = None if series is None else [series] if isinstance(series, str) else sorted(series)
        got = self.columns(now, names, since)
        described = {one.name: one for one in self.series(got.names)}
        bases = (VintageBasis.RECORDED, VintageBasis.CALENDAR)
        lines = zip(
            got.rows.tolist(), got.periods.tolist(), got.available.tolist(), got.values.tolist(),
            got.calendar.tolist(), strict=True,
        )  # fmt: skip
        return [
            Observation(
                (name := got.names[row]), moment(period), moment(at), value,
                described[name].unit, described[name].source, bases[calendar],
            )
            for row, period, at, value, calendar in lines
        ]  # fmt: skip

    def held(self, like: Sequence[Observation]) -> dict[tuple[str, datetime], float]:
        """The newest value held of the series and periods of these observations."""
        if not like:
            return {}
        names = sorted({one.series for one in like})
        got = self.columns(
            datetime.max.replace(tzinfo=UTC), names, min(o.observed_at for o in like)
        )
        keys = zip(got.rows.tolist(), got.periods.tolist(), got.values.tolist(), strict=True)
        return {(got.names[row], moment(period)): value for row, period, value in keys}

    def sizes(
        self, since: datetime, until: datetime, now: datetime, item: str = ""
    ) -> dict[str, float]:
        """What came to Korea of each series of trade (of an item), by the periods in [since, until)
        as known at `now`, in its own unit. A revised value counts once for each vintage: enough for
        weights."""
        table, values = schema.series, schema.series_values
        total = (
            sa.select(sa.func.sum(values.c.value))
            .where(
                values.c.series_id == table.c.id, values.c.period >= since,
                values.c.period < until, values.c.available_at <= now,
            )
            .scalar_subquery()
        )  # fmt: skip
        query = sa.select(table.c.name, total).where(table.c.place.like("%-KR"))
        query = query.where(table.c.item == item) if item else query
        with self._read() as connection:
            return {name: float(size) for name, size in connection.execute(query) if size}

    # ----- what is still to read

    def waiting_series(self, now: datetime) -> list[Waiting]:
        """Series that got a value since they were read, or hold one that was not known then."""
        table = schema.series
        later = sa.and_(table.c.newest_available > table.c.scored_until, table.c.scored_until < now)
        query = sa.select(table.c.name, table.c.saved, table.c.scored_until).where(
            table.c.newest_available.is_not(None), sa.or_(table.c.saved > table.c.scored, later)
        )
        with self._read() as connection:
            return [Waiting(*row) for row in connection.execute(query.order_by(table.c.name))]

    def mark_scored(self, read: Iterable[Waiting], now: datetime) -> None:
        """The detectors have read these series as they were known at `now`; what was saved since
        `waiting_series` stays waiting."""
        rows = [(one.saved, ticks(now), one.name) for one in read]
        if rows:
            with self._write() as connection:
                set_many(connection, "series", ("scored = {}", "scored_until = {}"), "name", rows)
