"""Made-up half years for backtests: a store full of events, and the live stages played over it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.routing import Routes
from ews.judging import judge
from ews.model import (
    AlertChange,
    Article,
    Event,
    EventStatus,
    Evidence,
    Observation,
    Phase,
    RuleSet,
)
from ews.reports import Names
from ews.storage import Store
from ews.storage.codec import from_json
from ews.telling import tell
from ews.tuning.tape_making import moment, reached, turns
from graph import Network, shock
from tests.empty_store import opened

SINCE = datetime(2023, 7, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=45)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TYPES = ("export_restriction", "logistics_disruption", "armed_conflict_or_unrest", "price_shock")
ITEMS = ("urea", "natural-graphite", "gallium", "crude-oil", "wheat")
PLACES = ("CN", "RU", "SA", "US", "KR")


def filled(folder: Path, seed: int = 5, count: int = 60) -> Store:
    """A store with events in up to five revisions, some only heard of again, and their articles."""
    rng, store = random.Random(seed), opened(folder)
    rows = sorted(
        (row for n in range(count) for row in _life(rng, n)), key=lambda event: event.last_seen
    )
    with store.begin() as tx:
        tx.save_articles([_article(e) for event in rows for e in event.evidence])
        for event in rows:
            tx.mark_detected([event.evidence[-1].signal_id], tick(event.evidence[-1].available_at))
            tx.save_events([event])
        tx.save_observations([Observation("a/price-usd/WLD/urea", SINCE, SINCE + DAY, 1.0)])
    return store


def tick(at: datetime) -> datetime:
    """The end of the hour."""
    start = at.replace(minute=0, second=0, microsecond=0)
    return start if start == at else start + HOUR


def _life(rng: random.Random, number: int) -> Iterable[Event]:
    """The revisions of one event, each with one piece of evidence more."""
    at = SINCE + timedelta(minutes=rng.randrange(int((UNTIL - SINCE) / timedelta(minutes=1))))
    event = Event(
        f"evt-{number:03}", rng.choice(TYPES), (), EventStatus.SUSPECTED,
        rng.choice((Phase.ACTUAL, Phase.ACTUAL, Phase.THREAT)), rng.uniform(0.4, 1),
        rng.uniform(0.4, 2.6), tuple(rng.sample(PLACES, rng.randint(0, 2))),
        tuple(rng.sample(ITEMS, rng.randint(0, 2))), (),
        ("hormuz",) if rng.random() < 0.2 else (), (), f"title {number}", at, at,
        (_evidence(rng, number, 0, at),), "news" if rng.random() < 0.9 else "series",
        model="made.v1", authority=rng.random() < 0.15, last_seen=at,
        relevance=rng.choice((None, rng.random())),
    )  # fmt: skip
    yield event
    for step in range(1, rng.randint(1, 6)):
        at += timedelta(hours=rng.randint(1, 200))
        if at >= UNTIL - DAY:
            return
        evidence = (*event.evidence, _evidence(rng, number, step, at))
        event = replace(event, evidence=evidence, last_seen=at)
        if rng.random() < 0.3 and event.detector == "news":
            yield event  # heard of again: no revision
            continue
        event = replace(
            event, revision=event.revision + 1, updated_at=at,
            probability=min(1.0, max(0.02, event.probability + rng.uniform(-0.5, 0.3))),
            severity=min(3.0, max(0.1, event.severity + rng.uniform(-0.6, 0.8))),
            phase=rng.choice((event.phase, event.phase, Phase.EASING, Phase.ACTUAL)),
            status=rng.choice((EventStatus.SUSPECTED,) * 8 + (EventStatus.DISMISSED,)),
            items=tuple(dict.fromkeys((*event.items, *rng.sample(ITEMS, rng.randint(0, 1))))),
        )  # fmt: skip
        yield event


def _evidence(rng: random.Random, number: int, step: int, at: datetime) -> Evidence:
    outlet = rng.choice("abcde")
    return Evidence(f"art-{number}-{step}", outlet, at, f"title {number} {step}", outlet,
                    f"https://{outlet}.example/{number}/{step}", at - HOUR, "en")  # fmt: skip


def _article(one: Evidence) -> Article:
    return Article(one.signal_id, "made", one.outlet, one.url, one.title, "", one.lang,
                   one.available_at - HOUR, one.available_at, one.independence)  # fmt: skip


def play_live(
    given: Store, into: Store, network: Network, ruleset: RuleSet, routes: Routes
) -> list[AlertChange]:
    """The live stages over what the store holds, tick by tick as a replay has them."""
    kept = given.revisions(SINCE, UNTIL)
    detected = given.detected(SINCE - DAY, UNTIL)
    found = turns(kept, detected, UNTIL)
    due = defaultdict(list)
    for turn in found:
        due[moment(turn.tick)].append(turn.event)
    heard = defaultdict(list)
    for kept_one in given.rows_of_events({one.event_id for one in kept}):
        for one in kept_one.evidence:
            heard[tick(one.available_at)].append((kept_one.id, one.available_at))
    days = {SINCE + n * DAY for n in range((UNTIL - SINCE).days)}
    ticks, now = sorted({*due, *heard, *days}), SINCE - DAY
    with into.begin() as tx:
        tx.save_ruleset(ruleset)
    while (now := _next(ticks, now, into)) < UNTIL:
        _turn(into, network, due[now], heard[now], now)
        judge(into, ruleset, now)
        tell(into, routes, Names(), now)
    return into.changes()


def _next(ticks: list[datetime], now: datetime, store: Store) -> datetime:
    waits = (alert.sign_by for alert in store.open_alerts() if alert.sign_by is not None)
    return min((at for at in (*ticks, *waits) if at > now), default=UNTIL)


def _turn(
    store: Store, network: Network, events: list[Event], heard: list[tuple[str, datetime]],
    now: datetime,
) -> None:  # fmt: skip
    with store.begin() as tx:
        tx.save_events(events)
        known = tx.events_of([id_ for id_, _ in heard])
        tx.save_events([
            replace(known[id_], last_seen=max(at, known[id_].last_seen or at))
            for id_, at in heard if id_ in known
        ])  # fmt: skip
        for event in tx.unpropagated():
            tx.save_propagation(event, shock(event, network), reached(event, network))


def again(store: Store, event_id: str) -> list[Event]:
    """The revisions of an event, read anew."""
    return [from_json(Event, one.event) for one in store.revisions(SINCE, UNTIL)
            if one.event_id == event_id]  # fmt: skip
