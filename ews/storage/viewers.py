"""Store: who may look, each known by the digest of a token that is kept nowhere."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from ews.storage import schema
from ews.storage.firms import check_named
from ews.storage.transactions import Transactions


class ViewerStore(Transactions):
    def add_viewer(
        self, id: str, digest: str, role: str, owner: str | None, label: str, at: datetime
    ) -> None:
        """Keep a viewer; one that is there already is left as it is. NoOwner for an owner without
        a name."""
        if owner is not None:
            check_named(owner)
        row: dict[str, object] = {
            "id": id, "digest": digest, "role": role, "owner": owner, "label": label, "added_at": at,
        }  # fmt: skip
        self._insert_new(schema.viewers, [row])

    def viewers(self) -> list[dict[str, object]]:
        """Everybody, by the time they were added: id, role, owner, label, added_at; no digest."""
        table = schema.viewers
        query = sa.select(table.c.id, table.c.role, table.c.owner, table.c.label, table.c.added_at)
        with self._read() as connection:
            found = connection.execute(query.order_by(table.c.added_at, table.c.id))
            return [dict(row._mapping) for row in found]

    def viewer_of(self, digest: str) -> tuple[str, str | None] | None:
        """Role and owner of the token with that digest; None for one that is not known."""
        table = schema.viewers
        query = sa.select(table.c.role, table.c.owner).where(table.c.digest == digest)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.role, row.owner)

    def remove_viewer(self, id: str) -> bool:
        """Revoke a token; False when there is no such viewer."""
        with self._write() as connection:
            gone = connection.execute(sa.delete(schema.viewers).where(schema.viewers.c.id == id))
            return bool(gone.rowcount)
