"""Connections: the rules that keep SQLite from losing or corrupting what was acknowledged."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

try:  # an SQLite without the WAL-reset race, where there is a wheel for the machine
    from pysqlite3 import dbapi2 as sqlite
except ImportError:
    sqlite = sqlite3

log = logging.getLogger(__name__)

WRITES = "ews_writes"  # execution option: this connection's transactions begin as writers
BUSY_TIMEOUT_MS = 15_000
# PostgreSQL ends a session that idles inside a transaction: a frozen process must not keep the lock
# of the writers. Shorter than a scheduler's lease (ews.scheduler.LEASE_S).
IDLE_IN_TRANSACTION_MS = 10_000
# A peer that does not answer is given up after about 11 s, not after hours.
PATIENCE = {
    "connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}  # fmt: skip


class Line(Protocol):
    """What a PostgreSQL driver's connection has for us."""

    @property
    def closed(self) -> bool | int: ...

    def fileno(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Lines:
    """The open connections of one engine, and what the server calls them."""

    name: str
    open: WeakSet[Line] = field(default_factory=WeakSet)


lines: WeakKeyDictionary[Engine, Lines] = WeakKeyDictionary()  # of PostgreSQL


def sqlite_version() -> str:
    """Version of the SQLite library in use, e.g. "3.53.4"."""
    return str(sqlite.sqlite_version)


def sqlite_version_ok(version: str | None = None) -> bool:
    """Whether this SQLite is free of the WAL-reset race that can corrupt a database.

    Affected: 3.7.0 to 3.51.2; fixed in 3.51.3, and in 3.44.6 and 3.50.7 of the older branches.
    """
    major, minor, patch = (int(part) for part in (version or sqlite_version()).split(".")[:3])
    fixed_in = {44: 6, 50: 7}  # older branches that got the fix
    if major == 3 and minor in fixed_in:
        return patch >= fixed_in[minor]
    return (major, minor, patch) >= (3, 51, 3)


def open_engine(home: Path, url: str | None = None) -> Engine:
    """An engine for `url`, or for the SQLite file `ews.db` under `home`.

    Error messages never contain bound values (`hide_parameters`): they end in logs, and rows hold
    firms' names.
    """
    where = sa.make_url(url) if url else sa.URL.create("sqlite", database=str(home / "ews.db"))
    if where.get_backend_name() != "sqlite":
        return _postgresql_engine(where)
    if not sqlite_version_ok():
        log.warning(
            "SQLite %s can corrupt a database in WAL mode (fixed in 3.51.3); "
            "install pysqlite3>=0.6.1 or a newer SQLite",
            sqlite_version(),
        )
    return _sqlite_engine(where, sqlite)


def _postgresql_engine(where: sa.URL) -> Engine:
    timeout = f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
    wanted = PATIENCE | {"options": timeout}
    ours = {key: value for key, value in wanted.items() if key not in where.query}  # the URL wins
    known = Lines(f"ews-{secrets.token_hex(4)}")
    ours["application_name"] = known.name  # by it a standby ends the sessions of a frozen leader
    engine = sa.create_engine(
        where, hide_parameters=True, pool_pre_ping=True, connect_args=ours,
        max_overflow=50,  # a lease must not run out because every lane of delivery asks at once
    )  # fmt: skip
    lines[engine] = known
    event.listen(engine, "connect", _note(known.open))
    event.listen(engine, "begin", _on_begin_postgresql)
    return engine


def _note(known: WeakSet[Line]) -> Callable[[Line, ConnectionPoolEntry], None]:
    return lambda line, _: known.add(line)


def hang_up(engine: Engine) -> None:
    """Shut down the sockets of every connection to PostgreSQL. A thread that waits for an answer
    gets an error at once; the pool opens new connections. SQLite has none."""
    known = lines.get(engine)
    for line in list(known.open) if known else ():
        try:
            ours = socket.socket(fileno=os.dup(line.fileno()))
        except Exception:  # closed meanwhile; each driver has its own error for that
            continue
        with ours:
            if not line.closed:  # still that connection's own socket
                ours.shutdown(socket.SHUT_RDWR)


def _on_begin_postgresql(connection: Connection) -> None:
    # One writer at a time, as on SQLite: what a writer read is still true when it writes. Readers
    # do not wait. The lock goes with the transaction.
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('ews'))")


def _sqlite_engine(where: sa.URL, module: ModuleType) -> Engine:
    if where.database in (None, "", ":memory:"):  # one connection, or each would see its own
        engine = sa.create_engine(
            where, module=module, hide_parameters=True, poolclass=StaticPool,
            connect_args={"check_same_thread": False},
        )  # fmt: skip
    else:
        engine = sa.create_engine(where, module=module, hide_parameters=True)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",  # first: the next one may have to wait
        "journal_mode=WAL",
        "synchronous=FULL",  # alerts live here; NORMAL may lose the last commits in a power cut
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "secure_delete=ON",  # what a firm takes back is overwritten, not only unlinked
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _on_begin(connection: Connection) -> None:
    # A writer that begins as a reader cannot upgrade safely: SQLite answers "busy" at once, or
    # another writer's update is lost. So a writer takes the lock before it reads anything.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
