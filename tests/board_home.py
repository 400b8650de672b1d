"""A home with receivers of several ministries, alerts at every stage, and what people did with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from alerts.channels.channel import ChannelError, Sent
from alerts.messages import Message
from alerts.routing import Routes, parse_routes
from ews.acting import act
from ews.delivering import Worker, pages
from ews.model import (
    ActKind,
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Delivery,
    Notification,
    Stage,
    content_id,
)
from ews.reports import Names
from ews.telling import Teller, tell
from tests.faces_home import NOW
from tests.people_home import LATER, Home, open_home

ROUTES = """
[[receiver]]
name = "room"
channel = "slack"
address = "C-ROOM-PRIVATE"
operator = true
people = ["김공무", "서명인"]
ack_within_min = { caution = 240, alert = 20 }

[[receiver]]
name = "molit"
channel = "email"
address = "molit-private@duty.example"
ministries = ["molit"]
people = ["분석가"]
ack_within_min = { caution = 10 }

[[receiver]]
name = "ministers"
channel = "console"
address = "-"
minimum = "경계"
digests = ["18:00"]

[[receiver]]
name = "gone"
channel = "webhook"
address = "https://gone.example/private"
items = ["urea"]
"""
GONE = "webhook: gone.example refused (HTTP 410); ask its owner for the new address"


class Takes:
    """A channel that takes everything, but for webhooks, whose address is gone."""

    def send(self, message: Message, told: Notification, thread_id: str | None) -> Sent:
        if told.channel == "webhook":
            raise ChannelError(GONE, permanent=True)
        return Sent(f"m-{told.id}", thread_id or f"m-{told.id}")

    def find(self, told: Notification, delivery: Delivery) -> Sent | None:
        return None


@dataclass
class Room:
    home: Home
    routes: Routes
    waits: Alert  # at 주의, asks for 경계
    severe: Alert
    taken: Alert  # by 분석가 and 김공무, after it was due at one of two receivers
    watch: Alert


def open_room(folder: Path) -> Iterator[Room]:
    (folder / "routes.toml").write_text(ROUTES, "utf-8")
    for home in open_home(folder):
        room = _filled(home, parse_routes(ROUTES))
        yield room


def _filled(home: Home, routes: Routes) -> Room:
    first = replace(home.first, items=("urea",), revision=1)
    # The alert that faces_home made is over: the room has its own.
    over = replace(home.first, revision=2, state=AlertState.RESOLVED, resolved_at=NOW)
    _save(home, over, ChangeKind.RESOLVED)
    severe = _alert(home, first, "severe", Stage.SEVERE, signed_off_by="서명인")
    taken = _alert(home, first, "taken", Stage.CAUTION)
    watch = _alert(home, first, "watch", Stage.WATCH, unlisted=("urea",))
    waits = _alert(
        home, first, "waits", Stage.CAUTION, proposed=Stage.ALERT, proposed_at=NOW,
        sign_by=NOW + timedelta(hours=1), title="Ports closed",
    )  # fmt: skip
    told(home, routes)
    for name in ("분석가", "김공무"):  # one on duty at each receiver
        act(
            home.store, home.person(name), ActKind.ACKNOWLEDGE, alert_id=taken.id, via="cli",
            key=f"taken by {name}", now=LATER - timedelta(minutes=5),
        )  # fmt: skip
    act(
        home.store, home.person("김공무"), ActKind.SILENCE, alert_id=watch.id, note="known here",
        detail={"hours": "9"}, via="cli", key="silenced", now=NOW,
    )  # fmt: skip
    act(
        home.store, home.person("김공무"), ActKind.CLOSE, alert_id=severe.id, via="cli", key="close",
        detail={"decision": "bought elsewhere", "outcome": "stocks hold"}, now=NOW,
    )  # fmt: skip
    pages(home.store, routes, NOW)
    return Room(home, routes, waits, severe, taken, watch)


def told(home: Home, routes: Routes) -> None:
    """Route and deliver at NOW."""
    tell(home.store, routes, Names(), NOW)
    channels = {one.channel: Takes() for one in routes.receivers}
    render = Teller(home.store, Names()).message
    Worker(home.store, channels, render, lambda: NOW, "test", 1, rates={}).deliver_due()


def _alert(home: Home, first: Alert, name: str, stage: Stage, **changes: object) -> Alert:
    alert = replace(
        first, id=content_id("alr", name), fingerprint=f"fp-{name}", stage=stage, max_stage=stage,
        title=f"{name} <b>urea</b>",
    )  # fmt: skip
    alert = replace(alert, **changes)  # type: ignore[arg-type]
    kind = ChangeKind.PROPOSED if alert.proposed else ChangeKind.RAISED
    return _save(home, alert, kind)


def _save(home: Home, alert: Alert, kind: ChangeKind) -> Alert:
    home.store.save_changes([AlertChange(alert, kind, NOW, None, "made up")])
    return alert
