"""Store: who may act alone. Leases with fencing tokens, and the lock that ends with its session.

A lease alone notices a dead owner only when it runs out. On PostgreSQL the owner also holds an
advisory lock of a session: when its process dies, the server frees the lock at once. Neither stops
a frozen owner that wakes up too late; the token does: `fenced` checks it inside every transaction.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ews.storage import schema
from ews.storage.engine import WRITES, hang_up, lines
from ews.storage.transactions import Fence, Transactions

log = logging.getLogger(__name__)

KEY = 0x657773  # "ews": our part of the advisory locks of two numbers
TABLE = schema.leases


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may act alone, until when, under which token; nobody ("") once it was given back."""

    owner: str
    until: datetime
    token: int


class SessionLock:
    """An advisory lock of PostgreSQL, held as long as its connection lives."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def held(self) -> bool:
        """Whether the session is still there, and the lock with it."""
        try:
            self._connection.exec_driver_sql("SELECT 1")
        except sa.exc.DBAPIError:
            return False
        return not self._connection.invalidated

    def release(self) -> None:
        """Close the session: the server frees the lock, also when it is only told so later."""
        self._connection.invalidate()
        self._connection.close()


class LeaseStore(Transactions):
    @property
    def serves_many(self) -> bool:
        """Whether processes of several machines may share this store (PostgreSQL)."""
        return self._engine.dialect.name == "postgresql"

    def lease(self, name: str) -> Lease | None:
        """The lease as it stands, over or not; None when nobody ever had it."""
        query = sa.select(TABLE.c.owner, TABLE.c.until, TABLE.c.token).where(TABLE.c.name == name)
        with self._read() as connection:
            row = connection.execute(query).first()
            return None if row is None else Lease(*row)

    def take_lease(
        self, name: str, owner: str, now: datetime, lease_s: float, dead: Lease | None = None
    ) -> int | None:
        """A fencing token when the lease is free, over, or ours already; None when another has it.

        `dead` is a lease whose owner is known to be gone: it is taken if it still stands like that.
        The token rises whenever the lease changes hands, so that work begun under an old one can
        be told and refused.
        """
        with self._write() as connection:
            held = self._on(connection).lease(name)
            if held not in (None, dead) and held.owner != owner and held.until > now:
                return None
            token = 1 if held is None else held.token + (held.owner != owner)
            until = now + timedelta(seconds=lease_s)
            row: dict[str, object] = {"name": name, "owner": owner, "until": until, "token": token}
            self._on(connection)._upsert(TABLE, [row])
            return token

    def renew_lease(self, name: str, token: int, until: datetime) -> bool:
        """Whether the lease is still that of the token, and now ends then.

        On PostgreSQL it does not queue behind the writers: a long import must not cost the lease.
        """
        alone = {WRITES: not self.serves_many}
        mine = (TABLE.c.name == name) & (TABLE.c.token == token)
        with self._engine.connect().execution_options(**alone) as connection, connection.begin():
            return connection.execute(sa.update(TABLE).where(mine).values(until=until)).rowcount > 0

    def end_lease(self, name: str, owner: str, now: datetime) -> None:
        """Give the lease back early, so that the next owner need not wait; its token stays."""
        mine = (TABLE.c.name == name) & (TABLE.c.owner == owner)
        with self._write() as connection:
            connection.execute(sa.update(TABLE).where(mine).values(owner="", until=now))

    def fenced(self, name: str, token: int) -> Self:
        """The same store for whoever took the lease: each of its writing transactions first looks
        whether the token still stands, and raises StaleLeader, having written nothing, if not."""
        return type(self)(self._engine, self._connection, Fence(name, token))

    def session_lock(self, name: str) -> SessionLock | None:
        """The lock of that name, when nobody has it; always None on SQLite, which has no sessions."""
        if not self.serves_many:
            return None
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        ask = sa.select(sa.func.pg_try_advisory_lock(KEY, sa.func.hashtext(name)))
        try:
            if connection.scalar(ask):
                return SessionLock(connection)
        except sa.exc.DBAPIError:
            connection.close()
            raise
        connection.close()
        return None

    @property
    def line_name(self) -> str:
        """What the server calls the sessions of this store; "" on SQLite."""
        return lines[self._engine].name if self.serves_many else ""

    def end_sessions(self, line_name: str) -> None:
        """Have the server end all sessions of that store: its process is frozen or cut off. What it
        left under way, or waiting for the lock of the writers, would hold up everybody."""
        ask = sa.text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name "
            "AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        if not self.serves_many or line_name == self.line_name:
            return
        try:
            with self._engine.connect() as connection:
                connection.execute(ask, {"name": line_name}).all()
        except sa.exc.DBAPIError as err:  # another role's sessions: they run into their time limit
            log.warning("the former leader's sessions cannot be ended: %s", type(err.orig).__name__)

    def hang_up(self) -> None:
        """Cut every connection of this store, so that whoever waits on a dead one gets an error."""
        hang_up(self._engine)
