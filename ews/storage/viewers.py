"""Store: who may look, each known by the digest of a token that is kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from ews.storage import schema
from ews.storage.firms import check_named
from ews.storage.transactions import Transactions

SESSION = "session of "  # beginning of a session's label: then the id of what it was begun with


@dataclass(frozen=True, slots=True)
class KnownViewer:
    """Whose token it is. A person's role and owner are those of the person now."""

    id: str
    role: str
    owner: str | None
    person: str | None
    added_at: datetime
    expires_at: datetime | None


class ViewerStore(Transactions):
    def add_viewer(
        self,
        id: str,
        digest: str,
        role: str,
        owner: str | None,
        label: str,
        at: datetime,
        person: str | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        """Keep a viewer; one that is there already is left as it is. NoOwner for an owner without
        a name."""
        if owner is not None:
            check_named(owner)
        row: dict[str, object] = {
            "id": id, "digest": digest, "role": role, "owner": owner, "label": label, "added_at": at,
            "person": person, "expires_at": expires_at,
        }  # fmt: skip
        self._insert_new(schema.viewers, [row])

    def viewers(self) -> list[dict[str, object]]:
        """Every token, sessions left out, by the time it was added: id, role, owner, label,
        added_at, person; no digest."""
        c = schema.viewers.c
        query = sa.select(c.id, c.role, c.owner, c.label, c.added_at, c.person)
        query = query.where(c.expires_at.is_(None)).order_by(c.added_at, c.id)
        with self._read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def viewer_of(self, digest: str) -> KnownViewer | None:
        """The viewer of the token with that digest; None for one that is not known, or whose
        person is disabled or gone."""
        with self._read() as connection:
            row = connection.execute(_of_digest(), {"digest": digest}).one_or_none()
        if row is None:
            return None
        if row.person is None:
            return KnownViewer(row.id, row.role, row.owner, None, row.added_at, row.expires_at)
        if row.now_role is None or row.disabled_at is not None:
            return None
        return KnownViewer(
            row.id, row.now_role, row.now_owner, row.person, row.added_at, row.expires_at
        )

    def remove_viewer(self, id: str) -> bool:
        """Revoke a token, and the sessions begun with it; False when there is no such viewer."""
        c = schema.viewers.c
        with self._write() as connection:
            connection.execute(sa.delete(schema.viewers).where(c.label == f"{SESSION}{id}"))
            return bool(connection.execute(sa.delete(schema.viewers).where(c.id == id)).rowcount)

    def remove_viewers_of(self, person: str, sessions_only: bool = False) -> int:
        """Revoke every token and session of a person; how many there were."""
        c = schema.viewers.c
        gone = sa.delete(schema.viewers).where(c.person == person)
        if sessions_only:
            gone = gone.where(c.expires_at.is_not(None))
        with self._write() as connection:
            return connection.execute(gone).rowcount

    def extend_session(self, id: str, until: datetime) -> None:
        """Move the end of a session."""
        c = schema.viewers.c
        change = sa.update(schema.viewers).where(c.id == id, c.expires_at.is_not(None))
        with self._write() as connection:
            connection.execute(change.values(expires_at=until))

    def forget_sessions(self, ended_before: datetime) -> None:
        """Take out the rows of sessions that ended long ago."""
        c = schema.viewers.c
        with self._write() as connection:
            connection.execute(sa.delete(schema.viewers).where(c.expires_at < ended_before))


@cache
def _of_digest() -> sa.Select[Any]:
    """The question of every request, put together once."""
    v, p = schema.viewers.c, schema.people.c
    return (
        sa.select(
            v.id, v.role, v.owner, v.person, v.added_at, v.expires_at,
            p.role.label("now_role"), p.owner.label("now_owner"), p.disabled_at,
        )
        .select_from(schema.viewers.outerjoin(schema.people, v.person == p.name))
        .where(v.digest == sa.bindparam("digest"))
    )  # fmt: skip
