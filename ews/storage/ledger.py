"""Store: how alerts turned out, and what feedback teaches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from ews.model import Basis, Case, Example, Outcome, ProposalState, Resolution, Suggestion
from ews.storage import schema
from ews.storage.audit import Audited, AuditStore
from ews.storage.codec import Row, to_json
from ews.storage.transactions import batches

RESOLUTION = Row(Resolution, schema.resolutions)
EXAMPLE = Row(Example, schema.examples)
SUGGESTION = Row(Suggestion, schema.suggestions)
CASE = Row(Case, schema.cases)


STRENGTH = {basis: rank for rank, basis in enumerate(Basis)}


def outcome_of(resolutions: Iterable[Resolution]) -> Resolution | None:
    """The decision that holds for one alert: the newest of the strongest basis; None while open.

    An open one takes back what its own basis said before; where no person said it, a weaker basis
    speaks again.
    """
    newest: dict[Basis, Resolution] = {}
    for one in sorted(resolutions, key=lambda one: (one.at, one.id)):
        newest[one.basis] = one
    for basis in sorted(newest, key=STRENGTH.__getitem__, reverse=True):
        found = newest[basis]
        if found.outcome is not Outcome.OPEN or basis is Basis.FEEDBACK:
            return found
    return None


class LedgerStore(AuditStore):
    def save_resolutions(self, resolutions: Sequence[Resolution]) -> int:
        """Append those that are not there; how many were new."""
        with self._write() as connection:
            store, new = self._on(connection), 0
            for one in resolutions:
                if store._insert_counting(schema.resolutions, [RESOLUTION.write(one)]):
                    store.audit([Audited(one.at, "resolution", one.alert_id, one.by, to_json(one))])
                    new += 1
            return new

    def resolutions(
        self,
        alert_ids: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Resolution]:
        """Decisions at or after `since` and up to `until`, oldest first; of some alerts or of all."""
        table = schema.resolutions
        where: list[ColumnElement[bool]] = []
        if since is not None:
            where.append(table.c.at >= since)
        if until is not None:
            where.append(table.c.at <= until)
        query = sa.select(*RESOLUTION.columns).where(*where)
        found: list[Resolution] = []
        with self._read() as connection:
            for batch in [None] if alert_ids is None else batches(dict.fromkeys(alert_ids)):
                part = query if batch is None else query.where(table.c.alert_id.in_(batch))
                found += [RESOLUTION.read(row) for row in connection.execute(part)]
        return sorted(found, key=lambda one: (one.at, one.id))

    # ----- learning

    def save_example(self, example: Example) -> None:
        """Insert or replace; what a person decided is in the audit."""
        with self._write() as connection:
            store = self._on(connection)
            if store.example(example.id) == example:
                return
            store._upsert(schema.examples, [EXAMPLE.write(example)])
            at = example.decided_at or example.at
            by = example.decided_by or "ews"
            store.audit([Audited(at, "example", example.id, by, to_json(example))])

    def example(self, id: str) -> Example | None:
        return next(iter(self._examples(schema.examples.c.id == id)), None)

    def examples(self, state: ProposalState | None = None) -> list[Example]:
        """Examples in that state, or all, oldest first."""
        return self._examples(*([] if state is None else [schema.examples.c.state == state.value]))

    def _examples(self, *where: ColumnElement[bool]) -> list[Example]:
        table = schema.examples
        query = sa.select(*EXAMPLE.columns).where(*where).order_by(table.c.at, table.c.id)
        with self._read() as connection:
            return [EXAMPLE.read(row) for row in connection.execute(query)]

    def save_suggestion(self, suggestion: Suggestion) -> None:
        """Insert or replace; what a person decided is in the audit."""
        with self._write() as connection:
            store = self._on(connection)
            if store.suggestion(suggestion.id) == suggestion:
                return
            store._upsert(schema.suggestions, [SUGGESTION.write(suggestion)])
            at = suggestion.decided_at or suggestion.at
            by = suggestion.decided_by or "ews"
            store.audit([Audited(at, "suggestion", suggestion.id, by, to_json(suggestion))])

    def suggestion(self, id: str) -> Suggestion | None:
        return next(iter(self._suggestions(schema.suggestions.c.id == id)), None)

    def suggestions(self, state: ProposalState | None = None) -> list[Suggestion]:
        """Suggestions in that state, or all, oldest first."""
        table = schema.suggestions
        return self._suggestions(*([] if state is None else [table.c.state == state.value]))

    def _suggestions(self, *where: ColumnElement[bool]) -> list[Suggestion]:
        table = schema.suggestions
        query = sa.select(*SUGGESTION.columns).where(*where).order_by(table.c.at, table.c.id)
        with self._read() as connection:
            return [SUGGESTION.read(row) for row in connection.execute(query)]

    # ----- cases

    def save_case(self, case: Case, by: str, at: datetime) -> None:
        """Insert or replace; a case is withdrawn by saving it with `withdrawn_at`."""
        with self._write() as connection:
            store = self._on(connection)
            if store.case(case.id) == case:
                return
            store._upsert(schema.cases, [CASE.write(case)])
            store.audit([Audited(at, "case", case.id, by, to_json(case))])

    def case(self, id: str) -> Case | None:
        return next(iter(self._cases(schema.cases.c.id == id)), None)

    def cases(self) -> list[Case]:
        """Every case, withdrawn ones too, oldest first."""
        return self._cases()

    def _cases(self, *where: ColumnElement[bool]) -> list[Case]:
        table = schema.cases
        query = sa.select(*CASE.columns).where(*where).order_by(table.c.added_at, table.c.id)
        with self._read() as connection:
            return [CASE.read(row) for row in connection.execute(query)]
