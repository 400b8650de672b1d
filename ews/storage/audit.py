"""Store: the audit. What was decided, told and done, each row chained to the one before by a hash.

A row's hash covers its place, time, kind, subject, who, body and the hash before it, so a changed,
removed or inserted row breaks the chain from there on. Rows are appended in the transaction of what
they tell of: neither is kept without the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ews.model import AuditRow
from ews.storage import schema
from ews.storage.schema_base import EPOCH, MICROSECOND
from ews.storage.transactions import Transactions

FIRST = "0" * 64
PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Audited:
    """What is to be appended."""

    at: datetime
    kind: str  # change | notification | delivery | act | ruleset | silence | person | bulletin
    subject: str
    who: str
    body: str  # JSON


def row_hash(row: AuditRow) -> str:
    """SHA-256 over everything in the row but the hash itself."""
    micro = (row.at - EPOCH) // MICROSECOND
    parts = [row.seq, micro, row.kind, row.subject, row.who, row.body, row.before]
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def broken(rows: Iterable[AuditRow], seq: int = 0, before: str = FIRST) -> str | None:
    """What is wrong with the first row that does not follow from the one before; None when all do.

    `seq` and `before` are of the row before the first one given.
    """
    for row in rows:
        seq += 1
        if row.seq != seq:
            return f"row {seq} is missing: after it comes row {row.seq} ({row.kind} {row.subject})"
        if row.before != before:
            return f"row {seq} ({row.kind} {row.subject}) does not follow from the row before it"
        if row.hash != row_hash(row):
            return f"row {seq} ({row.kind} {row.subject}) was changed after it was written"
        before = row.hash
    return None


class AuditStore(Transactions):
    def audit(self, audited: Sequence[Audited]) -> None:
        """Append rows, in order."""
        if not audited:
            return
        with self._write() as connection:
            seq, before = _head(connection)
            rows = []
            for one in audited:
                seq += 1
                row = AuditRow(seq, one.at, one.kind, one.subject, one.who, one.body, before, "")
                before = row_hash(row)
                rows.append(
                    {
                        "seq": seq, "at": one.at, "kind": one.kind, "subject": one.subject,
                        "who": one.who, "body": one.body, "before": row.before, "hash": before,
                    }
                )  # fmt: skip
            connection.execute(sa.insert(schema.audit), rows)

    def audit_rows(
        self, subject: str | None = None, after: int = 0, until: datetime | None = None
    ) -> Iterator[AuditRow]:
        """Rows after that place, oldest first, read a page at a time."""
        table = schema.audit
        while True:
            query = sa.select(table).where(table.c.seq > after).order_by(table.c.seq).limit(PAGE)
            if subject is not None:
                query = query.where(table.c.subject == subject)
            if until is not None:
                query = query.where(table.c.at <= until)
            with self._read() as connection:
                page = [AuditRow(*row) for row in connection.execute(query)]
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].seq

    def audit_head(self) -> tuple[int, str]:
        """Place and hash of the newest row; (0, zeros) when there is none. Kept elsewhere, it
        proves that no row was cut off at the end."""
        with self._read() as connection:
            return _head(connection)


def _head(connection: Connection) -> tuple[int, str]:
    table = schema.audit
    query = sa.select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)
    row = connection.execute(query).first()
    return (0, FIRST) if row is None else (row.seq, row.hash)
