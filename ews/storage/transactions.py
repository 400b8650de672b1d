"""What every part of the Store stands on: one read, one write, one upsert, on both databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql.elements import ColumnElement

from ews.storage import schema
from ews.storage.engine import WRITES

X = TypeVar("X")
Rows = Sequence[dict[str, object]]


class StaleLeader(RuntimeError):
    """The lease went to another owner: what this one still wants to write is refused."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The lease and the token under which a store may write."""

    lease: str
    token: int

    def check(self, connection: Connection) -> None:
        """StaleLeader when the lease has another token by now. Nobody can take the lease before
        this transaction ends, since taking it is a writing transaction too."""
        table = schema.leases
        token = connection.scalar(sa.select(table.c.token).where(table.c.name == self.lease))
        if token != self.token:
            raise StaleLeader(
                f"the lease {self.lease!r} went on to token {token}; this process had {self.token}, "
                "and nothing of this step was written"
            )


class Transactions:
    """Holds the engine and, inside `begin()`, the one connection whose transaction is open."""

    def __init__(
        self, engine: Engine, connection: Connection | None = None, fence: Fence | None = None
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._fence = fence

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """The open transaction, or a plain read of one consistent state."""
        if self._connection is not None:
            yield self._connection
            return
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """The open transaction, or one of its own: committed on exit, rolled back on error."""
        if self._connection is not None:
            yield self._connection
            return
        writer = self._engine.connect().execution_options(**{WRITES: True})
        with writer as connection, connection.begin():
            if self._fence is not None:
                self._fence.check(connection)
            yield connection

    def _on(self, connection: Connection) -> Self:
        """The same store on an open transaction, so that several questions make one step."""
        if self._connection is connection:
            return self
        return type(self)(self._engine, connection, self._fence)

    def _insert_new(self, table: sa.Table, rows: Rows) -> None:
        """Insert the rows whose key is not there yet; the others are left as they are."""
        if rows:
            with self._write() as connection:
                connection.execute(_insert_if_new(connection.dialect.name, table), list(rows))

    def _insert_counting(self, table: sa.Table, rows: Rows) -> int:
        """`_insert_new` for a table with an `id`; how many rows were new.

        Asked beforehand, in the same transaction: PostgreSQL's driver does not count in bulk, and
        its RETURNING made the insert four times slower.
        """
        ids = {row["id"] for row in rows}
        if not ids:
            return 0
        known = 0
        with self._write() as connection:
            for batch in batches(ids, 5_000):
                query = sa.select(sa.func.count()).where(table.c.id.in_(batch))
                known += connection.scalar(query) or 0
            if known < len(ids):
                self._on(connection)._insert_new(table, rows)
        return len(ids) - known

    def _upsert(
        self,
        table: sa.Table,
        rows: Rows,
        keep: Iterable[str] = (),
        newer: sa.Column[int] | None = None,
    ) -> None:
        """Insert, or replace every column but the key and `keep`.

        With `newer`, a row is replaced only by one whose value there is not lower.
        """
        if not rows:
            return
        with self._write() as connection:
            upsert = _upsert(connection.dialect.name, table, frozenset(keep), newer)
            connection.execute(upsert, list(rows))


Insert = postgresql.Insert | sqlite.Insert


def _insert(dialect: str, table: sa.Table) -> Insert:
    """The dialect's own INSERT, which knows ON CONFLICT; both spell it the same way."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache  # dearer to put together than to run
def _insert_if_new(dialect: str, table: sa.Table) -> Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


@cache
def _upsert(
    dialect: str, table: sa.Table, keep: frozenset[str], newer: sa.Column[int] | None
) -> Insert:
    insert = _insert(dialect, table)
    fixed = {column.name for column in table.primary_key} | keep
    changed = {c.name: insert.excluded[c.name] for c in table.c if c.name not in fixed}
    where: ColumnElement[bool] | None = None
    if newer is not None:
        where = insert.excluded[newer.name] >= newer
    return insert.on_conflict_do_update(
        index_elements=list(table.primary_key), set_=changed, where=where
    )


def batches(values: Iterable[X], size: int = 500) -> Iterator[list[X]]:
    """Lists of at most `size`, for `IN (...)`: databases limit the number of bound values."""
    batch: list[X] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
