"""Store: what firms gave of themselves, each row its owner's alone, and gone when taken back."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ews.model import Exposure
from ews.storage import schema
from ews.storage.codec import Row, dump, load
from ews.storage.schema_base import EPOCH
from ews.storage.transactions import Transactions, batches

log = logging.getLogger(__name__)

EXPOSURE = Row(Exposure, schema.exposures)
LINKS = "links"
LINK_SHAPES = (LINKS, "declarations")  # shapes whose rows are supplier links
BATCH = 5_000


class NoOwner(ValueError):
    """Rows of nobody would be nobody's to see and to take back."""

    def __init__(self) -> None:
        super().__init__("an owner needs a name that can be read; give --owner NAME")


def check_named(owner: str) -> None:
    """NoOwner for a name that is empty, or of blanks and invisible signs only."""
    if not any(sign.isprintable() and not sign.isspace() for sign in owner):
        raise NoOwner


class FirmStore(Transactions):
    def firm_links(self, owner: str | None = None) -> list[dict[str, object]]:
        """Supplier links that firms gave, each with its `owner` and `shape`, in the order given."""
        return self.firm_rows(owner, LINK_SHAPES)

    def firm_rows(
        self, owner: str | None = None, shapes: Collection[str] | None = None
    ) -> list[dict[str, object]]:
        """Rows that firms gave, of an owner and of some shapes, each with `owner` and `shape`."""
        table = schema.firm_rows
        query = sa.select(table.c.owner, table.c.shape, table.c.row)
        query = query.order_by(table.c.owner, table.c.shape.desc(), table.c.rank)
        if owner is not None:
            query = query.where(table.c.owner == owner)
        if shapes is not None:
            query = query.where(table.c.shape.in_(list(shapes)))
        with self._read() as connection:
            return [
                {**load(row), "owner": of, "shape": shape}
                for of, shape, row in connection.execute(query)
            ]

    def firm_files(self, owner: str | None = None) -> list[dict[str, object]]:
        """What was imported: owner, shape, rows, imported_at."""
        table = schema.firm_files
        query = sa.select(table.c.owner, table.c.shape, table.c.rows, table.c.imported_at)
        if owner is not None:
            query = query.where(table.c.owner == owner)
        with self._read() as connection:
            found = connection.execute(query.order_by(table.c.owner, table.c.shape))
            return [dict(row._mapping) for row in found]

    def firm_owners(self) -> list[str]:
        """Everybody who gave rows."""
        with self._read() as connection:
            query = sa.select(schema.firm_files.c.owner).distinct()
            return sorted(connection.scalars(query))

    def firm_exposures(self) -> list[Exposure]:
        """Every exposure of a firm, by event and rank. For sums; a viewer is shown its own only."""
        table = schema.exposures
        query = sa.select(*EXPOSURE.columns).where(table.c.firm.is_not(None))
        with self._read() as connection:
            found = connection.execute(query.order_by(table.c.event_id, table.c.rank))
            return [EXPOSURE.read(row) for row in found]

    def known_firms(self, firms: Collection[str]) -> set[str]:
        """Those of the firms that the store has rows of."""
        table = schema.firm_rows
        with self._read() as connection:
            return {
                firm
                for batch in batches(firms)
                for firm in connection.scalars(
                    sa.select(table.c.firm).where(table.c.firm.in_(batch)).distinct()
                )
            }

    def replace_firm_links(self, owner: str, rows: Sequence[Mapping[str, object]]) -> None:
        """All of an owner's stated links at once: the old ones go, also when `rows` is empty."""
        self.replace_firm_rows(owner, LINKS, rows, "", EPOCH)

    def replace_firm_rows(
        self,
        owner: str,
        shape: str,
        rows: Iterable[Mapping[str, object]],
        digest: str,
        at: datetime,
    ) -> bool:
        """Replace an owner's rows of one shape; False, and nothing written, when they are the same.

        `digest` is of what the rows say; `rows` may be a stream, of which a batch at a time is
        held, and an error in it leaves everything as it was. What the old rows led to goes too.
        NoOwner, and nothing written, for an owner without a name.
        """
        check_named(owner)
        table, file = schema.firm_rows, schema.firm_files
        this = sa.and_(file.c.owner == owner, file.c.shape == shape)
        with self._write() as connection:
            before = connection.scalar(sa.select(file.c.digest).where(this))
            if digest and digest == before:
                return False
            self._forget(connection, owner, [shape])
            count = 0
            for batch in batches(rows, BATCH):
                values = [
                    {"owner": owner, "shape": shape, "rank": count + n, "firm": str(row["firm"]),
                     "row": dump({k: v for k, v in row.items() if k not in ("owner", "shape")})}
                    for n, row in enumerate(batch)
                ]  # fmt: skip
                connection.execute(sa.insert(table), values)
                count += len(batch)
            connection.execute(sa.insert(file).values(
                owner=owner, shape=shape, digest=digest, rows=count, imported_at=at,
            ))  # fmt: skip
            return True

    def remove_firm(self, owner: str, shape: str | None = None) -> int:
        """Take back what an owner gave, all of it or one shape; how many rows went.

        Exposures and shocks that came of it go too, and their events are propagated anew. On
        SQLite the bytes are overwritten, the journal is emptied and free pages are given back; on
        PostgreSQL they go at the next VACUUM. Copies and backups are out of reach.
        """
        with self._write() as connection:
            given = [str(file["shape"]) for file in self._on(connection).firm_files(owner)]
            shapes = given if shape is None else [shape]
            count = self._forget(connection, owner, shapes)
        if count and self._connection is None:
            self._scrub()
        return count

    def _forget(self, connection: Connection, owner: str, shapes: Collection[str]) -> int:
        table, file, exposures = schema.firm_rows, schema.firm_files, schema.exposures
        mine = sa.and_(table.c.owner == owner, table.c.shape.in_(list(shapes)))
        firms = list(connection.scalars(sa.select(table.c.firm).where(mine).distinct()))
        for batch in batches(firms):
            led_to = exposures.c.firm.in_(batch)
            events = list(
                connection.scalars(sa.select(exposures.c.event_id).where(led_to).distinct())
            )
            connection.execute(sa.delete(exposures).where(led_to))
            self._anew(connection, events)
        gone = connection.execute(sa.delete(table).where(mine))
        connection.execute(
            sa.delete(file).where(file.c.owner == owner, file.c.shape.in_(list(shapes)))
        )
        return int(gone.rowcount)

    def _anew(self, connection: Connection, events: Collection[str]) -> None:
        """These events wait to be laid on the network again; shocks on a firm's supplier go."""
        shocks, table = schema.shocks, schema.events
        for batch in batches(events):
            named = sa.and_(shocks.c.event_id.in_(batch), shocks.c.target_kind == "firm")
            connection.execute(sa.delete(shocks).where(named))
            again = sa.update(table).where(table.c.id.in_(batch)).values(propagated_revision=0)
            connection.execute(again)

    def _scrub(self) -> None:
        """Leave no copy of deleted rows in the SQLite file or its journal."""
        if self._engine.dialect.name != "sqlite":
            return
        raw = self._engine.raw_connection()
        try:
            assert raw.driver_connection is not None
            raw.driver_connection.execute("VACUUM").close()
            busy, *_ = raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.close()
        if busy:  # a reader still holds an old page: the journal is emptied when it is done
            log.warning("the journal could not be emptied while others read; run it again")
