"""Does the scheduler work? Judged by what it left in the store, so that a process that hangs is seen
from another one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.words import say
from ews.liveness.beats import Missed
from ews.model import Polling, Source
from ews.spans import span
from ews.storage import Store
from scrapers.schedule import due_at

BEGAN = "run.began_at"  # keys of the store: when a scheduler last began to lead
SEEN = "run.seen_at"  # when its watch last looked
CYCLE = "cycle.done"  # the last cycle that was finished: at, took_s
PING = "beat.ping"  # how asking the dead man's switch went

SILENT_AFTER = timedelta(minutes=5)
CYCLES = 3  # a cycle may be late by so many
CYCLE_LEAST = timedelta(minutes=30)
FETCH_LATE = timedelta(minutes=30)
PING_PATIENCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that shows whether ews works."""

    name: str  # scheduler | cycles | collection | heartbeat | dead_mans_switch
    ok: bool
    en: str
    ko: str

    def text(self, lang: str) -> str:
        return self.ko if lang == "ko" else self.en


@dataclass(frozen=True, slots=True)
class Ping:
    """How asking the dead man's switch went."""

    at: datetime | None = None  # last try
    ok_at: datetime | None = None
    failures: int = 0  # in a row
    error: str = ""


def began_at(store: Store) -> datetime | None:
    """When a scheduler last began to lead here; None: `ews run` never ran on this store."""
    return _moment(store.get(BEGAN))


def seen_at(store: Store) -> datetime | None:
    return _moment(store.get(SEEN))


def cycle_done(store: Store) -> tuple[datetime | None, float | None]:
    """When the last cycle was finished, and how long it took, in seconds."""
    said = json.loads(store.get(CYCLE) or "{}")
    return _moment(said.get("at")), said.get("took_s")


def note_cycle(store: Store, at: datetime, took_s: float) -> None:
    store.put(CYCLE, json.dumps({"at": at.isoformat(), "took_s": round(took_s, 3)}))


def last_ping(store: Store) -> Ping:
    said = json.loads(store.get(PING) or "{}")
    return Ping(
        _moment(said.get("at")), _moment(said.get("ok_at")), said.get("failures", 0),
        said.get("error", ""),
    )  # fmt: skip


def keep_ping(store: Store, ping: Ping) -> None:
    store.put(PING, json.dumps({
        "at": ping.at.isoformat() if ping.at else None,
        "ok_at": ping.ok_at.isoformat() if ping.ok_at else None,
        "failures": ping.failures, "error": ping.error,
    }, ensure_ascii=False))  # fmt: skip


def signs(
    store: Store,
    sources: Sequence[Source],
    missed: Sequence[Missed],
    cycle_every_s: int,
    asks_switch: bool,
    now: datetime,
) -> list[Sign]:
    """Every sign at `now`; none where `ews run` never ran. `sources` are those that are asked here,
    `missed` the heartbeats that did not come, `asks_switch` says that heartbeat_url is set."""
    began = began_at(store)
    if began is None:
        return []
    found = [
        _aged("scheduler", seen_at(store) or began, SILENT_AFTER, now),
        _aged("cycles", max(filter(None, (cycle_done(store)[0], began))),
              max(timedelta(seconds=CYCLES * cycle_every_s), CYCLE_LEAST), now),
        _collection(store, sources, began, now),
        _heartbeat(missed),
    ]  # fmt: skip
    return [*found, _switch(last_ping(store), began, now)] if asks_switch else found


def late_sources(
    sources: Iterable[Source], pollings: dict[str, Polling], now: datetime
) -> list[str]:
    """Sources whose turn should have come half an hour ago or more."""
    late = []
    for one in sources:
        polling = pollings.get(one.name)
        due = due_at(one, polling, now) if polling and polling.next_due else None
        if due is not None and now - due >= FETCH_LATE:
            late.append(one.name)
    return sorted(late)


def _aged(name: str, at: datetime, limit: timedelta, now: datetime) -> Sign:
    return _sign(name, now - at <= limit, age=now - at, limit=limit)


def _collection(store: Store, sources: Sequence[Source], began: datetime, now: datetime) -> Sign:
    """Silent: nothing at all is asked while something is due. One late source is its own trouble."""
    pollings = store.pollings()
    late = late_sources(sources, pollings, now)
    tried, _ = store.newest_fetches(one.name for one in sources)
    if not (pollings or tried):  # nothing was ever asked here, so all of it was due at once
        late = [one.name for one in sources]
    if not late:
        return _sign("collection", True, late=0)
    newest = max([began, *(fetch.at for fetch in tried.values())])
    ok = now - newest < FETCH_LATE
    return _sign("collection", ok, age=now - newest, late=len(late))


def _heartbeat(missed: Sequence[Missed]) -> Sign:
    names = [
        f"{one.receiver} {one.due:%Y-%m-%d %H:%M} UTC ({one.why[:160] or one.kind})"
        for one in missed
    ]
    return _sign("heartbeat", not missed, names="; ".join(names), n=len(missed))


def _switch(ping: Ping, began: datetime, now: datetime) -> Sign:
    good = max(filter(None, (ping.ok_at, began)))
    ok = ping.failures == 0 or now - good <= PING_PATIENCE
    return _sign("dead_mans_switch", ok, n=ping.failures, error=ping.error or "-")


def _sign(name: str, ok: bool, **facts: object) -> Sign:
    key = f"pulse.{name}_ok" if ok else f"pulse.{name}"
    en, ko = (
        say(key, lang, **{
            fact: span(value.total_seconds(), lang) if isinstance(value, timedelta) else value
            for fact, value in facts.items()
        })
        for lang in ("en", "ko")
    )  # fmt: skip
    return Sign(name, ok, en, ko)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
