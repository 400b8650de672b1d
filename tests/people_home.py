"""A home with people of every role, each with a token, and alerts to act upon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import argon2
import pytest
import sqlalchemy as sa
import typer
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from alerts.rules import shipped_ruleset
from ews.acting import MACHINE
from ews.cli import app as cli
from ews.config import load_settings
from ews.model import Alert, AlertChange, ChangeKind, Person, Stage, content_id
from ews.reports import passwords
from ews.reports.people import Doing, add_person, give_token
from ews.reports.sessions import sign_in_by_token
from ews.storage import Store, schema
from ews.web import create_app
from tests.faces_home import NOW, make_home

LATER = NOW + timedelta(minutes=30)
FIRM = "표본상사"  # whose rows tests.faces_home has
# name -> role, whether they sign, whose firm
PEOPLE: dict[str, tuple[str, bool, str | None]] = {
    "김공무": ("official", False, None),
    "서명인": ("official", True, None),
    "분석가": ("analyst", False, None),
    "표본인": ("firm", False, FIRM),
    "운영자": ("operator", False, None),
    "운영장": ("operator", True, None),
}


@dataclass
class Home:
    folder: Path
    store: Store
    app: FastAPI
    tokens: dict[str, str]
    first: Alert  # as tests.faces_home made it
    made: int = 0
    browsers: dict[str, TestClient] = field(default_factory=dict)
    clients: dict[str | None, TestClient] = field(default_factory=dict)

    def person(self, name: str) -> Person:
        found = self.store.person(name=name)
        assert found is not None
        return found

    def alert(self, **changes: object) -> Alert:
        """A new alert at 주의 that waits for a signature of 경계."""
        self.made += 1
        waiting = replace(
            self.first, id=content_id("alr", self.made), fingerprint=f"fp-{self.made}", revision=1,
            proposed=Stage.ALERT, proposed_at=NOW, sign_by=NOW + timedelta(hours=1),
        )  # fmt: skip
        alert = replace(waiting, **changes)  # type: ignore[arg-type]
        self.store.save_changes([AlertChange(alert, ChangeKind.PROPOSED, NOW, None, "made up")])
        return alert

    def dump(self) -> str:
        """What stands in the store, as far as anybody could have changed it: every row of the
        tables that change, the number of rows of those that only grow, and the head of the audit,
        whose hash covers all that was ever decided."""
        changing = (schema.people, schema.viewers, schema.silences, schema.alerts, schema.meta)
        with self.store._engine.connect() as connection:
            rows = [sorted(map(repr, connection.execute(sa.select(one)))) for one in changing]
        return f"{rows} {self.store.counts()} {self.store.audit_head()}"

    def ews(self, *words: str, token: str | None = None, typed: str = "") -> tuple[int, str]:
        asks = ["--as", token] if token else []
        env = {"EWS_HOME": str(self.folder)}
        result = CliRunner().invoke(cli, [*asks, *words], env=env, input=typed)
        assert result.exit_code in {0, 1, 2, 3}, (words, result.output, result.exception)
        return result.exit_code, result.output

    def api(self, token: str | None) -> TestClient:
        """One client for all questions with that token."""
        if token not in self.clients:
            self.clients[token] = TestClient(self.app, raise_server_exceptions=False)
            if token:
                self.clients[token].headers["Authorization"] = f"Bearer {token}"
        return self.clients[token]

    def browser(self, name: str) -> TestClient:
        """A new browser in which that person is signed in."""
        self.browsers[name] = TestClient(
            self.app, base_url="https://testserver", raise_server_exceptions=False,
            follow_redirects=False,
        )  # fmt: skip
        session = sign_in_by_token(self.store, self.tokens[name], LATER)
        self.browsers[name].cookies.set("ews_viewer", session)
        return self.browsers[name]


def without_waiting(store: Store) -> None:
    """Commits that do not wait for the disk."""
    engine = store._engine
    sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close())
    engine.dispose()  # the connections that are open began without it


def doing(key: str, by: Person = MACHINE) -> Doing:
    return Doing(by, "cli", key, NOW, {})


def open_home(folder: Path) -> Iterator[Home]:
    make_home(folder)
    store = Store.open(folder)
    without_waiting(store)
    store.save_ruleset(replace(shipped_ruleset(NOW), version=3))
    tokens = {}
    boss = add_person(store, doing("first"), "운영자", "operator")
    for name, (role, signs, owner) in PEOPLE.items():
        if name != boss.name:
            add_person(store, doing(f"add {name}", boss), name, role, signs=signs, owner=owner)
    for name in PEOPLE:
        tokens[name], _ = give_token(store, doing(f"token {name}", boss), name)
    app = create_app(load_settings(folder), store, clock=lambda: LATER)
    first = store.alert("alr-urea0000000001")
    assert first is not None
    yield Home(folder, store, app, tokens, first)
    store.close()


def cheap_passwords(patch: pytest.MonkeyPatch) -> None:
    """Hashes that cost nothing; what they cost for real is the business of one test."""
    patch.setattr(passwords, "HASHER", argon2.PasswordHasher(1, 8, 1))
    patch.setattr(passwords, "_NOBODY", [])


def parsed_once(patch: pytest.MonkeyPatch) -> None:
    """The tree of commands is made once: it costs more than most commands do."""
    patch.setattr("typer.testing._get_command", lambda app: tree())


@cache
def tree() -> Any:
    return typer.main.get_command(cli)
