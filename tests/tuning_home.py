"""A home in which four weeks of events were judged and told: something to tune, with people."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI
from fastapi.testclient import TestClient

from alerts.channels import ChannelSettings, open_channel
from alerts.routing import load_routes
from alerts.rules import shipped_ruleset
from ews.config import load_settings
from ews.model import Article, Event, EventStatus, Evidence, Person, Phase, Tag, TaggedArticle
from ews.pipeline import Pipeline, Rooms
from ews.reports import Names
from ews.reports.people import add_person, give_token
from ews.reports.sessions import sign_in_by_token
from ews.storage import Store
from ews.web import create_app
from graph import Network, build_network
from nlp.classifier import Classifier
from tests.people_home import doing, without_waiting

FIRST = datetime(2023, 10, 2, tzinfo=UTC)
DAYS = 28
LATER = datetime(2023, 11, 2, 3, 0, tzinfo=UTC)
PEOPLE = {"운영자": "operator", "분석가": "analyst", "다른분석가": "analyst", "공무원": "official",
          "기업인": "firm"}  # fmt: skip
OWNER = "표본상사"
ROUTES = """
[[receiver]]
name = "console"
channel = "console"
address = "-"
minimum = "관심"

[[receiver]]
name = "산업과"
channel = "slack"
address = "C-EXAMPLE"
minimum = "주의"
budget_per_day = 2
"""
# type, country, item, probability, severity: the same again and again, a little less sure.
KINDS = (
    ("export_restriction", "CN", "gallium", 0.9, 1.9),
    ("production_halt", "JP", "hydrogen-fluoride", 0.85, 1.6),
    ("price_shock", "CN", "tungsten", 0.8, 1.4),
    ("labour_action", "CL", "lithium-carbonate", 0.75, 1.45),
    ("natural_disaster", "CN", "magnesium", 0.7, 1.5),
    ("export_restriction", "CN", "antimony", 0.68, 1.3),
    ("shortage_or_allocation", "CN", "rare-earths", 0.74, 1.2),
    ("price_shock", "CN", "lithium-hydroxide", 0.62, 1.0),
    ("industrial_accident", "JP", "euv-lithography-equipment", 0.72, 1.4),
    ("production_halt", "CN", "fluorspar", 0.66, 1.5),
    ("export_restriction", "CN", "urea", 0.71, 1.36),
)
# The crisis of these weeks that ews ships as a reference episode, on its day.
CRISIS = (36, ("export_restriction", "CN", "natural-graphite", 0.74, 1.45))


@dataclass
class TuningHome:
    folder: Path
    store: Store
    app: FastAPI
    tokens: dict[str, str]
    clients: list[TestClient] = field(default_factory=list)

    def session(self, name: str) -> str:
        return sign_in_by_token(self.store, self.tokens[name], LATER)

    def browser(self, name: str | None) -> TestClient:
        """A browser in which that person is signed in; None: nobody."""
        client = TestClient(self.app, base_url="https://testserver", follow_redirects=False)
        if name is not None:
            client.cookies.set("ews_viewer", self.session(name))
        self.clients.append(client)
        return client

    def api(self, name: str) -> TestClient:
        client = TestClient(self.app, headers={"Authorization": f"Bearer {self.tokens[name]}"})
        self.clients.append(client)
        return client


def open_tuning_home(folder: Path, empty: bool = False) -> Iterator[TuningHome]:
    """The home, closed at the end; `empty`: people and rules, but nothing was ever collected."""
    (folder / "routes.toml").write_text(ROUTES, "utf-8")
    store = Store.open(folder)
    without_waiting(store)
    store.save_ruleset(shipped_ruleset(FIRST))
    if not empty:
        play(store, folder, build_network())
    tokens = {}
    boss: Person | None = None
    for name, role in PEOPLE.items():
        by = doing(f"add {name}", boss) if boss else doing("first")
        person = add_person(store, by, name, role, owner=OWNER if role == "firm" else None)
        boss = boss or person
        tokens[name], _ = give_token(store, doing(f"token {name}", boss), name)
    app = create_app(load_settings(folder), store, clock=lambda: LATER)
    home = TuningHome(folder, store, app, tokens)
    yield home
    for client in home.clients:
        client.close()
    store.close()


def copy_of(home: TuningHome, folder: Path) -> Store:
    """The home's store in another folder, to write in."""
    with home.store.begin():
        shutil.copy(home.folder / "ews.db", folder / "ews.db")
        wal = home.folder / "ews.db-wal"
        if wal.exists():
            shutil.copy(wal, folder / "ews.db-wal")
    shutil.copy(home.folder / "routes.toml", folder / "routes.toml")
    return Store.open(folder)


def play(store: Store, folder: Path, network: Network) -> None:
    """Two events a day, each judged and told at the hour at which it was heard of."""
    console = open_channel("console", ChannelSettings(home=folder))
    # No text is classified here: events are made, everything after them is the pipeline's.
    rooms = Rooms(cast(Classifier, None), network, load_routes(folder / "routes.toml"),
                  {"console": console}, Names())  # fmt: skip
    pipeline = Pipeline(store, rooms)
    for number in range(2 * DAYS):
        now = FIRST + timedelta(hours=12 * number + 3)
        with store.begin() as tx:
            article, event = made(number, now)
            tx.save_articles([article])
            tag = TaggedArticle(article.id, "made.v1", (Tag(event.type, event.probability),), 0.9,
                                Phase.ACTUAL, event.severity)  # fmt: skip
            tx.save_tagged([tag], now)
            tx.save_events([event])
            tx.mark_detected([article.id], now)
        for step in (pipeline.propagate, pipeline.evaluate, pipeline.route):
            step(now)
    with store.begin() as tx:
        last = (FIRST + timedelta(days=DAYS - 1)).date()
        marks: dict[str, Any] = {
            "from": FIRST.date().isoformat(),
            "to": last.isoformat(),
            "feeds": [],
        }
        tx.put("replay.last", json.dumps(marks))


def made(number: int, at: datetime) -> tuple[Article, Event]:
    """One report and the event that it tells of; its words alone leave it open whether it matters."""
    day, crisis = CRISIS
    kind = crisis if number == day else KINDS[number % len(KINDS)]
    type_, country, item, probability, severity = kind
    less = 0.012 * (number // len(KINDS))
    id, url = f"art-{number:04}", f"https://example.org/{number}"
    title = f"Example report {number}: {type_.replace('_', ' ')}, {item} <b>of</b> {country}"
    article = Article(
        id, "wire", "Example Wire", url, title, "", "en", at, at, independence=f"w{number}"
    )
    evidence = Evidence(id, f"w{number}", at, title, "Example Wire", url, at, "en")
    return article, Event(
        id=f"evt-{number:04}", type=type_, also=(), status=EventStatus.CORROBORATED,
        phase=Phase.ACTUAL, probability=probability - less, severity=severity, countries=(country,),
        items=(item,), ports=(), chokepoints=(), firms=(), title=title, first_seen=at, updated_at=at,
        evidence=(evidence,), detector="news", model="made.v1", last_seen=at,
        relevance=0.2,
    )  # fmt: skip
