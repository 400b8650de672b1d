"""Store: who acts, and what they did."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from ews.model import Act, ActKind, Person
from ews.storage import schema
from ews.storage.audit import Audited, AuditStore
from ews.storage.codec import Row, to_json

PERSON = Row(Person, schema.people)
ACT = Row(Act, schema.acts)


class PeopleStore(AuditStore):
    def save_person(self, person: Person, by: str, at: datetime) -> None:
        """Insert or replace; the password stays. IntegrityError when another has the name or the
        Slack id."""
        row = PERSON.write(person, password=None)
        with self._write() as connection:
            store = self._on(connection)
            if store.person(person.name) == person:
                return
            store._upsert(schema.people, [row], keep=["password"])
            store.audit([Audited(at, "person", person.id, by, to_json(person))])

    def set_password(self, person_id: str, password: str | None) -> None:
        """Keep the argon2id text of a password; None takes it away."""
        table = schema.people
        with self._write() as connection:
            change = sa.update(table).where(table.c.id == person_id).values(password=password)
            connection.execute(change)

    def password(self, person_id: str) -> str | None:
        """The argon2id text; None when the person has none."""
        query = sa.select(schema.people.c.password).where(schema.people.c.id == person_id)
        with self._read() as connection:
            return connection.scalar(query)

    def people(self) -> list[Person]:
        """Everybody, disabled ones too, by name."""
        return self._people()

    def person(self, name: str | None = None, slack_id: str | None = None) -> Person | None:
        """The person of that name or Slack id, disabled or not; None when there is none."""
        table = schema.people
        where = table.c.name == name if name is not None else table.c.slack_id == slack_id
        return next(iter(self._people(where)), None)

    def _people(self, *where: ColumnElement[bool]) -> list[Person]:
        query = sa.select(*PERSON.columns).where(*where).order_by(schema.people.c.name)
        with self._read() as connection:
            return [PERSON.read(row) for row in connection.execute(query)]

    # ----- acts

    def save_act(self, act: Act) -> bool:
        """Append an act; False, and nothing written, when it is there already."""
        with self._write() as connection:
            store = self._on(connection)
            if store._insert_counting(schema.acts, [ACT.write(act)]) == 0:
                return False
            store.audit([Audited(act.at, "act", act.alert_id or act.id, act.by, to_json(act))])
            return True

    def act(self, id: str) -> Act | None:
        return next(iter(self._acts(schema.acts.c.id == id)), None)

    def acts(
        self,
        alert_id: str | None = None,
        kinds: Collection[ActKind] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Act]:
        """Acts at or after `since` and up to `until`, oldest first."""
        table = schema.acts
        where: list[ColumnElement[bool]] = []
        if alert_id is not None:
            where.append(table.c.alert_id == alert_id)
        if kinds is not None:
            where.append(table.c.kind.in_([kind.value for kind in kinds]))
        if since is not None:
            where.append(table.c.at >= since)
        if until is not None:
            where.append(table.c.at <= until)
        return self._acts(*where)

    def _acts(self, *where: ColumnElement[bool]) -> list[Act]:
        table = schema.acts
        query = sa.select(*ACT.columns).where(*where).order_by(table.c.at, table.c.id)
        with self._read() as connection:
            return [ACT.read(row) for row in connection.execute(query)]
