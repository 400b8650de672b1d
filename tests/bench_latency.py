"""From a signal stored to its message accepted: ten signals a second, one in twenty raises an alert.

The real pipeline, classifier, network, scheduler's cycles and delivery worker on SQLite with synced
commits, sending to the fake Slack in the wall clock's own time. All texts are made up; a rule is added
to the shipped ones by which every event is worth 관심, else one in twenty would not alert.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from alerts.channels.slack import Slack
from alerts.routing import parse_routes
from alerts.rules import shipped_ruleset
from ews.delivering import Worker
from ews.model import Article, DeliveryState, Notification, RuleSet
from ews.pipeline import Pipeline, Rooms
from ews.reports import Names
from ews.scheduler import Cycles
from ews.storage import Store
from graph import build_network
from nlp.classifier import load_classifier
from tests.fake_slack import HIDDEN, FakeSlack

PER_S = 10
ONE_IN = 20
ROOMS = 3
ROUTES = "\n".join(
    f'[[receiver]]\nname = "room-{n}"\nchannel = "slack"\naddress = "C{n}"\nlang = "{lang}"'
    for n, lang in enumerate(("ko", "en", "ko"))
)
# Happenings that no other one is like: country, good, and what befell it.
COUNTRIES = (
    "China", "Indonesia", "Australia", "Chile", "Vietnam", "Russia", "Brazil", "Peru", "India",
    "South Africa", "Turkey", "Japan", "Canada", "Mexico", "Argentina", "Kazakhstan", "Ukraine",
    "Malaysia", "Thailand", "Philippines", "Mongolia", "Saudi Arabia", "Qatar", "Egypt", "Morocco",
    "Norway", "Finland", "Germany", "France", "Spain", "Poland", "Zambia", "Bolivia", "Uzbekistan",
    "Myanmar", "Pakistan", "Bangladesh", "Iran", "Kuwait", "Oman", "Nigeria", "Ghana", "Kenya",
    "Tanzania", "Mozambique", "Namibia", "Colombia", "Ecuador", "Cuba", "Belgium", "Italy",
    "Austria", "Sweden", "Denmark", "Ireland", "Portugal", "Greece", "Hungary", "Romania", "Serbia",
)  # fmt: skip
GOODS = ("urea", "graphite", "gallium", "nickel", "lithium", "copper", "tungsten", "coal",
         "magnesium", "aluminium", "rubber", "wheat")  # fmt: skip
BEFELL = (
    ("{country} bans exports of {good}",
     "The government of {country} said that it stops all exports of {good} from today."),
    ("Strike stops {good} output in {country}",
     "Workers at every large {good} plant in {country} walked out, and output has stopped."),
    ("Earthquake shuts {good} plants in {country}",
     "A strong earthquake in {country} damaged plants that make {good}; they are shut."),
    ("Fire destroys the largest {good} plant in {country}",
     "An explosion and fire destroyed the plant in {country} that makes most of its {good}."),
    ("Power cuts halt {good} makers in {country}",
     "Blackouts across {country} forced makers of {good} to halt production."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Latency:
    """What was measured."""

    signals: int
    seconds: float
    planned: int  # signals written to raise an alert
    raised: int  # of these, how many did
    messages: int
    unsent: int
    refused: int  # by the fake, for being faster than Slack's rate
    p50_s: float
    p95_s: float
    worst_s: float


def signals(count: int, started: datetime) -> Iterator[Article]:
    """`count` texts; every twentieth tells of a happening that no other one tells of."""
    for n in range(count):
        now = datetime.now(UTC)
        if n % ONE_IN == ONE_IN - 1:
            k = n // ONE_IN
            names = {"country": COUNTRIES[k % len(COUNTRIES)], "good": GOODS[k * 5 % len(GOODS)]}
            title, text = (words.format(**names) for words in BEFELL[k % len(BEFELL)])
        else:
            title = f"Choir number {n} sings in the town hall"
            text = f"The {n} singers of the choir met for an evening of old songs."
        yield Article(
            Article.make_id("bench", f"https://example.org/{n}", title), "bench", f"Paper {n % 7}",
            f"https://example.org/{n}", title, text, "en", now, now, independence=f"paper-{n % 7}",
        )  # fmt: skip


def ruleset() -> RuleSet:
    shipped = shipped_ruleset(datetime(2000, 1, 1, tzinfo=UTC))
    every = {"stage": "관심", "when": {"probability": {"raise_at": 0.4, "clear_at": 0.2}}}
    rules = cast("Mapping[str, object]", shipped.rules["rules"])
    return replace(shipped, rules={**shipped.rules, "rules": {**rules, "every-event": every}})


def measure(seconds: float) -> Latency:
    count = int(seconds * PER_S)
    rooms = tuple(f"C{n}" for n in range(ROOMS))
    with tempfile.TemporaryDirectory() as home, FakeSlack(rooms, clock=time.time) as slack:
        slack.per_s, slack.burst = 1.0, 3
        store = Store.open(Path(home))
        store.save_ruleset(ruleset())
        pipeline = Pipeline(store, Rooms(
            load_classifier(threads=2), build_network(), parse_routes(ROUTES),
            {"slack": Slack(HIDDEN, slack.url, 8)}, Names(),
        ))  # fmt: skip
        pipeline.cycle(datetime.now(UTC), deliver=False)  # loads what is loaded once
        stored = _feed(pipeline, count)
        _until_sent(store)
        _stop()
        result = _result(store, slack, stored, count)
        store.close()
    return result


_running: list[tuple[threading.Thread, threading.Event, Cycles]] = []


def _feed(pipeline: Pipeline, count: int) -> dict[str, datetime]:
    """Run cycles and worker beside, and store a signal every tenth of a second; when each was."""
    stop, cycles = threading.Event(), Cycles(pipeline, 900.0)
    worker = Worker(pipeline.store, pipeline.rooms.channels, pipeline.message,
                    lambda: datetime.now(UTC), "bench")  # fmt: skip
    for target in (cycles.run, worker.serve):
        thread = threading.Thread(target=target, args=(stop,))
        thread.start()
        _running.append((thread, stop, cycles))
    stored: dict[str, datetime] = {}
    began = time.monotonic()
    for n, article in enumerate(signals(count, datetime.now(UTC))):
        pipeline.ingest([article])
        stored[article.id] = datetime.now(UTC)
        cycles.nudge()
        time.sleep(max(0.0, began + (n + 1) / PER_S - time.monotonic()))
    return stored


def _stop() -> None:
    for thread, stop, cycles in _running:
        stop.set()
        cycles.nudge()
        thread.join()
    _running.clear()


def _until_sent(store: Store, limit_s: float = 60.0) -> None:
    deadline, calm = time.monotonic() + limit_s, 0
    while calm < 20 and time.monotonic() < deadline:
        open_ = store.deliveries(DeliveryState.NEW) + store.deliveries(DeliveryState.TRYING)
        calm = 0 if open_ or store.unrouted() else calm + 1
        time.sleep(0.1)


def _result(
    store: Store, slack: FakeSlack, stored: dict[str, datetime], count: int
) -> Latency:  # fmt: skip
    waits, raised, unsent = [], set(), 0
    for told in store.notifications():
        if not told.reason.sent or told.edit:
            continue
        delivery, signal = store.delivery(told.id), _signal(store, told, stored)
        if delivery is None or delivery.sent_at is None:
            unsent += 1
        elif signal is not None:
            raised.add(told.alert_id)
            waits.append((delivery.sent_at - signal).total_seconds())
    waits.sort()
    return Latency(
        count, round(count / PER_S, 1), count // ONE_IN, len(raised), len(waits), unsent,
        slack.refused, _share(waits, 0.5), _share(waits, 0.95), _share(waits, 1.0),
    )  # fmt: skip


def _signal(store: Store, told: Notification, stored: dict[str, datetime]) -> datetime | None:
    """When the newest signal behind that revision of the alert was stored."""
    changes = {c.alert.revision: c.alert for c in store.changes(alert_id=told.alert_id)}
    alert = changes.get(told.alert_revision)
    event = store.event(alert.event_id) if alert else None
    if alert is None or event is None:
        return None
    times = [stored[e.signal_id] for e in event.evidence if e.signal_id in stored]
    before = [at for at in times if at <= told.at]
    return max(before, default=None)


def _share(waits: Sequence[float], share: float) -> float:
    if not waits:
        return float("nan")
    return round(waits[min(len(waits) - 1, int(share * len(waits)))], 2)
