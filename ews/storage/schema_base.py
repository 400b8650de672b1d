"""What tables are made of: times, keys, words, numbers, nested text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ColumnElement

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC time, kept as whole microseconds since 1970 so that it sorts on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone; give an aware UTC datetime")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)


def key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, primary_key=True)


def of(name: str, target: str) -> sa.Column[str]:
    """A column that must name a row of another table; it goes when that row goes."""
    return sa.Column(name, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)


def words(name: str, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=null)


def whole(name: str, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=null)


def number(name: str, null: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=null)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def moment(name: str, null: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, Moment, nullable=null)


def nested(name: str, null: bool = False) -> sa.Column[str]:
    """Compact JSON text."""
    return sa.Column(name, sa.Text, nullable=null)


def more() -> sa.Column[str]:
    return nested("more", null=True)


def partial(name: str, *columns: sa.Column[object], where: ColumnElement[bool]) -> sa.Index:
    """An index over the rows that still wait, so that asking for them costs what is new."""
    return sa.Index(name, *columns, sqlite_where=where, postgresql_where=where)
