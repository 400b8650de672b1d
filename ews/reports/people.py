"""People: who there is, with which role, tokens and password. Each change is an act of an operator."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ews.acting import MACHINE, NotFound, permitted, recorded
from ews.model import ActKind, Person, content_id
from ews.reports.names import find
from ews.reports.passwords import check_password, hashed
from ews.reports.viewer import TOKEN_BYTES, add_viewer, check_role
from ews.storage import Store

SLACK_ID = re.compile(r"[UW][A-Z0-9]{2,30}")
EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[\w-]+(\.[\w-]+)+", re.ASCII)
SIGNERS = ("official", "operator")  # roles that may be given `signs`


@dataclass(frozen=True, slots=True)
class Doing:
    """Who changes people, by which way, when, and the key that makes it once."""

    by: Person
    via: str
    key: str
    now: datetime
    said: Mapping[str, str]  # more to keep with the act


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person as an operator sees them. No token, no hash."""

    name: str
    role: str
    owner: str | None
    slack_id: str | None
    email: str | None
    signs: bool
    ministries: tuple[str, ...]
    added_at: datetime
    disabled_at: datetime | None
    tokens: int
    has_password: bool


def people_lines(store: Store) -> tuple[PersonLine, ...]:
    """Everybody, disabled ones too, by name."""
    tokens = [one["person"] for one in store.viewers()]
    return tuple(
        PersonLine(
            one.name, one.role, one.owner, one.slack_id, one.email, one.signs, one.ministries,
            one.added_at, one.disabled_at, tokens.count(one.name),
            store.password(one.id) is not None,
        )
        for one in store.people()
    )  # fmt: skip


def find_person(store: Store, name: str) -> Person:
    """The person of that name. NotFound otherwise."""
    found = store.person(name=name)
    if found is None:
        raise NotFound(f"nobody is called {name[:80]!r}; `ews people list` lists people")
    return found


def add_person(store: Store, doing: Doing, name: str, role: str, **facts: object) -> Person:
    """Keep a new person. ValueError for a name that is taken or reads like another's, or a fact
    that does not fit."""
    person = Person(content_id("per", name, doing.now.isoformat()), name, role, doing.now)
    person = replace(person, **_given(facts))  # type: ignore[arg-type]
    with store.begin() as tx:
        permitted(tx, doing.by, ActKind.PEOPLE)
        _check_name(tx, name)
        _check(tx, person)
        _keep(tx, doing, person, "added")
    return person


def change_person(store: Store, doing: Doing, name: str, **facts: object) -> Person:
    """Change what is given: role, owner, slack_id, email, signs, ministries, disabled_at."""
    with store.begin() as tx:
        permitted(tx, doing.by, ActKind.PEOPLE)
        before = find_person(tx, name)
        after = replace(before, **_given(facts))  # type: ignore[arg-type]
        if after.role != "firm" and "owner" not in facts:
            after = replace(after, owner=None)
        if after.role not in SIGNERS and "signs" not in facts:
            after = replace(after, signs=False)
        _check(tx, after)
        _keep(tx, doing, after, "changed")
    return after


def disable_person(store: Store, doing: Doing, name: str) -> Person:
    """Take every token, session and the password, and the right to do anything."""
    with store.begin() as tx:
        permitted(tx, doing.by, ActKind.PEOPLE)
        before = find_person(tx, name)
        after = replace(before, disabled_at=before.disabled_at or doing.now)
        tx.remove_viewers_of(name)
        tx.set_password(before.id, None)
        _keep(tx, doing, after, "disabled")
    return after


def give_token(store: Store, doing: Doing, name: str, label: str = "") -> tuple[str, str]:
    """A new token of that person, and the id by which it is taken back. Only its digest is kept."""
    token = f"ews_{secrets.token_urlsafe(TOKEN_BYTES)}"
    with store.begin() as tx:
        permitted(tx, doing.by, ActKind.PEOPLE)
        person = _enabled(find_person(tx, name))
        id = add_viewer(tx, token, person.role, person.owner, label, doing.now, person)
        _record(tx, doing, person, "token", token=id)
    return token, id


def take_token(store: Store, doing: Doing, id: str) -> None:
    """Take a token back, with the sessions begun with it. NotFound when no person has it."""
    with store.begin() as tx:
        permitted(tx, doing.by, ActKind.PEOPLE)
        owner = next((str(v["person"]) for v in tx.viewers() if v["id"] == id and v["person"]), "")
        if not owner:
            raise NotFound(f"no person has a token {id[:40]!r}; `ews viewers list` lists tokens")
        tx.remove_viewer(id)
        _record(tx, doing, find_person(tx, owner), "token taken back", token=id)


def set_password(store: Store, doing: Doing, name: str, password: str | None) -> Person:
    """Keep the password's argon2id text, None takes it away; sessions end. Everybody may set their
    own, an operator everybody's."""
    if password is not None:
        check_password(password, name)
    kept = None if password is None else hashed(password)  # slow: before the transaction
    with store.begin() as tx:
        person, own = may_set_password(tx, doing, name)
        tx.set_password(person.id, kept)
        tx.remove_viewers_of(name, sessions_only=True)
        _record(tx, doing, person, "password set" if kept else "password taken", own=own)
    return person


def may_set_password(store: Store, doing: Doing, name: str) -> tuple[Person, bool]:
    """The person, and whether it is the one who asks. NotAllowed for another's, but to operators."""
    own = doing.by.name == name and doing.by != MACHINE
    if not own:
        permitted(store, doing.by, ActKind.PEOPLE)
    return _enabled(find_person(store, name)), own


def _enabled(person: Person) -> Person:
    if person.disabled_at is not None:
        raise ValueError(f"{person.name} is disabled; `ews people change NAME --enable` first")
    return person


def _given(facts: Mapping[str, object]) -> dict[str, object]:
    """What was given; an empty text takes a fact away, and a ministry may be given by name."""
    given = {key: None if value == "" else value for key, value in facts.items()}
    if ministries := given.get("ministries"):
        assert isinstance(ministries, tuple)
        given["ministries"] = tuple(code for one in ministries for code in find("ministry", one))
    return given


def _keep(tx: Store, doing: Doing, person: Person, what: str) -> None:
    _record(tx, doing, person, what)  # first: the operator of the machine makes the first operator
    tx.save_person(person, doing.by.name, doing.now)


def _record(
    tx: Store, doing: Doing, person: Person, what: str, own: bool = False, **more: str
) -> None:
    detail = {"person": person.name, "what": what, **more, **doing.said}
    recorded(tx, doing.by, ActKind.PEOPLE, detail=detail, via=doing.via, key=doing.key,
             now=doing.now, own=own)  # fmt: skip


# --------------------------------------------------------------------------- what fits


def _check_name(tx: Store, name: str) -> None:
    plain = " ".join(name.split())
    if plain != name or not name.isprintable() or not 1 <= len(name) <= 60:
        raise ValueError("a name has 1 to 60 letters, without blanks at its ends or in a row")
    alike = {_folded(one.name): one.name for one in tx.people()} | {
        _folded(word): word for word in (MACHINE.name, "rules", "routes", "ews")
    }
    if (taken := alike.get(_folded(name))) is not None:
        raise ValueError(f"{name!r} reads like {taken!r}, which is taken; choose another name")


def _folded(name: str) -> str:
    """Without its blanks: who reads 김 서명 in a message at night thinks of 김서명."""
    return unicodedata.normalize("NFKC", name).casefold().replace(" ", "")


def _check(tx: Store, person: Person) -> None:
    check_role(tx, person.role, person.owner)
    if person.signs and person.role not in SIGNERS:
        raise ValueError(f"only a person of role {' or '.join(SIGNERS)} may sign")
    if person.slack_id is not None:
        if not SLACK_ID.fullmatch(person.slack_id):
            raise ValueError("a Slack id begins with U or W, as the profile in Slack shows it")
        other = tx.person(slack_id=person.slack_id)
        if other is not None and other.id != person.id:
            raise ValueError(f"that Slack id is {other.name}'s already")
    if person.email is not None and not EMAIL.fullmatch(person.email):
        raise ValueError("that is no e-mail address")
