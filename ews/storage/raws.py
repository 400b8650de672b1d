"""Store: bodies as they came, each kept once, so that a mended parser can read them again."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ews.model import Raw
from ews.storage import schema
from ews.storage.codec import dump, load
from ews.storage.transactions import Transactions

LEVEL = 6  # of zlib: a tenth of the size of a feed, for less time than parsing it


@dataclass(frozen=True, slots=True)
class RawSize:
    """What the kept bodies of a source weigh."""

    source: str
    turns: int
    bodies: int  # different ones
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class KeptBody:
    """A kept body without its bytes."""

    at: datetime
    page: int
    url: str
    size: int  # bytes
    sha256: str
    parsed: bool


class RawStore(Transactions):
    def save_raws(self, raws: Sequence[Raw]) -> None:
        """Keep the bodies of a turn; one that is known costs a row."""
        if not raws:
            return
        with self._write() as connection:
            on = self._on(connection)
            known = on._known({raw.sha256 for raw in raws})
            new = {raw.sha256: raw.body for raw in raws if raw.sha256 not in known}
            on._insert_new(schema.bodies, [
                {"sha256": digest, "packed": zlib.compress(body, LEVEL), "size": len(body)}
                for digest, body in new.items()
            ])  # fmt: skip
            on._insert_new(schema.raws, [
                {
                    "source": raw.source, "at": raw.at, "page": raw.page, "url": raw.url,
                    "headers": dump(dict(raw.headers)), "sha256": raw.sha256,
                    "parsed": raw.parsed, "more": None,
                }
                for raw in raws
            ])  # fmt: skip

    def _known(self, digests: set[str]) -> set[str]:
        column = schema.bodies.c.sha256
        with self._read() as connection:
            return set(connection.scalars(sa.select(column).where(column.in_(digests))))

    def raw_turns(
        self, source: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[datetime]:
        """When turns of that source were kept, oldest first."""
        table = schema.raws
        query = sa.select(table.c.at).where(table.c.source == source).distinct()
        if since is not None:
            query = query.where(table.c.at >= since)
        if until is not None:
            query = query.where(table.c.at <= until)
        with self._read() as connection:
            return list(connection.scalars(query.order_by(table.c.at)))

    def raws(self, source: str, at: datetime) -> list[Raw]:
        """The bodies of one turn, in their order."""
        table, bodies = schema.raws, schema.bodies
        query = (
            sa.select(table.c.page, table.c.url, table.c.headers, table.c.parsed, bodies.c.packed)
            .join(bodies, bodies.c.sha256 == table.c.sha256)
            .where(table.c.source == source, table.c.at == at)
            .order_by(table.c.page)
        )
        with self._read() as connection:
            return [
                Raw(
                    source, at, row.page, row.url,
                    {name: str(value) for name, value in load(row.headers).items()},
                    zlib.decompress(row.packed), row.parsed,
                )
                for row in connection.execute(query)
            ]  # fmt: skip

    def newest_raws(self, source: str, limit: int = 50) -> list[KeptBody]:
        """The bodies of the newest turns of that source, without their bytes, newest first."""
        table, bodies = schema.raws, schema.bodies
        query = (
            sa.select(table.c.at, table.c.page, table.c.url, bodies.c.size, table.c.sha256,
                      table.c.parsed)
            .join(bodies, bodies.c.sha256 == table.c.sha256)
            .where(table.c.source == source)
            .order_by(table.c.at.desc(), table.c.page)
            .limit(limit)
        )  # fmt: skip
        with self._read() as connection:
            return [KeptBody(*row) for row in connection.execute(query)]

    def raw_body(self, source: str, at: datetime, page: int) -> bytes | None:
        """The bytes of one kept body; None when there is none."""
        table, bodies = schema.raws, schema.bodies
        query = (
            sa.select(bodies.c.packed)
            .join(table, bodies.c.sha256 == table.c.sha256)
            .where(table.c.source == source, table.c.at == at, table.c.page == page)
        )
        with self._read() as connection:
            packed = connection.scalar(query)
        return None if packed is None else zlib.decompress(packed)

    def raw_sizes(self) -> Iterator[RawSize]:
        """What is kept, by source."""
        c = schema.raws.c
        query = sa.select(
            c.source, sa.func.count(c.at.distinct()), sa.func.count(c.sha256.distinct()),
            sa.func.min(c.at), sa.func.max(c.at),
        ).group_by(c.source).order_by(c.source)  # fmt: skip
        with self._read() as connection:
            for row in connection.execute(query):
                yield RawSize(*row)

    def raw_bytes(self) -> int:
        """What all kept bodies take, compressed, in bytes."""
        size = sa.func.coalesce(sa.func.sum(sa.func.length(schema.bodies.c.packed)), 0)
        with self._read() as connection:
            return int(connection.scalar(sa.select(size)) or 0)

    def raw_weights(self) -> dict[str, int]:
        """What the kept bodies of each source take, compressed, in bytes; the largest first."""
        table, bodies = schema.raws, schema.bodies
        each = sa.select(table.c.source, table.c.sha256).distinct().subquery()
        size = sa.func.sum(sa.func.length(bodies.c.packed))
        query = (
            sa.select(each.c.source, size)
            .join(bodies, bodies.c.sha256 == each.c.sha256)
            .group_by(each.c.source)
            .order_by(size.desc())
        )
        with self._read() as connection:
            return {name: int(weight) for name, weight in connection.execute(query)}

    def raws_over(self, cap: int, source: str | None = None) -> datetime | None:
        """The time before which turns (of that source, or all) must go for the bodies of the others to
        stay within `cap` bytes, compressed; None when all do. A body counts to its newest turn."""
        table, bodies = schema.raws, schema.bodies
        newest = (
            sa.select(sa.func.max(table.c.at).label("at"), table.c.sha256)
            .where(sa.true() if source is None else table.c.source == source)
            .group_by(table.c.sha256).subquery()
        )  # fmt: skip
        query = (
            sa.select(newest.c.at, sa.func.length(bodies.c.packed))
            .join(bodies, bodies.c.sha256 == newest.c.sha256)
            .order_by(newest.c.at.desc())
        )
        total = 0
        with self._read() as connection:
            for at, size in connection.execute(query):
                total += size
                if total > cap:
                    newest_to_go: datetime = at
                    return newest_to_go + timedelta(microseconds=1)
        return None

    def drop_raws(self, before: datetime, sources: Sequence[str] | None = None) -> int:
        """Forget turns before that time (of those sources, or all); how many rows went. A body goes
        when no turn has it any more."""
        table, bodies = schema.raws, schema.bodies
        condition = table.c.at < before
        if sources is not None:
            condition = sa.and_(condition, table.c.source.in_(sources))
        with self._write() as connection:
            gone = connection.execute(sa.delete(table).where(condition)).rowcount
            if gone:
                used = sa.select(table.c.sha256).where(table.c.sha256 == bodies.c.sha256)
                connection.execute(sa.delete(bodies).where(~used.exists()))
        return gone
