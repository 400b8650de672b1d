"""Was anything on record changed afterwards? The audit's chain, and what stands in the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ews.model import AuditRow
from ews.storage import Store
from ews.storage.audit import FIRST, row_hash
from ews.storage.schema_base import EPOCH, MICROSECOND


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the audit found."""

    ok: bool
    problem: str  # the first row that is wrong, or the first thing that is not as audited; "" none
    rows: int  # rows that follow from each other, from the first one
    head: str  # SEQ:HASH of the last of them; kept elsewhere, it proves that no row was cut off
    things: int  # changes, acts and rule sets that stand in the tables as they were audited
    unaudited: int  # of them, those older than the audit itself (a store of an older ews)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One row of the audit, as a list shows it."""

    seq: int
    at: datetime
    kind: str
    subject: str
    who: str
    hash: str


def parse_head(text: str) -> tuple[int, str]:
    """`SEQ:HASH` as `ews audit head` prints it. ValueError, with what to give, otherwise.

    >>> parse_head("3:" + "ab" * 32)[0]
    3
    """
    seq, _, hash_ = text.strip().partition(":")
    whole = len(hash_) == 64 and set(hash_) <= set("0123456789abcdef")
    if not (seq.isascii() and seq.isdigit() and whole):
        raise ValueError(f"{text[:80]!r} is no head; give SEQ:HASH as `ews audit head` printed it")
    return int(seq), hash_


def head_text(head: tuple[int, str]) -> str:
    return f"{head[0]}:{head[1]}"


def verify(store: Store, kept: tuple[int, str] | None = None, *, things: bool = True) -> Verified:
    """Check every row against the one before; that `kept`, a head of an earlier day, is still in
    the chain; and, with `things`, that changes, acts and rule sets stand as they were audited."""
    chain = _Chain(kept)
    problem = chain.run(store.audit_rows()) or chain.cut_off()
    counted = _Things(store, chain)
    if not problem and things:
        problem = counted.run()
    return Verified(
        not problem, problem, chain.seq, head_text((chain.seq, chain.before)), counted.agree,
        counted.unaudited,
    )  # fmt: skip


class _Chain:
    """Walks the rows once; remembers what was audited of things that never change."""

    def __init__(self, kept: tuple[int, str] | None) -> None:
        self.kept = kept
        self.seq, self.before = 0, FIRST
        self.began: datetime | None = None
        self.bodies: dict[tuple[str, str], str] = {}

    def run(self, rows: Iterable[AuditRow]) -> str:
        """What is wrong with the first wrong row; "" when the chain holds."""
        for row in rows:
            if problem := self._wrong(row):
                return problem
            self.seq, self.before = row.seq, row.hash
            self.began = self.began or row.at
            if name := _name(row):
                self.bodies[row.kind, name] = row.body
        return ""

    def _wrong(self, row: AuditRow) -> str:
        wanted = self.seq + 1
        said = f"row {wanted} ({row.kind} {row.subject})"
        if row.seq != wanted:
            return f"row {wanted} is missing: after row {self.seq} comes row {row.seq}"
        if row.before != self.before:
            return f"{said} does not follow from the row before it"
        if row.hash != row_hash(row):
            return f"{said} was changed after it was written"
        if self.kept is not None and self.kept[0] == row.seq and self.kept[1] != row.hash:
            return f"{said} is not the row that the kept head names: the audit was written anew"
        return ""

    def cut_off(self) -> str:
        """What a head kept elsewhere says of the end; "" when nothing."""
        if self.kept is None or self.kept[0] <= self.seq:
            return ""
        return (
            f"row {self.seq + 1} is missing: the audit ends at row {self.seq}, the kept head names "
            f"row {self.kept[0]}, so rows were cut off"
        )


def _name(row: AuditRow) -> str:
    """What a thing that never changes is called in its table; "" for other kinds."""
    if row.kind not in {"change", "act", "ruleset"}:
        return ""
    body = json.loads(row.body)
    if row.kind == "change":
        return f"{body['alert']['id']} revision {body['alert']['revision']}"
    return str(body["id"] if row.kind == "act" else body["version"])


class _Things:
    """Holds what stands in the tables against what was audited of it."""

    def __init__(self, store: Store, chain: _Chain) -> None:
        self._store, self._chain = store, chain
        self.agree = self.unaudited = 0

    def run(self) -> str:
        for kind, name, at, body in self._store.audited_things():
            audited = self._audited(kind, name)
            if audited is None:
                if self._chain.began is None or at < self._chain.began:
                    self.unaudited += 1
                    continue
                return f"{kind} {name} stands in its table and was never audited"
            if not agrees(json.loads(audited), json.loads(body)):
                return f"{kind} {name} is not as it was audited: it was changed in its table"
            self.agree += 1
        for kind, name in self._chain.bodies:
            return f"{kind} {name} was audited and is gone from its table"
        return ""

    def _audited(self, kind: str, name: str) -> str | None:
        """Its row; one that a live service wrote since the walk is read now."""
        if (kind, name) not in self._chain.bodies:
            self._chain.run(self._store.audit_rows(after=self._chain.seq))
        return self._chain.bodies.pop((kind, name), None)


def agrees(audited: object, standing: object) -> bool:
    """Whether all that was audited still stands so; a field that came later is no difference.

    >>> agrees({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "new": None}]}), agrees([1], [1, 2])
    (True, False)
    """
    if isinstance(audited, dict) and isinstance(standing, dict):
        return all(k in standing and agrees(v, standing[k]) for k, v in audited.items())
    if isinstance(audited, list) and isinstance(standing, list):
        return len(audited) == len(standing) and all(map(agrees, audited, standing))
    return audited == standing


def audit_lines(store: Store, subject: str | None, limit: int) -> tuple[AuditLine, ...]:
    """The newest rows, of one subject or of all, newest first."""
    last, _ = store.audit_head()
    after = 0 if subject is not None else max(0, last - limit)
    found = [
        AuditLine(row.seq, row.at, row.kind, row.subject, row.who, row.hash)
        for row in store.audit_rows(subject, after)
    ]
    return tuple(found[::-1][:limit])


def exported(rows: Iterable[AuditRow]) -> Iterator[str]:
    """One row a line, as JSON that anybody can verify (docs/proof.md has the script)."""
    for row in rows:
        fields = {
            "seq": row.seq, "at": (row.at - EPOCH) // MICROSECOND, "kind": row.kind,
            "subject": row.subject, "who": row.who, "body": row.body, "before": row.before,
            "hash": row.hash,
        }  # fmt: skip
        yield json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"
