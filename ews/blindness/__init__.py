"""Is it calm, or can it not be seen? A source that is silent makes what hangs on it blind, never calm.

`watch_over` is the stage: `look` reads the store, `step` decides what to keep and to tell, `keep`
writes it. A store that was never fetched live is not watched, and that is said, not "blind".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.digests import carry
from alerts.routes import Routes
from alerts.rulebook import BlindLimits, read_blind
from alerts.view import Names
from ews.blindness.seeing import (
    EVERYTHING,
    Dark,
    Feed,
    Watch,
    believed_until,
    gone_dark,
    informants,
    main_origins,
    named,
    origins,
)
from ews.blindness.turns import (
    Turn,
    bulletins,
    follows,
    sights,
    spells,
    subject_name,
    subjects_of,
)
from ews.freshness import Heard, heard
from ews.model import Alert, AlertChange, Bulletin, Notification, Source, utc
from ews.storage import Store
from ews.storage.blind import BlindSpell

__all__ = [
    "EVERYTHING",
    "BlindSpell",
    "Dark",
    "Feed",
    "Step",
    "Turn",
    "Watch",
    "believed_until",
    "bulletins",
    "follows",
    "gone_dark",
    "informants",
    "keep",
    "look",
    "main_origins",
    "origins",
    "sights",
    "spells",
    "step",
    "subject_name",
    "subjects_of",
    "watch_over",
]

EVERY = timedelta(minutes=1)  # cycles come as often as news do; sources do not fall silent so fast
LOOKED = "blind.looked_at"  # in the store's meta
KEPT = "blind.informants"  # who gave evidence of what, read anew once a day


@dataclass(frozen=True, slots=True)
class Step:
    """What one look brings: to be kept in one transaction."""

    spells: tuple[BlindSpell, ...] = ()
    changes: tuple[AlertChange, ...] = ()
    bulletins: tuple[Bulletin, ...] = ()
    notifications: tuple[Notification, ...] = ()
    memory: str = ""  # who spoke of what, kept for the day


def look(
    store: Store, sources: Sequence[Source], limits: BlindLimits, now: datetime
) -> Watch | None:
    """What can be seen of what is watched live; None when nothing is."""
    enabled = [source for source in sources if source.enabled]
    began = store.first_fetch_at(source.name for source in enabled)
    if began is None:
        return None
    feeds = {one.source.name: _feed(one) for one in heard(store, enabled, now)}
    memory = _memory(store, limits, now)
    found = informants(enabled, memory.by, memory.series, now)
    return Watch(feeds, found, limits, began, now, dump(memory))


def watch_over(
    store: Store,
    sources: Sequence[Source],
    routes: Routes,
    names: Names,
    document: Mapping[str, object],
    now: datetime,
) -> int:
    """One look at what is watched live, at most one a minute; how many changes of alerts and
    bulletins it wrote. `sources` are those watched live, none in a replay; `document` the rules."""
    last = store.get(LOOKED)
    if not sources or (last and now - utc(last) < EVERY):
        return 0
    watch = look(store, sources, read_blind(document), now)
    with store.begin() as tx:
        done = step(watch, tx.blind_spells(), tx.open_alerts(), routes, names)
        keep(tx, done)
        tx.put(LOOKED, now.isoformat())
    return len(done.changes) + len(done.bulletins)


def step(
    watch: Watch | None,
    lasting: Sequence[BlindSpell],
    firing: Sequence[Alert],
    routes: Routes,
    names: Names,
) -> Step:
    """What begins, lasts too long, or ends, and who is told; nothing where nothing is watched."""
    if watch is None:
        return Step()
    turn = spells(watch, lasting)
    sources = {name: feed.source for name, feed in watch.feeds.items()}
    told = bulletins(turn, routes, names, sources, watch.now)
    return Step(
        spells=turn.spells,
        changes=tuple(sights(watch, firing)),
        bulletins=tuple(bulletin for bulletin, _ in told),
        notifications=tuple(carry(bulletin, receiver) for bulletin, receiver in told),
        memory=watch.memory,
    )


def keep(tx: Store, done: Step) -> None:
    """Write a step on an open transaction; its changes go the way of all changes."""
    if done.memory and tx.get(KEPT) != done.memory:
        tx.put(KEPT, done.memory)
    tx.save_spells(done.spells)
    tx.save_changes(done.changes)
    if done.bulletins:
        tx.save_bulletins(done.bulletins, done.notifications)


def _feed(one: Heard) -> Feed:
    until = believed_until(one.source, one.state, one.good, one.polling.news_at)
    return Feed(one.source, one.state, until)


@dataclass(frozen=True, slots=True)
class Memory:
    """Who spoke of what, as read on that day: reading it means reading half a year of events."""

    on: str
    by: Mapping[str, Sequence[str]]  # subject -> sources that gave evidence on it
    series: Sequence[tuple[str, str]]  # (item of series, source), of items of ours only


def _memory(store: Store, limits: BlindLimits, now: datetime) -> Memory:
    today = now.date().isoformat()
    kept = json.loads(store.get(KEPT) or "{}")
    if kept.get("on") == today and "codes" in kept:
        return Memory(today, kept["by"], [(code, name) for code, name in kept["codes"]])
    found = store.informants(now - limits.evidence)
    by = {subject: sorted(names) for subject, names in sorted(found.items())}
    return Memory(today, by, [pair for pair in store.item_sources() if named(pair[0])])


def dump(memory: Memory) -> str:
    return json.dumps({"on": memory.on, "by": memory.by, "codes": memory.series})
